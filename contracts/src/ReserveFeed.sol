// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Signature} from "./FrostVerifier.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";
import {AggregatorV3Interface} from "./interfaces/AggregatorV3Interface.sol";

/// @title Proof of reserves
/// @notice The guardians' report of the ether behind pufETH at one finalized slot, readable as an AggregatorV3 feed with
/// 18 decimals. Anybody may submit a report; the signature is what counts.
///
/// Only the latest report is stored, in one slot; earlier ones are in the events. The owner is the governor: it sets
/// which vaults are counted and how often reports are due, and nothing else.
contract ReserveFeed is GuardianSigned, Ownable2Step, AggregatorV3Interface {
    /// @notice What the guardians sign.
    /// @param keyEpoch key epoch under which it is signed
    /// @param referenceSlot finalized slot at which the guardians looked
    /// @param referenceRoot root of the beacon block there
    /// @param validatorCount validators counted
    /// @param validatorBalance their balances, wei
    /// @param vaultBalance balances of the vaults, wei
    struct Report {
        uint64 keyEpoch;
        uint64 referenceSlot;
        bytes32 referenceRoot;
        uint64 validatorCount;
        uint128 validatorBalance;
        uint128 vaultBalance;
    }

    /// @dev The stored report, see `_latest`.
    struct Latest {
        uint256 referenceSlot;
        uint256 round;
        uint256 validatorCount;
        uint256 validatorBalance;
        uint256 vaultBalance;
    }

    /// @notice Struct type of a report.
    bytes32 public constant RESERVE_REPORT_TYPEHASH = keccak256(
        "ReserveReport(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,uint64 validatorCount,uint128 validatorBalance,uint128 vaultBalance)"
    );
    /// @notice Most vaults that can be listed.
    uint256 public constant MAX_VAULTS = 16;

    uint256 private constant SLOT_MASK = type(uint32).max;
    uint256 private constant ROUND_MASK = type(uint24).max;
    uint256 private constant COUNT_MASK = type(uint24).max;
    uint256 private constant BALANCE_MASK = type(uint88).max;
    uint256 private constant ROUND_AT = 32;
    uint256 private constant COUNT_AT = 56;
    uint256 private constant VALIDATOR_BALANCE_AT = 80;
    uint256 private constant VAULT_BALANCE_AT = 168;

    /// @notice Unix time of slot 0.
    uint64 public immutable genesisTime;
    /// @notice Length of a slot in seconds.
    uint64 public immutable secondsPerSlot;
    /// @notice Slots in an epoch.
    uint64 public immutable slotsPerEpoch;
    /// @notice Seconds after its reference slot at which a report is stale.
    uint64 public immutable heartbeat;

    /// @dev The latest report in one slot, because every slot costs 5,000 gas per report. From the lowest bit: reference
    /// slot (32 bits), round (24), validator count (24), validator balance (88), vault balance (88). The widths are ample:
    /// slots last 1,600 years at 12 s, rounds 200 years at one report per epoch, each balance exceeds twice all ether.
    uint256 private _latest;
    /// @notice Epochs between two reports.
    uint64 public reportPeriodEpochs;
    address[] private _vaults;

    /// @notice A report was accepted.
    /// @param referenceSlot its reference slot
    /// @param referenceRoot its reference root
    /// @param total reserves in wei
    /// @param validatorCount validators counted
    event ReserveReported(uint64 indexed referenceSlot, bytes32 referenceRoot, uint256 total, uint64 validatorCount);
    /// @notice The governor changed the list of vaults.
    /// @param vaults the new list
    event VaultsChanged(address[] vaults);
    /// @notice The governor changed the period.
    /// @param oldPeriod epochs
    /// @param newPeriod epochs
    event ReportPeriodChanged(uint64 oldPeriod, uint64 newPeriod);

    /// @notice The reference slot has not come yet.
    /// @param given the reference slot submitted
    /// @param time when it comes, Unix time
    error FutureReferenceSlot(uint64 given, uint256 time);
    /// @notice A report of nothing is a mistake, and an answer of 0 would be read as one.
    error EmptyReserves();
    /// @notice No report was accepted yet.
    error NoReport();
    /// @notice Only the latest round is kept.
    /// @param asked the round asked for
    /// @param latest the round that is kept
    error UnknownRound(uint80 asked, uint80 latest);
    /// @notice Slot and epoch must have a length.
    error InvalidClock();
    /// @notice The period must be at least one epoch and not longer than the heartbeat.
    /// @param period epochs
    error InvalidReportPeriod(uint64 period);
    /// @notice More than {MAX_VAULTS} vaults.
    /// @param count number of vaults
    error TooManyVaults(uint256 count);
    /// @notice The zero address, or one that is listed twice.
    /// @param vault the address
    error InvalidVault(address vault);

    /// @param keys_ the guardians' key
    /// @param governor who may set vaults and period
    /// @param genesisTime_ Unix time of slot 0
    /// @param secondsPerSlot_ length of a slot
    /// @param slotsPerEpoch_ slots in an epoch
    /// @param reportPeriodEpochs_ epochs between two reports
    /// @param heartbeat_ seconds after which a report is stale
    /// @param vaults_ what guardians count besides validators
    constructor(
        GuardianKeys keys_,
        address governor,
        uint64 genesisTime_,
        uint64 secondsPerSlot_,
        uint64 slotsPerEpoch_,
        uint64 reportPeriodEpochs_,
        uint64 heartbeat_,
        address[] memory vaults_
    ) GuardianSigned(keys_) Ownable(governor) {
        if (secondsPerSlot_ == 0 || slotsPerEpoch_ == 0) revert InvalidClock();
        genesisTime = genesisTime_;
        secondsPerSlot = secondsPerSlot_;
        slotsPerEpoch = slotsPerEpoch_;
        heartbeat = heartbeat_;
        _setReportPeriod(reportPeriodEpochs_);
        _setVaults(vaults_);
    }

    /// @notice Stores a report and makes it the answer of the feed.
    /// @param report the report; its reference slot must exceed the last one's and must have come
    /// @param signature of the group key over {hashReport}
    function submitReport(Report calldata report, Signature calldata signature) external {
        uint256 last = _latest;
        uint256 next = _pack(report, (last >> ROUND_AT & ROUND_MASK) + 1);
        uint256 slot = next & SLOT_MASK;
        if (slot <= last & SLOT_MASK) revert StaleReferenceSlot(report.referenceSlot, lastReferenceSlot());
        uint256 time = _timeOf(slot);
        if (time > block.timestamp) revert FutureReferenceSlot(report.referenceSlot, time);

        uint256 keyEpoch;
        assembly ("memory-safe") {
            keyEpoch := calldataload(report)
        }
        _requireSignature(keyEpoch, hashReport(report), signature);

        _latest = next;
        _emitReported(slot, report.referenceRoot, _total(next), next >> COUNT_AT & COUNT_MASK);
    }

    /// @notice Sets which vaults guardians count. May be empty.
    /// @param newVaults at most {MAX_VAULTS}, none zero, none twice
    function setVaults(address[] calldata newVaults) external onlyOwner {
        _setVaults(newVaults);
    }

    /// @notice Sets how often reports are due.
    /// @param newPeriod epochs; at least 1, and not longer than the heartbeat
    function setReportPeriod(uint64 newPeriod) external onlyOwner {
        _setReportPeriod(newPeriod);
    }

    /// @inheritdoc AggregatorV3Interface
    /// @dev The answer is validator balance plus vault balance in wei, never zero or negative. `startedAt` and
    /// `updatedAt` are the time of the reference slot, not of the transaction. Reverts before the first report.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _roundData(_stored());
    }

    /// @inheritdoc AggregatorV3Interface
    /// @dev Only the latest round is kept.
    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        Latest memory latest = _stored();
        if (id != latest.round) revert UnknownRound(id, SafeCast.toUint80(latest.round));
        return _roundData(latest);
    }

    /// @notice The latest report. Reverts before the first.
    /// @return roundId number of reports so far
    /// @return referenceSlot its reference slot
    /// @return validatorCount validators counted
    /// @return validatorBalance their balances, wei
    /// @return vaultBalance balances of the vaults, wei
    function latestReport()
        external
        view
        returns (
            uint80 roundId,
            uint64 referenceSlot,
            uint64 validatorCount,
            uint128 validatorBalance,
            uint128 vaultBalance
        )
    {
        Latest memory latest = _stored();
        return (
            SafeCast.toUint80(latest.round),
            SafeCast.toUint64(latest.referenceSlot),
            SafeCast.toUint64(latest.validatorCount),
            SafeCast.toUint128(latest.validatorBalance),
            SafeCast.toUint128(latest.vaultBalance)
        );
    }

    /// @notice Whether the latest report is older than the heartbeat, or there is none.
    /// @return whether the answer must not be relied on
    function isStale() external view returns (bool) {
        Latest memory latest = _unpack(_latest);
        return latest.round == 0 || block.timestamp > _timeOf(latest.referenceSlot) + heartbeat;
    }

    /// @notice Reference slot of the latest report; 0 before the first.
    /// @return the slot
    function lastReferenceSlot() public view returns (uint64) {
        return SafeCast.toUint64(_latest & SLOT_MASK);
    }

    /// @notice The vaults that guardians count.
    /// @return their addresses
    function getVaults() external view returns (address[] memory) {
        return _vaults;
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
        return 1;
    }

    /// @notice The digest that the guardians sign for a report.
    /// @param report the report
    /// @return the EIP-712 digest
    function hashReport(Report calldata report) public view returns (bytes32) {
        bytes32 typeHash = RESERVE_REPORT_TYPEHASH;
        bytes32 structHash;
        assembly ("memory-safe") {
            // The members are one word each and come in the order of the type: their calldata is their encoding, and
            // 600 gas are saved on making another. A word with dirty upper bits has a digest that nobody signs.
            let encoded := mload(0x40)
            mstore(encoded, typeHash)
            calldatacopy(add(encoded, 0x20), report, 0xc0)
            structHash := keccak256(encoded, 0xe0)
        }
        return _hashTypedDataV4(structHash);
    }

    /// @dev `emit ReserveReported(...)` of numbers that were checked and need no casts.
    function _emitReported(uint256 slot, bytes32 root, uint256 total, uint256 count) private {
        bytes32 topic = ReserveReported.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, root)
            mstore(add(data, 0x20), total)
            mstore(add(data, 0x40), count)
            log2(data, 0x60, topic, slot)
        }
    }

    function _setReportPeriod(uint64 newPeriod) private {
        // Reports due less often than the heartbeat would leave the feed stale between any two of them.
        if (newPeriod == 0 || uint256(newPeriod) * slotsPerEpoch * secondsPerSlot > heartbeat) {
            revert InvalidReportPeriod(newPeriod);
        }
        emit ReportPeriodChanged(reportPeriodEpochs, newPeriod);
        reportPeriodEpochs = newPeriod;
    }

    function _setVaults(address[] memory newVaults) private {
        uint256 count = newVaults.length;
        if (count > MAX_VAULTS) revert TooManyVaults(count);
        for (uint256 i = 0; i < count; ++i) {
            if (newVaults[i] == address(0)) revert InvalidVault(address(0));
            for (uint256 j = 0; j < i; ++j) {
                if (newVaults[i] == newVaults[j]) revert InvalidVault(newVaults[i]);
            }
        }
        _vaults = newVaults;
        emit VaultsChanged(newVaults);
    }

    function _stored() private view returns (Latest memory latest) {
        latest = _unpack(_latest);
        if (latest.round == 0) revert NoReport();
    }

    function _roundData(Latest memory latest) private view returns (uint80, int256, uint256, uint256, uint80) {
        uint256 time = _timeOf(latest.referenceSlot);
        int256 answer = SafeCast.toInt256(latest.validatorBalance + latest.vaultBalance);
        uint80 round = SafeCast.toUint80(latest.round);
        return (round, answer, time, time, round);
    }

    function _timeOf(uint256 slot) private view returns (uint256) {
        // Each factor and summand is below 2^64.
        unchecked {
            return genesisTime + slot * secondsPerSlot;
        }
    }

    /// @dev Reverts with what makes a report unfit to be stored; what is too wide, with OpenZeppelin's error for that.
    function _pack(Report calldata report, uint256 round) private pure returns (uint256) {
        uint256 slot;
        uint256 count;
        uint256 validators;
        uint256 vaults;
        assembly ("memory-safe") {
            // Whole words: the ranges below are narrower than the types and so refuse dirty upper bits too. Checked by
            // Solidity as well, each member would cost 70 gas more.
            slot := calldataload(add(report, 0x20))
            count := calldataload(add(report, 0x60))
            validators := calldataload(add(report, 0x80))
            vaults := calldataload(add(report, 0xa0))
        }
        if ((slot >> 32 | round >> 24 | count >> 24 | validators >> 88 | vaults >> 88) != 0) {
            // Rare: find out which, and say so.
            SafeCast.toUint32(slot);
            SafeCast.toUint24(round);
            SafeCast.toUint24(count);
            SafeCast.toUint88(validators);
            SafeCast.toUint88(vaults);
        }
        uint256 balances = validators << VALIDATOR_BALANCE_AT | vaults << VAULT_BALANCE_AT;
        if (balances == 0) revert EmptyReserves();
        return slot | round << ROUND_AT | count << COUNT_AT | balances;
    }

    function _unpack(uint256 word) private pure returns (Latest memory) {
        return Latest({
            referenceSlot: word & SLOT_MASK,
            round: word >> ROUND_AT & ROUND_MASK,
            validatorCount: word >> COUNT_AT & COUNT_MASK,
            validatorBalance: word >> VALIDATOR_BALANCE_AT & BALANCE_MASK,
            vaultBalance: word >> VAULT_BALANCE_AT
        });
    }

    /// @dev The sum of the balances in a stored report; two 88-bit numbers do not overflow.
    function _total(uint256 word) private pure returns (uint256) {
        unchecked {
            return (word >> VALIDATOR_BALANCE_AT & BALANCE_MASK) + (word >> VAULT_BALANCE_AT);
        }
    }
}
