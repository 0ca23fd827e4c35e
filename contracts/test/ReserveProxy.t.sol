// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveProxy} from "../src/ReserveProxy.sol";
import {Succession} from "../src/Succession.sol";
import {ReserveReader, Reserves} from "../src/ReserveReader.sol";
import {AggregatorV3Interface} from "../src/interfaces/AggregatorV3Interface.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title Consumers that keep one address while feeds come and go
contract ReserveProxyTest is Fixture {
    uint64 private constant SWITCH_DELAY = 2 days;

    ReserveProxy private proxy;
    /// @dev The proxy, as consumers know it.
    ReserveFeed private read;

    function setUp() public override {
        super.setUp();
        proxy = new ReserveProxy(feed, GOVERNOR, SWITCH_DELAY);
        read = ReserveFeed(address(proxy));
        submit(reportAt(FIRST_SLOT));
    }

    function test_the_proxy_reads_as_the_feed() public {
        Reserves memory reserves = this.requireBacked(read);
        vm.assertEq(reserves.assets, assetsOf(reportAt(FIRST_SLOT)), "assets");
        vm.assertEq(abi.encode(read.latestReport()), abi.encode(feed.latestReport()), "report");
        vm.assertEq(read.latestAnswer(), feed.latestAnswer(), "answer");
        vm.assertEq(bytes(read.description()), bytes(feed.description()), "description");
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, 5));
        read.getRoundData(5);
        vm.prank(GOVERNOR);
        feed.contest(FIRST_SLOT);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.Contested.selector, FIRST_SLOT));
        read.latestRoundData();
    }

    function test_nothing_is_written_through_it() public {
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT + 1);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        bytes memory call = abi.encodeCall(ReserveFeed.submitReport, (packed(report), signature));
        (bool success,) = address(proxy).call{gas: 1_000_000}(call);
        vm.assertFalse(success, "written");
        feed.submitReport(packed(report), signature);
    }

    function test_another_feed_is_read_after_the_delay_and_once_it_has_a_report() public {
        ReserveFeed first = feed;
        ReserveFeed second = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        proxy.nameFeed(second);
        vm.expectRevert(Succession.NoSuccessor.selector);
        proxy.switchFeed();
        uint64 readyAt = uint64(block.timestamp) + SWITCH_DELAY;
        vm.expectEmit(address(proxy));
        emit Succession.SuccessorNamed(address(second), readyAt);
        vm.prank(GOVERNOR);
        proxy.nameFeed(second);
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Succession.SuccessorNotReady.selector, readyAt));
        proxy.switchFeed();
        vm.warp(readyAt);
        vm.expectRevert(ReserveProxy.NextFeedStale.selector);
        proxy.switchFeed();
        feed = second;
        submit(reportAt(FIRST_SLOT + 14_400));
        vm.expectEmit(address(proxy));
        emit ReserveProxy.FeedSwitched(first, second);
        vm.prank(STRANGER);
        proxy.switchFeed();
        vm.assertEq(read.latestRound(), FIRST_SLOT + 14_400, "the second feed");
        vm.expectRevert(Succession.NoSuccessor.selector);
        proxy.switchFeed();
    }

    function test_the_governor_takes_a_name_back() public {
        vm.prank(GOVERNOR);
        proxy.nameFeed(feed);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        proxy.withdrawSuccessor();
        vm.expectEmit(address(proxy));
        emit Succession.SuccessorNamed(address(0), 0);
        vm.prank(GOVERNOR);
        proxy.withdrawSuccessor();
        vm.warp(block.timestamp + SWITCH_DELAY);
        vm.expectRevert(Succession.NoSuccessor.selector);
        proxy.switchFeed();
    }

    function test_what_is_no_feed_is_refused_and_the_delay_is_bounded() public {
        vm.expectRevert(abi.encodeWithSelector(ReserveProxy.NotFeed.selector, STRANGER));
        new ReserveProxy(ReserveFeed(STRANGER), GOVERNOR, SWITCH_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ReserveProxy.NotFeed.selector, STRANGER));
        vm.prank(GOVERNOR);
        proxy.nameFeed(ReserveFeed(STRANGER));
        vm.mockCall(address(feed), abi.encodeCall(AggregatorV3Interface.decimals, ()), abi.encode(8));
        vm.expectRevert(abi.encodeWithSelector(ReserveProxy.NotFeed.selector, feed));
        vm.prank(GOVERNOR);
        proxy.nameFeed(feed);
        vm.clearMockedCalls();
        vm.expectRevert(abi.encodeWithSelector(Succession.InvalidDelay.selector, 1 days - 1));
        new ReserveProxy(feed, GOVERNOR, 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(Succession.InvalidDelay.selector, 30 days + 1));
        new ReserveProxy(feed, GOVERNOR, 30 days + 1);
    }

    /// @dev From outside, as a consumer's transaction would.
    function requireBacked(ReserveFeed from) external view returns (Reserves memory) {
        return ReserveReader.requireBacked(from, 6 hours, 10_000);
    }
}
