// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveLimits} from "../src/ReserveLimits.sol";
import {FeedFixture} from "./FeedFixture.sol";
import {Vm} from "./Vm.sol";

/// @title What happens to reports that change more than they may: a loss, a stolen key, a long silence
contract ReserveLimitsTest is FeedFixture {
    uint64 private constant DAY = 7200;
    /// @dev The beginning of an interval.
    uint64 private constant MORNING = FIRST_SLOT / DAY * DAY;

    function setUp() public override {
        super.setUp();
        vm.warp(timeOf(MORNING));
        submit(reportOf(MORNING, 1e14, 1e14));
    }

    function testFuzz_what_changes_more_than_it_may_is_contested(uint64 assets, uint64 liabilities) public {
        assets = uint64(bound(assets, 0.9e14, 1.1e14));
        liabilities = uint64(bound(liabilities, 0.9e14, 1.1e14));
        report(MORNING + DAY, assets, liabilities);
        bool near = assets >= 0.95e14 && assets <= 1.05e14 && liabilities >= 0.95e14 && liabilities <= 1.05e14;
        vm.assertTrue(feed.isContested() != near, "contested");
    }

    function test_the_largest_change_is_expected_and_no_larger_one() public {
        uint256 state = vm.snapshotState();
        uint64[4] memory values = [uint64(0.95e14), 1.05e14, 0.95e14 - 1, 1.05e14 + 1];
        for (uint256 i = 0; i < 4; ++i) {
            report(MORNING + DAY, values[i], 1e14);
            vm.assertTrue(feed.isContested() == (i > 1), "assets");
            vm.revertToState(state);
            state = vm.snapshotState();
            report(MORNING + DAY, 1e14, values[i]);
            vm.assertTrue(feed.isContested() == (i > 1), "liabilities");
            vm.revertToState(state);
            state = vm.snapshotState();
        }
    }

    function test_many_reports_of_one_interval_change_no_more_than_one() public {
        report(MORNING + DAY, 0.97e14, 1e14);
        report(MORNING + DAY + 1, 0.951e14, 1e14);
        vm.assertFalse(feed.isContested(), "within 5 % of yesterday");
        report(MORNING + DAY + 2, 0.949e14, 1e14);
        vm.assertTrue(feed.isContested(), "a step of 0.2 % that is the last of many");
    }

    function test_a_loss_is_seen_at_once_and_believed_when_it_stands() public {
        vm.recordLogs();
        report(MORNING + DAY, 0.6e14, 1e14);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "no answer is announced");
        vm.assertEq(logs[0].topics[0], ReserveLimits.ReportContested.selector, "contested");
        vm.assertEq(uint256(logs[0].topics[1]), MORNING + DAY, "which");
        vm.assertEq(logs[1].topics[0], ReserveFeed.ReserveReported.selector, "reported");
        vm.assertTrue(feed.isStale() && feed.isContested(), "stale");
        vm.assertEq(feed.contestedSince(), MORNING + DAY, "since");
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.Contested.selector, MORNING + DAY));
        feed.latestRoundData();
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.Contested.selector, MORNING + DAY));
        feed.getRoundData(MORNING + DAY);
        vm.assertEq(feed.latestAnswer() | feed.getAnswer(MORNING + DAY), int256(0), "no answer");
        vm.assertEq(feed.latestRound() | feed.latestTimestamp(), 0, "no round");
        (bool valid, uint256 assets,,) = feed.tryRead();
        vm.assertTrue(!valid && assets == 0.6e14 * 1e9, "what was reported can be seen");
        vm.assertTrue(feed.latestReport().contested, "and that it is contested");

        for (uint64 day = 2; day < 4; ++day) {
            report(MORNING + day * DAY, 0.6e14, 1e14);
            vm.assertTrue(feed.isContested(), "not yet");
        }
        report(MORNING + 4 * DAY - 1, 0.6e14, 1e14);
        vm.assertTrue(feed.isContested(), "one slot too early");
        vm.recordLogs();
        report(MORNING + 4 * DAY, 0.61e14, 1e14);
        assertEmitted(ReserveLimits.ContestEnded.selector, MORNING + 4 * DAY);
        assertAnswer(0.61e14);
        // The day before is contested for ever; what ended the contest is what counts.
        report(MORNING + 4 * DAY + 1, 0.58e14, 1e14);
        assertAnswer(0.58e14);
        report(MORNING + 4 * DAY + 2, 0.57e14, 1e14);
        vm.assertTrue(feed.isContested(), "more than 5 % away from it");
    }

    function test_a_value_that_moves_on_has_not_stood() public {
        report(MORNING + DAY, 0.8e14, 1e14);
        report(MORNING + 3 * DAY, 0.6e14, 1e14);
        vm.assertEq(feed.contestedSince(), MORNING + 3 * DAY, "since");
        report(MORNING + 4 * DAY, 0.6e14, 1e14);
        report(MORNING + 5 * DAY, 0.6e14, 1e14);
        vm.assertTrue(feed.isContested(), "two days");
        report(MORNING + 6 * DAY, 0.6e14, 1e14);
        assertAnswer(0.6e14);
    }

    function test_a_contest_ends_when_the_guardians_return_to_what_was_expected() public {
        report(MORNING + DAY, 3e14, 1e14);
        report(MORNING + 2 * DAY, 3e14, 1e14);
        vm.recordLogs();
        report(MORNING + 2 * DAY + 1, 1.01e14, 1e14);
        assertEmitted(ReserveLimits.ContestEnded.selector, MORNING + 2 * DAY + 1);
        assertAnswer(1.01e14);
        report(MORNING + 2 * DAY + 2, 1.02e14, 1e14);
        assertAnswer(1.02e14);
        report(MORNING + 3 * DAY, 1.03e14, 1e14);
        assertAnswer(1.03e14);
    }

    function test_what_the_governor_expects_is_not_contested() public {
        ReserveLimits.Bounds memory bounds = ReserveLimits.Bounds(0.7e14, 0.9e14, 0, 0, MORNING + 2 * DAY);
        vm.expectEmit(address(feed));
        emit ReserveLimits.BoundsChanged(bounds);
        vm.prank(GOVERNOR);
        feed.setBounds(bounds);
        uint256 state = vm.snapshotState();
        uint64[3] memory refused = [uint64(0.7e14 - 1), 0.9e14 + 1, 0.8e14];
        for (uint64 i = 0; i < 3; ++i) {
            // Each outside in one way: too low, too high, something owed where nothing is expected to be.
            report(MORNING + DAY, refused[i], i == 2 ? 1 : 0);
            vm.assertTrue(feed.isContested(), "outside");
            vm.revertToState(state);
            state = vm.snapshotState();
        }
        report(MORNING + 2 * DAY, 0.7e14, 0);
        assertAnswer(0.7e14);
        report(MORNING + 3 * DAY, 0.9e14, 0);
        vm.assertTrue(feed.isContested(), "the bounds are over");
        bounds.untilSlot = MORNING + 9 * DAY;
        vm.prank(GOVERNOR);
        feed.setBounds(bounds);
        report(MORNING + 3 * DAY + 1, 0.9e14, 0);
        assertAnswer(0.9e14);
    }

    /// @dev Its delay is longer than the window in which a signature counts: bounds do not name a signed report.
    function test_a_timelock_lets_a_loss_on_that_it_heard_of_afterwards() public {
        address[] memory people = new address[](1);
        people[0] = GOVERNOR;
        TimelockController timelock = new TimelockController(2 days, people, people, address(0));
        vm.prank(GOVERNOR);
        feed.transferOwnership(address(timelock));
        decide(timelock, abi.encodeCall(feed.acceptOwnership, ()));
        report(MORNING + 3 * DAY, 0.7e14, 0.7e14);
        vm.assertTrue(feed.isContested() && feed.isStale(), "30 % are gone");
        ReserveLimits.Bounds memory bounds = ReserveLimits.Bounds(0.69e14, 0.71e14, 0.69e14, 0.71e14, MORNING + 9 * DAY);
        decide(timelock, abi.encodeCall(feed.setBounds, (bounds)));
        vm.assertTrue(feed.isContested(), "until the next report");
        report(MORNING + 5 * DAY, 0.7e14, 0.7e14);
        assertAnswer(0.7e14);
    }

    function test_silence_widens_the_limit_by_the_intervals_that_passed_and_never_opens_it() public {
        uint256 state = vm.snapshotState();
        report(MORNING + 3 * DAY, 1.15e14, 1e14);
        assertAnswer(1.15e14);
        vm.revertToState(state);
        state = vm.snapshotState();
        report(MORNING + 3 * DAY, 1.15e14 + 1, 1e14);
        vm.assertTrue(feed.isContested(), "more than three times 5 %");
        vm.revertToState(state);
        state = vm.snapshotState();
        report(MORNING + 100 * DAY, 1.4e14 + 1, 1e14);
        vm.assertTrue(feed.isContested(), "eight times is the most");
        vm.revertToState(state);
        // Longer than the ring.
        report(MORNING + 300 * DAY, 0.01e14, 1e14);
        vm.assertTrue(feed.isContested(), "nothing is forgotten");
        report(MORNING + 300 * DAY + 1, 1.4e14, 1e14);
        assertAnswer(1.4e14);
    }

    function test_governor_and_vetoer_contest_a_wrong_report_and_nobody_else() public {
        report(MORNING + DAY, 1.04e14, 1e14);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.NotGovernorOrVetoer.selector, STRANGER));
        vm.prank(STRANGER);
        feed.contest(MORNING + DAY);
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.UnknownRound.selector, MORNING));
        vm.prank(GOVERNOR);
        feed.contest(MORNING);
        vm.expectEmit(address(feed));
        emit ReserveLimits.ReportContested(MORNING + DAY, VETOER);
        vm.prank(VETOER);
        feed.contest(MORNING + DAY);
        vm.assertTrue(feed.isStale(), "stale");
        vm.expectRevert(abi.encodeWithSelector(ReserveFeed.Contested.selector, MORNING + DAY));
        vm.prank(GOVERNOR);
        feed.contest(MORNING + DAY);
        report(MORNING + DAY + 1, 1e14, 1e14);
        assertAnswer(1e14);
    }

    function test_a_contested_report_with_nothing_before_it_must_stand() public {
        vm.prank(GOVERNOR);
        feed.contest(MORNING);
        report(MORNING + DAY, 1e14, 1e14);
        vm.assertTrue(feed.isContested(), "the same again");
        report(MORNING + 3 * DAY, 1e14, 1e14);
        assertAnswer(1e14);
    }

    /// @dev The governor schedules a call of the feed, and executes it when it may.
    function decide(TimelockController timelock, bytes memory call) private {
        vm.prank(GOVERNOR);
        timelock.schedule(address(feed), 0, call, 0, 0, 2 days);
        vm.warp(block.timestamp + 2 days);
        vm.prank(GOVERNOR);
        timelock.execute(address(feed), 0, call, 0, 0);
    }

    function assertAnswer(uint256 gwei_) private view {
        vm.assertFalse(feed.isContested() || feed.isStale(), "contested");
        (, int256 answer,,,) = feed.latestRoundData();
        // Small.
        // forge-lint: disable-next-line(unsafe-typecast)
        vm.assertEq(uint256(answer), gwei_ * 1e9, "answer");
    }

    function assertEmitted(bytes32 topic, uint256 slot) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bool found = false;
        for (uint256 i = 0; i < logs.length; ++i) {
            found = found || (logs[i].topics[0] == topic && uint256(logs[i].topics[1]) == slot);
        }
        vm.assertTrue(found, "event");
    }

    function report(uint64 slot, uint64 assets, uint64 liabilities) private {
        vm.warp(timeOf(slot));
        submit(reportOf(slot, assets, liabilities));
    }

    function reportOf(uint64 slot, uint64 assets, uint64 liabilities)
        private
        pure
        returns (ReserveFeed.Report memory given)
    {
        given = reportAt(slot);
        (given.validatorGwei, given.podGwei, given.vaultGwei, given.pendingGwei) = (assets, 0, 0, 0);
        given.liabilityGwei = liabilities;
    }
}
