// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Signature} from "./FrostVerifier.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";

/// @title Orders to eject validators
/// @notice The guardians' word that validators must leave, each with its reason, seen at one finalized slot. Anybody may
/// submit an order; the signature is what counts. The registry records and announces; it does not exit anybody.
///
/// The owner is the governor: it sets the balance below which guardians eject, and nothing else.
contract EjectionRegistry is GuardianSigned, Ownable2Step {
    /// @notice Struct type of an order. `ejections` is the packed list described at {submitOrder}.
    bytes32 public constant EJECTION_ORDER_TYPEHASH =
        keccak256("EjectionOrder(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes ejections)");

    /// @notice Bytes per validator in the packed list: index (8, big-endian), BLS public key (48), reason (1).
    uint256 public constant EJECTION_LENGTH = 57;
    /// @notice Most validators in one order. At 4,000 gas each it stays near one million gas, far below any block.
    uint256 public constant MAX_EJECTIONS = 256;
    /// @notice Highest reason in use: 1 low balance, 2 slashed, 3 offline, 4 tickets spent, 5 module slashed.
    uint256 public constant MAX_REASON = 5;

    uint256 private constant PUBLIC_KEY_LENGTH = 48;
    /// @dev A validator with the balance it was activated with is never below the threshold.
    uint256 private constant ACTIVATION_BALANCE = 32 ether;

    /// @notice Reference slot of the last accepted order; 0 before the first.
    uint64 public lastReferenceSlot;
    uint256 private _ejectionThreshold;

    /// @notice A validator must leave.
    /// @param validatorIndex its index on the beacon chain
    /// @param referenceSlot the finalized slot at which the guardians looked
    /// @param pubkey its BLS public key, 48 bytes
    /// @param reason why, see {MAX_REASON}
    event ValidatorEjected(uint64 indexed validatorIndex, uint64 indexed referenceSlot, bytes pubkey, uint8 reason);
    /// @notice An order was accepted.
    /// @param referenceSlot its reference slot
    /// @param digest the EIP-712 digest that the guardians signed
    /// @param count number of validators in it
    event OrderAccepted(uint64 indexed referenceSlot, bytes32 digest, uint256 count);
    /// @notice The governor changed the threshold.
    /// @param oldThreshold wei
    /// @param newThreshold wei
    event EjectionThresholdChanged(uint256 oldThreshold, uint256 newThreshold);

    /// @notice An order must name somebody.
    error EmptyOrder();
    /// @notice The list is not a whole number of entries.
    /// @param length its length in bytes
    error MalformedOrder(uint256 length);
    /// @notice More than {MAX_EJECTIONS} entries.
    /// @param count number of entries
    error TooManyEjections(uint256 count);
    /// @notice Validator indices must rise strictly, so that one list has one spelling.
    /// @param position first entry (from 0) that does not rise
    error UnorderedEjections(uint256 position);
    /// @notice The reason is 0 or above {MAX_REASON}.
    /// @param position the entry (from 0)
    /// @param reason its reason
    error UnknownReason(uint256 position, uint8 reason);
    /// @notice The threshold must lie between 0 and 32 ether, both excluded.
    /// @param threshold wei
    error InvalidEjectionThreshold(uint256 threshold);

    /// @param keys_ the guardians' key
    /// @param governor who may set the threshold
    /// @param ejectionThreshold_ wei
    constructor(GuardianKeys keys_, address governor, uint256 ejectionThreshold_)
        GuardianSigned(keys_)
        Ownable(governor)
    {
        _setEjectionThreshold(ejectionThreshold_);
    }

    /// @notice Records an order and announces each validator in it.
    /// @param keyEpoch key epoch under which it was signed
    /// @param referenceSlot finalized slot at which the guardians looked; must exceed the last order's
    /// @param referenceRoot root of the beacon block there
    /// @param ejections 1 to {MAX_EJECTIONS} entries of {EJECTION_LENGTH} bytes, validator indices strictly rising
    /// @param signature of the group key over {hashOrder}
    function submitOrder(
        uint64 keyEpoch,
        uint64 referenceSlot,
        bytes32 referenceRoot,
        bytes calldata ejections,
        Signature calldata signature
    ) external {
        if (referenceSlot <= lastReferenceSlot) {
            revert StaleReferenceSlot(referenceSlot, lastReferenceSlot);
        }
        uint256 count = _count(ejections);
        bytes32 digest = hashOrder(keyEpoch, referenceSlot, referenceRoot, ejections);
        _requireSignature(keyEpoch, digest, signature);

        lastReferenceSlot = referenceSlot;
        _announce(referenceSlot, ejections);
        emit OrderAccepted(referenceSlot, digest, count);
    }

    /// @notice Sets the balance below which guardians eject.
    /// @param newThreshold wei, between 0 and 32 ether, both excluded
    function setEjectionThreshold(uint256 newThreshold) external onlyOwner {
        _setEjectionThreshold(newThreshold);
    }

    /// @notice The balance below which guardians eject.
    /// @return wei
    function getEjectionThreshold() external view returns (uint256) {
        return _ejectionThreshold;
    }

    /// @notice The digest that the guardians sign for an order. Does not check the list.
    /// @param keyEpoch key epoch under which it is signed
    /// @param referenceSlot its reference slot
    /// @param referenceRoot its reference root
    /// @param ejections its packed list
    /// @return the EIP-712 digest
    function hashOrder(uint64 keyEpoch, uint64 referenceSlot, bytes32 referenceRoot, bytes calldata ejections)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(EJECTION_ORDER_TYPEHASH, keyEpoch, referenceSlot, referenceRoot, keccak256(ejections)))
        );
    }

    function _setEjectionThreshold(uint256 newThreshold) private {
        if (newThreshold == 0 || newThreshold >= ACTIVATION_BALANCE) revert InvalidEjectionThreshold(newThreshold);
        emit EjectionThresholdChanged(_ejectionThreshold, newThreshold);
        _ejectionThreshold = newThreshold;
    }

    function _count(bytes calldata ejections) private pure returns (uint256 count) {
        if (ejections.length == 0) revert EmptyOrder();
        if (ejections.length % EJECTION_LENGTH != 0) revert MalformedOrder(ejections.length);
        count = ejections.length / EJECTION_LENGTH;
        if (count > MAX_EJECTIONS) revert TooManyEjections(count);
    }

    /// @dev Checks every entry and emits its event. The event's data is laid out once and only what differs is written:
    /// in plain Solidity an entry costs some 900 gas more.
    function _announce(uint64 referenceSlot, bytes calldata ejections) private {
        bytes32 topic = ValidatorEjected.selector;
        uint256 position;
        uint8 reason;
        bool faulty;
        assembly ("memory-safe") {
            // ABI data of the event: offset of the key, reason, length of the key, the key padded to 64 bytes.
            let data := mload(0x40)
            mstore(data, 0x40)
            mstore(add(data, 0x40), PUBLIC_KEY_LENGTH)
            mstore(add(data, 0x80), 0)
            let cursor := ejections.offset
            let end := add(cursor, ejections.length)
            let lowest := 0
            for {} lt(cursor, end) { cursor := add(cursor, EJECTION_LENGTH) } {
                let index := shr(192, calldataload(cursor))
                // The word that ends with the entry: the reason is its last byte. Minus 1, reason 0 is the highest number.
                reason := and(calldataload(add(cursor, 25)), 0xff)
                faulty := or(lt(index, lowest), iszero(lt(sub(reason, 1), MAX_REASON)))
                if faulty { break }
                lowest := add(index, 1)
                mstore(add(data, 0x20), reason)
                calldatacopy(add(data, 0x60), add(cursor, 8), PUBLIC_KEY_LENGTH)
                log3(data, 0xa0, topic, index, referenceSlot)
            }
            position := div(sub(cursor, ejections.offset), EJECTION_LENGTH)
        }
        if (!faulty) return;
        if (reason == 0 || reason > MAX_REASON) revert UnknownReason(position, reason);
        revert UnorderedEjections(position);
    }
}
