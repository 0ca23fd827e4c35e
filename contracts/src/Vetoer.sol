// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./Governed.sol";

/// @title Who can stop the governor, and how that office changes hands
/// @notice The vetoer can veto keys and pause once. It hands over by itself at once; the governor replaces it after the delay,
/// in everybody's sight, so that neither a lost nor a hostile vetoer stays for ever.
abstract contract Vetoer is Governed {
    /// @notice Least delay, seconds.
    uint64 public constant MIN_DELAY = 1 days;
    /// @notice Longest delay, seconds.
    uint64 public constant MAX_DELAY = 30 days;

    /// @notice Seconds between a proposal, of a key or of a vetoer, and its execution.
    uint64 public immutable delay;
    /// @notice The account that can veto and pause besides the governor; 0 for nobody.
    address public vetoer;
    /// @notice The account that is to be the vetoer.
    address public nextVetoer;
    /// @notice From when on {replaceVetoer} can be called, Unix time; 0 if nobody is to be the vetoer.
    uint64 public nextVetoerAt;

    /// @notice The governor wants another vetoer.
    /// @param nextVetoer who; may be 0
    /// @param readyAt from when on it can be, Unix time
    event VetoerProposed(address nextVetoer, uint64 readyAt);
    /// @notice There is another vetoer.
    /// @param oldVetoer the old one
    /// @param newVetoer the new one
    event VetoerChanged(address oldVetoer, address newVetoer);
    /// @notice The vetoer can pause again.
    event VetoerArmed();

    /// @notice The delay must be between {MIN_DELAY} and {MAX_DELAY}.
    /// @param delay seconds
    error InvalidDelay(uint64 delay);
    /// @notice Neither the governor nor the vetoer.
    /// @param account who asked
    error NotGovernorOrVetoer(address account);
    /// @notice Not the vetoer.
    /// @param account who asked
    error NotVetoer(address account);
    /// @notice Nobody is to be the vetoer.
    error NoNextVetoer();
    /// @notice The delay is not over.
    /// @param readyAt when it will be, Unix time
    error VetoerNotReady(uint64 readyAt);

    constructor(address vetoer_, uint64 delay_) {
        if (delay_ < MIN_DELAY || delay_ > MAX_DELAY) revert InvalidDelay(delay_);
        vetoer = vetoer_;
        delay = delay_;
    }

    /// @notice Says who is to be the vetoer after the delay, or takes back the last such word by saying it again.
    /// @param next who; may be 0
    function proposeVetoer(address next) external onlyOwner {
        uint64 readyAt = SafeCast.toUint64(block.timestamp) + delay;
        (nextVetoer, nextVetoerAt) = (next, readyAt);
        emit VetoerProposed(next, readyAt);
    }

    /// @notice Makes the next vetoer the vetoer, once the delay is over. Anybody may call it.
    function replaceVetoer() external {
        if (nextVetoerAt == 0) revert NoNextVetoer();
        if (block.timestamp < nextVetoerAt) revert VetoerNotReady(nextVetoerAt);
        _setVetoer(nextVetoer);
        (nextVetoer, nextVetoerAt) = (address(0), 0);
    }

    /// @notice Hands the office over. For the vetoer.
    /// @param next who is the vetoer from now on; may be 0
    function handOverVeto(address next) external {
        if (msg.sender != vetoer) revert NotVetoer(msg.sender);
        _setVetoer(next);
    }

    /// @notice Lets the vetoer pause once more.
    function armVetoer() external onlyOwner {
        _armVetoer();
        emit VetoerArmed();
    }

    /// @dev A vetoer that hands over to itself must not get a second pause by that: only the governor arms.
    function _setVetoer(address next) private {
        emit VetoerChanged(vetoer, next);
        vetoer = next;
    }

    /// @dev Lets the vetoer pause once more.
    function _armVetoer() internal virtual;
}
