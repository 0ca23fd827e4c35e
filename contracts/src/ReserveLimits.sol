// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./Governed.sol";
import {ReserveHistory} from "./ReserveHistory.sol";

/// @title How much reserves may change, and what happens when they change more
/// @notice A report is compared with the last one of an earlier interval, so that many reports in one interval change no more
/// than one may. A report that the guardians sign and nobody expected is stored, and contested: the feed is stale at once, because
/// either there was a loss, or somebody has the key. A contest ends
/// - with a report that is again what was expected before it,
/// - with one inside {Bounds} that the governor set, beforehand or now,
/// - or by itself: guardians who stay with it for {STANDING_INTERVALS} are believed. That is the time to pause.
///
/// So no true report is ever refused, and none that surprises is believed before somebody could look.
abstract contract ReserveLimits is Governed, ReserveHistory {
    /// @notice What the governor expects, gwei. A report inside is not contested, whatever it changes.
    /// @param minAssets least assets
    /// @param maxAssets most assets
    /// @param minLiabilities least liabilities
    /// @param maxLiabilities most liabilities
    /// @param untilSlot last reference slot for which this holds; 0 for none
    struct Bounds {
        uint64 minAssets;
        uint64 maxAssets;
        uint64 minLiabilities;
        uint64 maxLiabilities;
        uint64 untilSlot;
    }

    /// @notice Intervals after which a contested value that still stands is believed.
    uint256 public constant STANDING_INTERVALS = 3;
    /// @notice After silence the change of this many intervals at most is expected.
    uint256 public constant MAX_SCALE = 8;
    uint256 private constant BPS = 10_000;

    /// @notice Largest change of assets, and of liabilities, in an interval, in 1/10,000.
    uint16 public immutable maxChangeBps;

    /// @notice What the governor expects.
    Bounds public bounds;
    /// @notice Reference slot from which the contested value stands; the last contest's if there is none.
    uint64 public contestedSince;
    /// @dev During a contest, the report with which it began to differ; else the report that ended the last one. It has a
    /// use while the interval before holds a contested report.
    uint256 private _trusted;

    /// @notice The governor says what it expects.
    /// @param bounds all of it
    event BoundsChanged(Bounds bounds);
    /// @notice The latest report must not be relied on.
    /// @param referenceSlot its reference slot
    /// @param by who contests it; this contract itself if it changes too much
    event ReportContested(uint64 indexed referenceSlot, address by);
    /// @notice The contest is over.
    /// @param referenceSlot of the report that ended it
    event ContestEnded(uint64 indexed referenceSlot);

    /// @notice The limit of change must be above 0 and not above 10,000.
    /// @param bps the limit
    error InvalidMaxChange(uint16 bps);

    constructor(uint16 maxChangeBps_) {
        if (maxChangeBps_ == 0 || maxChangeBps_ > BPS) revert InvalidMaxChange(maxChangeBps_);
        maxChangeBps = maxChangeBps_;
    }

    /// @notice Says what the governor expects: before a change of the sources, or to end a contest.
    /// @param newBounds gwei; `untilSlot` 0 takes the last bounds back
    function setBounds(Bounds calldata newBounds) external onlyOwner {
        bounds = newBounds;
        emit BoundsChanged(newBounds);
    }

    /// @dev The word to be stored for a report: contested, or not. Ends or begins a contest.
    /// @param last the latest report, or 0
    /// @param next the new one
    /// @param interval of the new one
    function _judged(uint256 last, uint256 next, uint256 interval) internal returns (uint256) {
        if (last == 0) return next;
        uint256 base = _baseOf(last, interval);
        if (_isContested(last)) return _judgedInContest(base, next, interval);
        if (_isExpected(base, next, interval)) return next;
        return _contest(next, base, address(this));
    }

    function _judgedInContest(uint256 base, uint256 next, uint256 interval) private returns (uint256) {
        uint64 slot = SafeCast.toUint64(_slotOf(next));
        if (!_isExpected(_trusted, next, interval)) {
            bool stands = _isExpected(base, next, interval);
            if (!stands) contestedSince = slot;
            if (!stands || slot < contestedSince + STANDING_INTERVALS * intervalSlots) return _contested(next);
        }
        _trusted = next;
        emit ContestEnded(slot);
        return next;
    }

    /// @dev Contests the latest report, which must not be contested yet.
    function _contestLast(uint256 last, address by) internal {
        uint256 interval = _intervalOf(_slotOf(last));
        uint256 base = _baseOf(last, interval);
        // With nothing earlier, nothing is trusted.
        uint256 word = _contest(last, base == last ? 0 : base, by);
        _store(interval, word, _hintOf(word));
    }

    function _contest(uint256 word, uint256 base, address by) private returns (uint256) {
        _trusted = base;
        contestedSince = SafeCast.toUint64(_slotOf(word));
        emit ReportContested(contestedSince, by);
        return _contested(word);
    }

    /// @dev The report with which one of an interval is compared: the latest report of an earlier one; in the first interval of all,
    /// the latest.
    function _baseOf(uint256 last, uint256 interval) private view returns (uint256 base) {
        if (_intervalOf(_slotOf(last)) < interval) return last;
        base = _find(interval - 1);
        if (base == 0) return last;
        // The contest ended in this interval.
        if (_isContested(base) && !_isContested(last)) return _trusted;
    }

    function _isExpected(uint256 base, uint256 next, uint256 interval) private view returns (bool) {
        // Amounts of 59 bits, bps of 16, a scale of 4: nothing overflows. The base is of no later interval.
        unchecked {
            uint256 allowed = interval - _intervalOf(_slotOf(base));
            allowed = maxChangeBps * (allowed == 0 ? 1 : allowed > MAX_SCALE ? MAX_SCALE : allowed);
            (uint256 before, uint256 assets) = (_assetsOf(base), _assetsOf(next));
            bool near = (before > assets ? before - assets : assets - before) * BPS <= before * allowed;
            uint256 liabilities = _liabilitiesOf(next);
            before = _liabilitiesOf(base);
            near =
                near && (before > liabilities ? before - liabilities : liabilities - before) * BPS <= before * allowed;
            return near || _isInBounds(_slotOf(next), assets, liabilities);
        }
    }

    function _isInBounds(uint256 slot, uint256 assets, uint256 liabilities) private view returns (bool) {
        if (slot > bounds.untilSlot) return false;
        bool enough = assets >= bounds.minAssets && liabilities >= bounds.minLiabilities;
        return enough && assets <= bounds.maxAssets && liabilities <= bounds.maxLiabilities;
    }
}
