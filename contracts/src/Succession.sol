// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./Governed.sol";

/// @title An account that the governor replaces after a delay
/// @notice The governor names a successor; when the delay is over, in which everybody can look and leave, anybody lets it take over.
/// What the account is for, and what else a successor has to be, is said where it is kept.
abstract contract Succession is Governed {
    /// @notice Least delay, seconds.
    uint64 public constant MIN_DELAY = 1 days;
    /// @notice Longest delay, seconds.
    uint64 public constant MAX_DELAY = 30 days;

    /// @notice Seconds between the naming of a successor and its taking over.
    uint64 public immutable delay;
    /// @notice The account that is to take over; it may be 0, and says nothing while {successorAt} is 0.
    address public successor;
    /// @notice From when on it can take over, Unix time; 0 if nobody is named.
    uint64 public successorAt;

    /// @notice The governor named a successor, or withdrew the last one.
    /// @param successor who; 0 may be meant
    /// @param readyAt from when on it can take over, Unix time; 0 if nobody is named any more
    event SuccessorNamed(address successor, uint64 readyAt);

    /// @notice The delay must be between {MIN_DELAY} and {MAX_DELAY}.
    /// @param delay seconds
    error InvalidDelay(uint64 delay);
    /// @notice Nobody is named.
    error NoSuccessor();
    /// @notice The delay is not over.
    /// @param readyAt when it will be, Unix time
    error SuccessorNotReady(uint64 readyAt);

    constructor(uint64 delay_) {
        if (delay_ < MIN_DELAY || delay_ > MAX_DELAY) revert InvalidDelay(delay_);
        delay = delay_;
    }

    /// @notice Takes the last name back.
    function withdrawSuccessor() external onlyOwner {
        (successor, successorAt) = (address(0), 0);
        emit SuccessorNamed(address(0), 0);
    }

    /// @dev Names a successor, in the place of the last one.
    function _name(address next) internal {
        uint64 readyAt = SafeCast.toUint64(block.timestamp) + delay;
        (successor, successorAt) = (next, readyAt);
        emit SuccessorNamed(next, readyAt);
    }

    /// @dev The successor, whose time has come and who is not named any more.
    function _take() internal returns (address next) {
        if (successorAt == 0) revert NoSuccessor();
        if (block.timestamp < successorAt) revert SuccessorNotReady(successorAt);
        next = successor;
        (successor, successorAt) = (address(0), 0);
    }
}
