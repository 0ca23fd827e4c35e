// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FutureReferenceSlot, InvalidClock, ReferenceSlotTooOld} from "../src/BeaconClock.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianSigned, StaleReferenceSlot} from "../src/GuardianSigned.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveHistory} from "../src/ReserveHistory.sol";
import {AggregatorInterface} from "../src/interfaces/AggregatorInterface.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {FeedFixture} from "./FeedFixture.sol";

/// @title Reports of reserves, and the feed that shows them
contract ReserveFeedTest is FeedFixture {
    function test_a_report_becomes_the_answer() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        bytes32 digest = feed.hashReport(report);
        Signature memory signature = FrostSigner.sign(SECRET, digest);
        uint256 total = assetsOf(report);
        vm.expectEmit(address(feed));
        emit ReserveFeed.ReserveReported(
            FIRST_SLOT, digest, ROOT, total, 109_876_543_210_987 gwei, 103_234_567_890_123 gwei
        );
        vm.prank(STRANGER);
        feed.submitReport(packed(report), signature);

        assertRound(total, FIRST_SLOT);
        assertLatest(report);
    }

    function test_before_the_first_report_there_is_no_answer() public {
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestRoundData();
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, 0));
        feed.getRoundData(0);
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestReport();
        vm.assertTrue(feed.isStale(), "stale");
        vm.assertEq(feed.lastReferenceSlot(), 0, "last reference slot");
    }

    function testFuzz_the_last_report_of_each_interval_is_kept(uint8 reports, uint16[] calldata steps) public {
        vm.assume(steps.length > 0);
        uint64 slot = FIRST_SLOT;
        uint64[] memory slots = new uint64[](1 + reports % 32);
        for (uint256 i = 0; i < slots.length; ++i) {
            slot += 1 + steps[i % steps.length] % 20_000;
            slots[i] = slot;
            vm.warp(timeOf(slot) + 600);
            submit(reportAt(slot));
            (uint80 round,,,,) = feed.latestRoundData();
            vm.assertEq(round, slot, "latest");
        }
        for (uint256 i = 0; i < slots.length; ++i) {
            bool last = i + 1 == slots.length || slots[i] / 7200 != slots[i + 1] / 7200;
            if (last && slots[i] / 7200 + 128 > slot / 7200) {
                (uint80 round, int256 answer,, uint256 updatedAt, uint80 answeredIn) = feed.getRoundData(slots[i]);
                vm.assertTrue(round == slots[i] && answeredIn == round && answer > 0, "round");
                vm.assertEq(updatedAt, timeOf(slots[i]), "time");
                vm.assertEq(feed.reportNear(slots[i] / 7200 * 7200).referenceSlot, slots[i], "near");
            } else {
                vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, slots[i]));
                feed.getRoundData(slots[i]);
            }
        }
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, slot + 1));
        feed.getRoundData(slot + 1);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, type(uint80).max));
        feed.getRoundData(type(uint80).max);
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.reportNear(slot + 7200);
    }

    function test_what_is_long_stale_is_not_read_and_what_left_the_ring_is_forgotten() public {
        submit(reportAt(FIRST_SLOT));
        // A heartbeat and a window are 51 hours: two intervals, the one that has begun, and one more.
        uint64 begin = FIRST_SLOT / 7200 * 7200;
        vm.warp(timeOf(begin + 4 * 7200) - 1);
        vm.assertEq(feed.latestReport().referenceSlot, FIRST_SLOT, "still read");
        vm.warp(timeOf(begin + 4 * 7200));
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestReport();
        vm.assertTrue(feed.isStale(), "stale");
        vm.warp(timeOf(begin + 128 * 7200) - 1);
        (uint80 round,,,,) = feed.getRoundData(FIRST_SLOT);
        vm.assertEq(round, FIRST_SLOT, "kept");
        vm.warp(timeOf(begin + 128 * 7200));
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, FIRST_SLOT));
        feed.getRoundData(FIRST_SLOT);
        // The interval that has begun has the place of the old report.
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestReport();
        vm.assertEq(feed.lastReferenceSlot(), FIRST_SLOT, "and yet the last one");
        // The place in the ring is that of the old report.
        submit(reportAt(begin + 128 * 7200));
        assertLatest(reportAt(begin + 128 * 7200));
    }

    function test_reading_costs_the_same_after_any_silence() public {
        submit(reportAt(FIRST_SLOT));
        vm.warp(timeOf(FIRST_SLOT) + 120 days);
        vm.cool(address(feed));
        feed.latestAnswer();
        vm.assertLe(uint256(vm.lastCallGas().gasTotalUsed), 12_000, "four places of the ring");
    }

    function test_who_speaks_the_older_interface_is_answered_and_never_refused() public {
        vm.assertEq(feed.latestAnswer(), int256(0), "no answer");
        vm.assertEq(feed.latestTimestamp() | feed.latestRound() | feed.getTimestamp(FIRST_SLOT), 0, "no time");
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        int256 total = SafeCast.toInt256(assetsOf(report));
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.expectEmit(address(feed));
        emit AggregatorInterface.AnswerUpdated(total, FIRST_SLOT, timeOf(FIRST_SLOT));
        feed.submitReport(packed(report), signature);
        vm.assertEq(feed.latestAnswer(), total, "answer");
        vm.assertEq(feed.latestTimestamp(), timeOf(FIRST_SLOT), "time");
        vm.assertEq(feed.latestRound(), FIRST_SLOT, "round");
        vm.assertEq(feed.getAnswer(FIRST_SLOT), total, "answer of the round");
        vm.assertEq(feed.getTimestamp(FIRST_SLOT), timeOf(FIRST_SLOT), "time of the round");
        vm.assertEq(feed.getAnswer(FIRST_SLOT + 1), int256(0), "no other round");
        vm.assertEq(
            feed.getAnswer(type(uint256).max) | feed.getAnswer(uint256(FIRST_SLOT) + 2 ** 64), int256(0), "none"
        );
    }

    function test_whoever_asks_without_wanting_a_revert_is_told() public {
        (bool valid, uint256 assets, uint256 liabilities, uint256 updatedAt) = feed.tryRead();
        vm.assertTrue(!valid && assets | liabilities | updatedAt == 0, "nothing yet");
        submit(reportAt(FIRST_SLOT));
        (valid, assets, liabilities, updatedAt) = feed.tryRead();
        vm.assertTrue(valid, "valid");
        vm.assertEq(assets, assetsOf(reportAt(FIRST_SLOT)), "assets");
        vm.assertEq(liabilities, 109_876.543210987 ether, "liabilities");
        vm.assertEq(updatedAt, timeOf(FIRST_SLOT), "time");
        vm.warp(timeOf(FIRST_SLOT) + HEARTBEAT + 1);
        (valid,,,) = feed.tryRead();
        vm.assertFalse(valid, "stale");
    }

    function test_a_pause_of_the_keys_makes_the_feed_stale_at_once() public {
        submit(reportAt(FIRST_SLOT));
        vm.prank(VETOER);
        keys.pause();
        vm.assertTrue(feed.isStale(), "paused");
        (bool valid,,,) = feed.tryRead();
        vm.assertFalse(valid, "to be relied on");
        vm.prank(GOVERNOR);
        keys.unpause();
        vm.assertFalse(feed.isStale(), "over");
    }

    function test_a_report_older_than_a_short_ring_is_refused() public {
        ReserveFeed.Clock memory clock = clockOf(1, 12 hours, address(0));
        clock.historyEpochs = 1;
        feed = newFeed(clock, twoVaults());
        uint64 slot = FIRST_SLOT / 32 * 32;
        vm.warp(timeOf(slot + 128 * 32));
        expectRefused(reportAt(slot), abi.encodeWithSelector(ReferenceSlotTooOld.selector, slot, timeOf(slot)));
        submit(reportAt(slot + 32));
        assertLatest(reportAt(slot + 32));
    }

    function testFuzz_what_is_reported_is_what_is_read(
        uint24 count,
        uint56 validators,
        uint56 pods,
        uint56 vaults,
        uint56 pending,
        uint32 slot
    ) public {
        vm.assume(uint256(validators) + pods + vaults + pending > 0 && slot > 0);
        vm.warp(timeOf(slot));
        ReserveFeed.Report memory report = reportAt(slot);
        (report.validatorCount, report.validatorGwei, report.podGwei) = (count, validators, pods);
        (report.vaultGwei, report.pendingGwei, report.liabilityGwei) = (vaults, pending, type(uint56).max - vaults);
        submit(report);
        assertRound(assetsOf(report), slot);
        assertLatest(report);
    }

    function testFuzz_the_reference_slot_rises_strictly(uint64 slot) public {
        submit(reportAt(FIRST_SLOT));
        slot = uint64(bound(slot, 0, FIRST_SLOT));
        expectRefused(reportAt(slot), abi.encodeWithSelector(StaleReferenceSlot.selector, slot, FIRST_SLOT));
        submit(reportAt(FIRST_SLOT + 1));
    }

    function test_a_second_report_of_the_same_slot_is_refused() public {
        submit(reportAt(FIRST_SLOT));
        ReserveFeed.Report memory other = reportAt(FIRST_SLOT);
        other.vaultGwei++;
        bytes memory why = abi.encodeWithSelector(StaleReferenceSlot.selector, FIRST_SLOT, FIRST_SLOT);
        expectRefused(reportAt(FIRST_SLOT), why);
        expectRefused(other, why);
    }

    function testFuzz_a_slot_that_has_not_come_is_refused(uint64 slot) public {
        vm.warp(timeOf(FIRST_SLOT));
        slot = uint64(bound(slot, FIRST_SLOT + 1, type(uint32).max));
        bytes memory why = abi.encodeWithSelector(FutureReferenceSlot.selector, slot, timeOf(slot));
        expectRefused(reportAt(slot), why);
        vm.warp(timeOf(slot) - 1);
        expectRefused(reportAt(slot), why);
        vm.warp(timeOf(slot));
        submit(reportAt(slot));
    }

    function test_a_report_of_nothing_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        (report.validatorGwei, report.podGwei, report.vaultGwei, report.pendingGwei) = (0, 0, 0, 0);
        expectRefused(report, abi.encodeWithSelector(ReserveFeed.EmptyReserves.selector));
        report.pendingGwei = 1;
        submit(report);
        assertRound(1 gwei, FIRST_SLOT);
    }

    function testFuzz_values_that_cannot_be_stored_are_refused(uint64 value, uint256 field) public {
        value = uint64(bound(value, 1 << 58, type(uint64).max));
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        field = field % 3;
        if (field == 0) report.validatorGwei = value;
        if (field == 1) report.liabilityGwei = value;
        if (field == 2) (report.podGwei, report.vaultGwei, report.pendingGwei) = (value, 0, 0);
        expectRefused(report, tooWide(58, value));
        report = reportAt(FIRST_SLOT);
        report.validatorCount = uint64(type(uint24).max) + 1;
        expectRefused(report, tooWide(24, report.validatorCount));
    }

    function testFuzz_a_report_is_packed_as_it_is_or_refused(uint256 field, uint64 value) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        field = field % 4;
        if (field == 0) report.keyEpoch = value;
        if (field == 1) report.referenceSlot = value;
        if (field == 2) report.sourcesVersion = value;
        if (field == 3) report.validatorCount = value;
        if (value > type(uint32).max) {
            vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 32, value));
            feed.packReport(report);
        } else {
            vm.assertEq(abi.encode(feed.packReport(report)), abi.encode(packed(report)), "packed");
        }
    }

    function test_what_was_counted_before_a_change_of_the_sources_does_not_count_after_it() public {
        vm.prank(GOVERNOR);
        feed.setSources(sourcesOf(new address[](0)));
        vm.assertEq(feed.sourcesVersion(), 2, "version");
        expectRefused(reportAt(FIRST_SLOT), abi.encodeWithSelector(ReserveFeed.OtherSources.selector, 1, 2));
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        report.sourcesVersion = 2;
        submit(report);
        report.referenceSlot++;
        submit(report);
        vm.prank(GOVERNOR);
        feed.setSources(sourcesOf(twoVaults()));
        assertLatest(report);
        report.referenceSlot++;
        expectRefused(report, abi.encodeWithSelector(ReserveFeed.OtherSources.selector, 2, 3));
        report.sourcesVersion = 3;
        submit(report);
        assertLatest(report);
        // Not the low bits alone.
        report.referenceSlot++;
        report.sourcesVersion = 3 + (1 << 24);
        expectRefused(report, abi.encodeWithSelector(ReserveFeed.OtherSources.selector, report.sourcesVersion, 3));
    }

    function test_kinds_that_together_cannot_be_stored_are_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        (report.podGwei, report.vaultGwei, report.pendingGwei) = (1 << 57, (1 << 57) - 1, 1);
        expectRefused(report, tooWide(58, 1 << 58));
        report.pendingGwei = 0;
        submit(report);
        assertLatest(report);
    }

    function testFuzz_every_signed_field_is_bound(uint256 field, uint8 bit) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        field = field % 9;
        // Small enough to pass every other check; the epoch has its own test.
        if (field == 0) report.referenceSlot ^= uint64(1) << (bit % 8);
        if (field == 1) report.referenceRoot ^= bytes32(uint256(1) << bit);
        if (field == 2) report.validatorCount ^= uint64(1) << (bit % 24);
        if (field == 3) report.validatorGwei ^= uint64(1) << (bit % 56);
        if (field == 4) report.podGwei ^= uint64(1) << (bit % 56);
        if (field == 5) report.vaultGwei ^= uint64(1) << (bit % 56);
        if (field == 6) report.pendingGwei ^= uint64(1) << (bit % 56);
        if (field == 8) report.supplyGwei ^= uint64(1) << (bit % 64);
        if (field == 7) report.liabilityGwei ^= uint64(1) << (bit % 56);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(packed(report), signature);
        feed.submitReport(packed(reportAt(FIRST_SLOT)), signature);
    }

    function test_a_report_of_an_earlier_key_epoch_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        rotate();
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        feed.submitReport(packed(report), signature);
        report.keyEpoch = 2;
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(packed(report), signature);
        feed.submitReport(packed(report), FrostSigner.sign(NEXT_SECRET, feed.hashReport(report)));
    }

    function test_a_report_for_another_feed_is_refused() public {
        ReserveFeed other = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, other.hashReport(report));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(packed(report), signature);
    }

    function test_a_report_for_another_chain_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.chainId(560048);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(packed(report), signature);
    }

    function testFuzz_truncated_calldata_is_refused(uint256 length) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        bytes memory input = abi.encodeCall(ReserveFeed.submitReport, (packed(report), signature));
        length = bound(length, 0, input.length - 1);
        assembly ("memory-safe") {
            mstore(input, length)
        }
        (bool success,) = address(feed).call(input);
        vm.assertFalse(success, "truncated");
    }

    function testFuzz_an_answer_is_stale_after_the_heartbeat(uint32 later) public {
        submit(reportAt(FIRST_SLOT));
        vm.warp(timeOf(FIRST_SLOT) + later);
        vm.assertTrue(feed.isStale() == (later > HEARTBEAT), "stale");
    }

    function test_the_clock_and_the_feed_describe_themselves() public view {
        vm.assertEq(feed.decimals(), 18, "decimals");
        vm.assertEq(feed.version(), 2, "version");
        vm.assertEq(feed.maxChangeBps(), MAX_CHANGE_BPS, "limit of change");
        vm.assertEq(feed.intervalSlots(), 7200, "slots in an interval");
        vm.assertTrue(bytes(feed.description()).length > 0, "description");
        vm.assertEq(address(feed.keys()), address(keys), "keys");
        vm.assertEq(feed.genesisTime(), GENESIS_TIME, "genesis time");
        vm.assertEq(feed.secondsPerSlot(), SECONDS_PER_SLOT, "seconds per slot");
        vm.assertEq(feed.slotsPerEpoch(), SLOTS_PER_EPOCH, "slots per epoch");
        vm.assertEq(feed.heartbeat(), HEARTBEAT, "heartbeat");
        vm.assertEq(feed.reportPeriodEpochs(), REPORT_PERIOD, "period");
        vm.assertEq(feed.owner(), GOVERNOR, "governor");
    }

    function test_keys_must_be_a_contract() public {
        keys = GuardianKeys(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(GuardianSigned.KeysWithoutCode.selector, STRANGER));
        newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
    }

    function test_a_history_that_forgets_a_fresh_answer_is_refused() public {
        ReserveFeed.Clock memory clock = clockOf(1, 127 * 32 * 12, address(0));
        clock.historyEpochs = 1;
        newFeed(clock, twoVaults());
        clock.heartbeat++;
        vm.expectRevert(ReserveFeed.ShortHistory.selector);
        newFeed(clock, twoVaults());
    }

    function test_a_clock_without_length_is_refused() public {
        ReserveFeed.Clock memory clock = clockOf(1, HEARTBEAT, address(0));
        clock.secondsPerSlot = 0;
        vm.expectRevert(InvalidClock.selector);
        newFeed(clock, twoVaults());
        clock = clockOf(1, HEARTBEAT, address(0));
        clock.slotsPerEpoch = 0;
        vm.expectRevert(ReserveHistory.InvalidInterval.selector);
        newFeed(clock, twoVaults());
        vm.expectRevert(InvalidClock.selector);
        newFeed(clockOf(1, HEARTBEAT, STRANGER), twoVaults());
    }

    function assertRound(uint256 expectedAnswer, uint64 slot) private view {
        uint256 expectedRound = slot;
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        vm.assertEq(round, expectedRound, "round");
        vm.assertEq(answer, SafeCast.toInt256(expectedAnswer), "answer");
        vm.assertEq(startedAt, timeOf(slot), "started at");
        vm.assertEq(updatedAt, timeOf(slot), "updated at");
        vm.assertEq(answeredIn, expectedRound, "answered in");
    }

    function tooWide(uint256 bits, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReserveFeed.ValueTooLarge.selector, bits, value);
    }
}
