// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./Governed.sol";

/// @title How many exits can be requested in a day, and a pause of exits alone
/// @notice An exit can't be taken back, so that whoever has the guardians' key must not be able to ask for all of them at once:
/// the time that the limit leaves is the time to pause. Orders are recorded and announced without a limit.
abstract contract ExitLimits is Governed {
    /// @dev One slot.
    struct Limits {
        // Exits in a day, now and from `raisedAt` on.
        uint32 perDay;
        uint32 nextPerDay;
        // Unix time; 0 if no raise waits.
        uint64 raisedAt;
        // Days since 1970, and the exits of that day.
        uint32 day;
        uint32 used;
        // Unix time.
        uint64 pausedUntil;
    }

    /// @notice Exits in a day until the governor says something else.
    uint32 public constant FIRST_EXITS_PER_DAY = 256;
    /// @notice Seconds until a raise of the limit counts.
    uint64 public constant RAISE_DELAY = 2 days;
    /// @notice Seconds that a pause of exits lasts, and for which the vetoer must leave them unpaused after it.
    uint64 public constant EXIT_PAUSE = 7 days;

    Limits private _limits;

    /// @notice Another limit counts, now or later.
    /// @param perDay exits in a day
    /// @param from when on, Unix time
    event ExitsPerDayChanged(uint32 perDay, uint64 from);
    /// @notice No exits are requested for a while.
    /// @param by who paused
    /// @param until when it ends, Unix time
    event ExitsPaused(address by, uint64 until);
    /// @notice Exits can be requested again.
    event ExitsUnpaused();

    /// @notice No exits are requested during a pause.
    /// @param until when it ends, Unix time
    error ExitsArePaused(uint64 until);
    /// @notice More than the day's limit leaves.
    /// @param wanted how many
    /// @param left how many are left
    error TooManyExits(uint256 wanted, uint256 left);
    /// @notice The last pause is not long enough ago for the vetoer.
    /// @param from when on it can pause, Unix time
    error PausedTooRecently(uint64 from);
    /// @notice Neither the governor nor the vetoer of the keys.
    /// @param account who asked
    error NotGovernorOrVetoer(address account);

    constructor() {
        _limits.perDay = FIRST_EXITS_PER_DAY;
    }

    /// @notice Sets how many exits can be requested in a day (UTC): fewer at once, more after {RAISE_DELAY}.
    /// @param perDay exits; 0 for none
    function setExitsPerDay(uint32 perDay) external onlyOwner {
        Limits memory limits = _current();
        uint64 from = SafeCast.toUint64(block.timestamp);
        if (perDay > limits.perDay) {
            from += RAISE_DELAY;
            (limits.nextPerDay, limits.raisedAt) = (perDay, from);
        } else {
            (limits.perDay, limits.nextPerDay, limits.raisedAt) = (perDay, 0, 0);
        }
        _limits = limits;
        emit ExitsPerDayChanged(perDay, from);
    }

    /// @notice Lets no exits be requested for {EXIT_PAUSE}. For the governor, and for the vetoer of the keys if the last pause is
    /// over as long.
    function pauseExits() external {
        uint64 now_ = SafeCast.toUint64(block.timestamp);
        if (msg.sender != owner()) {
            if (msg.sender != _vetoer()) revert NotGovernorOrVetoer(msg.sender);
            uint64 last = _limits.pausedUntil;
            if (last != 0 && now_ <= last + EXIT_PAUSE) revert PausedTooRecently(last + EXIT_PAUSE + 1);
        }
        _limits.pausedUntil = now_ + EXIT_PAUSE;
        emit ExitsPaused(msg.sender, now_ + EXIT_PAUSE);
    }

    /// @notice Lets exits be requested again before the pause is over.
    function unpauseExits() external onlyOwner {
        uint64 before = SafeCast.toUint64(block.timestamp - 1);
        if (_limits.pausedUntil > before) _limits.pausedUntil = before;
        emit ExitsUnpaused();
    }

    /// @notice How many exits can be requested now.
    /// @return what is left of the day's limit; 0 during a pause
    function exitsLeft() external view returns (uint256) {
        Limits memory limits = _current();
        return block.timestamp <= limits.pausedUntil ? 0 : _left(limits);
    }

    /// @dev Takes exits out of the day's limit, or reverts.
    function _takeExits(uint256 count) internal {
        Limits memory limits = _current();
        if (block.timestamp <= limits.pausedUntil) revert ExitsArePaused(limits.pausedUntil);
        if (count > _left(limits)) revert TooManyExits(count, _left(limits));
        limits.used += SafeCast.toUint32(count);
        _limits = limits;
    }

    /// @dev The vetoer of the keys.
    function _vetoer() internal view virtual returns (address);

    /// @dev As of this moment.
    function _current() private view returns (Limits memory limits) {
        limits = _limits;
        if (limits.raisedAt != 0 && block.timestamp >= limits.raisedAt) {
            (limits.perDay, limits.nextPerDay, limits.raisedAt) = (limits.nextPerDay, 0, 0);
        }
        uint32 today = SafeCast.toUint32(block.timestamp / 1 days);
        if (limits.day != today) (limits.day, limits.used) = (today, 0);
    }

    /// @dev The limit may have been lowered below what was used.
    function _left(Limits memory limits) private pure returns (uint256) {
        return limits.used < limits.perDay ? limits.perDay - limits.used : 0;
    }
}
