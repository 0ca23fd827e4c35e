// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReservePolicy} from "../src/ReservePolicy.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {FeedFixture} from "./FeedFixture.sol";

/// @title What the governor can do about reports, and how much they may change without it
contract ReserveFeedPolicyTest is FeedFixture {
    function test_the_limit_of_change_is_above_0_and_at_most_all() public {
        vm.expectRevert(abi.encodeWithSelector(ReservePolicy.InvalidMaxChange.selector, 0));
        new ReserveFeed(keys, GOVERNOR, clockOf(1, HEARTBEAT, address(0)), 0, sourcesOf(twoVaults()));
        vm.expectRevert(abi.encodeWithSelector(ReservePolicy.InvalidMaxChange.selector, 10_001));
        new ReserveFeed(keys, GOVERNOR, clockOf(1, HEARTBEAT, address(0)), 10_001, sourcesOf(twoVaults()));
    }

    function test_the_governor_sets_the_period() public {
        vm.expectEmit(address(feed));
        emit ReservePolicy.ReportPeriodChanged(REPORT_PERIOD, 1);
        vm.prank(GOVERNOR);
        feed.setReportPeriod(1);
        vm.assertEq(feed.reportPeriodEpochs(), 1, "period");
    }

    function testFuzz_a_period_is_an_epoch_at_least_and_a_heartbeat_at_most(uint64 period) public {
        if (period % 2 == 0) period = uint64(bound(period, 0, 400));
        // A day has 225 epochs.
        if (period == 0 || period > 225) {
            vm.expectRevert(abi.encodeWithSelector(ReservePolicy.InvalidReportPeriod.selector, period));
        }
        vm.prank(GOVERNOR);
        feed.setReportPeriod(period);
    }

    function test_the_governor_sets_the_sources() public {
        vm.assertEq(abi.encode(feed.getSources()), abi.encode(sourcesOf(twoVaults())), "at first");
        ReservePolicy.Sources memory sources = ReservePolicy.Sources(accountsOf(64, 0), accountsOf(64, 64), address(0));
        vm.expectEmit(address(feed));
        emit ReservePolicy.SourcesChanged(sources);
        vm.prank(GOVERNOR);
        feed.setSources(sources);
        vm.assertEq(abi.encode(feed.getSources()), abi.encode(sources), "more");
        sources = ReservePolicy.Sources(new address[](0), new address[](0), TOKEN);
        vm.prank(GOVERNOR);
        feed.setSources(sources);
        vm.assertEq(abi.encode(feed.getSources()), abi.encode(sources), "none");
    }

    function test_sources_are_bounded_distinct_and_not_zero() public {
        expectRefusedVaults(accountsOf(65, 0), abi.encodeWithSelector(ReservePolicy.TooManyAccounts.selector, 65));
        address[] memory vaults = accountsOf(3, 0);
        vaults[2] = vaults[0];
        expectRefusedVaults(vaults, abi.encodeWithSelector(ReservePolicy.InvalidAccount.selector, vaults[0]));
        vaults[2] = address(0);
        expectRefusedVaults(vaults, abi.encodeWithSelector(ReservePolicy.InvalidAccount.selector, address(0)));
        // What is a pod already is counted once.
        vaults[2] = onePod()[0];
        expectRefusedVaults(vaults, abi.encodeWithSelector(ReservePolicy.InvalidAccount.selector, vaults[2]));
    }

    function test_nobody_else_governs() public {
        bytes memory why = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.setReportPeriod(1);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.setSources(sourcesOf(twoVaults()));
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.confirmReport(ROOT);
    }

    function testFuzz_a_large_change_needs_the_governor(uint64 assets, uint64 liabilities) public {
        ReserveFeed.Report memory first = reportAt(FIRST_SLOT);
        (first.validatorGwei, first.podGwei, first.vaultGwei, first.pendingGwei) = (1e12, 0, 0, 0);
        first.liabilityGwei = 2e12;
        submit(first);
        ReserveFeed.Report memory next = reportAt(FIRST_SLOT + 1);
        (next.podGwei, next.vaultGwei, next.pendingGwei) = (0, 0, 0);
        next.validatorGwei = uint64(bound(assets, 0.9e12, 1.1e12));
        next.liabilityGwei = uint64(bound(liabilities, 1.8e12, 2.2e12));
        bool small = next.validatorGwei >= 0.95e12 && next.validatorGwei <= 1.05e12;
        bytes32 digest = feed.hashReport(next);
        if (!small) {
            expectRefused(next, changed(1e12, next.validatorGwei, digest));
        } else if (next.liabilityGwei < 1.9e12 || next.liabilityGwei > 2.1e12) {
            small = false;
            expectRefused(next, changed(2e12, next.liabilityGwei, digest));
        }
        if (!small) {
            vm.prank(GOVERNOR);
            feed.confirmReport(digest);
        }
        submit(next);
        assertLatest(next);
    }

    function test_the_largest_change_is_allowed_and_no_larger_one() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        (report.validatorGwei, report.podGwei, report.vaultGwei, report.pendingGwei) = (1e12, 0, 0, 0);
        submit(report);
        report.referenceSlot++;
        report.validatorGwei = 0.95e12 - 1;
        expectRefused(report, changed(1e12, 0.95e12 - 1, feed.hashReport(report)));
        report.validatorGwei = 1.05e12 + 1;
        expectRefused(report, changed(1e12, 1.05e12 + 1, feed.hashReport(report)));
        report.validatorGwei = 0.95e12;
        submit(report);
        assertLatest(report);
    }

    function test_a_confirmation_is_of_one_report() public {
        submit(reportAt(FIRST_SLOT));
        ReserveFeed.Report memory low = reportAt(FIRST_SLOT + 1);
        low.validatorGwei /= 2;
        ReserveFeed.Report memory lower = reportAt(FIRST_SLOT + 1);
        lower.validatorGwei /= 3;
        bytes32 digest = feed.hashReport(low);
        uint256 last = assetsOf(reportAt(FIRST_SLOT)) / 1 gwei;
        vm.expectEmit(address(feed));
        emit ReservePolicy.ReportConfirmed(digest);
        vm.prank(GOVERNOR);
        feed.confirmReport(digest);
        expectRefused(lower, changed(last, assetsOf(lower) / 1 gwei, feed.hashReport(lower)));
        // Confirmed is not signed.
        Signature memory forged = FrostSigner.sign(NEXT_SECRET, digest);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        feed.submitReport(packed(low), forged);
        submit(low);
        assertLatest(low);
    }

    function expectRefusedVaults(address[] memory vaults, bytes memory why) private {
        ReservePolicy.Sources memory sources = sourcesOf(vaults);
        vm.expectRevert(why);
        vm.prank(GOVERNOR);
        feed.setSources(sources);
        vm.expectRevert(why);
        newFeed(REPORT_PERIOD, HEARTBEAT, vaults);
        vm.assertEq(abi.encode(feed.getSources()), abi.encode(sourcesOf(twoVaults())), "sources");
    }

    function changed(uint256 last, uint256 next, bytes32 digest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReservePolicy.ChangeTooLarge.selector, last, next, digest);
    }

    function accountsOf(uint160 count, uint160 from) private pure returns (address[] memory accounts) {
        accounts = new address[](count);
        for (uint160 i = 0; i < count; ++i) {
            accounts[i] = address(0x1000 + from + i);
        }
    }
}
