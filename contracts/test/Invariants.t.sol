// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {Vm} from "./Vm.sol";

/// @title Guardians and strangers who submit whatever they like, in any order
contract Crowd is Fixture {
    uint256 public rotations;
    uint256 public reports;
    uint256 public orders;
    uint64 public lastReport;
    uint64 public lastOrder;
    bool public slotFell;
    bool public forgeryAccepted;

    uint256 private secret = SECRET;

    constructor() {
        setUp();
    }

    function report(uint64 slot, uint64 epoch, bool forged) external {
        ReserveFeed.Report memory given = reportAt(nearby(slot));
        given.keyEpoch = nearEpoch(epoch);
        Signature memory signature = FrostSigner.sign(forged ? secret + 1 : secret, feed.hashReport(given));
        try feed.submitReport(packed(given), signature) {
            if (forged || given.keyEpoch != keys.keyEpoch()) forgeryAccepted = true;
            if (given.referenceSlot <= lastReport) slotFell = true;
            lastReport = given.referenceSlot;
            reports++;
        } catch {}
    }

    function order(uint64 slot, uint64 epoch, uint8 count, bool forged) external {
        slot = nearby(slot);
        epoch = nearEpoch(epoch);
        bytes memory list = listOf(count % 4);
        bytes32 digest = registry.hashOrder(orderOf(epoch, slot, ROOT, list));
        Signature memory signature = FrostSigner.sign(forged ? secret + 1 : secret, digest);
        try registry.submitOrder(orderOf(epoch, slot, ROOT, list), signature) {
            if (forged || epoch != keys.keyEpoch() || list.length == 0) forgeryAccepted = true;
            if (slot <= lastOrder) slotFell = true;
            lastOrder = slot;
            orders++;
        } catch {}
    }

    function rotateTo(uint256 next, uint64 epoch, bool forged) external {
        next = bound(next, 1, FrostSigner.N - 2);
        epoch = nearEpoch(epoch);
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(next);
        bytes32 digest = keys.hashRotation(epoch, px, py);
        Signature memory byOld = FrostSigner.sign(forged ? secret + 1 : secret, digest);
        uint64 before = keys.keyEpoch();
        try keys.rotate(px, py, byOld, FrostSigner.sign(next, digest)) {
            if (forged || epoch != before + 1) forgeryAccepted = true;
            secret = next;
            rotations++;
        } catch {}
    }

    /// @dev Close enough to each other that slots repeat, fall and rise.
    function nearby(uint64 slot) private pure returns (uint64) {
        return FIRST_SLOT - 20 + slot % 300;
    }

    function nearEpoch(uint64 epoch) private view returns (uint64) {
        return keys.keyEpoch() + epoch % 2;
    }

    function stateMatches() external view returns (bool) {
        (uint256 px, uint256 py) = keys.groupKey();
        bool report_ = feed.lastReferenceSlot() == lastReport;
        bool order_ = registry.lastReferenceSlot() == lastOrder;
        bool round = true;
        if (reports > 0) {
            (uint80 roundId, int256 answer,,,) = feed.latestRoundData();
            round = roundId == lastReport && answer > 0;
        }
        return report_ && order_ && round && keys.keyEpoch() == rotations + 1 && px != 0 && py != 0;
    }
}

/// @title What no sequence of submissions changes
contract InvariantsTest is Fixture {
    Crowd private crowd;

    function setUp() public override {
        super.setUp();
        crowd = new Crowd();
    }

    /// @dev Tells forge what to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    /// @dev Everything of the crowd's but `setUp`.
    function targetSelectors() external view returns (Vm.FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](3);
        selectors[0] = Crowd.report.selector;
        selectors[1] = Crowd.order.selector;
        selectors[2] = Crowd.rotateTo.selector;
        targets = new Vm.FuzzSelector[](1);
        targets[0] = Vm.FuzzSelector(address(crowd), selectors);
    }

    function invariant_reference_slots_rise() external view {
        vm.assertFalse(crowd.slotFell(), "a reference slot fell");
    }

    function invariant_nothing_is_accepted_without_the_current_key() external view {
        vm.assertFalse(crowd.forgeryAccepted(), "a forgery was accepted");
    }

    function invariant_the_contracts_hold_what_was_accepted_and_nothing_else() external view {
        vm.assertTrue(crowd.stateMatches(), "state");
    }

    /// @dev Otherwise the invariants would hold of a crowd that never gets anything accepted.
    function test_the_crowd_can_have_its_way() external {
        crowd.report(25, 0, false);
        crowd.order(25, 0, 2, false);
        crowd.rotateTo(7, 1, false);
        crowd.report(26, 0, false);
        vm.assertEq(crowd.reports(), 2, "reports");
        vm.assertEq(crowd.orders(), 1, "orders");
        vm.assertEq(crowd.rotations(), 1, "rotations");
    }
}
