// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title A contract with a governor
/// @notice Handing over takes two steps, and there is always somebody: nobody could end a pause, replace a lost key or change
/// what is counted after the governor had gone.
abstract contract Governed is Ownable2Step {
    /// @notice The governor can hand over and cannot leave.
    error GovernorStays();

    constructor(address governor) Ownable(governor) {}

    /// @notice Reverts.
    function renounceOwnership() public view override onlyOwner {
        revert GovernorStays();
    }
}
