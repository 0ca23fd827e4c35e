// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Signature} from "../src/FrostVerifier.sol";
import {Vm} from "./Vm.sol";

/// @title A signer for tests: the whole group key in one hand
/// @notice An aggregated FROST signature cannot be told from a Schnorr signature of one signer with RFC 9591's challenge,
/// so one secret stands for the committee. The challenge is written plainly here, apart from the verifier's assembly.
/// Nonces are derived from the message: never do that with more than one signer.
library FrostSigner {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    uint256 internal constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @notice scalar * G.
    function multiplyBase(uint256 scalar) internal returns (uint256 x, uint256 y) {
        Vm.Wallet memory wallet = vm.createWallet(scalar);
        return (wallet.publicKeyX, wallet.publicKeyY);
    }

    function sign(uint256 secret, bytes32 message) internal returns (Signature memory) {
        return signWithNonce(secret, message, uint256(keccak256(abi.encode(secret, message))) % (N - 1) + 1);
    }

    function signWithNonce(uint256 secret, bytes32 message, uint256 nonce) internal returns (Signature memory) {
        (uint256 px, uint256 py) = multiplyBase(secret);
        (uint256 rx, uint256 ry) = multiplyBase(nonce);
        uint256 e = challenge(rx, ry, px, py, message);
        return Signature(rx, ry, addmod(nonce, mulmod(e, secret, N), N));
    }

    /// @notice RFC 9591, section 6.5: H2(R || P || message), by RFC 9380's expand_message_xmd.
    function challenge(uint256 rx, uint256 ry, uint256 px, uint256 py, bytes32 message)
        internal
        pure
        returns (uint256)
    {
        bytes memory tag = abi.encodePacked("FROST-secp256k1-SHA256-v1", "chal", uint8(29));
        bytes memory input = abi.encodePacked(compress(rx, ry), compress(px, py), message);
        bytes32 b0 = sha256(abi.encodePacked(new bytes(64), input, uint16(48), uint8(0), tag));
        bytes32 b1 = sha256(abi.encodePacked(b0, uint8(1), tag));
        bytes32 b2 = sha256(abi.encodePacked(b0 ^ b1, uint8(2), tag));
        return addmod(mulmod(uint256(b1), 1 << 128, N), uint256(b2) >> 128, N);
    }

    function compress(uint256 x, uint256 y) private pure returns (bytes memory) {
        return abi.encodePacked(y % 2 == 0 ? bytes1(0x02) : bytes1(0x03), x);
    }
}
