// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Fixture} from "./Fixture.sol";

/// @title The system contracts of EIP-4788 and EIP-7002 with their real code, and the calls that the chain makes of them
abstract contract Predeploys is Fixture {
    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;
    address internal constant WITHDRAWAL_REQUESTS = 0x00000961Ef480Eb55e80D19ad83579A64c007002;
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    function setUp() public virtual override {
        super.setUp();
        string memory json = vm.readFile("test/vectors/predeploys.json");
        vm.etch(BEACON_ROOTS, vm.parseJsonBytes(json, "$.eip4788.code"));
        vm.etch(WITHDRAWAL_REQUESTS, vm.parseJsonBytes(json, "$.eip7002.code"));
    }

    /// @dev What the chain does at the start of the block of `slot`: stores the root of its parent. Leaves the time as it was.
    function beginBlock(uint64 slot, bytes32 parentRoot) internal {
        uint256 time = block.timestamp;
        vm.warp(timeOf(slot));
        vm.prank(SYSTEM);
        (bool success,) = BEACON_ROOTS.call(abi.encode(parentRoot));
        vm.assertTrue(success, "beacon root");
        vm.warp(time);
    }

    /// @dev What the chain does at the end of a block: takes up to 16 requests out of the queue, 76 bytes each.
    function endBlock() internal returns (bytes memory requests) {
        vm.prank(SYSTEM);
        bool success;
        (success, requests) = WITHDRAWAL_REQUESTS.call("");
        vm.assertTrue(success, "withdrawal requests");
    }
}
