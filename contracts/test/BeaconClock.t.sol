// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {
    FutureReferenceSlot,
    ReferenceSlotTooOld,
    UnknownReferenceRoot,
    WrongReferenceRoot
} from "../src/BeaconClock.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title References against the clock, and against the chain's own beacon roots
contract BeaconClockTest is Predeploys {
    uint64 private constant WINDOW = 8191;
    uint64 private constant FAR = FIRST_SLOT + 20_000;

    function setUp() public override {
        super.setUp();
        registry = newRegistry(keys, THRESHOLD, BEACON_ROOTS, WITHDRAWAL_REQUESTS);
        feed = newFeed(clockOf(REPORT_PERIOD, HEARTBEAT, BEACON_ROOTS), twoVaults());
    }

    function test_a_root_that_the_chain_knows_is_accepted() public {
        beginBlock(FIRST_SLOT + 1, ROOT);
        submitOrder(FIRST_SLOT, listOf(2));
        submit(reportAt(FIRST_SLOT));
        vm.assertEq(registry.lastReferenceSlot(), FIRST_SLOT, "order");
        vm.assertEq(feed.lastReferenceSlot(), FIRST_SLOT, "report");
    }

    function testFuzz_any_other_root_is_refused(bytes32 other) public {
        vm.assume(other != ROOT);
        beginBlock(FIRST_SLOT + 1, other);
        bytes memory why = abi.encodeWithSelector(WrongReferenceRoot.selector, ROOT, other);
        expectOrderRefused(FIRST_SLOT, why);
        expectReportRefused(FIRST_SLOT, why);
    }

    function testFuzz_missed_slots_are_passed_over(uint8 missed) public {
        uint64 next = FIRST_SLOT + 1 + missed % 40;
        beginBlock(next, ROOT);
        // The block after the next has another parent.
        beginBlock(next + 1, keccak256("later"));
        if (missed % 40 < 32) {
            submitOrder(FIRST_SLOT, listOf(1));
            submit(reportAt(FIRST_SLOT));
        } else {
            bytes memory why = abi.encodeWithSelector(UnknownReferenceRoot.selector, FIRST_SLOT);
            expectOrderRefused(FIRST_SLOT, why);
            expectReportRefused(FIRST_SLOT, why);
        }
    }

    function test_a_block_at_an_earlier_time_in_the_same_place_of_the_ring_does_not_count() public {
        // The ring has 8191 places; the entry is told apart by its time.
        beginBlock(FIRST_SLOT + 1 - WINDOW, ROOT);
        expectOrderRefused(FIRST_SLOT, abi.encodeWithSelector(UnknownReferenceRoot.selector, FIRST_SLOT));
    }

    function test_a_slot_whose_successor_has_not_come_is_refused() public {
        vm.warp(timeOf(FIRST_SLOT) + 11);
        expectOrderRefused(FIRST_SLOT, abi.encodeWithSelector(UnknownReferenceRoot.selector, FIRST_SLOT));
    }

    function testFuzz_a_reference_counts_from_its_slot_to_the_end_of_the_window(uint32 age) public {
        uint256 time = timeOf(FAR);
        age = uint32(bound(age, 0, 3 * WINDOW * 12));
        vm.warp(time + age);
        beginBlock(FAR + 1, ROOT);
        if (age < 12) {
            expectOrderRefused(FAR, abi.encodeWithSelector(UnknownReferenceRoot.selector, FAR));
        } else if (age <= uint256(WINDOW) * 12) {
            submitOrder(FAR, listOf(1));
            submit(reportAt(FAR));
        } else {
            bytes memory why = abi.encodeWithSelector(ReferenceSlotTooOld.selector, FAR, time);
            expectOrderRefused(FAR, why);
            expectReportRefused(FAR, why);
        }
    }

    /// @dev What t guardians could do to a registry without a clock.
    function testFuzz_the_largest_slot_does_not_block_the_registry(uint64 slot) public {
        beginBlock(FIRST_SLOT + 1, ROOT);
        slot = uint64(bound(slot, FIRST_SLOT + 1000, type(uint64).max));
        expectOrderRefused(slot, abi.encodeWithSelector(FutureReferenceSlot.selector, slot, timeOf(slot)));
        expectOrderRefused(
            type(uint64).max,
            abi.encodeWithSelector(FutureReferenceSlot.selector, type(uint64).max, timeOf(type(uint64).max))
        );
        submitOrder(FIRST_SLOT, listOf(1));
    }

    function expectOrderRefused(uint64 slot, bytes memory why) private {
        EjectionRegistry.Order memory order = orderOf(1, slot, ROOT, listOf(1));
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
        vm.expectRevert(why);
        registry.submitOrder(order, signature);
    }

    function expectReportRefused(uint64 slot, bytes memory why) private {
        ReserveFeed.Report memory report = reportAt(slot);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.expectRevert(why);
        feed.submitReport(packed(report), signature);
    }
}
