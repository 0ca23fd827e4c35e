// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianSigned, StaleReferenceSlot} from "../src/GuardianSigned.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";
import {Vm} from "./Vm.sol";

/// @dev Takes every call and answers nothing.
contract Permissive {
    fallback() external {}
}

/// @dev Says that it has a key, and lets every signature pass.
contract Careless {
    uint64 public constant keyEpoch = 1;

    fallback() external {}
}

/// @title Ejection orders
contract EjectionRegistryTest is Fixture {
    function test_an_order_announces_every_validator_in_it() public {
        bytes memory list = bytes.concat(entry(0, 1), entry(7, 2), entry(type(uint64).max, 5));
        bytes32 digest = registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, list));
        Signature memory signature = FrostSigner.sign(SECRET, digest);
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ValidatorEjected(0, headOf(0), restOf(0, 1));
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ValidatorEjected(7, headOf(7), restOf(7, 2));
        vm.expectEmit(address(registry));
        emit EjectionRegistry.ValidatorEjected(type(uint64).max, headOf(type(uint64).max), restOf(type(uint64).max, 5));
        vm.expectEmit(address(registry));
        emit EjectionRegistry.OrderAccepted(FIRST_SLOT, digest, 3);
        vm.prank(STRANGER);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, list), signature);
        vm.assertEq(registry.lastReferenceSlot(), FIRST_SLOT, "last reference slot");
    }

    function testFuzz_the_events_say_what_the_list_says(uint64[] calldata steps, bytes32 seed) public {
        (bytes memory list, uint256 count) = randomList(steps, seed);
        vm.assume(count > 0);
        vm.recordLogs();
        submitOrder(FIRST_SLOT, list);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, count + 1, "one event each, and one for the order");
        for (uint256 i = 0; i < count; ++i) {
            vm.assertEq(logs[i].topics[0], EjectionRegistry.ValidatorEjected.selector, "event");
            // The key, the slot, the reason: where the list has them, and where the event must.
            bytes memory expected = abi.encodePacked(new bytes(48), FIRST_SLOT, new bytes(8));
            for (uint256 j = 0; j < 48; ++j) {
                expected[j] = list[57 * i + 8 + j];
            }
            expected[63] = list[57 * i + 56];
            vm.assertEq(logs[i].data, expected, "data");
            bytes memory index = new bytes(32);
            for (uint256 j = 0; j < 8; ++j) {
                index[24 + j] = list[57 * i + j];
            }
            vm.assertEq(abi.encode(logs[i].topics[1]), index, "index");
        }
    }

    function test_the_largest_order_is_accepted_and_a_larger_one_refused() public {
        submitOrder(FIRST_SLOT, listOf(256));
        expectRefusedList(listOf(257), abi.encodeWithSelector(EjectionRegistry.TooManyEjections.selector, 257));
    }

    function test_an_empty_order_is_refused() public {
        expectRefusedList("", abi.encodeWithSelector(EjectionRegistry.EmptyOrder.selector));
    }

    function testFuzz_a_truncated_order_is_refused(uint256 length) public {
        bytes memory list = listOf(3);
        length = bound(length, 1, list.length - 1);
        vm.assume(length % 57 != 0);
        assembly ("memory-safe") {
            mstore(list, length)
        }
        expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.MalformedOrder.selector, length));
    }

    function test_a_validator_named_twice_is_refused() public {
        bytes memory list = bytes.concat(entry(5, 1), entry(6, 1), entry(6, 1));
        expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.UnorderedEjections.selector, 2));
    }

    function test_falling_indices_are_refused() public {
        bytes memory list = bytes.concat(entry(6, 1), entry(5, 1));
        expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.UnorderedEjections.selector, 1));
    }

    function test_nothing_follows_the_highest_index() public {
        bytes memory list = bytes.concat(entry(type(uint64).max, 1), entry(type(uint64).max, 1));
        expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.UnorderedEjections.selector, 1));
        list = bytes.concat(entry(type(uint64).max, 1), entry(0, 1));
        expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.UnorderedEjections.selector, 1));
    }

    function testFuzz_reasons_1_to_5_are_accepted_and_no_others(uint8 reason) public {
        bytes memory list = bytes.concat(entry(5, 1), entry(6, reason));
        if (reason >= 1 && reason <= 5) {
            submitOrder(FIRST_SLOT, list);
        } else {
            expectRefusedList(list, abi.encodeWithSelector(EjectionRegistry.UnknownReason.selector, 1, reason));
        }
    }

    function testFuzz_the_reference_slot_rises_strictly(uint64 slot) public {
        submitOrder(FIRST_SLOT, listOf(1));
        slot = uint64(bound(slot, 0, FIRST_SLOT));
        expectRefused(1, slot, ROOT, listOf(2), abi.encodeWithSelector(StaleReferenceSlot.selector, slot, FIRST_SLOT));
        submitOrder(FIRST_SLOT + 1, listOf(2));
    }

    function test_the_chain_knows_the_last_accepted_order_by_its_digest() public {
        bytes32 first = registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)));
        bytes32 second = registry.hashOrder(orderOf(1, FIRST_SLOT + 1, ROOT, listOf(2)));
        expectStatus(first, false);
        submitOrder(FIRST_SLOT, listOf(1));
        expectStatus(first, true);
        expectStatus(first ^ bytes32(uint256(1) << 255), false);
        submitOrder(FIRST_SLOT + 1, listOf(2));
        expectStatus(first, false);
        expectStatus(second, true);
    }

    function expectStatus(bytes32 digest, bool expected) private view {
        (bool accepted, uint256 triggered) = registry.statusOf(digest);
        vm.assertTrue(accepted == expected, "accepted");
        vm.assertEq(triggered, 0, "nothing is triggered");
    }

    function test_slot_0_is_never_accepted() public {
        expectRefused(1, 0, ROOT, listOf(1), abi.encodeWithSelector(StaleReferenceSlot.selector, 0, 0));
    }

    function testFuzz_every_signed_field_is_bound(uint256 field, uint256 value) public {
        bytes memory list = listOf(2);
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, list)));
        (uint64 slot, bytes32 root) = (FIRST_SLOT, ROOT);
        field = field % 3;
        // Small enough to stay inside the window.
        if (field == 0) slot -= uint64(bound(value, 1, 7000));
        if (field == 1) root = bytes32(uint256(root) ^ (uint256(1) << (value % 256)));
        // A byte of a public key: anything else in the list might be refused for another reason.
        if (field == 2) list[57 * (value % 2) + 8 + value % 48] ^= 0x01;
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(1, slot, root, list), signature);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(2)), signature);
    }

    function test_a_shorter_or_longer_list_needs_its_own_signature() public {
        Signature memory signature =
            FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(2))));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)), signature);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(3)), signature);
    }

    function test_an_order_of_an_earlier_key_epoch_is_refused() public {
        bytes memory list = listOf(1);
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, list)));
        rotate();
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2));
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, list), signature);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(2, FIRST_SLOT, ROOT, list), signature);
        signature = FrostSigner.sign(NEXT_SECRET, registry.hashOrder(orderOf(2, FIRST_SLOT, ROOT, list)));
        registry.submitOrder(orderOf(2, FIRST_SLOT, ROOT, list), signature);
    }

    function test_an_order_for_another_registry_is_refused() public {
        EjectionRegistry other = newRegistry(keys, THRESHOLD);
        Signature memory signature = FrostSigner.sign(SECRET, other.hashOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1))));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)), signature);
    }

    function test_an_order_for_another_chain_is_refused() public {
        Signature memory signature =
            FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1))));
        vm.chainId(560048);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)), signature);
    }

    function test_a_second_signature_does_not_make_a_second_order() public {
        bytes32 digest = registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)));
        submitOrder(FIRST_SLOT, listOf(1));
        Signature memory another = FrostSigner.signWithNonce(SECRET, digest, 12345);
        vm.expectRevert(abi.encodeWithSelector(StaleReferenceSlot.selector, FIRST_SLOT, FIRST_SLOT));
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)), another);
    }

    function testFuzz_truncated_calldata_is_refused(uint256 length) public {
        bytes memory list = listOf(2);
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, FIRST_SLOT, ROOT, list)));
        bytes memory input =
            abi.encodeCall(EjectionRegistry.submitOrder, (orderOf(1, FIRST_SLOT, ROOT, list), signature));
        // Less than the padding: that may be left out.
        length = bound(length, 0, input.length - 32);
        assembly ("memory-safe") {
            mstore(input, length)
        }
        (bool success,) = address(registry).call(input);
        vm.assertFalse(success, "truncated");
    }

    function test_the_governor_sets_the_threshold() public {
        vm.assertEq(registry.getEjectionThreshold(), THRESHOLD, "at first");
        vm.expectEmit(address(registry));
        emit EjectionRegistry.EjectionThresholdChanged(THRESHOLD, 31 ether);
        vm.prank(GOVERNOR);
        registry.setEjectionThreshold(31 ether);
        vm.assertEq(registry.getEjectionThreshold(), 31 ether, "then");
    }

    function test_nobody_else_sets_the_threshold() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        registry.setEjectionThreshold(31 ether);
    }

    function testFuzz_the_threshold_lies_above_0_and_well_below_32_ether(uint256 threshold) public {
        if (threshold % 3 != 0) threshold = bound(threshold, 0, 33 ether);
        if (threshold == 0 || threshold > MAX_THRESHOLD) {
            vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.InvalidEjectionThreshold.selector, threshold));
        }
        vm.prank(GOVERNOR);
        registry.setEjectionThreshold(threshold);
    }

    function test_keys_must_be_a_contract() public {
        vm.expectRevert(abi.encodeWithSelector(GuardianSigned.KeysWithoutCode.selector, STRANGER));
        newRegistry(GuardianKeys(STRANGER), THRESHOLD);
        address permissive = address(new Permissive());
        vm.expectRevert(abi.encodeWithSelector(GuardianSigned.NotKeys.selector, permissive));
        newRegistry(GuardianKeys(permissive), THRESHOLD);
    }

    function test_keys_that_answer_with_nothing_have_not_checked_a_signature() public {
        registry = newRegistry(GuardianKeys(address(new Careless())), THRESHOLD);
        vm.expectRevert(bytes(""));
        registry.submitOrder(orderOf(1, FIRST_SLOT, ROOT, listOf(1)), Signature(1, 2, 3));
    }

    function test_the_ends_of_the_threshold() public {
        vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.InvalidEjectionThreshold.selector, 0));
        newRegistry(keys, 0);
        vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.InvalidEjectionThreshold.selector, MAX_THRESHOLD + 1));
        newRegistry(keys, MAX_THRESHOLD + 1);
        newRegistry(keys, 1);
        newRegistry(keys, MAX_THRESHOLD);
    }

    function test_a_deployment_names_the_highest_threshold_which_is_bounded_itself() public {
        uint256 ceiling = registry.EJECTION_THRESHOLD_CEILING();
        vm.assertEq(ceiling, 31.995 ether, "below every stake");
        vm.expectRevert(abi.encodeWithSelector(EjectionRegistry.InvalidEjectionThreshold.selector, ceiling + 1));
        newRegistry(keys, THRESHOLD, ceiling + 1, address(0), address(0));
        registry = newRegistry(keys, THRESHOLD, ceiling, address(0), address(0));
        vm.assertEq(registry.maxEjectionThreshold(), ceiling, "named");
        vm.prank(GOVERNOR);
        registry.setEjectionThreshold(ceiling);
    }

    function expectRefusedList(bytes memory list, bytes memory why) private {
        expectRefused(1, FIRST_SLOT + 1, ROOT, list, why);
    }

    /// @dev Well signed, so that it is refused for `why` alone, and leaves nothing behind.
    function expectRefused(uint64 epoch, uint64 slot, bytes32 root, bytes memory list, bytes memory why) private {
        uint64 last = registry.lastReferenceSlot();
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(epoch, slot, root, list)));
        vm.expectRevert(why);
        registry.submitOrder(orderOf(epoch, slot, root, list), signature);
        vm.assertEq(registry.lastReferenceSlot(), last, "last reference slot");
    }

    function restOf(uint256 index, uint8 reason) private pure returns (bytes32) {
        return bytes32(abi.encodePacked(tailOf(index), FIRST_SLOT, bytes7(0), reason));
    }

    /// @dev At most 40 entries; indices far enough below 2^64.
    function randomList(uint64[] calldata steps, bytes32 seed) private pure returns (bytes memory list, uint256 count) {
        uint64 index = 0;
        for (; count < steps.length && count < 40; ++count) {
            index += 1 + steps[count] % (1 << 58);
            bytes32 head = keccak256(abi.encode(seed, count));
            bytes16 tail = bytes16(keccak256(abi.encode(head)));
            list = bytes.concat(list, abi.encodePacked(index, head, tail, SafeCast.toUint8(1 + count % 5)));
        }
    }
}
