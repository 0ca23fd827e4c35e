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
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ExitsTriggered(FIRST_SLOT, 0, 3, 1);
        registry.triggerExits{value: 1000}(order, signature, 0, 3, 1);
        vm.assertEq(registry.lastReferenceSlot(), FIRST_SLOT, "the order is recorded");
        vm.assertEq(endBlock(), requestsOf(0, 3), "queue");
        vm.assertEq(WITHDRAWAL_REQUESTS.balance, 3, "fees");
        vm.assertEq(address(this).balance, 1 ether - 3, "the rest came back");
        vm.assertEq(address(registry).balance + address(requester).balance, 0, "nothing is kept");
    }

    function testFuzz_any_part_of_an_accepted_order_can_be_triggered(uint8 from, uint8 count) public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(12);
        registry.submitOrder(order, signature);
        from = uint8(bound(from, 0, 13));
        count = uint8(bound(count, 0, 14));
        if (count == 0 || uint256(from) + count > 12) {
            expectRefused(
                order, from, count, abi.encodeWithSelector(EjectionRegistry.NoSuchEjections.selector, from, count, 12)
            );
        } else {
            registry.triggerExits{value: 100}(order, signature, from, count, 1);
            vm.assertEq(endBlock(), requestsOf(from, count), "queue");
        }
    }

    function test_a_part_beyond_all_numbers_is_refused() public {
        (EjectionRegistry.Order memory order,) = signed(2);
        uint256 max = type(uint256).max;
        expectRefused(order, 1, max, abi.encodeWithSelector(EjectionRegistry.NoSuchEjections.selector, 1, max, 2));
        expectRefused(order, max, 1, abi.encodeWithSelector(EjectionRegistry.NoSuchEjections.selector, max, 1, 2));
    }

    function test_the_fee_is_the_predeploys_and_limited_by_the_caller() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(100);
        registry.triggerExits{value: 100}(order, signature, 0, 100, 1);
        endBlock();
        // 98 more than the target of 2 in one block: the fee rises.
        uint256 fee = registry.withdrawalFee();
        vm.assertTrue(fee > 1, "the fee has risen");
        expectRefused(
            order, 0, 2, abi.encodeWithSelector(WithdrawalTrigger.FeeAboveLimit.selector, fee, fee - 1), fee - 1
        );
        vm.expectRevert(abi.encodeWithSelector(WithdrawalTrigger.InsufficientValue.selector, 2 * fee - 1, 2 * fee));
        registry.triggerExits{value: 2 * fee - 1}(order, signature, 0, 2, fee);
        registry.triggerExits{value: 2 * fee}(order, signature, 0, 2, fee);
        vm.assertEq(address(this).balance, 1 ether - 100 - 2 * fee, "paid");
    }

    function test_only_what_the_guardians_signed_is_triggered() public {
        (EjectionRegistry.Order memory order,) = signed(2);
        Signature memory forged = FrostSigner.sign(NEXT_SECRET, registry.hashOrder(order));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.triggerExits{value: 2}(order, forged, 0, 2, 1);
        registry.submitOrder(order, FrostSigner.sign(SECRET, registry.hashOrder(order)));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.triggerExits{value: 2}(order, forged, 0, 2, 1);
        order = orderOf(1, FIRST_SLOT, ROOT, "");
        expectRefused(order, 0, 1, abi.encodeWithSelector(EjectionRegistry.EmptyOrder.selector));
    }

    function test_an_accepted_order_can_be_triggered_until_its_window_ends() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(2);
        registry.submitOrder(order, signature);
        vm.warp(timeOf(FIRST_SLOT) + 8191 * 12);
        registry.triggerExits{value: 2}(order, signature, 0, 2, 1);
        vm.warp(timeOf(FIRST_SLOT) + 8191 * 12 + 1);
        expectRefused(order, 0, 2, abi.encodeWithSelector(ReferenceSlotTooOld.selector, FIRST_SLOT, timeOf(FIRST_SLOT)));
    }

    function test_a_caller_who_takes_nothing_back_pays_exactly() public {
        (EjectionRegistry.Order memory order, Signature memory signature) = signed(1);
        refusing = true;
        vm.expectRevert(WithdrawalTrigger.RefundRefused.selector);
        registry.triggerExits{value: 2}(order, signature, 0, 1, 1);
        registry.triggerExits{value: 1}(order, signature, 0, 1, 1);
    }

    function test_without_a_requester_nothing_is_triggered() public {
        (EjectionRegistry.Order memory order,) = signed(1);
        vm.expectEmit(address(registry));
        emit EjectionRegistry.RequesterChanged(requester, IWithdrawalRequester(address(0)));
        vm.prank(GOVERNOR);
        registry.setRequester(IWithdrawalRequester(address(0)));
        expectRefused(order, 0, 1, abi.encodeWithSelector(EjectionRegistry.NoRequester.selector));
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
        expectRefused(order, 0, 1, abi.encodeWithSelector(WithdrawalTrigger.NoWithdrawalFee.selector));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalTrigger.WithdrawalRequestsWithoutCode.selector, STRANGER));
        newRegistry(keys, THRESHOLD, address(0), STRANGER);
    }

    function test_the_requester_serves_its_registry_alone_and_reverts_when_refused() public {
        vm.expectRevert(abi.encodeWithSelector(DevnetWithdrawalRequester.NotRegistry.selector, address(this)));
        requester.requestFullWithdrawals{value: 1}(pubkeyOf(1), 1);
        vm.deal(address(registry), 1);
        vm.expectRevert(DevnetWithdrawalRequester.RequestRefused.selector);
        vm.prank(address(registry));
        requester.requestFullWithdrawals(pubkeyOf(1), 1);
    }

    function signed(uint256 count) private returns (EjectionRegistry.Order memory order, Signature memory signature) {
        order = orderOf(1, FIRST_SLOT, ROOT, listOf(count));
        signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
    }

    /// @dev As the beacon chain gets them: source, public key, amount.
    function requestsOf(uint256 from, uint256 count) private view returns (bytes memory requests) {
        for (uint256 i = from; i < from + count; ++i) {
            bytes memory pubkey = pubkeyOf(1_234_567 + 3 * i);
            requests = bytes.concat(requests, abi.encodePacked(address(requester), pubkey, uint64(0)));
        }
    }

    function expectRefused(EjectionRegistry.Order memory order, uint256 from, uint256 count, bytes memory why) private {
        expectRefused(order, from, count, why, 1);
    }

    function expectRefused(
        EjectionRegistry.Order memory order,
        uint256 from,
        uint256 count,
        bytes memory why,
        uint256 maxFee
    ) private {
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
        vm.expectRevert(why);
        registry.triggerExits{value: 1000}(order, signature, from, count, maxFee);
    }
}
