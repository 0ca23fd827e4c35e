// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "./Vm.sol";

/// @title What every test needs of forge: its cheatcodes and a line on the console
abstract contract TestBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

    /// @dev Shown by `forge test -vv`.
    function print(string memory name, uint256 value) internal view {
        (bool success,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string,uint256)", name, value));
        success;
    }

    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
