// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BeaconClock} from "./BeaconClock.sol";
import {Signature} from "./FrostVerifier.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";
import {IWithdrawalRequester} from "./interfaces/IWithdrawalRequester.sol";
import {WithdrawalTrigger} from "./WithdrawalTrigger.sol";

/// @title Orders to eject validators
/// @notice The guardians' word that validators must leave, each with its reason, seen at one finalized slot. Anybody may
/// submit an order; the signature is what counts. {submitOrder} records and announces. {triggerExits} has the protocol's
/// requester ask for the exits (EIP-7002), for whoever brings the signed order and the fees.
///
/// The owner is the governor: it sets the balance below which guardians eject, and the requester, and nothing else.
contract EjectionRegistry is GuardianSigned, BeaconClock, WithdrawalTrigger, Ownable2Step {
    /// @notice What the guardians sign.
    /// @param keyEpoch key epoch under which it is signed
    /// @param referenceSlot finalized slot at which the guardians looked
    /// @param referenceRoot root of the beacon block there
    /// @param ejections 1 to {MAX_EJECTIONS} entries of {EJECTION_LENGTH} bytes, validator indices strictly rising
    struct Order {
        uint64 keyEpoch;
        uint64 referenceSlot;
        bytes32 referenceRoot;
        bytes ejections;
    }

    /// @notice Struct type of an order. `ejections` is the packed list described at {Order}.
    bytes32 public constant EJECTION_ORDER_TYPEHASH =
        keccak256("EjectionOrder(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes ejections)");

    /// @notice Bytes per validator in the packed list: index (8, big-endian), BLS public key (48), reason (1).
    uint256 public constant EJECTION_LENGTH = 57;
    /// @notice Most validators in one order. At 4,000 gas each it stays near one million gas, far below any block.
    uint256 public constant MAX_EJECTIONS = 256;
    /// @notice Highest reason in use: 1 low balance, 2 slashed, 3 offline, 4 tickets spent, 5 module slashed.
    uint256 public constant MAX_REASON = 5;

    /// @dev A validator with the balance it was activated with is never below the threshold.
    uint256 private constant ACTIVATION_BALANCE = 32 ether;

    uint64 private _lastSlot;
    /// @dev For {GuardianKeys-verifyHinted}; beside the slot, so that it costs nothing.
    uint64 private _hint;
    uint256 private _ejectionThreshold;
    /// @notice The protocol's contract that requests exits; 0 when it offers none.
    IWithdrawalRequester public requester;

    /// @notice A validator must leave.
    /// @param validatorIndex its index on the beacon chain
    /// @param referenceSlot the finalized slot at which the guardians looked
    /// @param reason why, see {MAX_REASON}
    /// @param pubkeyHead the first 32 bytes of its BLS public key
    /// @param pubkeyTail the last 16 bytes of its BLS public key
    event ValidatorEjected(
        uint64 indexed validatorIndex, uint64 referenceSlot, uint8 reason, bytes32 pubkeyHead, bytes16 pubkeyTail
    );
    /// @notice An order was accepted.
    /// @param referenceSlot its reference slot
    /// @param digest the EIP-712 digest that the guardians signed
    /// @param count number of validators in it
    event OrderAccepted(uint64 indexed referenceSlot, bytes32 digest, uint256 count);
    /// @notice Exits of an order's validators were requested.
    /// @param referenceSlot the order's reference slot
    /// @param from position of the first of them in the order, from 0
    /// @param count how many
    /// @param fee wei paid for each
    event ExitsTriggered(uint64 indexed referenceSlot, uint256 from, uint256 count, uint256 fee);
    /// @notice The governor changed the threshold.
    /// @param oldThreshold wei
    /// @param newThreshold wei
    event EjectionThresholdChanged(uint256 oldThreshold, uint256 newThreshold);
    /// @notice The governor changed the requester.
    /// @param oldRequester the old one
    /// @param newRequester the new one
    event RequesterChanged(IWithdrawalRequester oldRequester, IWithdrawalRequester newRequester);

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
    /// @notice The protocol has set no requester.
    error NoRequester();
    /// @notice The requester must have code, or be 0.
    /// @param account the address without code
    error RequesterWithoutCode(address account);
    /// @notice No entries, or some that the order does not have.
    /// @param from the first one asked for
    /// @param count how many
    /// @param length how many the order has
    error NoSuchEjections(uint256 from, uint256 count, uint256 length);

    /// @param keys_ the guardians' key
    /// @param governor who may set the threshold and the requester
    /// @param ejectionThreshold_ wei
    /// @param genesisTime_ Unix time of slot 0
    /// @param secondsPerSlot_ length of a slot
    /// @param beaconRoots_ EIP-4788's contract, or 0
    /// @param withdrawalRequests_ EIP-7002's contract, or 0
    constructor(
        GuardianKeys keys_,
        address governor,
        uint256 ejectionThreshold_,
        uint64 genesisTime_,
        uint64 secondsPerSlot_,
        address beaconRoots_,
        address withdrawalRequests_
    )
        GuardianSigned(keys_)
        BeaconClock(genesisTime_, secondsPerSlot_, beaconRoots_)
        WithdrawalTrigger(withdrawalRequests_)
        Ownable(governor)
    {
        _setEjectionThreshold(ejectionThreshold_);
    }

    /// @notice Records an order and announces each validator in it.
    /// @param order the order; its reference slot must exceed the last order's, have come, and be inside {WINDOW}
    /// @param signature of the group key over {hashOrder}
    function submitOrder(Order calldata order, Signature calldata signature) external {
        uint64 last = _lastSlot;
        if (order.referenceSlot <= last) revert StaleReferenceSlot(order.referenceSlot, last);
        _accept(order, signature);
    }

    /// @notice Requests the exits of some validators of a signed order through the protocol's requester. Records the order
    /// first if it is newer than the last one. An order can be triggered again and by anybody while its reference slot is
    /// inside {WINDOW} and its key epoch lasts: the beacon chain ignores requests for validators that leave already.
    /// @dev Pays EIP-7002's fee of this block for each; what is left of the value goes back to the caller.
    /// @param order the order
    /// @param signature of the group key over {hashOrder}
    /// @param from position (from 0) in the order of the first validator
    /// @param count how many validators; a transaction holds about 150 (EIP-7825)
    /// @param maxFee most wei to pay for one validator
    function triggerExits(
        Order calldata order,
        Signature calldata signature,
        uint256 from,
        uint256 count,
        uint256 maxFee
    ) external payable {
        IWithdrawalRequester target = requester;
        if (address(target) == address(0)) revert NoRequester();
        uint256 length;
        if (order.referenceSlot > _lastSlot) {
            length = _accept(order, signature);
        } else {
            length = _count(order.ejections);
            _requireOrder(order, signature);
        }
        if (count == 0 || from >= length || count > length - from) revert NoSuchEjections(from, count, length);
        uint256 fee = _feeUpTo(maxFee);
        emit ExitsTriggered(order.referenceSlot, from, count, fee);
        _trigger(target, _pubkeys(order.ejections, from, count), count, fee);
    }

    /// @notice Sets the balance below which guardians eject.
    /// @param newThreshold wei, between 0 and 32 ether, both excluded
    function setEjectionThreshold(uint256 newThreshold) external onlyOwner {
        _setEjectionThreshold(newThreshold);
    }

    /// @notice Sets the protocol's contract that requests exits.
    /// @param newRequester a contract, or 0 for none
    function setRequester(IWithdrawalRequester newRequester) external onlyOwner {
        if (address(newRequester) != address(0) && address(newRequester).code.length == 0) {
            revert RequesterWithoutCode(address(newRequester));
        }
        emit RequesterChanged(requester, newRequester);
        requester = newRequester;
    }

    /// @notice The balance below which guardians eject.
    /// @return wei
    function getEjectionThreshold() external view returns (uint256) {
        return _ejectionThreshold;
    }

    /// @notice Reference slot of the last accepted order; 0 before the first.
    /// @return the slot
    function lastReferenceSlot() external view returns (uint64) {
        return _lastSlot;
    }

    /// @notice The digest that the guardians sign for an order. Does not check the list.
    /// @param order the order
    /// @return the EIP-712 digest
    function hashOrder(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    EJECTION_ORDER_TYPEHASH,
                    order.keyEpoch,
                    order.referenceSlot,
                    order.referenceRoot,
                    keccak256(order.ejections)
                )
            )
        );
    }

    function _setEjectionThreshold(uint256 newThreshold) private {
        if (newThreshold == 0 || newThreshold >= ACTIVATION_BALANCE) revert InvalidEjectionThreshold(newThreshold);
        emit EjectionThresholdChanged(_ejectionThreshold, newThreshold);
        _ejectionThreshold = newThreshold;
    }

    /// @dev The order's slot must exceed the last one.
    function _accept(Order calldata order, Signature calldata signature) private returns (uint256 count) {
        count = _count(order.ejections);
        (bytes32 digest, uint256 hint) = _requireOrder(order, signature);
        _lastSlot = order.referenceSlot;
        _hint = SafeCast.toUint64(hint);
        _announce(order.referenceSlot, order.ejections);
        emit OrderAccepted(order.referenceSlot, digest, count);
    }

    /// @dev Reverts unless the reference is one, and the guardians signed the order.
    function _requireOrder(Order calldata order, Signature calldata signature)
        private
        view
        returns (bytes32 digest, uint256 nextHint)
    {
        _requireReference(order.referenceSlot, order.referenceRoot);
        digest = hashOrder(order);
        nextHint = _requireSignature(order.keyEpoch, _hint, digest, signature);
    }

    function _count(bytes calldata ejections) private pure returns (uint256 count) {
        if (ejections.length == 0) revert EmptyOrder();
        if (ejections.length % EJECTION_LENGTH != 0) revert MalformedOrder(ejections.length);
        count = ejections.length / EJECTION_LENGTH;
        if (count > MAX_EJECTIONS) revert TooManyEjections(count);
    }

    /// @dev The public keys of some entries, one after the other.
    function _pubkeys(bytes calldata ejections, uint256 from, uint256 count)
        private
        pure
        returns (bytes memory pubkeys)
    {
        pubkeys = new bytes(count * PUBLIC_KEY_LENGTH);
        assembly ("memory-safe") {
            let source := add(add(ejections.offset, mul(from, EJECTION_LENGTH)), 8)
            let target := add(pubkeys, 0x20)
            for { let end := add(target, mload(pubkeys)) } lt(target, end) { target := add(target, PUBLIC_KEY_LENGTH) }
            {
                calldatacopy(target, source, PUBLIC_KEY_LENGTH)
                source := add(source, EJECTION_LENGTH)
            }
        }
    }

    /// @dev Checks every entry and emits its event. The event's data is laid out once and only what differs is written:
    /// in plain Solidity an entry costs some 900 gas more.
    function _announce(uint64 referenceSlot, bytes calldata ejections) private {
        bytes32 topic = ValidatorEjected.selector;
        uint256 position;
        uint8 reason;
        bool faulty;
        assembly ("memory-safe") {
            // ABI data of the event: slot, reason, and the key in two words, of which the second is padded.
            let data := mload(0x40)
            mstore(data, referenceSlot)
            mstore(add(data, 0x60), 0)
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
                calldatacopy(add(data, 0x40), add(cursor, 8), PUBLIC_KEY_LENGTH)
                log2(data, 0x80, topic, index)
            }
            position := div(sub(cursor, ejections.offset), EJECTION_LENGTH)
        }
        if (!faulty) return;
        if (reason == 0 || reason > MAX_REASON) revert UnknownReason(position, reason);
        revert UnorderedEjections(position);
    }
}
