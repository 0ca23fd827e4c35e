// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {DevnetProtocol} from "../src/devnet/DevnetProtocol.sol";
import {TestBase} from "./TestBase.sol";

/// @title The stand-in for Puffer's protocol
contract DevnetProtocolTest is TestBase {
    DevnetProtocol private protocol = new DevnetProtocol();

    function test_the_events_are_puffers() public pure {
        // Topics of the deployed PufferProtocol.
        vm.assertEq(
            DevnetProtocol.SuccessfullyProvisioned.selector,
            0x96cbbd073e24b0a7d0cab7dc347c239e52be23c1b44ce240b3b929821fed19a4,
            "SuccessfullyProvisioned"
        );
        vm.assertEq(
            DevnetProtocol.ValidatorExited.selector,
            0xf435da9e3aeccc40d39fece7829f9941965ceee00d31fa7a89d608a273ea906e,
            "ValidatorExited"
        );
        vm.assertEq(
            bytes4(DevnetProtocol.ValidatorKeyRegistered.selector), bytes4(0xc73344cf), "ValidatorKeyRegistered"
        );
    }

    function test_validators_are_registered_and_provisioned_in_order() public {
        protocol.provision(keysFrom(0, 1));
        for (uint256 i = 1; i < 3; ++i) {
            vm.expectEmit(address(protocol));
            emit DevnetProtocol.ValidatorKeyRegistered(pubkey(i), i, "PUFFER_MODULE_0", false);
            vm.expectEmit(address(protocol));
            emit DevnetProtocol.SuccessfullyProvisioned(pubkey(i), i, "PUFFER_MODULE_0");
        }
        protocol.provision(keysFrom(1, 2));
        vm.assertEq(protocol.provisioned(), 3, "provisioned");
    }

    function test_a_validator_exits_once_under_its_index() public {
        protocol.provision(keysFrom(0, 2));
        vm.expectEmit(address(protocol));
        emit DevnetProtocol.ValidatorExited(pubkey(1), 1, "PUFFER_MODULE_0", 0, 0);
        protocol.exit(pubkey(1));
        vm.expectRevert(abi.encodeWithSelector(DevnetProtocol.NotProvisioned.selector, pubkey(1)));
        protocol.exit(pubkey(1));
    }

    function test_a_key_is_provisioned_once_and_has_48_bytes() public {
        protocol.provision(keysFrom(0, 1));
        vm.expectRevert(abi.encodeWithSelector(DevnetProtocol.AlreadyProvisioned.selector, pubkey(0)));
        protocol.provision(keysFrom(0, 1));
        bytes[] memory short = new bytes[](1);
        short[0] = new bytes(47);
        vm.expectRevert(abi.encodeWithSelector(DevnetProtocol.InvalidPublicKeyLength.selector, 47));
        protocol.provision(short);
    }

    function keysFrom(uint256 first, uint256 count) private pure returns (bytes[] memory keys) {
        keys = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            keys[i] = pubkey(first + i);
        }
    }

    function pubkey(uint256 index) private pure returns (bytes memory) {
        return abi.encodePacked(keccak256(abi.encode(index)), bytes16(0));
    }
}
