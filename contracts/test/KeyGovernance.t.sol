// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {Governed} from "../src/Governed.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {Succession} from "../src/Succession.sol";
import {Vetoer} from "../src/Vetoer.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title The governor's way to another key: delay, veto, pause
contract KeyGovernanceTest is Fixture {
    uint256 private px;
    uint256 private py;

    function setUp() public override {
        super.setUp();
        (px, py) = FrostSigner.multiplyBase(NEXT_SECRET);
    }

    function test_a_proposed_key_begins_after_the_delay() public {
        uint64 readyAt = uint64(block.timestamp) + DELAY;
        Signature memory possession = FrostSigner.sign(NEXT_SECRET, keys.hashProposal(2, 1, px, py));
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyProposed(1, 2, px, py, readyAt);
        vm.prank(GOVERNOR);
        keys.propose(px, py, possession);
        requireSigner(SECRET, 1);

        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.ProposalNotReady.selector, readyAt));
        keys.execute();
        vm.warp(readyAt);
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyRotated(2, px, py);
        vm.prank(STRANGER);
        keys.execute();
        requireSigner(NEXT_SECRET, 2);
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.execute();
    }

    function test_a_proposal_expires() public {
        propose();
        uint64 until = uint64(block.timestamp) + DELAY + 14 days;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.ProposalExpired.selector, until));
        keys.execute();
        vm.warp(until);
        keys.execute();
    }

    function test_only_the_governor_proposes_and_one_key_at_a_time() public {
        Signature memory possession = FrostSigner.sign(NEXT_SECRET, keys.hashRotation(2, px, py));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        keys.propose(px, py, possession);
        propose();
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.ProposalWaits.selector, 1));
        vm.prank(GOVERNOR);
        keys.propose(px, py, possession);
    }

    function test_a_proposed_key_must_be_a_key_that_somebody_has() public {
        Signature memory possession = FrostSigner.sign(SECRET, keys.hashRotation(2, px, py));
        vm.expectRevert(GuardianKeys.InvalidProofOfPossession.selector);
        vm.prank(GOVERNOR);
        keys.propose(px, py, possession);
        vm.expectRevert(GuardianKeys.InvalidPublicKey.selector);
        vm.prank(GOVERNOR);
        keys.propose(px, py ^ 1, possession);
    }

    function test_a_proof_serves_one_proposal_and_no_rotation() public {
        (uint256 x, uint256 y) = FrostSigner.multiplyBase(SECRET);
        Signature memory possession = FrostSigner.sign(SECRET, keys.hashProposal(2, 1, x, y));
        vm.prank(GOVERNOR);
        keys.propose(x, y, possession);
        // The current key, proposed: else a stranger could begin the next epoch at once.
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(STRANGER);
        keys.rotate(x, y, possession, possession);
        vm.prank(VETOER);
        keys.veto();
        vm.expectRevert(GuardianKeys.InvalidProofOfPossession.selector);
        vm.prank(GOVERNOR);
        keys.propose(x, y, possession);
        Signature memory ofRotation = FrostSigner.sign(SECRET, keys.hashRotation(2, x, y));
        vm.expectRevert(GuardianKeys.InvalidProofOfPossession.selector);
        vm.prank(GOVERNOR);
        keys.propose(x, y, ofRotation);
    }

    function test_governor_vetoer_and_guardians_can_veto_and_nobody_else() public {
        propose();
        vm.expectRevert(abi.encodeWithSelector(Vetoer.NotGovernorOrVetoer.selector, STRANGER));
        vm.prank(STRANGER);
        keys.veto();
        expectVetoed(1, VETOER);
        vm.prank(VETOER);
        keys.veto();
        propose();
        expectVetoed(2, GOVERNOR);
        vm.prank(GOVERNOR);
        keys.veto();
        propose();
        Signature memory signature = FrostSigner.sign(SECRET, keys.hashVeto(1, 3));
        expectVetoed(3, address(keys));
        vm.prank(STRANGER);
        keys.vetoSigned(signature);
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.execute();
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        vm.prank(VETOER);
        keys.veto();
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.vetoSigned(signature);
    }

    function test_a_veto_is_of_one_proposal_and_signed_by_the_current_key() public {
        propose();
        Signature memory ofFirst = FrostSigner.sign(SECRET, keys.hashVeto(1, 1));
        vm.prank(GOVERNOR);
        keys.veto();
        propose();
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.vetoSigned(ofFirst);
        Signature memory byNew = FrostSigner.sign(NEXT_SECRET, keys.hashVeto(1, 2));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.vetoSigned(byNew);
    }

    function test_a_rotation_ends_the_proposal() public {
        propose();
        vm.recordLogs();
        rotate();
        vm.assertEq(vm.getRecordedLogs()[0].topics[0], GuardianKeys.KeyProposalDropped.selector, "told");
        (,,, uint64 readyAt,) = keys.proposal();
        vm.assertEq(readyAt, 0, "gone");
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.execute();
        requireSigner(NEXT_SECRET, 2);
    }

    function test_during_a_pause_no_signature_counts() public {
        Signature memory byOld = FrostSigner.sign(SECRET, keys.hashRotation(2, px, py));
        Signature memory byNew = FrostSigner.sign(NEXT_SECRET, keys.hashRotation(2, px, py));
        uint64 until = uint64(block.timestamp) + 3 * DELAY;
        vm.expectEmit(address(keys));
        emit GuardianKeys.Paused(VETOER, until);
        vm.prank(VETOER);
        keys.pause();
        vm.assertTrue(keys.isPaused() && keys.pausedUntil() == until, "paused");
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.KeysPaused.selector));
        vm.expectRevert(GuardianKeys.KeysPaused.selector);
        keys.rotate(px, py, byOld, byNew);
        (uint256 x,) = FrostSigner.multiplyBase(SECRET);
        (uint256 pausedX,) = keys.groupKey();
        vm.assertEq(pausedX, x, "the key can be read");

        vm.prank(VETOER);
        keys.pause();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, VETOER));
        vm.prank(VETOER);
        keys.unpause();
        vm.expectEmit(address(keys));
        emit GuardianKeys.Unpaused();
        vm.prank(GOVERNOR);
        keys.unpause();
        requireSigner(SECRET, 1);
        vm.expectRevert(GuardianKeys.NotPaused.selector);
        vm.prank(GOVERNOR);
        keys.unpause();
    }

    function test_a_pause_ends_by_itself_although_nobody_is_left_to_end_it() public {
        vm.prank(VETOER);
        keys.pause();
        vm.warp(keys.pausedUntil());
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.KeysPaused.selector));
        vm.warp(block.timestamp + 1);
        vm.assertFalse(keys.isPaused(), "over");
        requireSigner(SECRET, 1);
        requireNoSigner(SECRET, 2, abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 2, 1));
        uint256 state = vm.snapshotState();
        rotate();
        requireSigner(NEXT_SECRET, 2);
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        vm.assertEq(keys.pausedUntil(), 0, "a rotation cleans up");
        vm.revertToState(state);
        vm.prank(STRANGER);
        keys.unpause();
        requireSigner(SECRET, 1);
        rotate();
        requireSigner(NEXT_SECRET, 2);
    }

    function test_a_pause_after_a_pause_that_ended_by_itself() public {
        vm.prank(GOVERNOR);
        keys.pause();
        vm.warp(keys.pausedUntil() + 1);
        vm.prank(GOVERNOR);
        keys.pause();
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.KeysPaused.selector));
        vm.prank(GOVERNOR);
        keys.unpause();
        requireSigner(SECRET, 1);
    }

    function test_the_vetoer_pauses_once_and_the_governor_as_it_needs() public {
        vm.prank(VETOER);
        keys.pause();
        vm.assertFalse(keys.isVetoerArmed(), "armed");
        vm.prank(GOVERNOR);
        keys.unpause();
        rotate();
        vm.expectRevert(GuardianKeys.VetoerNotArmed.selector);
        vm.prank(VETOER);
        keys.pause();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, VETOER));
        vm.prank(VETOER);
        keys.armVetoer();
        vm.prank(GOVERNOR);
        keys.armVetoer();
        vm.prank(VETOER);
        keys.pause();
        vm.warp(block.timestamp + 1 days);
        vm.prank(GOVERNOR);
        keys.pause();
        vm.assertEq(keys.pausedUntil(), block.timestamp + 3 * DELAY, "extended");
    }

    function test_the_guardians_slow_a_governor_that_pauses_before_their_veto() public {
        propose();
        uint64 readyAt = uint64(block.timestamp) + DELAY;
        Signature memory veto = FrostSigner.sign(SECRET, keys.hashVeto(1, 1));
        Signature memory forged = FrostSigner.sign(NEXT_SECRET, keys.hashVeto(1, 1));
        vm.prank(GOVERNOR);
        keys.pause();
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.vetoSigned(forged);
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyProposalSlowed(1, readyAt + DELAY);
        keys.vetoSigned(veto);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.AlreadySlowed.selector, 1));
        keys.vetoSigned(veto);
        vm.warp(readyAt + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.ProposalNotReady.selector, readyAt + DELAY));
        keys.execute();
        // A thief gains no more than that: the pause holds until the key is replaced.
        vm.warp(readyAt + DELAY);
        vm.assertTrue(keys.isPaused(), "paused");
        keys.execute();
        vm.prank(GOVERNOR);
        keys.unpause();
        requireSigner(NEXT_SECRET, 2);
    }

    function test_the_guardians_veto_stops_a_proposal_when_the_pause_is_over() public {
        propose();
        Signature memory veto = FrostSigner.sign(SECRET, keys.hashVeto(1, 1));
        vm.prank(GOVERNOR);
        keys.pause();
        vm.warp(keys.pausedUntil() + 1);
        expectVetoed(1, address(keys));
        keys.vetoSigned(veto);
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.execute();
        vm.prank(GOVERNOR);
        keys.pause();
        veto = FrostSigner.sign(SECRET, keys.hashVeto(1, 1));
        vm.expectRevert(GuardianKeys.NoProposal.selector);
        keys.vetoSigned(veto);
    }

    function test_a_proposal_that_expired_makes_room() public {
        propose();
        vm.warp(block.timestamp + DELAY + 14 days);
        Signature memory possession = FrostSigner.sign(NEXT_SECRET, keys.hashRotation(2, px, py));
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.ProposalWaits.selector, 1));
        vm.prank(GOVERNOR);
        keys.propose(px, py, possession);
        vm.warp(block.timestamp + 1);
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyProposalDropped(1);
        propose();
        vm.warp(block.timestamp + DELAY);
        keys.execute();
        requireSigner(NEXT_SECRET, 2);
    }

    function test_a_vetoer_is_replaced_after_the_delay_even_against_its_will() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, VETOER));
        vm.prank(VETOER);
        keys.proposeVetoer(STRANGER);
        vm.expectRevert(Succession.NoSuccessor.selector);
        keys.replaceVetoer();
        uint64 readyAt = uint64(block.timestamp) + DELAY;
        vm.expectEmit(address(keys));
        emit Succession.SuccessorNamed(STRANGER, readyAt);
        vm.prank(GOVERNOR);
        keys.proposeVetoer(STRANGER);
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Succession.SuccessorNotReady.selector, readyAt));
        keys.replaceVetoer();
        // Until then the old one is the vetoer.
        propose();
        vm.prank(VETOER);
        keys.veto();
        vm.warp(readyAt);
        vm.expectEmit(address(keys));
        emit Vetoer.VetoerChanged(VETOER, STRANGER);
        keys.replaceVetoer();
        vm.expectRevert(abi.encodeWithSelector(Vetoer.NotGovernorOrVetoer.selector, VETOER));
        vm.prank(VETOER);
        keys.pause();
        vm.prank(STRANGER);
        keys.pause();
        vm.expectRevert(Succession.NoSuccessor.selector);
        keys.replaceVetoer();
    }

    function test_the_vetoer_hands_over_and_gains_no_second_pause_by_it() public {
        vm.prank(VETOER);
        keys.pause();
        vm.prank(GOVERNOR);
        keys.unpause();
        vm.expectRevert(abi.encodeWithSelector(Vetoer.NotVetoer.selector, GOVERNOR));
        vm.prank(GOVERNOR);
        keys.handOverVeto(STRANGER);
        vm.prank(VETOER);
        keys.handOverVeto(STRANGER);
        vm.assertEq(keys.vetoer(), STRANGER, "vetoer");
        vm.expectRevert(GuardianKeys.VetoerNotArmed.selector);
        vm.prank(STRANGER);
        keys.pause();
    }

    function test_no_governor_leaves() public {
        Governed[3] memory all = [Governed(keys), Governed(registry), Governed(feed)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(Governed.GovernorStays.selector);
            vm.prank(GOVERNOR);
            all[i].renounceOwnership();
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
            vm.prank(STRANGER);
            all[i].renounceOwnership();
        }
    }

    function test_a_key_in_wrong_hands_is_replaced_during_a_pause() public {
        vm.prank(GOVERNOR);
        keys.pause();
        propose();
        vm.warp(block.timestamp + DELAY);
        keys.execute();
        vm.assertTrue(keys.isPaused(), "the pause goes on");
        vm.assertEq(keys.keyEpoch(), 2, "epoch");
        requireNoSigner(NEXT_SECRET, 2, abi.encodeWithSelector(GuardianKeys.KeysPaused.selector));
        vm.prank(GOVERNOR);
        keys.unpause();
        requireSigner(NEXT_SECRET, 2);
        requireNoSigner(SECRET, 1, abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
    }

    function test_nobody_else_pauses() public {
        vm.expectRevert(abi.encodeWithSelector(Vetoer.NotGovernorOrVetoer.selector, STRANGER));
        vm.prank(STRANGER);
        keys.pause();
    }

    function test_the_delay_is_between_a_day_and_a_month() public {
        vm.expectRevert(abi.encodeWithSelector(Succession.InvalidDelay.selector, 1 days - 1));
        new GuardianKeys(px, py, GOVERNOR, VETOER, 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(Succession.InvalidDelay.selector, 30 days + 1));
        new GuardianKeys(px, py, GOVERNOR, VETOER, 30 days + 1);
        new GuardianKeys(px, py, GOVERNOR, address(0), 1 days);
        new GuardianKeys(px, py, GOVERNOR, VETOER, 30 days);
    }

    /// @dev Of both parities: what the hint says changes nothing but the price.
    function testFuzz_the_hint_changes_no_verdict(uint256 secret, uint256 hint, bytes32 digest) public {
        secret = bound(secret, 1, FrostSigner.N - 1);
        (uint256 x, uint256 y) = FrostSigner.multiplyBase(secret);
        GuardianKeys fresh = newKeys(x, y);
        (uint256 readX, uint256 readY) = fresh.groupKey();
        vm.assertTrue(readX == x && readY == y, "key");
        Signature memory signature = FrostSigner.sign(secret, digest);
        vm.assertEq(fresh.verifyHinted(1, hint, digest, signature), y & 1, "the next hint");
        fresh.verify(1, digest, signature);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        fresh.verifyHinted(1, hint, ~digest, signature);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 2, 1));
        fresh.verifyHinted(2, hint, digest, signature);
    }

    function propose() private {
        (,, uint64 last,,) = keys.proposal();
        Signature memory possession = FrostSigner.sign(NEXT_SECRET, keys.hashProposal(2, last + 1, px, py));
        vm.prank(GOVERNOR);
        keys.propose(px, py, possession);
    }

    function expectVetoed(uint64 number, address by) private {
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyVetoed(number, by);
    }

    function requireSigner(uint256 secret, uint64 epoch) private {
        keys.verify(epoch, ROOT, FrostSigner.sign(secret, ROOT));
    }

    function requireNoSigner(uint256 secret, uint64 epoch, bytes memory why) private {
        Signature memory signature = FrostSigner.sign(secret, ROOT);
        vm.expectRevert(why);
        keys.verify(epoch, ROOT, signature);
    }
}
