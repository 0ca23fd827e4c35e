// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FrostVerifier, Signature} from "./FrostVerifier.sol";
import {Governed} from "./Governed.sol";
import {GuardianDomain} from "./GuardianDomain.sol";
import {Succession} from "./Succession.sol";
import {Vetoer} from "./Vetoer.sol";

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
/// The governor and the vetoer can pause: then no signature counts, nor one for a rotation. A pause ends by itself; before,
/// only the governor ends it. A key in wrong hands is replaced so: pause, propose, wait, execute, unpause. The guardians'
/// veto still counts during a pause, but only slows the proposal, once: a thief gains a delay, and guardians whose governor
/// turns against them gain the time to say so.
contract GuardianKeys is GuardianDomain, Governed, Vetoer {
    /// @dev A key that waits to begin.
    struct Proposal {
        uint256 px;
        uint256 py;
        uint64 number;
        // From when on it can be executed, Unix time; 0 if none waits.
        uint64 readyAt;
        // Whether the guardians slowed it during a pause.
        bool slowed;
    }

    /// @notice Struct type of a rotation. `keyEpoch` is the epoch that begins with the new key.
    bytes32 public constant KEY_ROTATION_TYPEHASH = keccak256("KeyRotation(uint64 keyEpoch,uint256 px,uint256 py)");
    /// @notice Struct type by which a proposed key proves itself. `keyEpoch` is the epoch that it would begin. With a type and a
    /// number of its own, the proof serves one proposal, and neither a later one nor a rotation.
    bytes32 public constant KEY_PROPOSAL_TYPEHASH =
        keccak256("KeyProposal(uint64 keyEpoch,uint64 proposal,uint256 px,uint256 py)");
    /// @notice Struct type of the guardians' veto. `keyEpoch` is the current epoch.
    bytes32 public constant KEY_VETO_TYPEHASH = keccak256("KeyVeto(uint64 keyEpoch,uint64 proposal)");
    /// @notice For how many seconds a proposal can be executed once it is ready.
    uint64 public constant EXECUTION_PERIOD = 14 days;
    /// @notice A pause lasts this many delays: one to replace the key, one if the guardians slow that, one to act in.
    uint64 public constant PAUSE_DELAYS = 3;

    /// @dev Order of the curve's field.
    uint256 private constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    uint256 private constant KEY_ID_MASK = 2 ** 65 - 1;
    uint256 private constant UNTIL_AT = 65;
    uint256 private constant UNTIL_MASK = (2 ** 64 - 1) << 65;
    uint256 private constant WAITING = 2 ** 129;
    uint256 private constant VETOER_PAUSED = 2 ** 130;

    /// @dev The x coordinate under `keyEpoch << 1 | parity of py` of the current key, and nothing else: finding it shows
    /// that the epoch is the current one, that nothing is paused, and the parity, for one read.
    mapping(uint256 keyId => uint256 px) private _keys;
    /// @dev All that a rotation reads besides the key, in one word, because a struct would be read and written member by member.
    /// From the lowest bit: the current key's id in {_keys} (65 bits); until when there is a pause (64), 0 if there is none,
    /// and perhaps in the past, with the key in {_pausedPx} all the same; whether {proposal} waits (1); whether the vetoer
    /// has had its pause (1).
    uint256 private _status;
    /// @dev The current key's x coordinate while it is not in {_keys}.
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
    /// @notice The guardians vetoed during a pause: the proposal waits longer.
    /// @param number of the proposal
    /// @param readyAt from when on it can be executed now, Unix time
    event KeyProposalSlowed(uint64 indexed number, uint64 readyAt);
    /// @notice A rotation, or a newer proposal, took the place of a proposal.
    /// @param number of the proposal
    event KeyProposalDropped(uint64 indexed number);
    /// @notice No signature counts from now on.
    /// @param by who paused
    /// @param until when the pause ends by itself, Unix time
    event Paused(address by, uint64 until);
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
    /// @notice No signature counts during a pause.
    error KeysPaused();
    /// @notice There is no pause to end.
    error NotPaused();
    /// @notice The vetoer has paused once; the governor must let it do so again.
    error VetoerNotArmed();
    /// @notice No proposal waits.
    error NoProposal();
    /// @notice A proposal waits already; it must be vetoed first, or expire.
    /// @param number of that proposal
    error ProposalWaits(uint64 number);
    /// @notice The delay is not over.
    /// @param readyAt when it will be, Unix time
    error ProposalNotReady(uint64 readyAt);
    /// @notice The guardians have slowed this proposal.
    /// @param number of the proposal
    error AlreadySlowed(uint64 number);
    /// @notice The time to execute the proposal is over; it can only be vetoed or replaced.
    /// @param until when it was, Unix time
    error ProposalExpired(uint64 until);

    /// @param px x coordinate of the first group key
    /// @param py y coordinate of the first group key
    /// @param governor who may propose, pause and end a pause
    /// @param vetoer_ who may veto and pause; may be 0
    /// @param delay_ seconds between a proposal and its execution
    constructor(uint256 px, uint256 py, address governor, address vetoer_, uint64 delay_)
        Governed(governor)
        Succession(delay_)
        Vetoer(vetoer_)
    {
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        _begin(0, 1, px, py);
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
        uint256 status = _status;
        if (status & UNTIL_MASK != 0) status = _resumed(status);
        uint256 keyId = status & KEY_ID_MASK;
        uint64 next = _epochOf(status) + 1;
        bytes32 digest = hashRotation(next, px, py);
        if (!FrostVerifier.verify(_keys[keyId], keyId, byOldKey.rx, byOldKey.ry, byOldKey.z, digest)) {
            revert InvalidSignature();
        }
        FrostVerifier.reserve();
        _requirePossession(px, py, digest, byNewKey);
        if (status & WAITING != 0) _dropProposal();
        delete _keys[keyId];
        _begin(status, next, px, py);
    }

    /// @notice Proposes a key, which can begin after the delay. Replaces a proposal that expired.
    /// @param px x coordinate of the key
    /// @param py y coordinate of the key
    /// @param byNewKey signature of that key over {hashProposal} of the next epoch and the next proposal
    function propose(uint256 px, uint256 py, Signature calldata byNewKey) external onlyOwner {
        FrostVerifier.reserve();
        uint256 status = _status;
        if (status & WAITING != 0) {
            if (block.timestamp <= proposal.readyAt + EXECUTION_PERIOD) revert ProposalWaits(proposal.number);
            _dropProposal();
        }
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        uint64 next = _epochOf(status) + 1;
        uint64 number = proposal.number + 1;
        _requirePossession(px, py, hashProposal(next, number, px, py), byNewKey);
        uint64 readyAt = SafeCast.toUint64(block.timestamp) + delay;
        proposal = Proposal(px, py, number, readyAt, false);
        _status = status | WAITING;
        emit KeyProposed(number, next, px, py, readyAt);
    }

    /// @notice Begins the next key epoch with the proposed key. Anybody may call it, within {EXECUTION_PERIOD} after the
    /// delay. A pause goes on.
    function execute() external {
        uint256 status = _status;
        if (status & WAITING == 0) revert NoProposal();
        Proposal memory waiting = proposal;
        if (block.timestamp < waiting.readyAt) revert ProposalNotReady(waiting.readyAt);
        uint64 until = waiting.readyAt + EXECUTION_PERIOD;
        if (block.timestamp > until) revert ProposalExpired(until);
        _clearProposal();
        if (status & UNTIL_MASK != 0 && !_isPaused(status)) status = _resumed(status);
        if (status & UNTIL_MASK == 0) delete _keys[status & KEY_ID_MASK];
        _begin(status, _epochOf(status) + 1, waiting.px, waiting.py);
    }

    /// @notice Stops the waiting proposal. For the governor and the vetoer.
    function veto() external {
        _requireGovernorOrVetoer();
        _veto(msg.sender);
    }

    /// @notice Stops the waiting proposal with the guardians' signature; during a pause, delays it once by {delay}. Anybody
    /// may submit it.
    /// @param signature of the current key over {hashVeto} of the proposal
    function vetoSigned(Signature calldata signature) external {
        FrostVerifier.reserve();
        uint256 status = _status;
        uint64 number = proposal.number;
        bytes32 digest = hashVeto(_epochOf(status), number);
        if (!FrostVerifier.verify(_px(status), status, signature.rx, signature.ry, signature.z, digest)) {
            revert InvalidSignature();
        }
        if (!_isPaused(status)) return _veto(address(this));
        if (status & WAITING == 0) revert NoProposal();
        if (proposal.slowed) revert AlreadySlowed(number);
        uint64 readyAt = proposal.readyAt + delay;
        (proposal.readyAt, proposal.slowed) = (readyAt, true);
        emit KeyProposalSlowed(number, readyAt);
    }

    /// @notice Lets no signature count for {PAUSE_DELAYS} times {delay}. For the governor, who can extend a pause so; and for
    /// the vetoer, once, until the governor lets it do so again ({armVetoer}).
    function pause() external {
        _requireGovernorOrVetoer();
        uint256 status = _status;
        if (msg.sender != owner()) {
            if (_isPaused(status)) return;
            if (status & VETOER_PAUSED != 0) revert VetoerNotArmed();
            status |= VETOER_PAUSED;
        }
        _pausedPx = _px(status);
        delete _keys[status & KEY_ID_MASK];
        uint64 until = SafeCast.toUint64(block.timestamp) + PAUSE_DELAYS * delay;
        _status = status & ~UNTIL_MASK | uint256(until) << UNTIL_AT;
        emit Paused(msg.sender, until);
    }

    /// @notice Lets signatures of the current key count again. For the governor; for everybody when the pause is over, after
    /// which signatures count anyway and this only makes them cheaper.
    function unpause() external {
        uint256 status = _status;
        if (_untilOf(status) == 0) revert NotPaused();
        if (_isPaused(status)) _checkOwner();
        _status = status & ~UNTIL_MASK;
        _keys[status & KEY_ID_MASK] = _pausedPx;
        delete _pausedPx;
        emit Unpaused();
    }

    /// @notice The current key epoch; the first is 1.
    /// @return the epoch
    function keyEpoch() external view returns (uint64) {
        return _epochOf(_status);
    }

    /// @notice Whether no signature counts.
    /// @return whether there is a pause that is not over
    function isPaused() external view returns (bool) {
        return _isPaused(_status);
    }

    /// @notice When the last pause ends by itself, Unix time; 0 if somebody ended it.
    /// @return the time, in the past if the pause is over
    function pausedUntil() external view returns (uint64) {
        return SafeCast.toUint64(_untilOf(_status));
    }

    /// @notice Whether the vetoer can pause.
    /// @return whether it has not done so since it was armed
    function isVetoerArmed() external view returns (bool) {
        return _status & VETOER_PAUSED == 0;
    }

    /// @notice The current group key.
    /// @return px its x coordinate
    /// @return py its y coordinate
    function groupKey() external view returns (uint256 px, uint256 py) {
        uint256 status = _status;
        px = _px(status);
        // The square root of x^3 + 7; p is 3 modulo 4. Storing it would cost each rotation more than this costs a view.
        py = Math.modExp(addmod(mulmod(mulmod(px, px, P), px, P), 7, P), (P + 1) / 4, P);
        if (py & 1 != status & 1) py = P - py;
    }

    /// @notice The digest that a proposed key signs.
    /// @param newKeyEpoch the epoch that it would begin
    /// @param number of the proposal: one more than the last one's
    /// @param px x coordinate of the key
    /// @param py y coordinate of the key
    /// @return the EIP-712 digest
    function hashProposal(uint64 newKeyEpoch, uint64 number, uint256 px, uint256 py) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_PROPOSAL_TYPEHASH, newKeyEpoch, number, px, py)));
    }

    /// @notice The digest that both keys sign for a rotation.
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
            if (px == 0) (px, parity) = _pausedKey(epoch);
        }
        // The verifier uses the lowest bit of the y coordinate and nothing else of it.
        if (!FrostVerifier.verify(px, parity, signature.rx, signature.ry, signature.z, digest)) {
            revert InvalidSignature();
        }
    }

    /// @dev The current key, if it is not in {_keys} because of a pause that is over. No memory is touched.
    function _pausedKey(uint64 epoch) private view returns (uint256 px, uint256 parity) {
        uint256 status = _status;
        if (_isPaused(status)) revert KeysPaused();
        if (_untilOf(status) == 0 || epoch != _epochOf(status)) revert WrongKeyEpoch(epoch, _epochOf(status));
        return (_pausedPx, status & 1);
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
        if (_status & WAITING == 0) revert NoProposal();
        emit KeyVetoed(proposal.number, by);
        _clearProposal();
        _status &= ~WAITING;
    }

    /// @dev The caller stores that nothing waits, or what waits now.
    function _dropProposal() private {
        emit KeyProposalDropped(proposal.number);
        _clearProposal();
    }

    /// @dev Its number stays, so that a veto signed for one proposal never meets another.
    function _clearProposal() private {
        proposal = Proposal(0, 0, proposal.number, 0, false);
    }

    /// @dev Begins an epoch, in which no proposal waits. The new key must be valid, and the old one gone from {_keys}.
    function _begin(uint256 status, uint64 epoch, uint256 px, uint256 py) private {
        uint256 keyId = uint256(epoch) << 1 | py & 1;
        if (status & UNTIL_MASK == 0) _keys[keyId] = px;
        else _pausedPx = px;
        _status = status & (VETOER_PAUSED | UNTIL_MASK) | keyId;
        emit KeyRotated(epoch, px, py);
    }

    /// @dev The status after a pause that is over. Reverts if it is not.
    function _resumed(uint256 status) private returns (uint256) {
        if (_isPaused(status)) revert KeysPaused();
        _keys[status & KEY_ID_MASK] = _pausedPx;
        delete _pausedPx;
        emit Unpaused();
        return status & ~UNTIL_MASK;
    }

    /// @inheritdoc Vetoer
    function _armVetoer() internal override {
        _status &= ~VETOER_PAUSED;
    }

    /// @dev The current key's x coordinate. The parity is the lowest bit of the status.
    function _px(uint256 status) private view returns (uint256) {
        return _untilOf(status) == 0 ? _keys[status & KEY_ID_MASK] : _pausedPx;
    }

    function _isPaused(uint256 status) private view returns (bool) {
        return block.timestamp <= _untilOf(status);
    }

    function _epochOf(uint256 status) private pure returns (uint64) {
        // The epoch is the 64 bits above the parity: what is cut off is the rest of the status.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(status >> 1);
    }

    function _untilOf(uint256 status) private pure returns (uint256) {
        return (status & UNTIL_MASK) >> UNTIL_AT;
    }
}
