// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BeaconClock} from "./BeaconClock.sol";
import {ExitLimits} from "./ExitLimits.sol";
import {Signature} from "./FrostVerifier.sol";
import {Governed} from "./Governed.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";
import {IWithdrawalRequester} from "./interfaces/IWithdrawalRequester.sol";
import {WithdrawalTrigger} from "./WithdrawalTrigger.sol";

/// @title Orders to eject validators
/// @notice The guardians' word that validators must leave, each with its reason, seen at one finalized slot. Anybody may
/// submit an order; the signature is what counts. {submitOrder} records and announces. {triggerExits} has the protocol's
/// requester ask for the exits (EIP-7002), for whoever brings the signed order and the fees.
///
/// The owner is the governor: it sets the balance below which guardians eject, the requester, and how many exits can be
/// requested in a day; it can pause them.
contract EjectionRegistry is GuardianSigned, BeaconClock, WithdrawalTrigger, ExitLimits {
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

    /// @dev The parts of the registry. One struct, because constructors run out of stack. Thresholds are wei.
    struct Setup {
        uint256 ejectionThreshold;
        uint256 maxEjectionThreshold;
        uint64 genesisTime;
        uint64 secondsPerSlot;
        address beaconRoots;
        address withdrawalRequests;
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

    /// @notice Most that {maxEjectionThreshold} can be, wei: two days of a validator's penalties below its stake. A validator that
    /// performs has 32 ether or more, so that no governor can have honest guardians order out everybody.
    uint256 public constant EJECTION_THRESHOLD_CEILING = 31.995 ether;

    uint256 private constant TAIL_MASK = 0xffffffffffffffffffffffffffffffff00000000000000000000000000000000;
    uint256 private constant SLOT_MASK = type(uint64).max;
    uint256 private constant HINT_AT = 64;
    uint256 private constant DIGEST_AT = 65;

    /// @notice Highest ejection threshold that the governor can set, wei.
    uint256 public immutable maxEjectionThreshold;

    /// @dev The last accepted order, in one word: its reference slot (64 bits), the hint for {GuardianKeys-verifyHinted} (1),
    /// and the upper 191 bits of its digest, which are as hard to meet as the whole.
    uint256 private _last;
    uint256 private _ejectionThreshold;
    mapping(bytes32 digest => uint256 positions) private _triggered;
    /// @notice The protocol's contract that requests exits; 0 when it offers none.
    IWithdrawalRequester public requester;

    /// @notice A validator must leave.
    /// @param validatorIndex its index on the beacon chain
    /// @param pubkeyHead the first 32 bytes of its BLS public key
    /// @param tailSlotReason the last 16 bytes of its BLS public key, the reference slot (8 bytes, big-endian), 7 zeros, and
    /// the reason (1), see {MAX_REASON}
    event ValidatorEjected(uint64 indexed validatorIndex, bytes32 pubkeyHead, bytes32 tailSlotReason);
    /// @notice An order was accepted.
    /// @param referenceSlot its reference slot
    /// @param digest the EIP-712 digest that the guardians signed
    /// @param count number of validators in it
    event OrderAccepted(uint64 indexed referenceSlot, bytes32 indexed digest, uint256 count);
    /// @notice Exits of an order's validators were requested.
    /// @param referenceSlot the order's reference slot
    /// @param digest the order's digest
    /// @param positions a bit for each of them: the lowest is the order's first entry
    /// @param fee wei paid for each
    event ExitsTriggered(uint64 indexed referenceSlot, bytes32 indexed digest, uint256 positions, uint256 fee);
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
    /// @notice The threshold must be above 0 and not above {maxEjectionThreshold}, and that not above
    /// {EJECTION_THRESHOLD_CEILING}.
    /// @param threshold wei
    error InvalidEjectionThreshold(uint256 threshold);
    /// @notice The protocol has set no requester.
    error NoRequester();
    /// @notice The requester must have code, or be 0.
    /// @param account the address without code
    error RequesterWithoutCode(address account);
    /// @notice No positions, or some that the order does not have.
    /// @param positions the ones asked for, a bit each
    /// @param length how many entries the order has
    error NoSuchEjections(uint256 positions, uint256 length);
    /// @notice The order was overtaken by a newer one before any of its exits was triggered.
    /// @param digest of the order
    error OrderNotAccepted(bytes32 digest);
    /// @notice All of these exits were requested before.
    /// @param positions the ones asked for, a bit each
    error AlreadyTriggered(uint256 positions);
    /// @notice The governor has set another requester than the one that the caller pays.
    /// @param current the governor's
    error OtherRequester(IWithdrawalRequester current);

    /// @param keys_ the guardians' key
    /// @param governor who may set the threshold and the requester
    /// @param setup threshold, most that it can be, genesis time, seconds in a slot, EIP-4788's and EIP-7002's contracts or 0
    constructor(GuardianKeys keys_, address governor, Setup memory setup)
        GuardianSigned(keys_)
        BeaconClock(setup.genesisTime, setup.secondsPerSlot, setup.beaconRoots)
        WithdrawalTrigger(setup.withdrawalRequests)
        Governed(governor)
    {
        if (setup.maxEjectionThreshold > EJECTION_THRESHOLD_CEILING) {
            revert InvalidEjectionThreshold(setup.maxEjectionThreshold);
        }
        maxEjectionThreshold = setup.maxEjectionThreshold;
        _setEjectionThreshold(setup.ejectionThreshold);
    }

    /// @notice Records an order and announces each validator in it.
    /// @param order the order; its reference slot must exceed the last order's, have come, and be inside {WINDOW}
    /// @param signature of the group key over {hashOrder}
    function submitOrder(Order calldata order, Signature calldata signature) external {
        _requireNewer(order.referenceSlot, _last);
        _accept(order, signature);
    }

    /// @notice Requests exits of an accepted order through the protocol's requester, each once, whoever asks for it. An order
    /// that is newer than the last one is accepted first. An accepted order can be triggered while its reference slot is
    /// inside {WINDOW}, its key epoch lasts, nothing is paused, and no newer order came before its first trigger.
    /// @dev A request is not an exit yet: the beacon chain ignores it for a validator that leaves already, is younger than
    /// 256 epochs, or waits for a partial withdrawal.
    /// @param order the order
    /// @param signature of the group key over {hashOrder}
    /// @param positions a bit for each validator: the lowest is the order's first entry. Exits that others triggered are passed
    /// over and not paid again. A transaction holds about 150 (EIP-7825)
    /// @param payment what the caller pays, to whom, and who gets the rest
    /// @param routing for the requester: how it finds each validator's account; {IWithdrawalRequester} says more
    function triggerExits(
        Order calldata order,
        Signature calldata signature,
        uint256 positions,
        Payment calldata payment,
        bytes calldata routing
    ) external payable {
        IWithdrawalRequester target = requester;
        if (address(target) == address(0)) revert NoRequester();
        if (payment.requester != target) revert OtherRequester(target);
        (bytes32 digest, uint256 length) = _requireAccepted(order, signature);
        if (positions == 0 || positions >> length != 0) revert NoSuchEjections(positions, length);
        uint256 before = _triggered[digest];
        uint256 fresh = positions & ~before;
        if (fresh == 0) revert AlreadyTriggered(positions);
        _triggered[digest] = before | fresh;
        uint256 fee = _feeUpTo(payment.maxFee);
        emit ExitsTriggered(order.referenceSlot, digest, fresh, fee);
        bytes memory pubkeys = _pubkeys(order.ejections, fresh);
        uint256 count = pubkeys.length / PUBLIC_KEY_LENGTH;
        _takeExits(count);
        _trigger(payment, pubkeys, count, fee, routing);
    }

    /// @notice Sets the balance below which guardians eject.
    /// @param newThreshold wei, above 0 and not above {maxEjectionThreshold}
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

    /// @notice The actual balance, not the effective one, below which guardians eject a validator with a stake of 32 ether.
    /// @return wei
    function getEjectionThreshold() external view returns (uint256) {
        return _ejectionThreshold;
    }

    /// @notice Reference slot of the last accepted order; 0 before the first.
    /// @return the slot
    function lastReferenceSlot() external view returns (uint64) {
        return SafeCast.toUint64(_last & SLOT_MASK);
    }

    /// @notice What the chain knows of an order.
    /// @param digest of the order
    /// @return accepted whether it is the last accepted order, or exits of it were triggered. An order that was overtaken before is
    /// forgotten, here and for {triggerExits}
    /// @return triggered a bit for each exit that was requested: the lowest is the order's first entry
    function statusOf(bytes32 digest) external view returns (bool accepted, uint256 triggered) {
        return (_isAccepted(digest), _triggered[digest]);
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
        if (newThreshold == 0 || newThreshold > maxEjectionThreshold) revert InvalidEjectionThreshold(newThreshold);
        emit EjectionThresholdChanged(_ejectionThreshold, newThreshold);
        _ejectionThreshold = newThreshold;
    }

    /// @dev The order's slot must exceed the last one.
    function _accept(Order calldata order, Signature calldata signature) private returns (bytes32, uint256 count) {
        count = _count(order.ejections);
        (bytes32 digest, uint256 hint) = _requireOrder(order, signature);
        _last = uint256(digest) >> DIGEST_AT << DIGEST_AT | hint << HINT_AT | order.referenceSlot;
        _announce(order.referenceSlot, order.ejections);
        emit OrderAccepted(order.referenceSlot, digest, count);
        return (digest, count);
    }

    /// @dev Accepts the order if it is a new one, else reverts unless it was accepted.
    function _requireAccepted(Order calldata order, Signature calldata signature)
        private
        returns (bytes32 digest, uint256 count)
    {
        if (order.referenceSlot > _last & SLOT_MASK) return _accept(order, signature);
        count = _count(order.ejections);
        (digest,) = _requireOrder(order, signature);
        if (!_isAccepted(digest)) revert OrderNotAccepted(digest);
    }

    /// @dev Only accepted orders are triggered, so a triggered one was accepted.
    function _isAccepted(bytes32 digest) private view returns (bool) {
        return uint256(digest) >> DIGEST_AT == _last >> DIGEST_AT || _triggered[digest] != 0;
    }

    function _requireNewer(uint64 slot, uint256 last) private pure {
        uint64 lastSlot = SafeCast.toUint64(last & SLOT_MASK);
        if (slot <= lastSlot) revert StaleReferenceSlot(slot, lastSlot);
    }

    /// @dev Reverts unless the reference is one, and the guardians signed the order.
    function _requireOrder(Order calldata order, Signature calldata signature)
        private
        view
        returns (bytes32 digest, uint256 nextHint)
    {
        _requireReference(order.referenceSlot, order.referenceRoot);
        digest = hashOrder(order);
        nextHint = _requireSignature(order.keyEpoch, _last >> HINT_AT & 1, digest, signature);
    }

    function _count(bytes calldata ejections) private pure returns (uint256 count) {
        if (ejections.length == 0) revert EmptyOrder();
        if (ejections.length % EJECTION_LENGTH != 0) revert MalformedOrder(ejections.length);
        count = ejections.length / EJECTION_LENGTH;
        if (count > MAX_EJECTIONS) revert TooManyEjections(count);
    }

    /// @inheritdoc ExitLimits
    function _vetoer() internal view override returns (address) {
        return keys.vetoer();
    }

    /// @dev The public keys at some positions, one after the other.
    function _pubkeys(bytes calldata ejections, uint256 positions) private pure returns (bytes memory pubkeys) {
        assembly ("memory-safe") {
            pubkeys := mload(0x40)
            let target := add(pubkeys, 0x20)
            let source := add(ejections.offset, 8)
            for {} positions { positions := shr(1, positions) } {
                if and(positions, 1) {
                    calldatacopy(target, source, PUBLIC_KEY_LENGTH)
                    target := add(target, PUBLIC_KEY_LENGTH)
                }
                source := add(source, EJECTION_LENGTH)
            }
            mstore(pubkeys, sub(sub(target, pubkeys), 0x20))
            mstore(0x40, and(add(target, 0x1f), not(0x1f)))
        }
    }

    /// @dev Checks every entry and emits its event. Its data are two words, written where they are: in plain Solidity an entry
    /// costs some 900 gas more, and with a word for each value another 500.
    function _announce(uint64 referenceSlot, bytes calldata ejections) private {
        bytes32 topic = ValidatorEjected.selector;
        uint256 position;
        uint8 reason;
        bool faulty;
        assembly ("memory-safe") {
            let slot := shl(64, referenceSlot)
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
                mstore(0x00, calldataload(add(cursor, 8)))
                mstore(0x20, or(and(calldataload(add(cursor, 40)), TAIL_MASK), or(slot, reason)))
                log2(0x00, 0x40, topic, index)
            }
            position := div(sub(cursor, ejections.offset), EJECTION_LENGTH)
        }
        if (!faulty) return;
        if (reason == 0 || reason > MAX_REASON) revert UnknownReason(position, reason);
        revert UnorderedEjections(position);
    }
}
