// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BeaconClock, FutureReferenceSlot, ReferenceSlotTooOld} from "./BeaconClock.sol";
import {Signature} from "./FrostVerifier.sol";
import {Governed} from "./Governed.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";
import {AggregatorInterface} from "./interfaces/AggregatorInterface.sol";
import {AggregatorV3Interface} from "./interfaces/AggregatorV3Interface.sol";
import {ReserveHistory, Stored} from "./ReserveHistory.sol";
import {ReserveLimits} from "./ReserveLimits.sol";
import {ReservePolicy} from "./ReservePolicy.sol";

/// @title Proof of reserves
/// @notice The guardians' report of the ether behind pufETH at one finalized slot, readable as an AggregatorV3 feed with
/// 18 decimals. Anybody may submit a report; the signature is what counts.
///
/// The last report of each of the latest {INTERVALS} intervals is kept; everything is in the call data. The owner is the
/// governor: see {ReservePolicy} and {ReserveLimits} for what it sets. A pause, a contest and old age make the feed stale:
/// {isStale} and {tryRead} say so of all three; {latestRoundData} reverts during a contest.
contract ReserveFeed is
    GuardianSigned,
    BeaconClock,
    ReserveLimits,
    ReservePolicy,
    AggregatorV3Interface,
    AggregatorInterface
{
    /// @notice What the guardians sign. Amounts are gwei (10^9 wei): assets rounded down, liabilities rounded up.
    /// @param keyEpoch key epoch under which it is signed
    /// @param referenceSlot finalized slot at which the guardians looked
    /// @param referenceRoot root of the beacon block there
    /// @param sourcesVersion {sourcesVersion} of what was counted
    /// @param validatorCount validators counted
    /// @param validatorGwei their balances on the beacon chain
    /// @param podGwei ether in the pods that validators withdraw to
    /// @param vaultGwei ether in the vaults
    /// @param pendingGwei deposits and withdrawals on their way, in neither of the above
    /// @param liabilityGwei what is owed in ether: what all pufETH in circulation is worth by its own contract
    /// (`convertToAssets(totalSupply())`); 0 if the governor named no token
    /// @param supplyGwei pufETH in circulation (10^9 of its smallest unit), a share and not ether; 0 if there is no token
    struct Report {
        uint64 keyEpoch;
        uint64 referenceSlot;
        bytes32 referenceRoot;
        uint64 sourcesVersion;
        uint64 validatorCount;
        uint64 validatorGwei;
        uint64 podGwei;
        uint64 vaultGwei;
        uint64 pendingGwei;
        uint64 liabilityGwei;
        uint64 supplyGwei;
    }

    /// @notice A {Report} in three words, which save 900 gas of call data. The first member is in the highest bits.
    /// @param head keyEpoch (32 bits), referenceSlot (32), sourcesVersion (32), validatorCount (32), validatorGwei (64),
    /// supplyGwei (64)
    /// @param referenceRoot as it is
    /// @param amounts podGwei, vaultGwei, pendingGwei, liabilityGwei (64 each)
    struct Packed {
        uint256 head;
        bytes32 referenceRoot;
        uint256 amounts;
    }

    /// @dev The clock of {BeaconClock}, and of reports. One struct, because constructors run out of stack. `heartbeat` is
    /// seconds, `reportPeriodEpochs` and `historyEpochs` are epochs, `genesisTime` is Unix time.
    struct Clock {
        uint64 genesisTime;
        uint64 secondsPerSlot;
        uint64 slotsPerEpoch;
        uint64 reportPeriodEpochs;
        uint64 heartbeat;
        uint64 historyEpochs;
        address beaconRoots;
    }

    /// @notice Struct type of a report.
    bytes32 public constant RESERVE_REPORT_TYPEHASH = keccak256(
        "ReserveReport(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,uint64 sourcesVersion,uint64 validatorCount,uint64 validatorGwei,uint64 podGwei,uint64 vaultGwei,uint64 pendingGwei,uint64 liabilityGwei,uint64 supplyGwei)"
    );

    /// @dev Intervals in which a report is looked for that is to be read. A report that lies further back has been stale for a window.
    uint256 private immutable _readDepth;

    uint256 private constant GWEI = 1e9;
    uint256 private constant MASK = 0xffffffffffffffff;
    uint256 private constant NUMBER_MASK = 0xffffffff;
    uint256 private constant EPOCH_AT = 224;
    uint256 private constant SLOT_AT = 192;
    uint256 private constant VERSION_IN_HEAD = 160;
    uint256 private constant COUNT_AT = 128;
    uint256 private constant VALIDATORS_IN_HEAD = 64;
    uint256 private constant PODS_AT = 192;
    uint256 private constant VAULTS_AT = 128;
    uint256 private constant PENDING_AT = 64;

    /// @notice A report was accepted. The assets by kind are in the call data.
    /// @param referenceSlot its reference slot
    /// @param digest the EIP-712 digest that the guardians signed
    /// @param referenceRoot its reference root
    /// @param assets everything together, wei
    /// @param liabilities what is owed, wei; 0 if it is not reported
    /// @param supply pufETH in circulation, in its smallest unit, which is a share and not ether; 0 if it is not reported
    event ReserveReported(
        uint64 indexed referenceSlot,
        bytes32 indexed digest,
        bytes32 referenceRoot,
        uint256 assets,
        uint256 liabilities,
        uint256 supply
    );

    /// @notice A report of nothing is a mistake, and an answer of 0 would be read as one.
    error EmptyReserves();
    /// @notice A value is wider than what is stored of it.
    /// @param bits that are stored
    /// @param value the value
    error ValueTooLarge(uint256 bits, uint256 value);
    /// @notice The history would forget an answer that is not stale yet.
    error ShortHistory();
    /// @notice Other accounts or another token were counted than the governor says now.
    /// @param given the version signed
    /// @param current {sourcesVersion}
    error OtherSources(uint256 given, uint256 current);
    /// @notice No report is kept.
    error NoReport();
    /// @notice No report has this reference slot, or it is not kept.
    /// @param asked the round asked for
    error UnknownRound(uint80 asked);
    /// @notice The report is contested and must not be relied on.
    /// @param referenceSlot its reference slot
    error Contested(uint64 referenceSlot);
    /// @notice Neither the governor nor the vetoer of the keys.
    /// @param account who asked
    error NotGovernorOrVetoer(address account);

    /// @param keys_ the guardians' key
    /// @param governor who may set what {ReservePolicy} says
    /// @param clock genesis time, seconds in a slot, slots in an epoch, epochs between two reports, seconds after its
    /// reference slot at which a report is stale, epochs of which one report is kept, EIP-4788's contract or 0
    /// @param maxChangeBps_ largest change between two reports, in 1/10,000
    /// @param sources_ what guardians count besides validators
    constructor(GuardianKeys keys_, address governor, Clock memory clock, uint16 maxChangeBps_, Sources memory sources_)
        GuardianSigned(keys_)
        BeaconClock(clock.genesisTime, clock.secondsPerSlot, clock.beaconRoots)
        ReserveHistory(uint256(clock.historyEpochs) * clock.slotsPerEpoch)
        ReserveLimits(maxChangeBps_)
        ReservePolicy(clock.slotsPerEpoch, clock.secondsPerSlot, clock.heartbeat)
        Governed(governor)
    {
        uint256 interval = intervalSlots * clock.secondsPerSlot;
        if ((INTERVALS - 1) * interval < clock.heartbeat) revert ShortHistory();
        uint256 depth = (clock.heartbeat + WINDOW * clock.secondsPerSlot) / interval + 2;
        _readDepth = depth > INTERVALS ? INTERVALS : depth;
        _setReportPeriod(clock.reportPeriodEpochs);
        _setSources(sources_);
    }

    /// @notice Stores a report and makes it the answer of the feed.
    /// @param report the report; its reference slot must exceed the last one's, have come, and be inside {WINDOW}
    /// @param signature of the group key over {hashReport}
    function submitReport(Packed calldata report, Signature calldata signature) external {
        (uint256 head, uint256 amounts) = (report.head, report.amounts);
        uint256 next = _pack(head, amounts);
        uint256 slot = _slotOf(next);
        uint256 newest = _intervalOf(_slotNow());
        uint256 last = _find(newest);
        if (slot <= _slotOf(last)) revert StaleReferenceSlot(SafeCast.toUint64(slot), lastReferenceSlot());
        _requireVersion(last, head >> VERSION_IN_HEAD & NUMBER_MASK);
        bytes32 root = report.referenceRoot;
        _requireReference(slot, root);
        uint256 interval = _intervalOf(slot);
        unchecked {
            if (interval + INTERVALS <= newest) revert ReferenceSlotTooOld(slot, _timeOf(slot));
        }
        bytes32 digest = _hash(head, root, amounts);
        uint256 hint = _requireSignature(head >> EPOCH_AT, _hintOf(last), digest, signature);
        next = _judged(last, next, interval);
        _store(interval, next, hint);
        _announce(digest, root, next, head & MASK);
    }

    /// @notice Contests the latest report, if it is the one of this reference slot. For the governor and the vetoer of the
    /// keys, when it is wrong. It stays contested as {ReserveLimits} says.
    /// @param referenceSlot of the report
    function contest(uint64 referenceSlot) external {
        if (msg.sender != owner() && msg.sender != keys.vetoer()) revert NotGovernorOrVetoer(msg.sender);
        uint256 last = _find(_intervalOf(_slotNow()));
        if (last == 0 || _slotOf(last) != referenceSlot) revert UnknownRound(referenceSlot);
        if (_isContested(last)) revert Contested(referenceSlot);
        _contestLast(last, msg.sender);
    }

    /// @inheritdoc AggregatorV3Interface
    /// @dev The answer is all assets in wei, never zero or negative. `startedAt` and `updatedAt` are the time of the
    /// reference slot, not of the transaction. Reverts when there is no report, or a contested one. A pause of the keys does
    /// not show here: {isStale} and {tryRead} tell. The round can be asked for until the next report of its interval.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _roundData(_latest());
    }

    /// @inheritdoc AggregatorV3Interface
    /// @dev The id of a round is its reference slot: ids rise, not by one, and what a round says never changes. Reverts for
    /// every slot that is not the reference slot of a report that is kept, and for contested ones.
    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        uint256 word = _round(id);
        if (word == 0) revert UnknownRound(id);
        return _roundData(word);
    }

    /// @notice The last report of the interval that a slot is in. Reverts when none is kept.
    /// @param slot any slot
    /// @return what is stored of it
    function reportNear(uint64 slot) external view returns (Stored memory) {
        uint256 word = _kept(slot);
        if (word == 0) revert NoReport();
        return _unpack(word);
    }

    /// @notice The latest report. Reverts when there is none.
    /// @return what is stored of it
    function latestReport() external view returns (Stored memory) {
        return _unpack(_latest());
    }

    /// @notice Whether the answer must not be relied on: the keys are paused, or the latest report is contested, or older than
    /// the heartbeat, or there is none.
    /// @return whether it is so
    function isStale() external view returns (bool) {
        return _isStale(_recent(_intervalOf(_slotNow()), _readDepth));
    }

    /// @notice Whether the latest report is contested.
    /// @return whether it is so
    function isContested() external view returns (bool) {
        return _isContested(_recent(_intervalOf(_slotNow()), _readDepth));
    }

    /// @notice The latest report, without ever reverting.
    /// @return valid whether it can be relied on; what follows is told in any case
    /// @return assets everything behind pufETH, wei; 0 if there is no report
    /// @return liabilities what all pufETH in circulation is worth, wei; 0 if it is not reported
    /// @return updatedAt the time that the values are of, Unix time
    function tryRead() external view returns (bool valid, uint256 assets, uint256 liabilities, uint256 updatedAt) {
        uint256 word = _recent(_intervalOf(_slotNow()), _readDepth);
        if (word == 0) return (false, 0, 0, 0);
        return (!_isStale(word), _assetsOf(word) * GWEI, _liabilitiesOf(word) * GWEI, _timeOf(_slotOf(word)));
    }

    /// @inheritdoc AggregatorInterface
    function latestAnswer() external view returns (int256) {
        return _answerOf(_recent(_intervalOf(_slotNow()), _readDepth));
    }

    /// @inheritdoc AggregatorInterface
    function latestTimestamp() external view returns (uint256) {
        return _timestampOf(_recent(_intervalOf(_slotNow()), _readDepth));
    }

    /// @inheritdoc AggregatorInterface
    function latestRound() external view returns (uint256) {
        uint256 word = _recent(_intervalOf(_slotNow()), _readDepth);
        return _isContested(word) ? 0 : _slotOf(word);
    }

    /// @inheritdoc AggregatorInterface
    function getAnswer(uint256 roundId) external view returns (int256) {
        return _answerOf(_round(roundId));
    }

    /// @inheritdoc AggregatorInterface
    function getTimestamp(uint256 roundId) external view returns (uint256) {
        return _timestampOf(_round(roundId));
    }

    /// @notice Reference slot of the latest report, however old; 0 when there is none.
    /// @return the slot
    function lastReferenceSlot() public view returns (uint64) {
        return SafeCast.toUint64(_slotOf(_find(_intervalOf(_slotNow()))));
    }

    /// @inheritdoc AggregatorV3Interface
    function decimals() external pure returns (uint8) {
        return 18;
    }

    /// @inheritdoc AggregatorV3Interface
    function description() external pure returns (string memory) {
        return "pufETH proof of reserves, ETH";
    }

    /// @inheritdoc AggregatorV3Interface
    function version() external pure returns (uint256) {
        return 2;
    }

    /// @notice The digest that the guardians sign for a report.
    /// @param report the report
    /// @return the EIP-712 digest
    function hashReport(Report calldata report) external view returns (bytes32) {
        // Members of one word each: the ABI encoding is EIP-712's.
        return _hashTypedDataV4(keccak256(abi.encode(RESERVE_REPORT_TYPEHASH, report)));
    }

    /// @notice A report as {submitReport} takes it. Reverts if a number of 32 bits is wider.
    /// @param report the report
    /// @return the same, packed
    function packReport(Report calldata report) public pure returns (Packed memory) {
        return Packed({
            head: uint256(SafeCast.toUint32(report.keyEpoch)) << EPOCH_AT
                | uint256(SafeCast.toUint32(report.referenceSlot)) << SLOT_AT
                | uint256(SafeCast.toUint32(report.sourcesVersion)) << VERSION_IN_HEAD
                | uint256(SafeCast.toUint32(report.validatorCount)) << COUNT_AT | uint256(report.validatorGwei)
                << VALIDATORS_IN_HEAD | report.supplyGwei,
            referenceRoot: report.referenceRoot,
            amounts: uint256(report.podGwei) << PODS_AT | uint256(report.vaultGwei) << VAULTS_AT
                | uint256(report.pendingGwei) << PENDING_AT | report.liabilityGwei
        });
    }

    /// @dev EIP-712: the type's hash and the members, a word each.
    function _hash(uint256 head, bytes32 root, uint256 amounts) private view returns (bytes32) {
        bytes32 typeHash = RESERVE_REPORT_TYPEHASH;
        bytes32 structHash;
        assembly ("memory-safe") {
            let encoded := mload(0x40)
            mstore(encoded, typeHash)
            mstore(add(encoded, 0x20), shr(EPOCH_AT, head))
            mstore(add(encoded, 0x40), and(shr(SLOT_AT, head), NUMBER_MASK))
            mstore(add(encoded, 0x60), root)
            mstore(add(encoded, 0x80), and(shr(VERSION_IN_HEAD, head), NUMBER_MASK))
            mstore(add(encoded, 0xa0), and(shr(COUNT_AT, head), NUMBER_MASK))
            mstore(add(encoded, 0xc0), and(shr(VALIDATORS_IN_HEAD, head), MASK))
            mstore(add(encoded, 0xe0), shr(PODS_AT, amounts))
            mstore(add(encoded, 0x100), and(shr(VAULTS_AT, amounts), MASK))
            mstore(add(encoded, 0x120), and(shr(PENDING_AT, amounts), MASK))
            mstore(add(encoded, 0x140), and(amounts, MASK))
            mstore(add(encoded, 0x160), and(head, MASK))
            structHash := keccak256(encoded, 0x180)
        }
        return _hashTypedDataV4(structHash);
    }

    /// @dev `emit ReserveReported(...)`, and `emit AnswerUpdated(...)` unless the report is contested: of numbers that were checked and
    /// need no casts, gwei of at most 64 bits.
    function _announce(bytes32 digest, bytes32 root, uint256 word, uint256 supply) private {
        (bytes32 topic, bytes32 answerTopic) = (ReserveReported.selector, AnswerUpdated.selector);
        (uint256 slot, uint256 assets, uint256 liabilities) = (_slotOf(word), _assetsOf(word), _liabilitiesOf(word));
        (uint256 time, bool contested) = (_timeOf(slot), _isContested(word));
        assembly ("memory-safe") {
            assets := mul(assets, GWEI)
            let data := mload(0x40)
            mstore(data, root)
            mstore(add(data, 0x20), assets)
            mstore(add(data, 0x40), mul(liabilities, GWEI))
            mstore(add(data, 0x60), mul(supply, GWEI))
            log3(data, 0x80, topic, slot, digest)
            if iszero(contested) {
                mstore(0x00, time)
                log3(0x00, 0x20, answerTopic, assets, slot)
            }
        }
    }

    /// @dev Reverts unless what was counted is what the governor says now. The last word has the version too, which saves a read.
    function _requireVersion(uint256 last, uint256 counted) private view {
        uint256 current = last == 0 ? sourcesVersion : last >> VERSION_AT;
        if (counted != current) revert OtherSources(counted, current);
    }

    /// @inheritdoc ReservePolicy
    function _stampVersion(uint256 newVersion) internal override {
        uint256 last = _find(_intervalOf(_slotNow()));
        if (last == 0) return;
        uint256 word = last & (2 ** VERSION_AT - 1) | newVersion << VERSION_AT;
        _store(_intervalOf(_slotOf(last)), word, _hintOf(last));
    }

    /// @dev The slot of this moment; before genesis 0.
    function _slotNow() private view returns (uint256) {
        unchecked {
            return block.timestamp < genesisTime ? 0 : (block.timestamp - genesisTime) / secondsPerSlot;
        }
    }

    /// @dev The report kept for the interval of a slot; 0 if none.
    function _kept(uint256 slot) private view returns (uint256) {
        uint256 newest = _intervalOf(_slotNow());
        uint256 interval = _intervalOf(slot);
        return interval <= newest && interval + INTERVALS > newest ? _at(interval) : 0;
    }

    function _latest() private view returns (uint256 word) {
        word = _recent(_intervalOf(_slotNow()), _readDepth);
        if (word == 0) revert NoReport();
    }

    /// @dev The report of a round; 0 if it is not kept.
    function _round(uint256 id) private view returns (uint256 word) {
        word = _kept(id);
        if (_slotOf(word) != id) word = 0;
    }

    function _isStale(uint256 word) private view returns (bool) {
        if (word == 0 || _isContested(word) || block.timestamp > _timeOf(_slotOf(word)) + heartbeat) return true;
        return keys.isPaused();
    }

    function _answerOf(uint256 word) private pure returns (int256) {
        return _isContested(word) ? int256(0) : SafeCast.toInt256(_assetsOf(word) * GWEI);
    }

    function _timestampOf(uint256 word) private view returns (uint256) {
        return word == 0 || _isContested(word) ? 0 : _timeOf(_slotOf(word));
    }

    function _roundData(uint256 word) private view returns (uint80, int256, uint256, uint256, uint80) {
        uint256 slot = _slotOf(word);
        if (_isContested(word)) revert Contested(SafeCast.toUint64(slot));
        uint256 time = _timeOf(slot);
        uint80 round = SafeCast.toUint80(slot);
        return (round, SafeCast.toInt256(_assetsOf(word) * GWEI), time, time, round);
    }

    /// @dev The word to be stored, without the hint. Reverts with what makes a report unfit to be stored.
    function _pack(uint256 head, uint256 amounts) private pure returns (uint256) {
        uint256 slot = head >> SLOT_AT & NUMBER_MASK;
        uint256 count = head >> COUNT_AT & NUMBER_MASK;
        uint256 validators = head >> VALIDATORS_IN_HEAD & MASK;
        uint256 liabilities = amounts & MASK;
        unchecked {
            // Summands of 64 bits.
            uint256 other = (amounts >> PODS_AT) + (amounts >> VAULTS_AT & MASK) + (amounts >> PENDING_AT & MASK);
            if ((count >> COUNT_BITS | (validators | other | liabilities) >> AMOUNT_BITS) != 0) {
                _requireBits(COUNT_BITS, count);
                _requireBits(AMOUNT_BITS, validators);
                _requireBits(AMOUNT_BITS, other);
                _requireBits(AMOUNT_BITS, liabilities);
            }
            if (validators + other == 0) revert EmptyReserves();
            // Of another version than the last one's nothing is stored, so that nothing is cut off.
            uint256 counted = head >> VERSION_IN_HEAD & NUMBER_MASK;
            return _word(slot, count, validators, other, liabilities) | counted << VERSION_AT;
        }
    }

    function _requireBits(uint256 bits, uint256 value) private pure {
        if (value >> bits != 0) revert ValueTooLarge(bits, value);
    }
}
