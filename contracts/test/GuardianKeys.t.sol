// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";
import {Vm} from "./Vm.sol";

/// @title The group key and its rotation
contract GuardianKeysTest is Fixture {
    bytes32 private constant DIGEST = keccak256("digest");

    uint256 private px;
    uint256 private py;
    uint256 private nextX;
    uint256 private nextY;

    function setUp() public override {
        super.setUp();
        (px, py) = FrostSigner.multiplyBase(SECRET);
        (nextX, nextY) = FrostSigner.multiplyBase(NEXT_SECRET);
    }

    function test_the_first_key_begins_epoch_1() public {
        vm.recordLogs();
        GuardianKeys fresh = newKeys(nextX, nextY);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "events: owner and key");
        vm.assertEq(logs[1].topics[0], GuardianKeys.KeyRotated.selector, "event");
        vm.assertEq(uint256(logs[1].topics[1]), 1, "event's epoch");
        vm.assertEq(logs[1].data, abi.encode(nextX, nextY), "event's key");
        assertKey(fresh, 1, nextX, nextY);
    }

    function test_a_key_that_cannot_be_used_is_not_deployed() public {
        vm.expectRevert(GuardianKeys.InvalidPublicKey.selector);
        newKeys(px, py ^ 1);
        vm.expectRevert(GuardianKeys.InvalidPublicKey.selector);
        newKeys(0, 0);
    }

    function testFuzz_keys_of_either_parity_verify(uint256 secret, bytes32 digest) public {
        secret = bound(secret, 1, FrostSigner.N - 1);
        (uint256 x, uint256 y) = FrostSigner.multiplyBase(secret);
        GuardianKeys other = newKeys(x, y);
        other.verify(1, digest, FrostSigner.sign(secret, digest));
    }

    function test_a_signature_of_another_key_is_refused() public {
        Signature memory signature = FrostSigner.sign(NEXT_SECRET, DIGEST);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.verify(1, DIGEST, signature);
    }

    function test_a_signature_over_another_digest_is_refused() public {
        Signature memory signature = FrostSigner.sign(SECRET, DIGEST);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.verify(1, DIGEST ^ bytes32(uint256(1)), signature);
    }

    function testFuzz_only_the_current_epoch_is_accepted(uint64 epoch) public {
        vm.assume(epoch != 1);
        Signature memory signature = FrostSigner.sign(SECRET, DIGEST);
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, epoch, 1));
        keys.verify(epoch, DIGEST, signature);
    }

    function test_dirty_upper_bits_in_the_epoch_are_refused() public {
        bytes memory input = abi.encodeCall(GuardianKeys.verify, (1, DIGEST, FrostSigner.sign(SECRET, DIGEST)));
        (bool success,) = address(keys).staticcall(input);
        vm.assertTrue(success, "clean");
        input[4] = 0x01;
        (success,) = address(keys).staticcall(input);
        vm.assertFalse(success, "dirty");
    }

    function testFuzz_truncated_calldata_is_refused(uint256 length) public {
        bytes memory input = abi.encodeCall(GuardianKeys.verify, (1, DIGEST, FrostSigner.sign(SECRET, DIGEST)));
        length = bound(length, 0, input.length - 1);
        assembly ("memory-safe") {
            mstore(input, length)
        }
        (bool success,) = address(keys).staticcall(input);
        vm.assertFalse(success, "truncated");
    }

    function test_all_zero_calldata_is_refused() public {
        Signature memory zeros;
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 0, 1));
        keys.verify(0, 0, zeros);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.verify(1, 0, zeros);
    }

    function test_rotation_replaces_the_key_and_begins_the_next_epoch() public {
        Signature memory old = FrostSigner.sign(SECRET, DIGEST);
        bytes32 digest = keys.hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        vm.expectEmit(address(keys));
        emit GuardianKeys.KeyRotated(2, nextX, nextY);
        vm.prank(STRANGER);
        keys.rotate(nextX, nextY, byOld, byNew);
        assertKey(keys, 2, nextX, nextY);

        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        keys.verify(1, DIGEST, old);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.verify(2, DIGEST, old);
        keys.verify(2, DIGEST, FrostSigner.sign(NEXT_SECRET, DIGEST));
    }

    function test_the_same_key_may_begin_the_next_epoch() public {
        bytes32 digest = keys.hashRotation(2, px, py);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, SECRET, digest);
        keys.rotate(px, py, byOld, byNew);
        assertKey(keys, 2, px, py);
    }

    function test_rotation_needs_the_old_key() public {
        bytes32 digest = keys.hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(NEXT_SECRET, NEXT_SECRET, digest);
        expectRefusedRotation(byOld, byNew, GuardianKeys.InvalidSignature.selector);
    }

    function test_rotation_needs_the_new_key() public {
        bytes32 digest = keys.hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, SECRET, digest);
        expectRefusedRotation(byOld, byNew, GuardianKeys.InvalidProofOfPossession.selector);
    }

    function test_signatures_in_the_wrong_order_are_refused() public {
        bytes32 digest = keys.hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        expectRefusedRotation(byNew, byOld, GuardianKeys.InvalidSignature.selector);
    }

    function testFuzz_rotation_is_signed_for_the_next_epoch_alone(uint64 epoch) public {
        vm.assume(epoch != 2);
        bytes32 digest = keys.hashRotation(epoch, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        expectRefusedRotation(byOld, byNew, GuardianKeys.InvalidSignature.selector);
    }

    function test_rotation_signed_for_another_contract_is_refused() public {
        bytes32 digest = newKeys(px, py).hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        expectRefusedRotation(byOld, byNew, GuardianKeys.InvalidSignature.selector);
    }

    function test_rotation_signed_for_another_chain_is_refused() public {
        bytes32 digest = keys.hashRotation(2, nextX, nextY);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        vm.chainId(560048);
        expectRefusedRotation(byOld, byNew, GuardianKeys.InvalidSignature.selector);
    }

    function test_rotation_cannot_be_replayed() public {
        bytes32 digest = keys.hashRotation(2, px, py);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, SECRET, digest);
        keys.rotate(px, py, byOld, byNew);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        keys.rotate(px, py, byOld, byNew);
    }

    function test_rotation_to_a_key_that_cannot_be_used_is_refused() public {
        bytes32 digest = keys.hashRotation(2, nextX, nextY ^ 1);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, NEXT_SECRET, digest);
        vm.expectRevert(GuardianKeys.InvalidPublicKey.selector);
        keys.rotate(nextX, nextY ^ 1, byOld, byNew);
    }

    function test_rotation_to_the_negated_key_needs_its_own_proof() public {
        // The negated key has the same x coordinate; its secret is known to whoever knows the first.
        bytes32 digest = keys.hashRotation(2, px, FrostSigner.P - py);
        (Signature memory byOld, Signature memory byNew) = bySecrets(SECRET, SECRET, digest);
        vm.expectRevert(GuardianKeys.InvalidProofOfPossession.selector);
        keys.rotate(px, FrostSigner.P - py, byOld, byNew);
        (byOld, byNew) = bySecrets(SECRET, FrostSigner.N - SECRET, digest);
        keys.rotate(px, FrostSigner.P - py, byOld, byNew);
        assertKey(keys, 2, px, FrostSigner.P - py);
        keys.verify(2, DIGEST, FrostSigner.sign(FrostSigner.N - SECRET, DIGEST));
    }

    function bySecrets(uint256 first, uint256 second, bytes32 digest)
        private
        returns (Signature memory, Signature memory)
    {
        return (FrostSigner.sign(first, digest), FrostSigner.sign(second, digest));
    }

    function expectRefusedRotation(Signature memory byOld, Signature memory byNew, bytes4 why) private {
        vm.expectRevert(why);
        keys.rotate(nextX, nextY, byOld, byNew);
        assertKey(keys, 1, px, py);
    }

    function assertKey(GuardianKeys which, uint64 epoch, uint256 x, uint256 y) private view {
        (uint256 currentX, uint256 currentY) = which.groupKey();
        vm.assertEq(currentX, x, "px");
        vm.assertEq(currentY, y, "py");
        vm.assertEq(which.keyEpoch(), epoch, "epoch");
    }
}
