// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice What is stored of a report. Amounts are gwei.
/// @param referenceSlot its reference slot
/// @param validatorCount validators counted
/// @param validatorGwei their balances
/// @param otherGwei pods, vaults and what is pending, together
/// @param liabilityGwei what all pufETH in circulation is worth in ether; 0 if it is not reported
/// @param contested whether it must not be relied on: see {ReserveLimits}
struct Stored {
    uint64 referenceSlot;
    uint64 validatorCount;
    uint64 validatorGwei;
    uint64 otherGwei;
    uint64 liabilityGwei;
    bool contested;
}

/// @title A ring of the latest reports, one word each
/// @notice Time is cut into intervals of `intervalSlots` slots, and the last report of each of the latest {INTERVALS} is kept.
/// So the time tells where the latest report is, no pointer has to be kept up to date, and a report costs one write.
/// @dev From the lowest bit: reference slot (32 bits), validator count (24), validators (58), other assets (58),
/// liabilities (58), hint for {GuardianKeys-verifyHinted} (1), contested (1), version of the
/// sources (24). The widths are ample: slots last 1,600 years at 12 s, each
/// amount exceeds twice all ether.
abstract contract ReserveHistory {
    /// @notice Intervals that are kept.
    uint256 public constant INTERVALS = 128;

    uint256 private constant INTERVALS_MASK = 127;
    uint256 internal constant SLOT_BITS = 32;
    uint256 internal constant COUNT_BITS = 24;
    uint256 internal constant AMOUNT_BITS = 58;
    uint256 private constant AMOUNT_MASK = 2 ** AMOUNT_BITS - 1;
    uint256 private constant SLOT_MASK = type(uint32).max;
    uint256 private constant COUNT_MASK = type(uint24).max;
    uint256 private constant STORED_COUNT_AT = 32;
    uint256 private constant VALIDATORS_AT = 56;
    uint256 private constant OTHER_AT = 114;
    uint256 private constant LIABILITIES_AT = 172;
    uint256 private constant HINT_AT = 230;
    uint256 private constant CONTESTED = 2 ** 231;
    uint256 internal constant VERSION_AT = 232;

    /// @notice Slots in an interval.
    uint256 public immutable intervalSlots;

    uint256[INTERVALS] private _reports;

    /// @notice An interval must have a length.
    error InvalidInterval();

    constructor(uint256 intervalSlots_) {
        if (intervalSlots_ == 0) revert InvalidInterval();
        intervalSlots = intervalSlots_;
    }

    /// @dev The interval of a slot; the first has number 1.
    function _intervalOf(uint256 slot) internal view returns (uint256) {
        unchecked {
            return slot / intervalSlots + 1;
        }
    }

    /// @dev The report of an interval; 0 if it has none or is not kept.
    function _at(uint256 interval) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            // INTERVALS is a power of two and the length of the array.
            word := sload(add(_reports.slot, and(interval, INTERVALS_MASK)))
        }
        if (_intervalOf(_slotOf(word)) != interval) word = 0;
    }

    /// @dev The latest report of the `depth` intervals up to `newest`; 0 if none.
    function _recent(uint256 newest, uint256 depth) internal view returns (uint256 word) {
        unchecked {
            for (uint256 interval = newest; interval != 0 && interval + depth > newest; --interval) {
                word = _at(interval);
                if (word != 0) return word;
            }
        }
    }

    /// @dev The latest report up to an interval, however old: also one that has left the ring but for its place, so that
    /// silence makes nobody forget. Dear only after more silence than the ring holds, and before the first report.
    function _find(uint256 newest) internal view returns (uint256 word) {
        word = _recent(newest, INTERVALS);
        if (word != 0) return word;
        for (uint256 place = 0; place < INTERVALS; ++place) {
            uint256 other = _reports[place];
            if (_slotOf(other) > _slotOf(word) && _intervalOf(_slotOf(other)) <= newest) word = other;
        }
    }

    function _store(uint256 interval, uint256 word, uint256 hint) internal {
        assembly ("memory-safe") {
            sstore(add(_reports.slot, and(interval, INTERVALS_MASK)), or(word, shl(HINT_AT, hint)))
        }
    }

    /// @dev The parts must fit.
    function _word(uint256 slot, uint256 count, uint256 validators, uint256 other, uint256 liabilities)
        internal
        pure
        returns (uint256)
    {
        return slot | count << STORED_COUNT_AT | validators << VALIDATORS_AT | other << OTHER_AT | liabilities
            << LIABILITIES_AT;
    }

    function _slotOf(uint256 word) internal pure returns (uint256) {
        return word & SLOT_MASK;
    }

    function _hintOf(uint256 word) internal pure returns (uint256) {
        return word >> HINT_AT & 1;
    }

    function _isContested(uint256 word) internal pure returns (bool) {
        return word & CONTESTED != 0;
    }

    function _contested(uint256 word) internal pure returns (uint256) {
        return word | CONTESTED;
    }

    /// @dev All assets, gwei. Two numbers of 58 bits do not overflow.
    function _assetsOf(uint256 word) internal pure returns (uint256) {
        unchecked {
            return (word >> VALIDATORS_AT & AMOUNT_MASK) + (word >> OTHER_AT & AMOUNT_MASK);
        }
    }

    function _liabilitiesOf(uint256 word) internal pure returns (uint256) {
        return word >> LIABILITIES_AT & AMOUNT_MASK;
    }

    function _unpack(uint256 word) internal pure returns (Stored memory) {
        return Stored({
            referenceSlot: SafeCast.toUint64(_slotOf(word)),
            validatorCount: SafeCast.toUint64(word >> STORED_COUNT_AT & COUNT_MASK),
            validatorGwei: SafeCast.toUint64(word >> VALIDATORS_AT & AMOUNT_MASK),
            otherGwei: SafeCast.toUint64(word >> OTHER_AT & AMOUNT_MASK),
            liabilityGwei: SafeCast.toUint64(_liabilitiesOf(word)),
            contested: _isContested(word)
        });
    }
}
