// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianFees} from "../src/GuardianFees.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {MinimalPuffer} from "./MinimalPuffer.sol";
import {ModuleFixture} from "./ModuleFixture.sol";

/// @title The list of guardians, as operators and indexers read it
contract GuardianListTest is ModuleFixture {
    function test_nobody_registers_before_guardians_are_set() public {
        module = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getGuardians();
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getThreshold();
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getGuardiansEnclavePubkeys();
        puffer = new MinimalPuffer(module, address(0x90d));
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        puffer.registerValidatorKey(NAME, pubkeyOf(9), new bytes[](0));
    }

    function test_its_events_are_puffers() public pure {
        vm.assertEq(
            FrostGuardianModule.GuardianAdded.selector,
            0x038596bb31e2e7d3d9f184d4c98b310103f6d7f5830e5eec32bffe6f1728f969,
            "GuardianAdded"
        );
        vm.assertEq(
            FrostGuardianModule.GuardianRemoved.selector,
            0xb8107d0c6b40be480ce3172ee66ba6d64b71f6b1685a851340036e6e2e3e3c52,
            "GuardianRemoved"
        );
        vm.assertEq(
            FrostGuardianModule.ThresholdChanged.selector,
            0x3164947cf0f49f08dd0cd80e671535b1e11590d347c55dcaa97ba3c24a96b33a,
            "ThresholdChanged"
        );
        vm.assertEq(
            FrostGuardianModule.RotatedGuardianKey.selector,
            0x14720919b20fceff2a396c4973d37c6087e4619d40c8f4003d8e44ee127461a2,
            "RotatedGuardianKey"
        );
        vm.assertTrue(GuardianFees.splitGuardianFunds.selector == 0xf07c1b64, "splitGuardianFunds");
    }

    function test_the_list_of_guardians_serves_operators() public {
        (address[] memory guardians, bytes[] memory enclaveKeys) = threeGuardians();
        vm.assertEq(abi.encode(module.getGuardians()), abi.encode(guardians), "guardians");
        vm.assertEq(abi.encode(module.getGuardiansEnclavePubkeys()), abi.encode(enclaveKeys), "keys");
        vm.assertEq(module.getThreshold(), 2, "threshold");
        vm.assertEq(module.getEjectionThreshold(), THRESHOLD, "ejection threshold");
        vm.assertTrue(module.isGuardian(guardians[1]) && !module.isGuardian(STRANGER), "membership");
        for (uint256 i = 0; i < 3; ++i) {
            address account = vm.createWallet(i + 1).addr;
            vm.assertEq(module.getGuardiansEnclaveAddress(guardians[i]), account, "enclave account");
            vm.assertEq(module.getGuardiansEnclaveAddresses()[i], account, "enclave accounts");
        }
        vm.assertEq(module.getGuardiansEnclaveAddress(STRANGER), address(0), "a stranger has none");
        vm.assertEq(module.getMrenclave() | module.getMrsigner(), bytes32(0), "no enclave");
        vm.expectRevert(abi.encodeWithSelector(MinimalPuffer.InvalidNumberOfShares.selector, 2, 3));
        puffer.registerValidatorKey(NAME, pubkeyOf(9), new bytes[](2));
    }

    function test_a_list_of_guardians_that_cannot_serve_is_refused() public {
        (address[] memory guardians, bytes[] memory enclaveKeys) = threeGuardians();
        expectRefusedList(
            guardians, enclaveKeys, 0, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 0, 3, 3)
        );
        expectRefusedList(
            guardians, enclaveKeys, 4, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 4, 3, 3)
        );
        expectRefusedList(
            guardians, new bytes[](2), 2, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 2, 3, 2)
        );
        expectRefusedList(
            new address[](129),
            new bytes[](129),
            2,
            abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 2, 129, 129)
        );
        bytes memory invalid = abi.encodeWithSelector(FrostGuardianModule.InvalidGuardian.selector, 2);
        enclaveKeys[2] = hex"04";
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        enclaveKeys[2] = new bytes(65);
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        (, enclaveKeys) = threeGuardians();
        guardians[2] = guardians[0];
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        guardians[2] = address(0);
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        module.setGuardians(guardians, enclaveKeys, 2);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.AccountWithoutCode.selector, STRANGER));
        new FrostGuardianModule(GuardianKeys(STRANGER), registry, GOVERNOR, SLOTS_PER_EPOCH);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.AccountWithoutCode.selector, STRANGER));
        new FrostGuardianModule(keys, EjectionRegistry(STRANGER), GOVERNOR, SLOTS_PER_EPOCH);
    }

    function expectRefusedList(
        address[] memory guardians,
        bytes[] memory enclaveKeys,
        uint256 threshold,
        bytes memory why
    ) private {
        vm.expectRevert(why);
        vm.prank(GOVERNOR);
        module.setGuardians(guardians, enclaveKeys, threshold);
    }
}
