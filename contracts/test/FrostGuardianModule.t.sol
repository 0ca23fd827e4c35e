// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {MinimalPuffer} from "./MinimalPuffer.sol";
import {ModuleFixture} from "./ModuleFixture.sol";

/// @title One group signature where Puffer's contracts pass a list
contract FrostGuardianModuleTest is ModuleFixture {
    function test_the_callers_accept_a_group_signature_for_each_message() public {
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(0)), depositSignature, DEPOSIT_ROOT);
        puffer.skipProvisioning(NAME, by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 1)));
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(2)), depositSignature, DEPOSIT_ROOT);
        StoppedValidatorInfo[] memory infos = stopped();
        puffer.batchHandleWithdrawals(infos, by(SECRET, 1, module.hashBatchWithdrawals(1, infos)));
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, by(SECRET, 1, module.hashValidatorCount(1, COUNT, EPOCH)));
        vm.assertEq(puffer.nextToBeProvisioned(NAME), 3, "provisioned and skipped");
        vm.assertEq(puffer.totalNumberOfValidators(), COUNT, "count");
    }

    function test_no_message_passes_for_another() public {
        bytes32[4] memory digests = digestsUnder(module, 1);
        for (uint256 i = 0; i < 4; ++i) {
            bytes[] memory signatures = by(SECRET, 1, digests[i]);
            for (uint256 j = 0; j < 4; ++j) {
                if (i != j) expectRefused(j, signatures, GuardianKeys.InvalidSignature.selector);
            }
            ask(i, signatures);
        }
    }

    /// @dev Puffer's own digests of these two are both of two words: the collision that the audits reported.
    function testFuzz_skipping_and_counting_do_not_collide(bytes32 first, uint256 second) public {
        vm.assume(first != 0);
        second = bound(second, 0, EPOCH);
        bytes32 skip = module.hashSkipProvisioning(1, first, second);
        vm.assertNotEq(skip, module.hashValidatorCount(1, uint256(first), second), "digests");
        bytes[] memory signatures = by(SECRET, 1, skip);
        vm.prank(address(puffer));
        module.validateSkipProvisioning(first, second, signatures);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(address(puffer));
        module.validateTotalNumberOfValidators(uint256(first), second, signatures);
    }

    function test_no_message_counts_elsewhere_or_under_another_key() public {
        FrostGuardianModule other = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        bytes32[4] memory elsewhere = digestsUnder(other, 1);
        bytes32[4] memory here = digestsUnder(module, 1);
        vm.chainId(560048);
        bytes32[4] memory otherChain = digestsUnder(module, 1);
        vm.chainId(31337);
        for (uint256 i = 0; i < 4; ++i) {
            expectRefused(i, by(SECRET, 1, elsewhere[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(SECRET, 1, otherChain[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(NEXT_SECRET, 1, here[i]), GuardianKeys.InvalidSignature.selector);
        }
        rotate();
        bytes32[4] memory next = digestsUnder(module, 2);
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory wrongEpoch = abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2);
            bytes[] memory old = by(SECRET, 1, here[i]);
            vm.expectRevert(wrongEpoch);
            ask(i, old);
            // The old signature under the new epoch's name.
            expectRefused(i, by(SECRET, 2, here[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(SECRET, 2, next[i]), GuardianKeys.InvalidSignature.selector);
            ask(i, by(NEXT_SECRET, 2, next[i]));
        }
    }

    function test_what_was_done_is_not_done_again() public {
        bytes[] memory provision = by(SECRET, 1, provisioningOf(0));
        puffer.provisionNode(NAME, provision, depositSignature, DEPOSIT_ROOT);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        puffer.provisionNode(NAME, provision, depositSignature, DEPOSIT_ROOT);
        bytes[] memory skip = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 1));
        puffer.skipProvisioning(NAME, skip);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        puffer.skipProvisioning(NAME, skip);
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(2)), depositSignature, DEPOSIT_ROOT);
        StoppedValidatorInfo[] memory infos = stopped();
        bytes[] memory settle = by(SECRET, 1, module.hashBatchWithdrawals(1, infos));
        puffer.batchHandleWithdrawals(infos, settle);
        vm.expectRevert(abi.encodeWithSelector(MinimalPuffer.InvalidValidatorState.selector, 0));
        puffer.batchHandleWithdrawals(infos, settle);
        bytes[] memory count = by(SECRET, 1, module.hashValidatorCount(1, COUNT, EPOCH));
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, count);
        vm.expectRevert(MinimalPuffer.InvalidUpdate.selector);
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, count);
    }

    function testFuzz_every_field_of_a_message_is_bound(uint256 field, uint8 at) public {
        StoppedValidatorInfo[] memory infos = stopped();
        bytes[] memory signatures = by(SECRET, 1, module.hashBatchWithdrawals(1, infos));
        uint256 i = at % 2;
        field = field % 8;
        if (field == 0) infos[i].module = address(1);
        if (field == 1) infos[i].startEpoch++;
        if (field == 2) infos[i].endEpoch++;
        if (field == 3) infos[i].wasSlashed = !infos[i].wasSlashed;
        if (field == 4) infos[i].moduleName = "PUFFER_MODULE_1";
        if (field == 5) infos[i].pufferModuleIndex += 5;
        if (field == 6) infos[i].withdrawalAmount++;
        if (field == 7) (infos[0], infos[1]) = (infos[1], infos[0]);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(address(puffer));
        module.validateBatchWithdrawals(infos, signatures);
    }

    function test_nothing_may_follow_the_signature() public {
        bytes[] memory signatures = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 0));
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, signatures);
        signatures[0] = bytes.concat(signatures[0], bytes1(0));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.MalformedSignature.selector, 105));
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, signatures);
    }

    function testFuzz_the_list_holds_one_whole_signature(uint8 count, uint8 length) public {
        bytes[] memory none = new bytes[](count);
        if (count == 1) none[0] = new bytes(length);
        bytes memory why = count == 1
            ? abi.encodeWithSelector(FrostGuardianModule.MalformedSignature.selector, length)
            : abi.encodeWithSelector(FrostGuardianModule.NotOneSignature.selector, count);
        vm.assume(count != 1 || length != 104);
        vm.expectRevert(why);
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, none);
    }

    function expectRefused(uint256 message, bytes[] memory signatures, bytes4 why) private {
        vm.expectRevert(why);
        ask(message, signatures);
    }
}
