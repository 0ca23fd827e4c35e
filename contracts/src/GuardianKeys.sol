// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FrostVerifier, Signature} from "./FrostVerifier.sol";
import {GuardianDomain} from "./GuardianDomain.sol";

/// @title The guardians' group key
/// @notice Holds the one public key of which any t guardians can sign and no t - 1 can, and checks signatures for the
/// other contracts. Knows neither the guardians nor t: those are off chain. Each new key begins a key epoch, which every
/// signed struct carries, so that what an old committee signed and did not submit is void.
///
/// Two ways lead to another key:
/// - {rotate}: at once, signed by the old key (authorisation) and by the new one (proof that somebody can use it);
/// - {propose}, a delay, {execute}: by the governor, if the old key is lost or in wrong hands, with the same proof by the
///   new key. During the delay the vetoer can stop it, and so can the guardians with a signature of the old key.
///
/// The governor and the vetoer can pause: then no signature counts, nor one for a rotation or a veto. Only the governor
/// ends the pause. A key in wrong hands is replaced so: pause, propose, wait, execute, unpause.
contract GuardianKeys is GuardianDomain, Ownable2Step {
    /// @dev A key that waits to begin. `readyAt` is 0 when there is none.
    struct Proposal {
        uint256 px;
        uint256 py;
        uint64 number;
        uint64 readyAt;
    }

    /// @notice Struct type of a rotation. `keyEpoch` is the epoch that begins with the new key.
    bytes32 public constant KEY_ROTATION_TYPEHASH = keccak256("KeyRotation(uint64 keyEpoch,uint256 px,uint256 py)");
    /// @notice Struct type of the guardians' veto. `keyEpoch` is the current epoch.
    bytes32 public constant KEY_VETO_TYPEHASH = keccak256("KeyVeto(uint64 keyEpoch,uint64 proposal)");
    /// @notice Least delay of a proposal.
    uint64 public constant MIN_DELAY = 1 days;
    /// @notice Longest delay of a proposal.
    uint64 public constant MAX_DELAY = 30 days;
    /// @notice For how long a proposal can be executed once it is ready.
    uint64 public constant EXECUTION_PERIOD = 14 days;

    /// @dev Order of the curve's field.
    uint256 private constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    /// @notice Seconds between a proposal and its execution.
    uint64 public immutable delay;
    /// @notice Who can veto and pause besides the governor.
    address public immutable vetoer;

    /// @dev The x coordinate under `keyEpoch << 1 | parity of py` of the current key, and nothing else: finding it shows
    /// that the epoch is the current one, that nothing is paused, and the parity, for one read.
    mapping(uint256 keyId => uint256 px) private _keys;
    /// @notice The current key epoch; the first is 1.
    uint64 public keyEpoch;
    /// @dev Of the current key's y coordinate.
    uint8 private _parity;
    /// @notice Whether no signature counts.
    bool public isPaused;
    /// @dev Whether {proposal} waits. In one slot with what every rotation reads.
    bool private _waiting;
    /// @dev The current key's x coordinate during a pause.
    uint256 private _pausedPx;
    /// @notice The last proposal. It waits if its `readyAt` is not 0.
    Proposal public proposal;

    /// @notice A new key epoch has begun.
    /// @param keyEpoch the epoch, one more than the last
    /// @param px x coordinate of its group key
    /// @param py y coordinate of its group key
    event KeyRotated(uint64 indexed keyEpoch, uint256 px, uint256 py);
    /// @notice The governor proposes a key.
    /// @param number of the proposal
    /// @param keyEpoch the epoch that it would begin
    /// @param px x coordinate of the key
    /// @param py y coordinate of the key
    /// @param readyAt from when on it can be executed, Unix time
    event KeyProposed(uint64 indexed number, uint64 keyEpoch, uint256 px, uint256 py, uint64 readyAt);
    /// @notice A proposal was stopped.
    /// @param number of the proposal
    /// @param by who did; this contract itself if the guardians signed for it
    event KeyVetoed(uint64 indexed number, address by);
    /// @notice No signature counts from now on.
    /// @param by who paused
    event Paused(address by);
    /// @notice Signatures count again.
    event Unpaused();

    /// @notice The signature was asked to be checked under a key epoch that is not the current one.
    /// @param given the epoch of the signed struct
    /// @param current the current epoch
    error WrongKeyEpoch(uint64 given, uint64 current);
    /// @notice Not a signature of the current group key over the digest.
    error InvalidSignature();
    /// @notice Not a signature of the proposed key over the rotation.
    error InvalidProofOfPossession();
    /// @notice Not a point of the curve, or its x coordinate is not below the group order.
    error InvalidPublicKey();
    /// @notice The delay must be between {MIN_DELAY} and {MAX_DELAY}.
    /// @param delay seconds
    error InvalidDelay(uint64 delay);
    /// @notice No signature counts during a pause.
    error KeysPaused();
    /// @notice There is no pause to end.
    error NotPaused();
    /// @notice Neither the governor nor the vetoer.
    /// @param account who asked
    error NotGovernorOrVetoer(address account);
    /// @notice No proposal waits.
    error NoProposal();
    /// @notice A proposal waits already; it must be vetoed first.
    /// @param number of that proposal
    error ProposalWaits(uint64 number);
    /// @notice The delay is not over.
    /// @param readyAt when it will be, Unix time
    error ProposalNotReady(uint64 readyAt);
    /// @notice The time to execute the proposal is over; it can only be vetoed.
    /// @param until when it was, Unix time
    error ProposalExpired(uint64 until);

    /// @param px x coordinate of the first group key
    /// @param py y coordinate of the first group key
    /// @param governor who may propose, pause and end a pause
    /// @param vetoer_ who may veto and pause; may be 0
    /// @param delay_ seconds between a proposal and its execution
    constructor(uint256 px, uint256 py, address governor, address vetoer_, uint64 delay_) Ownable(governor) {
        if (delay_ < MIN_DELAY || delay_ > MAX_DELAY) revert InvalidDelay(delay_);
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        vetoer = vetoer_;
        delay = delay_;
        _begin(1, px, py);
    }

    /// @notice Returns if `signature` is one of the current group key over `digest`, else reverts.
    /// @dev The digest must be an EIP-712 digest of the caller's own domain whose struct carries `epoch`. The
    /// signature is not an identity: many valid ones exist for one digest.
    /// @param epoch the key epoch under which the struct was signed
    /// @param digest what was signed
    /// @param signature the signature
    function verify(uint64 epoch, bytes32 digest, Signature calldata signature) external view {
        _verify(epoch, 0, digest, signature);
    }

    /// @notice {verify}, 2,100 gas cheaper for who remembers what it returned the last time.
    /// @param epoch the key epoch under which the struct was signed
    /// @param hint what the last call returned, or anything else: it changes nothing but the price
    /// @param digest what was signed
    /// @param signature the signature
    /// @return nextHint the hint for the next call
    function verifyHinted(uint64 epoch, uint256 hint, bytes32 digest, Signature calldata signature)
        external
        view
        returns (uint256 nextHint)
    {
        return _verify(epoch, hint & 1, digest, signature);
    }

    /// @notice Replaces the group key and begins the next key epoch. Anybody may submit it. Ends a waiting proposal.
    /// @dev The key may stay the same: an epoch that begins under the old key voids what was signed before.
    /// @param px x coordinate of the new key
    /// @param py y coordinate of the new key
    /// @param byOldKey signature of the current key over {hashRotation} of the next epoch
    /// @param byNewKey signature of the new key over the same digest
    function rotate(uint256 px, uint256 py, Signature calldata byOldKey, Signature calldata byNewKey) external {
        FrostVerifier.reserve();
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        if (isPaused) revert KeysPaused();
        uint256 keyId = _keyId();
        uint64 next = keyEpoch + 1;
        bytes32 digest = hashRotation(next, px, py);
        if (!FrostVerifier.verify(_keys[keyId], keyId, byOldKey.rx, byOldKey.ry, byOldKey.z, digest)) {
            revert InvalidSignature();
        }
        FrostVerifier.reserve();
        _requirePossession(px, py, digest, byNewKey);
        delete _keys[keyId];
        _begin(next, px, py);
    }

    /// @notice Proposes a key, which can begin after the delay.
    /// @param px x coordinate of the key
    /// @param py y coordinate of the key
    /// @param byNewKey signature of that key over {hashRotation} of the next epoch
    function propose(uint256 px, uint256 py, Signature calldata byNewKey) external onlyOwner {
        FrostVerifier.reserve();
        if (_waiting) revert ProposalWaits(proposal.number);
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        uint64 next = keyEpoch + 1;
        _requirePossession(px, py, hashRotation(next, px, py), byNewKey);
        uint64 number = proposal.number + 1;
        uint64 readyAt = SafeCast.toUint64(block.timestamp) + delay;
        proposal = Proposal(px, py, number, readyAt);
        _waiting = true;
        emit KeyProposed(number, next, px, py, readyAt);
    }

    /// @notice Begins the next key epoch with the proposed key. Anybody may call it, within {EXECUTION_PERIOD} after the
    /// delay. A pause goes on.
    function execute() external {
        if (!_waiting) revert NoProposal();
        Proposal memory waiting = proposal;
        if (block.timestamp < waiting.readyAt) revert ProposalNotReady(waiting.readyAt);
        uint64 until = waiting.readyAt + EXECUTION_PERIOD;
        if (block.timestamp > until) revert ProposalExpired(until);
        uint64 next = keyEpoch + 1;
        delete _keys[_keyId()];
        _begin(next, waiting.px, waiting.py);
    }

    /// @notice Stops the waiting proposal. For the governor and the vetoer.
    function veto() external {
        _requireGovernorOrVetoer();
        _veto(msg.sender);
    }

    /// @notice Stops the waiting proposal with the guardians' signature. Anybody may submit it.
    /// @param signature of the current key over {hashVeto} of the proposal
    function vetoSigned(Signature calldata signature) external {
        FrostVerifier.reserve();
        uint64 epoch = keyEpoch;
        _verify(epoch, _parity, hashVeto(epoch, proposal.number), signature);
        _veto(address(this));
    }

    /// @notice Lets no signature count. For the governor and the vetoer. Does nothing during a pause.
    function pause() external {
        _requireGovernorOrVetoer();
        if (isPaused) return;
        uint256 keyId = _keyId();
        isPaused = true;
        _pausedPx = _keys[keyId];
        delete _keys[keyId];
        emit Paused(msg.sender);
    }

    /// @notice Lets signatures of the current key count again.
    function unpause() external onlyOwner {
        if (!isPaused) revert NotPaused();
        isPaused = false;
        _keys[_keyId()] = _pausedPx;
        delete _pausedPx;
        emit Unpaused();
    }

    /// @notice The current group key.
    /// @return px its x coordinate
    /// @return py its y coordinate
    function groupKey() external view returns (uint256 px, uint256 py) {
        px = isPaused ? _pausedPx : _keys[_keyId()];
        // The square root of x^3 + 7; p is 3 modulo 4. Storing it would cost each rotation more than this costs a view.
        py = Math.modExp(addmod(mulmod(mulmod(px, px, P), px, P), 7, P), (P + 1) / 4, P);
        if (py & 1 != _parity) py = P - py;
    }

    /// @notice The digest that both keys sign for a rotation, and the new key alone for a proposal.
    /// @param newKeyEpoch the epoch that the rotation begins
    /// @param px x coordinate of the new key
    /// @param py y coordinate of the new key
    /// @return the EIP-712 digest
    function hashRotation(uint64 newKeyEpoch, uint256 px, uint256 py) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_ROTATION_TYPEHASH, newKeyEpoch, px, py)));
    }

    /// @notice The digest that the guardians sign for a veto.
    /// @param epoch the current key epoch
    /// @param number of the proposal
    /// @return the EIP-712 digest
    function hashVeto(uint64 epoch, uint64 number) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_VETO_TYPEHASH, epoch, number)));
    }

    /// @dev Tries the parity that `hint` says first. The other one is tried for the price of a read.
    function _verify(uint64 epoch, uint256 hint, bytes32 digest, Signature calldata signature)
        private
        view
        returns (uint256 parity)
    {
        parity = hint;
        uint256 px = _keys[uint256(epoch) << 1 | parity];
        if (px == 0) {
            parity ^= 1;
            px = _keys[uint256(epoch) << 1 | parity];
            if (px == 0) {
                if (isPaused) revert KeysPaused();
                revert WrongKeyEpoch(epoch, keyEpoch);
            }
        }
        // The verifier uses the lowest bit of the y coordinate and nothing else of it.
        if (!FrostVerifier.verify(px, parity, signature.rx, signature.ry, signature.z, digest)) {
            revert InvalidSignature();
        }
    }

    function _requirePossession(uint256 px, uint256 py, bytes32 digest, Signature calldata byNewKey) private view {
        if (!FrostVerifier.verify(px, py, byNewKey.rx, byNewKey.ry, byNewKey.z, digest)) {
            revert InvalidProofOfPossession();
        }
    }

    function _requireGovernorOrVetoer() private view {
        if (msg.sender != owner() && msg.sender != vetoer) revert NotGovernorOrVetoer(msg.sender);
    }

    function _veto(address by) private {
        if (!_waiting) revert NoProposal();
        emit KeyVetoed(proposal.number, by);
        _dropProposal();
    }

    /// @dev Its number stays, so that a veto signed for one proposal never meets another.
    function _dropProposal() private {
        _waiting = false;
        proposal = Proposal(0, 0, proposal.number, 0);
    }

    /// @dev The key must be valid, and the old one must be gone from {_keys}.
    function _begin(uint64 newKeyEpoch, uint256 px, uint256 py) private {
        keyEpoch = newKeyEpoch;
        _parity = py & 1 == 0 ? 0 : 1;
        if (isPaused) _pausedPx = px;
        else _keys[_keyId()] = px;
        if (_waiting) _dropProposal();
        emit KeyRotated(newKeyEpoch, px, py);
    }

    /// @dev Where {_keys} has the current key, if there is no pause.
    function _keyId() private view returns (uint256) {
        return uint256(keyEpoch) << 1 | _parity;
    }
}
