// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianSigned, StaleReferenceSlot} from "../src/GuardianSigned.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title Reports of reserves, and the feed that shows them
contract ReserveFeedTest is Fixture {
    function test_a_report_becomes_the_answer() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        bytes32 digest = feed.hashReport(report);
        Signature memory signature = FrostSigner.sign(SECRET, digest);
        uint256 total = uint256(report.validatorBalance) + report.vaultBalance;
        vm.expectEmit(address(feed));
        emit ReserveFeed.ReserveReported(FIRST_SLOT, ROOT, total, report.validatorCount);
        vm.prank(STRANGER);
        feed.submitReport(report, signature);

        assertRound(1, total, timeOf(FIRST_SLOT));
        assertLatest(1, report);
    }

    function test_before_the_first_report_there_is_no_answer() public {
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestRoundData();
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.getRoundData(0);
        vm.expectRevert(ReserveFeed.NoReport.selector);
        feed.latestReport();
        vm.assertTrue(feed.isStale(), "stale");
        vm.assertEq(feed.lastReferenceSlot(), 0, "last reference slot");
    }

    function test_only_the_latest_round_is_kept() public {
        submit(reportAt(FIRST_SLOT));
        submit(reportAt(FIRST_SLOT + 1));
        (uint80 round,,,, uint80 answeredIn) = feed.getRoundData(2);
        vm.assertEq(round, 2, "round");
        vm.assertEq(answeredIn, 2, "answered in");
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, 1, 2));
        feed.getRoundData(1);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, 3, 2));
        feed.getRoundData(3);
    }

    function testFuzz_what_is_reported_is_what_is_read(uint24 count, uint88 validators, uint88 vaults, uint32 slot)
        public
    {
        vm.assume(uint256(validators) + vaults > 0 && slot > 0);
        vm.warp(timeOf(slot));
        ReserveFeed.Report memory report = reportAt(slot);
        (report.validatorCount, report.validatorBalance, report.vaultBalance) = (count, validators, vaults);
        submit(report);
        assertRound(1, uint256(validators) + vaults, timeOf(slot));
        assertLatest(1, report);
    }

    function testFuzz_the_reference_slot_rises_strictly(uint64 slot) public {
        submit(reportAt(FIRST_SLOT));
        slot = uint64(bound(slot, 0, FIRST_SLOT));
        expectRefused(reportAt(slot), abi.encodeWithSelector(StaleReferenceSlot.selector, slot, FIRST_SLOT));
        submit(reportAt(FIRST_SLOT + 1));
    }

    function testFuzz_a_slot_that_has_not_come_is_refused(uint64 slot) public {
        vm.warp(timeOf(FIRST_SLOT));
        slot = uint64(bound(slot, FIRST_SLOT + 1, type(uint32).max));
        bytes memory why = abi.encodeWithSelector(ReserveFeed.FutureReferenceSlot.selector, slot, timeOf(slot));
        expectRefused(reportAt(slot), why);
        vm.warp(timeOf(slot) - 1);
        expectRefused(reportAt(slot), why);
        vm.warp(timeOf(slot));
        submit(reportAt(slot));
    }

    function test_a_report_of_nothing_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        (report.validatorBalance, report.vaultBalance) = (0, 0);
        expectRefused(report, abi.encodeWithSelector(ReserveFeed.EmptyReserves.selector));
        report.vaultBalance = 1;
        submit(report);
        assertRound(1, 1, timeOf(FIRST_SLOT));
    }

    function test_values_that_cannot_be_stored_are_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        report.validatorCount = uint64(type(uint24).max) + 1;
        expectRefused(report, tooWide(24, report.validatorCount));
        report = reportAt(FIRST_SLOT);
        report.validatorBalance = uint128(type(uint88).max) + 1;
        expectRefused(report, tooWide(88, report.validatorBalance));
        report = reportAt(FIRST_SLOT);
        report.vaultBalance = type(uint128).max;
        expectRefused(report, tooWide(88, report.vaultBalance));
        report = reportAt(uint64(type(uint32).max) + 1);
        vm.warp(timeOf(report.referenceSlot));
        expectRefused(report, tooWide(32, report.referenceSlot));
    }

    function test_the_rounds_do_not_run_into_the_other_fields() public {
        submit(reportAt(FIRST_SLOT));
        // The 2^24th round, some 200 years from now: the stored word with all its round bits set.
        bytes32 position = bytes32(uint256(4));
        vm.store(address(feed), position, vm.load(address(feed), position) | bytes32(uint256(type(uint24).max) << 32));
        (uint80 round,,,,) = feed.latestRoundData();
        vm.assertEq(round, type(uint24).max, "round");
        expectRefused(reportAt(FIRST_SLOT + 1), tooWide(24, 1 << 24));
    }

    function testFuzz_every_signed_field_is_bound(uint256 field, uint8 bit) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        field = field % 5;
        // Small enough to pass every other check; the epoch has its own test.
        if (field == 0) report.referenceSlot ^= uint64(1) << (bit % 8);
        if (field == 1) report.referenceRoot ^= bytes32(uint256(1) << bit);
        if (field == 2) report.validatorCount ^= uint64(1) << (bit % 24);
        if (field == 3) report.validatorBalance ^= uint128(1) << (bit % 88);
        if (field == 4) report.vaultBalance ^= uint128(1) << (bit % 88);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(report, signature);
        feed.submitReport(reportAt(FIRST_SLOT), signature);
    }

    function test_a_report_of_an_earlier_key_epoch_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        rotate();
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        feed.submitReport(report, signature);
        report.keyEpoch = 2;
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(report, signature);
        feed.submitReport(report, FrostSigner.sign(NEXT_SECRET, feed.hashReport(report)));
    }

    function test_a_report_for_another_feed_is_refused() public {
        ReserveFeed other = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, other.hashReport(report));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(report, signature);
    }

    function test_a_report_for_another_chain_is_refused() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.chainId(560048);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(report, signature);
    }

    function testFuzz_dirty_upper_bits_are_refused(uint256 field) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        bytes memory input = abi.encodeCall(ReserveFeed.submitReport, (report, signature));
        uint256[5] memory words = [uint256(0), 1, 3, 4, 5];
        input[4 + 32 * words[field % 5]] = 0x01;
        (bool success,) = address(feed).call(input);
        vm.assertFalse(success, "dirty");
    }

    function testFuzz_truncated_calldata_is_refused(uint256 length) public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        bytes memory input = abi.encodeCall(ReserveFeed.submitReport, (report, signature));
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
        vm.assertEq(feed.version(), 1, "version");
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

    function test_a_clock_without_length_is_refused() public {
        vm.expectRevert(ReserveFeed.InvalidClock.selector);
        new ReserveFeed(keys, GOVERNOR, GENESIS_TIME, 0, SLOTS_PER_EPOCH, 1, HEARTBEAT, twoVaults());
        vm.expectRevert(ReserveFeed.InvalidClock.selector);
        new ReserveFeed(keys, GOVERNOR, GENESIS_TIME, SECONDS_PER_SLOT, 0, 1, HEARTBEAT, twoVaults());
    }

    function test_the_governor_sets_the_period() public {
        vm.expectEmit(address(feed));
        emit ReserveFeed.ReportPeriodChanged(REPORT_PERIOD, 1);
        vm.prank(GOVERNOR);
        feed.setReportPeriod(1);
        vm.assertEq(feed.reportPeriodEpochs(), 1, "period");
    }

    function testFuzz_a_period_is_an_epoch_at_least_and_a_heartbeat_at_most(uint64 period) public {
        if (period % 2 == 0) period = uint64(bound(period, 0, 400));
        // A day has 225 epochs.
        if (period == 0 || period > 225) {
            vm.expectRevert(abi.encodeWithSelector(ReserveFeed.InvalidReportPeriod.selector, period));
        }
        vm.prank(GOVERNOR);
        feed.setReportPeriod(period);
    }

    function test_the_governor_sets_the_vaults() public {
        address[] memory one = new address[](1);
        one[0] = address(0xc33);
        vm.expectEmit(address(feed));
        emit ReserveFeed.VaultsChanged(one);
        vm.prank(GOVERNOR);
        feed.setVaults(one);
        vm.assertEq(abi.encode(feed.getVaults()), abi.encode(one), "fewer");
        vm.prank(GOVERNOR);
        feed.setVaults(vaultsOf(16));
        vm.assertEq(abi.encode(feed.getVaults()), abi.encode(vaultsOf(16)), "more");
        vm.prank(GOVERNOR);
        feed.setVaults(new address[](0));
        vm.assertEq(feed.getVaults().length, 0, "none");
    }

    function test_vaults_are_bounded_distinct_and_not_zero() public {
        expectRefusedVaults(vaultsOf(17), abi.encodeWithSelector(ReserveFeed.TooManyVaults.selector, 17));
        address[] memory vaults = vaultsOf(3);
        vaults[2] = vaults[0];
        expectRefusedVaults(vaults, abi.encodeWithSelector(ReserveFeed.InvalidVault.selector, vaults[0]));
        vaults[2] = address(0);
        expectRefusedVaults(vaults, abi.encodeWithSelector(ReserveFeed.InvalidVault.selector, address(0)));
    }

    function test_nobody_else_governs() public {
        bytes memory why = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.setReportPeriod(1);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.setVaults(twoVaults());
    }

    /// @dev Well signed, so that it is refused for `why` alone, and leaves nothing behind.
    function expectRefused(ReserveFeed.Report memory report, bytes memory why) private {
        uint64 last = feed.lastReferenceSlot();
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.expectRevert(why);
        feed.submitReport(report, signature);
        vm.assertEq(feed.lastReferenceSlot(), last, "last reference slot");
    }

    function expectRefusedVaults(address[] memory vaults, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(GOVERNOR);
        feed.setVaults(vaults);
        vm.expectRevert(why);
        newFeed(REPORT_PERIOD, HEARTBEAT, vaults);
        vm.assertEq(abi.encode(feed.getVaults()), abi.encode(twoVaults()), "vaults");
    }

    function assertRound(uint80 expectedRound, uint256 expectedAnswer, uint256 expectedTime) private view {
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        vm.assertEq(round, expectedRound, "round");
        vm.assertEq(answer, SafeCast.toInt256(expectedAnswer), "answer");
        vm.assertEq(startedAt, expectedTime, "started at");
        vm.assertEq(updatedAt, expectedTime, "updated at");
        vm.assertEq(answeredIn, expectedRound, "answered in");
    }

    function assertLatest(uint80 expectedRound, ReserveFeed.Report memory report) private view {
        (uint80 round, uint64 slot, uint64 count, uint128 validators, uint128 vaults) = feed.latestReport();
        vm.assertEq(round, expectedRound, "round");
        vm.assertEq(slot, report.referenceSlot, "slot");
        vm.assertEq(count, report.validatorCount, "count");
        vm.assertEq(validators, report.validatorBalance, "validators");
        vm.assertEq(vaults, report.vaultBalance, "vaults");
        vm.assertEq(feed.lastReferenceSlot(), report.referenceSlot, "last reference slot");
    }

    function tooWide(uint8 bits, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, bits, value);
    }

    function vaultsOf(uint160 count) private pure returns (address[] memory vaults) {
        vaults = new address[](count);
        for (uint160 i = 0; i < count; ++i) {
            vaults[i] = address(0x1000 + i);
        }
    }
}
