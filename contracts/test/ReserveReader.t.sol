// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveReader, Reserves} from "../src/ReserveReader.sol";
import {BackedMint} from "../src/examples/BackedMint.sol";
import {AggregatorV3Interface} from "../src/interfaces/AggregatorV3Interface.sol";
import {Fixture} from "./Fixture.sol";

/// @title A consumer of the feed, and the checks that it gets from the library
contract ReserveReaderTest is Fixture {
    BackedMint private consumer;

    function setUp() public override {
        super.setUp();
        consumer = new BackedMint(feed, 6 hours);
        submit(reportAt(FIRST_SLOT));
    }

    function test_a_fresh_report_is_read() public view {
        Reserves memory reserves = this.reservesOf(feed, 6 hours);
        vm.assertEq(reserves.assets, assetsOf(reportAt(FIRST_SLOT)), "assets");
        vm.assertEq(reserves.liabilities, 109_876.543210987 ether, "liabilities");
        vm.assertEq(reserves.validatorCount, 3210, "validators");
        vm.assertEq(reserves.updatedAt, timeOf(FIRST_SLOT), "time");
    }

    function test_what_pufeth_is_owed_is_not_pledged_again() public {
        Reserves memory reserves = this.reservesOf(feed, 6 hours);
        uint256 free = reserves.assets - reserves.liabilities;
        consumer.mint(free);
        vm.expectRevert(abi.encodeWithSelector(BackedMint.NotCovered.selector, free + 1, free));
        consumer.mint(1);
        // A feed that says nothing of what is owed leaves nothing free.
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        report.liabilityGwei = 0;
        feed = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
        submit(report);
        consumer = new BackedMint(feed, 6 hours);
        vm.expectRevert(ReserveReader.NoLiabilities.selector);
        consumer.mint(1);
    }

    function testFuzz_a_stale_report_is_refused(uint32 age) public {
        age = uint32(bound(age, 0, 3 days));
        vm.warp(timeOf(FIRST_SLOT) + age);
        if (age > 6 hours) {
            vm.expectRevert(abi.encodeWithSelector(ReserveReader.StaleAnswer.selector, timeOf(FIRST_SLOT), 6 hours));
        }
        consumer.mint(1);
    }

    function test_what_the_feed_calls_stale_is_stale_for_all() public {
        vm.warp(timeOf(FIRST_SLOT) + HEARTBEAT + 1);
        vm.expectRevert(abi.encodeWithSelector(ReserveReader.StaleAnswer.selector, timeOf(FIRST_SLOT), HEARTBEAT));
        this.reservesOf(feed, 365 days);
    }

    function test_less_than_is_owed_is_refused() public {
        this.requireBacked(feed, 10_000);
        uint256 assets = assetsOf(reportAt(FIRST_SLOT));
        uint256 required = 109_876.543210987 ether * 11_000 / 10_000;
        vm.expectRevert(abi.encodeWithSelector(ReserveReader.Undercollateralised.selector, assets, required));
        this.requireBacked(feed, 11_000);
    }

    function test_a_feed_that_names_no_debt_backs_nothing() public {
        feed = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
        ReserveFeed.Report memory report = reportAt(FIRST_SLOT);
        report.liabilityGwei = 0;
        submit(report);
        this.reservesOf(feed, 1 days);
        vm.expectRevert(ReserveReader.NoLiabilities.selector);
        this.requireBacked(feed, 1);
    }

    function test_a_pause_and_a_contest_reach_the_consumer() public {
        vm.prank(GOVERNOR);
        keys.pause();
        vm.expectRevert(abi.encodeWithSelector(ReserveReader.StaleAnswer.selector, timeOf(FIRST_SLOT), HEARTBEAT));
        this.requireBacked(feed, 1);
        vm.prank(GOVERNOR);
        keys.unpause();
        this.requireBacked(feed, 1);
        vm.prank(GOVERNOR);
        feed.contest(FIRST_SLOT);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.Contested.selector, FIRST_SLOT));
        this.requireBacked(feed, 1);
    }

    function test_no_feed_other_decimals_and_broken_answers_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(ReserveReader.NoFeed.selector, STRANGER));
        this.reservesOf(ReserveFeed(STRANGER), 1 days);
        bytes memory decimals = abi.encodeCall(AggregatorV3Interface.decimals, ());
        vm.mockCall(address(feed), decimals, abi.encode(8));
        vm.expectRevert(abi.encodeWithSelector(ReserveReader.WrongDecimals.selector, 8, 18));
        this.reservesOf(feed, 1 days);
        vm.clearMockedCalls();
        answer(3, -1, block.timestamp, 3, abi.encodeWithSelector(ReserveReader.InvalidAnswer.selector, -1));
        answer(3, 0, block.timestamp, 3, abi.encodeWithSelector(ReserveReader.InvalidAnswer.selector, 0));
        answer(3, 1, 0, 3, abi.encodeWithSelector(ReserveReader.IncompleteRound.selector, 3, 3));
        answer(3, 1, block.timestamp, 2, abi.encodeWithSelector(ReserveReader.IncompleteRound.selector, 3, 2));
        uint256 future = block.timestamp + 1;
        answer(3, 1, future, 3, abi.encodeWithSelector(ReserveReader.StaleAnswer.selector, future, 1 days));
    }

    function answer(uint80 round, int256 value, uint256 updatedAt, uint80 answeredIn, bytes memory why) private {
        bytes memory call = abi.encodeCall(AggregatorV3Interface.latestRoundData, ());
        vm.mockCall(address(feed), call, abi.encode(round, value, updatedAt, updatedAt, answeredIn));
        vm.expectRevert(why);
        this.reservesOf(feed, 1 days);
        vm.clearMockedCalls();
    }

    /// @dev From outside, so that a revert can be expected.
    function reservesOf(ReserveFeed from, uint256 maxAge) external view returns (Reserves memory) {
        return ReserveReader.reservesOf(from, maxAge);
    }

    function requireBacked(ReserveFeed from, uint256 minBps) external view {
        ReserveReader.requireBacked(from, 1 days, minBps);
    }
}
