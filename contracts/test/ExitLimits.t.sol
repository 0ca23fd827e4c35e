// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {ExitLimits} from "../src/ExitLimits.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {WithdrawalTrigger} from "../src/WithdrawalTrigger.sol";
import {DevnetWithdrawalRequester} from "../src/devnet/DevnetWithdrawalRequester.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title What a stolen key, or a bug, cannot do in one day
contract ExitLimitsTest is Predeploys {
    uint64 private constant MIDNIGHT = 20_000 days;

    DevnetWithdrawalRequester private requester;
    uint64 private slot;

    function setUp() public override {
        super.setUp();
        registry = newRegistry(keys, THRESHOLD, address(0), WITHDRAWAL_REQUESTS);
        requester = new DevnetWithdrawalRequester(address(registry), WITHDRAWAL_REQUESTS);
        vm.prank(GOVERNOR);
        registry.setRequester(requester);
        vm.deal(address(this), 1 ether);
        vm.warp(MIDNIGHT);
    }

    function test_no_more_exits_in_a_day_than_the_limit_however_many_orders() public {
        vm.assertEq(registry.exitsLeft(), 256, "at first");
        trigger(100);
        trigger(150);
        vm.assertEq(registry.exitsLeft(), 6, "left");
        expectRefused(7, abi.encodeWithSelector(ExitLimits.TooManyExits.selector, 7, 6));
        trigger(6);
        vm.warp(MIDNIGHT + 1 days - 1);
        expectRefused(1, abi.encodeWithSelector(ExitLimits.TooManyExits.selector, 1, 0));
        vm.warp(MIDNIGHT + 1 days);
        vm.assertEq(registry.exitsLeft(), 256, "the next day");
        trigger(1);
    }

    function test_what_was_triggered_before_is_not_counted_again() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(100);
        WithdrawalTrigger.Payment memory payment = WithdrawalTrigger.Payment(1 ether, requester, STRANGER);
        registry.triggerExits{value: 1e6}(order, signature, (1 << 99) - 1, payment, "");
        registry.triggerExits{value: 1e6}(order, signature, (1 << 100) - 1, payment, "");
        vm.assertEq(registry.exitsLeft(), 156, "left");
    }

    function test_the_limit_falls_at_once_and_rises_after_a_delay() public {
        trigger(10);
        vm.expectEmit(address(registry));
        emit ExitLimits.ExitsPerDayChanged(5, MIDNIGHT);
        setPerDay(5);
        vm.assertEq(registry.exitsLeft(), 0, "fewer than were used");
        vm.expectEmit(address(registry));
        emit ExitLimits.ExitsPerDayChanged(1000, MIDNIGHT + 2 days);
        setPerDay(1000);
        vm.warp(MIDNIGHT + 2 days - 1);
        vm.assertEq(registry.exitsLeft(), 5, "not yet");
        vm.warp(MIDNIGHT + 2 days);
        vm.assertEq(registry.exitsLeft(), 1000, "then");
        trigger(256);
        vm.assertEq(registry.exitsLeft(), 744, "left");
        setPerDay(2000);
        setPerDay(0);
        vm.warp(MIDNIGHT + 9 days);
        vm.assertEq(registry.exitsLeft(), 0, "a lower limit takes a waiting raise back");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        registry.setExitsPerDay(1);
    }

    function test_a_pause_of_exits_lets_orders_through_and_ends_by_itself() public {
        uint64 until = MIDNIGHT + 7 days;
        vm.expectEmit(address(registry));
        emit ExitLimits.ExitsPaused(VETOER, until);
        vm.prank(VETOER);
        registry.pauseExits();
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        registry.submitOrder(order, signature);
        vm.warp(until);
        vm.assertEq(registry.exitsLeft(), 0, "paused");
        expectRefused(1, abi.encodeWithSelector(ExitLimits.ExitsArePaused.selector, until));
        vm.warp(until + 1);
        trigger(1);
    }

    function test_the_vetoer_cannot_pause_exits_for_ever_and_the_governor_ends_it() public {
        vm.prank(VETOER);
        registry.pauseExits();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, VETOER));
        vm.prank(VETOER);
        registry.unpauseExits();
        vm.prank(GOVERNOR);
        registry.unpauseExits();
        trigger(1);
        uint64 from = uint64(block.timestamp) + 7 days;
        vm.expectRevert(abi.encodeWithSelector(ExitLimits.PausedTooRecently.selector, from));
        vm.prank(VETOER);
        registry.pauseExits();
        vm.prank(GOVERNOR);
        registry.pauseExits();
        vm.assertEq(registry.exitsLeft(), 0, "the governor's");
        vm.prank(GOVERNOR);
        registry.unpauseExits();
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ExitLimits.PausedTooRecently.selector, from));
        vm.prank(VETOER);
        registry.pauseExits();
        vm.warp(from);
        vm.prank(VETOER);
        registry.pauseExits();
        vm.expectRevert(abi.encodeWithSelector(ExitLimits.NotGovernorOrVetoer.selector, STRANGER));
        vm.prank(STRANGER);
        registry.pauseExits();
    }

    function setPerDay(uint32 perDay) private {
        vm.prank(GOVERNOR);
        registry.setExitsPerDay(perDay);
    }

    function signed(uint256 count) private returns (EjectionRegistry.Order memory order, Signature memory signature) {
        uint64 now_ = uint64((block.timestamp - GENESIS_TIME) / 12);
        slot = slot < now_ - 1000 ? now_ - 1000 : slot + 1;
        order = orderOf(1, slot, ROOT, listOf(count));
        signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
    }

    /// @dev All exits of a new order. The fee rises steeply in one block: each trigger has its own.
    function trigger(uint256 count) private {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(count);
        WithdrawalTrigger.Payment memory payment = WithdrawalTrigger.Payment(1 ether, requester, STRANGER);
        uint256 positions = type(uint256).max >> (256 - count);
        registry.triggerExits{value: 1e6}(order, signature, positions, payment, "");
    }

    function expectRefused(uint256 count, bytes memory why) private {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(count);
        WithdrawalTrigger.Payment memory payment = WithdrawalTrigger.Payment(1 ether, requester, STRANGER);
        vm.expectRevert(why);
        registry.triggerExits{value: 1e6}(order, signature, type(uint256).max >> (256 - count), payment, "");
        slot--;
    }
}
