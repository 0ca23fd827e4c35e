// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveLimits} from "../src/ReserveLimits.sol";
import {ReservePolicy} from "../src/ReservePolicy.sol";
import {FeedFixture} from "./FeedFixture.sol";
import {Shares} from "./Fixture.sol";

/// @title What the governor says of reports
contract ReserveFeedPolicyTest is FeedFixture {
    function test_the_limit_of_change_is_above_0_and_at_most_all() public {
        vm.expectRevert(abi.encodeWithSelector(ReserveLimits.InvalidMaxChange.selector, 0));
        new ReserveFeed(keys, GOVERNOR, clockOf(1, HEARTBEAT, address(0)), 0, sourcesOf(twoVaults()));
        vm.expectRevert(abi.encodeWithSelector(ReserveLimits.InvalidMaxChange.selector, 10_001));
        new ReserveFeed(keys, GOVERNOR, clockOf(1, HEARTBEAT, address(0)), 10_001, sourcesOf(twoVaults()));
    }

    function test_the_governor_sets_the_period() public {
        vm.expectEmit(address(feed));
        emit ReservePolicy.ReportPeriodChanged(REPORT_PERIOD, 1);
        vm.prank(GOVERNOR);
        feed.setReportPeriod(1);
        vm.assertEq(feed.reportPeriodEpochs(), 1, "period");
    }

    function testFuzz_a_period_is_an_epoch_at_least_and_leaves_time_to_report(uint64 period) public {
        if (period % 2 == 0) period = uint64(bound(period, 0, 400));
        // A day has 225 epochs, of which four are left for finality and submission.
        if (period == 0 || period > 221) {
            vm.expectRevert(abi.encodeWithSelector(ReservePolicy.InvalidReportPeriod.selector, period));
        }
        vm.prank(GOVERNOR);
        feed.setReportPeriod(period);
    }

    function test_the_longest_period_leaves_four_epochs() public {
        vm.prank(GOVERNOR);
        feed.setReportPeriod(221);
        vm.expectRevert(abi.encodeWithSelector(ReservePolicy.InvalidReportPeriod.selector, 222));
        vm.prank(GOVERNOR);
        feed.setReportPeriod(222);
    }

    function test_the_governor_sets_the_sources() public {
        vm.assertEq(abi.encode(feed.getSources()), abi.encode(sourcesOf(twoVaults())), "at first");
        ReservePolicy.Sources memory sources = ReservePolicy.Sources(accountsOf(64, 0), accountsOf(64, 64), address(0));
        vm.expectEmit(address(feed));
        emit ReservePolicy.SourcesChanged(sources, 2);
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

    function test_the_token_is_a_vaults_share_of_18_decimals() public {
        Shares shares = new Shares();
        bytes memory decimals = abi.encodeCall(Shares.decimals, ());
        bytes memory worth = abi.encodeCall(Shares.convertToAssets, (1 ether));
        expectToken(address(shares), true);
        // No contract, one that is no token, and a token that is no vault's share.
        expectToken(STRANGER, false);
        expectToken(address(keys), false);
        vm.mockCall(address(keys), decimals, abi.encode(18));
        expectToken(address(keys), false);
        vm.mockCall(address(keys), worth, abi.encode(1 ether));
        expectToken(address(keys), true);
        vm.mockCall(address(keys), worth, "");
        expectToken(address(keys), false);
        uint256[3] memory others = [uint256(6), 17, 18 + 256];
        for (uint256 i = 0; i < 3; ++i) {
            vm.mockCall(address(shares), decimals, abi.encode(others[i]));
            expectToken(address(shares), false);
        }
        vm.mockCall(address(shares), decimals, "");
        expectToken(address(shares), false);
        // A revert is no answer, whatever it says.
        vm.clearMockedCalls();
        vm.mockCallRevert(address(shares), worth, abi.encode(1 ether));
        expectToken(address(shares), false);
        vm.clearMockedCalls();
        vm.mockCallRevert(address(shares), decimals, abi.encode(18));
        expectToken(address(shares), false);
        vm.clearMockedCalls();
        expectToken(address(shares), true);
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
        feed.setDeviation(1);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        feed.setBounds(ReserveLimits.Bounds(0, 1, 0, 1, 1));
    }

    function test_the_governor_says_with_which_change_a_report_is_due() public {
        vm.assertEq(feed.deviationBps(), 0, "at first none");
        vm.expectEmit(address(feed));
        emit ReservePolicy.DeviationChanged(0, 100);
        vm.prank(GOVERNOR);
        feed.setDeviation(100);
        vm.assertEq(feed.deviationBps(), 100, "then");
    }

    function expectToken(address token, bool right) private {
        ReservePolicy.Sources memory sources = ReservePolicy.Sources(twoVaults(), onePod(), token);
        if (!right) vm.expectRevert(abi.encodeWithSelector(ReservePolicy.NotLiabilityToken.selector, token));
        vm.prank(GOVERNOR);
        feed.setSources(sources);
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

    function accountsOf(uint160 count, uint160 from) private pure returns (address[] memory accounts) {
        accounts = new address[](count);
        for (uint160 i = 0; i < count; ++i) {
            accounts[i] = address(0x1000 + from + i);
        }
    }
}
