// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FrostVerifier, Signature} from "./FrostVerifier.sol";
import {GuardianDomain} from "./GuardianDomain.sol";

/// @title The guardians' group key
/// @notice Holds the one public key of which any t guardians can sign and no t - 1 can, and checks signatures for the
/// other contracts. Knows neither the guardians nor t: those are off chain.
///
/// The key is replaced by the key itself: a rotation is signed by the old key (authorisation) and by the new one (proof
/// that somebody can use it). Nobody else, and no governor, can replace it. Each rotation starts a new key epoch, which
/// every signed struct carries, so that what an old committee signed and did not submit is void.
contract GuardianKeys is GuardianDomain {
    /// @notice Struct type of a rotation. `keyEpoch` is the epoch that begins with the new key.
    bytes32 public constant KEY_ROTATION_TYPEHASH = keccak256("KeyRotation(uint64 keyEpoch,uint256 px,uint256 py)");

    uint256 private _px;
    /// @dev `keyEpoch << 1 | parity of py`: what {verify} needs besides `_px`, in one slot.
    uint256 private _epochAndParity;
    /// @dev Only read by views; {verify} needs the parity alone.
    uint256 private _py;

    /// @notice A new key epoch has begun.
    /// @param keyEpoch the epoch, one more than the last
    /// @param px x coordinate of its group key
    /// @param py y coordinate of its group key
    event KeyRotated(uint64 indexed keyEpoch, uint256 px, uint256 py);

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

    /// @param px x coordinate of the first group key
    /// @param py y coordinate of the first group key
    constructor(uint256 px, uint256 py) {
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        _setKey(1, px, py);
    }

    /// @notice Returns if `signature` is one of the current group key over `digest`, else reverts.
    /// @dev The digest must be an EIP-712 digest of the caller's own domain whose struct carries `epoch`. The
    /// signature is not an identity: many valid ones exist for one digest.
    /// @param epoch the key epoch under which the struct was signed
    /// @param digest what was signed
    /// @param signature the signature
    function verify(uint64 epoch, bytes32 digest, Signature calldata signature) external view {
        uint256 epochAndParity = _epochAndParity;
        if (epochAndParity >> 1 != epoch) revert WrongKeyEpoch(epoch, keyEpoch());
        // The verifier uses the lowest bit of the y coordinate and nothing else of it.
        if (!FrostVerifier.verify(_px, epochAndParity, signature.rx, signature.ry, signature.z, digest)) {
            revert InvalidSignature();
        }
    }

    /// @notice Replaces the group key and begins the next key epoch. Anybody may submit it.
    /// @dev The key may stay the same: an epoch that begins under the old key voids what was signed before.
    /// @param px x coordinate of the new key
    /// @param py y coordinate of the new key
    /// @param byOldKey signature of the current key over {hashRotation} of the next epoch
    /// @param byNewKey signature of the new key over the same digest
    function rotate(uint256 px, uint256 py, Signature calldata byOldKey, Signature calldata byNewKey) external {
        if (!FrostVerifier.isValidPublicKey(px, py)) revert InvalidPublicKey();
        uint64 next = keyEpoch() + 1;
        bytes32 digest = hashRotation(next, px, py);
        if (!FrostVerifier.verify(_px, _py, byOldKey.rx, byOldKey.ry, byOldKey.z, digest)) revert InvalidSignature();
        if (!FrostVerifier.verify(px, py, byNewKey.rx, byNewKey.ry, byNewKey.z, digest)) {
            revert InvalidProofOfPossession();
        }
        _setKey(next, px, py);
    }

    /// @notice The current group key.
    /// @return px its x coordinate
    /// @return py its y coordinate
    function groupKey() external view returns (uint256 px, uint256 py) {
        return (_px, _py);
    }

    /// @notice The current key epoch; the first is 1.
    /// @return the epoch
    function keyEpoch() public view returns (uint64) {
        return SafeCast.toUint64(_epochAndParity >> 1);
    }

    /// @notice The digest that both keys sign for a rotation.
    /// @param newKeyEpoch the epoch that the rotation begins
    /// @param px x coordinate of the new key
    /// @param py y coordinate of the new key
    /// @return the EIP-712 digest
    function hashRotation(uint64 newKeyEpoch, uint256 px, uint256 py) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_ROTATION_TYPEHASH, newKeyEpoch, px, py)));
    }

    /// @dev The key must be valid.
    function _setKey(uint64 newKeyEpoch, uint256 px, uint256 py) private {
        _px = px;
        _py = py;
        _epochAndParity = uint256(newKeyEpoch) << 1 | (py & 1);
        emit KeyRotated(newKeyEpoch, px, py);
    }
}
