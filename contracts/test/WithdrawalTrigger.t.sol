// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReferenceSlotTooOld} from "../src/BeaconClock.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {WithdrawalTrigger} from "../src/WithdrawalTrigger.sol";
import {DevnetWithdrawalRequester} from "../src/devnet/DevnetWithdrawalRequester.sol";
import {IWithdrawalRequester} from "../src/interfaces/IWithdrawalRequester.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Exits that whoever brings a signed order can trigger, on EIP-7002's real contract
contract WithdrawalTriggerTest is Predeploys {
    DevnetWithdrawalRequester private requester;
    bool private refusing;

    receive() external payable {
        if (refusing) revert();
    }

    function setUp() public override {
        super.setUp();
        registry = newRegistry(keys, THRESHOLD, BEACON_ROOTS, WITHDRAWAL_REQUESTS);
        beginBlock(FIRST_SLOT + 1, ROOT);
        requester = new DevnetWithdrawalRequester(address(registry), WITHDRAWAL_REQUESTS);
        vm.prank(GOVERNOR);
        registry.setRequester(requester);
        vm.deal(address(this), 1 ether);
    }

    function test_an_order_leaves_its_requests_in_the_queue() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(3);
        bytes32 digest = registry.hashOrder(order);
        vm.expectEmit(address(registry));
        emit EjectionRegistry.OrderAccepted(FIRST_SLOT, digest, 3);
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ExitsTriggered(FIRST_SLOT, digest, 7, 1);
        registry.triggerExits{value: 1000}(order, signature, 7, payment(1), "");
        vm.assertEq(registry.lastReferenceSlot(), FIRST_SLOT, "the order is recorded");
        vm.assertEq(endBlock(), requestsOf(7), "queue");
        vm.assertEq(WITHDRAWAL_REQUESTS.balance, 3, "fees");
        vm.assertEq(address(this).balance, 1 ether - 3, "the rest came back");
        vm.assertEq(address(registry).balance + address(requester).balance, 0, "nothing is kept");
    }

    function testFuzz_any_part_of_an_accepted_order_can_be_triggered(uint16 positions) public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(12);
        registry.submitOrder(order, signature);
        if (positions == 0 || positions >= 1 << 12) {
            expectRefused(
                order, positions, abi.encodeWithSelector(EjectionRegistry.NoSuchEjections.selector, positions, 12)
            );
        } else {
            registry.triggerExits{value: 100}(order, signature, positions, payment(1), "");
            vm.assertEq(endBlock(), requestsOf(positions), "queue");
        }
    }

    function test_each_exit_is_triggered_and_paid_once() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(4);
        bytes32 digest = registry.hashOrder(order);
        registry.triggerExits{value: 2}(order, signature, 5, payment(1), "");
        // An exit that others were faster with is left out, and its fee comes back.
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ExitsTriggered(FIRST_SLOT, digest, 10, 1);
        registry.triggerExits{value: 4}(order, signature, 15, payment(1), "");
        vm.assertEq(endBlock(), bytes.concat(requestsOf(5), requestsOf(10)), "queue");
        vm.assertEq(address(this).balance, 1 ether - 4, "paid");
        (bool accepted, uint256 triggered) = registry.statusOf(digest);
        vm.assertTrue(accepted && triggered == 15, "status");
        expectRefused(order, 6, abi.encodeWithSelector(EjectionRegistry.AlreadyTriggered.selector, 6));
    }

    function test_the_largest_order_can_be_triggered_to_its_last_entry() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(256);
        uint256 ends = 1 | 1 << 255;
        registry.triggerExits{value: 2}(order, signature, ends, payment(1), "");
        vm.assertEq(endBlock(), requestsOf(ends), "queue");
    }

    function test_an_order_that_was_not_accepted_is_not_triggered() public {
        submitOrder(FIRST_SLOT, listOf(1));
        // Of the same slot: not rising, an unknown reason, one validator twice.
        bytes memory list = bytes.concat(entry(77, 0), entry(9, 200), entry(9, 200));
        EjectionRegistry.Order memory other = orderOf(1, FIRST_SLOT, ROOT, list);
        bytes32 digest = registry.hashOrder(other);
        expectRefused(other, 1, abi.encodeWithSelector(EjectionRegistry.OrderNotAccepted.selector, digest));
        // The checks are the same for one that is newer.
        beginBlock(FIRST_SLOT + 2, ROOT);
        other = orderOf(1, FIRST_SLOT + 1, ROOT, list);
        expectRefused(other, 1, abi.encodeWithSelector(EjectionRegistry.UnknownReason.selector, 0, 0));
        vm.assertEq(endBlock().length, 0, "queue");
    }

    function test_an_order_that_was_overtaken_is_triggered_only_if_that_had_begun() public {
        (EjectionRegistry.Order memory begun, Signature memory signature) = signed(2);
        registry.triggerExits{value: 1}(begun, signature, 1, payment(1), "");
        beginBlock(FIRST_SLOT + 2, ROOT);
        submitOrder(FIRST_SLOT + 1, listOf(1));
        registry.triggerExits{value: 1}(begun, signature, 2, payment(1), "");
        beginBlock(FIRST_SLOT + 3, ROOT);
        submitOrder(FIRST_SLOT + 2, listOf(1));
        EjectionRegistry.Order memory overtaken = orderOf(1, FIRST_SLOT + 1, ROOT, listOf(1));
        bytes32 digest = registry.hashOrder(overtaken);
        expectRefused(overtaken, 1, abi.encodeWithSelector(EjectionRegistry.OrderNotAccepted.selector, digest));
    }

    function test_the_fees_go_to_the_requester_that_the_caller_means() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        DevnetWithdrawalRequester next = new DevnetWithdrawalRequester(address(registry), WITHDRAWAL_REQUESTS);
        vm.prank(GOVERNOR);
        registry.setRequester(next);
        vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.OtherRequester.selector, next));
        registry.triggerExits{value: 1}(order, signature, 1, payment(1), "");
    }

    function test_the_requester_gets_what_the_caller_says_of_the_way() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        bytes memory keys_ = pubkeyOf(1_234_567);
        bytes memory call = abi.encodeCall(IWithdrawalRequester.requestFullWithdrawals, (keys_, 1, "module 7"));
        vm.expectCall(address(requester), 1, call);
        registry.triggerExits{value: 1}(order, signature, 1, payment(1), "module 7");
    }

    function test_what_is_left_goes_where_the_caller_says() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        refusing = true;
        WithdrawalTrigger.Payment memory elsewhere = WithdrawalTrigger.Payment(1, requester, STRANGER);
        registry.triggerExits{value: 10}(order, signature, 1, elsewhere, "");
        vm.assertEq(STRANGER.balance, 9, "the rest");
    }

    function test_the_fee_is_the_predeploys_and_limited_by_the_caller() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(100);
        registry.triggerExits{value: 100}(order, signature, (1 << 100) - 1, payment(1), "");
        endBlock();
        // 98 more than the target of 2 in one block: the fee rises.
        uint256 fee = registry.withdrawalFee();
        vm.assertTrue(fee > 1, "the fee has risen");
        beginBlock(FIRST_SLOT + 2, ROOT);
        order = orderOf(1, FIRST_SLOT + 1, ROOT, listOf(2));
        signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
        expectRefused(order, 3, abi.encodeWithSelector(WithdrawalTrigger.FeeAboveLimit.selector, fee, fee - 1), fee - 1);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalTrigger.InsufficientValue.selector, 2 * fee - 1, 2 * fee));
        registry.triggerExits{value: 2 * fee - 1}(order, signature, 3, payment(fee), "");
        registry.triggerExits{value: 2 * fee}(order, signature, 3, payment(fee), "");
        vm.assertEq(address(this).balance, 1 ether - 100 - 2 * fee, "paid");
    }

    function test_only_what_the_guardians_signed_is_triggered() public {
        (EjectionRegistry.Order memory order,) = signed(2);
        Signature memory forged = FrostSigner.sign(NEXT_SECRET, registry.hashOrder(order));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.triggerExits{value: 2}(order, forged, 3, payment(1), "");
        registry.submitOrder(order, FrostSigner.sign(SECRET, registry.hashOrder(order)));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.triggerExits{value: 2}(order, forged, 3, payment(1), "");
        order = orderOf(1, FIRST_SLOT, ROOT, "");
        expectRefused(order, 1, abi.encodeWithSelector(EjectionRegistry.EmptyOrder.selector));
    }

    function test_an_accepted_order_can_be_triggered_until_its_window_ends() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(2);
        registry.submitOrder(order, signature);
        vm.warp(timeOf(FIRST_SLOT) + 8191 * 12);
        registry.triggerExits{value: 1}(order, signature, 1, payment(1), "");
        vm.warp(timeOf(FIRST_SLOT) + 8191 * 12 + 1);
        expectRefused(order, 2, abi.encodeWithSelector(ReferenceSlotTooOld.selector, FIRST_SLOT, timeOf(FIRST_SLOT)));
    }

    function test_a_caller_who_takes_nothing_back_pays_exactly() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        refusing = true;
        vm.expectRevert(WithdrawalTrigger.RefundRefused.selector);
        registry.triggerExits{value: 2}(order, signature, 1, payment(1), "");
        registry.triggerExits{value: 1}(order, signature, 1, payment(1), "");
    }

    function test_without_a_requester_nothing_is_triggered() public {
        (EjectionRegistry.Order memory order,) = signed(1);
        vm.expectEmit(address(registry));
        emit EjectionRegistry.RequesterChanged(requester, IWithdrawalRequester(address(0)));
        vm.prank(GOVERNOR);
        registry.setRequester(IWithdrawalRequester(address(0)));
        expectRefused(order, 1, abi.encodeWithSelector(EjectionRegistry.NoRequester.selector));
        vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.RequesterWithoutCode.selector, STRANGER));
        vm.prank(GOVERNOR);
        registry.setRequester(IWithdrawalRequester(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        registry.setRequester(requester);
    }

    function test_a_chain_without_the_predeploy_has_no_fee() public {
        registry = newRegistry(keys, THRESHOLD);
        vm.prank(GOVERNOR);
        registry.setRequester(requester);
        (EjectionRegistry.Order memory order,) = signed(1);
        expectRefused(order, 1, abi.encodeWithSelector(WithdrawalTrigger.NoWithdrawalFee.selector));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalTrigger.WithdrawalRequestsWithoutCode.selector, STRANGER));
        newRegistry(keys, THRESHOLD, address(0), STRANGER);
    }

    function test_the_requester_serves_its_registry_alone_and_reverts_when_refused() public {
        vm.expectRevert(abi.encodeWithSelector(DevnetWithdrawalRequester.NotRegistry.selector, address(this)));
        requester.requestFullWithdrawals{value: 1}(pubkeyOf(1), 1, "");
        vm.deal(address(registry), 1);
        vm.expectRevert(DevnetWithdrawalRequester.RequestRefused.selector);
        vm.prank(address(registry));
        requester.requestFullWithdrawals(pubkeyOf(1), 1, "");
    }

    function signed(uint256 count) private returns (EjectionRegistry.Order memory order, Signature memory signature) {
        order = orderOf(1, FIRST_SLOT, ROOT, listOf(count));
        signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
    }

    function payment(uint256 maxFee) private view returns (WithdrawalTrigger.Payment memory) {
        return WithdrawalTrigger.Payment(maxFee, requester, address(0));
    }

    /// @dev As the beacon chain gets them: source, public key, amount.
    function requestsOf(uint256 positions) private view returns (bytes memory requests) {
        for (uint256 i = 0; i < 256; ++i) {
            if (positions >> i & 1 == 0) continue;
            bytes memory pubkey = pubkeyOf(1_234_567 + 3 * i);
            requests = bytes.concat(requests, abi.encodePacked(address(requester), pubkey, uint64(0)));
        }
    }

    function expectRefused(EjectionRegistry.Order memory order, uint256 positions, bytes memory why) private {
        expectRefused(order, positions, why, 1);
    }

    function expectRefused(EjectionRegistry.Order memory order, uint256 positions, bytes memory why, uint256 maxFee)
        private
    {
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
        WithdrawalTrigger.Payment memory terms = payment(maxFee);
        vm.expectRevert(why);
        registry.triggerExits{value: 1000}(order, signature, positions, terms, "");
    }
}
