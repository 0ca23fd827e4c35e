// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {InvalidClock} from "../src/BeaconClock.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {MinimalPuffer} from "./MinimalPuffer.sol";
import {ModuleFixture} from "./ModuleFixture.sol";

/// @title For whom messages are validated, and which counts are none
contract ModuleCallersTest is ModuleFixture {
    function test_the_registry_must_ask_the_same_keys() public {
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(SECRET);
        GuardianKeys other = newKeys(px, py);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.OtherKeys.selector, keys));
        new FrostGuardianModule(other, registry, GOVERNOR, SLOTS_PER_EPOCH);
    }

    function test_messages_are_validated_for_one_protocol_and_one_oracle() public {
        bytes[] memory skip = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 0));
        MinimalPuffer second = new MinimalPuffer(module, address(0x90d));
        second.registerValidatorKey(NAME, pubkeyOf(7), new bytes[](3));
        bytes memory why = abi.encodeWithSelector(FrostGuardianModule.NotCaller.selector, second);
        vm.expectRevert(why);
        second.skipProvisioning(NAME, skip);
        puffer.skipProvisioning(NAME, skip);
        bytes32[4] memory digests = digestsUnder(module, 1);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        module.setCallers(STRANGER, STRANGER);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.CallersChanged(STRANGER, address(puffer));
        vm.prank(GOVERNOR);
        module.setCallers(STRANGER, address(puffer));
        why = abi.encodeWithSelector(FrostGuardianModule.NotCaller.selector, puffer);
        for (uint256 i = 0; i < 3; ++i) {
            bytes[] memory signatures = by(SECRET, 1, digests[i]);
            vm.expectRevert(why);
            ask(i, signatures);
        }
        ask(3, by(SECRET, 1, digests[3]));
        vm.prank(GOVERNOR);
        module.setCallers(address(puffer), STRANGER);
        bytes[] memory count = by(SECRET, 1, digests[3]);
        vm.expectRevert(why);
        ask(3, count);
    }

    function test_a_count_of_an_epoch_that_has_not_come_is_refused() public {
        uint256 current = (block.timestamp - GENESIS_TIME) / (SECONDS_PER_SLOT * SLOTS_PER_EPOCH);
        bytes[] memory next = by(SECRET, 1, module.hashValidatorCount(1, COUNT, current + 1));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.FutureEpoch.selector, current + 1, current));
        puffer.setTotalNumberOfValidators(COUNT, current + 1, next);
        uint256 max = type(uint256).max;
        bytes[] memory last = by(SECRET, 1, module.hashValidatorCount(1, COUNT, max));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.FutureEpoch.selector, max, current));
        puffer.setTotalNumberOfValidators(COUNT, max, last);
        puffer.setTotalNumberOfValidators(COUNT, current, by(SECRET, 1, module.hashValidatorCount(1, COUNT, current)));
        vm.expectRevert(InvalidClock.selector);
        new FrostGuardianModule(keys, registry, GOVERNOR, 0);
    }

    function test_a_count_of_nobody_is_refused() public {
        bytes[] memory signatures = by(SECRET, 1, module.hashValidatorCount(1, 0, EPOCH));
        vm.expectRevert(FrostGuardianModule.EmptyCount.selector);
        puffer.setTotalNumberOfValidators(0, EPOCH, signatures);
    }
}
