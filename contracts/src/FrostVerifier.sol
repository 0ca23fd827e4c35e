// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @notice A FROST(secp256k1, SHA-256) signature (RFC 9591, section 6.5) with the commitment R uncompressed.
/// @param rx x coordinate of R
/// @param ry y coordinate of R
/// @param z the response scalar
struct Signature {
    uint256 rx;
    uint256 ry;
    uint256 z;
}

/// @title Verification of FROST(secp256k1, SHA-256) signatures, RFC 9591
/// @notice One aggregated signature costs the same to check whatever the number of signers.
///
/// @dev The curve equation is `R = z*G - e*P` with `e = H2(R || P || message)`. The EVM has no secp256k1
/// multiplication, but `ecrecover(h, v, r, s)` returns the address of `r^-1 * (s*P' - h*G)`, where P' is the point whose
/// x coordinate is r and whose parity is v. With `P' = P`, `r = Px`, `s = e*Px` and `h = z*Px` this is the address of
/// `e*P - z*G = -R`, which is compared with the address of (Rx, p - Ry).
///
/// z must be in (0, N) and the coordinates of R below p, so that a signature has one spelling.
///
/// R must lie on the curve; soundness rests on it. The challenge contains Rx and one bit of Ry, and points are compared by
/// 160-bit hashes. If Ry were free, the challenge would stay fixed while both sides of the comparison vary, one with z and
/// the other with Ry: a collision, 2^80 work, would forge a signature. On the curve Rx leaves two values of Ry, each with
/// its own challenge, and nothing better than a preimage, 2^160 work, is left.
library FrostVerifier {
    /// @dev Order of the field (SEC 2, section 2.4.1).
    uint256 private constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    /// @dev Order of the group.
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 private constant N_MINUS_1 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140;
    uint256 private constant TWO_POW_128 = 0x100000000000000000000000000000000;

    /// @dev End of the first hash input: two bytes for the length asked of `expand_message_xmd` (48), a zero byte, and
    /// the 29 bytes of the domain separation tag "FROST-secp256k1-SHA256-v1chal" (RFC 9380, section 5.3.1). The tag's
    /// length byte, 0x1d, follows.
    uint256 private constant LENGTH_AND_TAG = 0x300046524f53542d736563703235366b312d5348413235362d76316368616c1d;
    /// @dev End of the second hash input: the counter 1, the tag, its length; the last byte is not hashed.
    uint256 private constant COUNTER_AND_TAG = 0x0146524f53542d736563703235366b312d5348413235362d76316368616c1d00;

    /// @notice Whether (px, py) can be a group key: a point of the curve whose x coordinate is less than N.
    /// @dev `ecrecover` takes r only below N. A key is outside with probability 2^-128; there is no other restriction.
    /// @param px x coordinate of the key
    /// @param py y coordinate of the key
    /// @return whether {verify} may be used with this key
    function isValidPublicKey(uint256 px, uint256 py) internal pure returns (bool) {
        if (px == 0 || px >= N || py >= P) return false;
        return mulmod(py, py, P) == addmod(mulmod(mulmod(px, px, P), px, P), 7, P);
    }

    /// @notice Sets aside, and cleans, the memory that {verify} works in. A caller that allocates memory before a verification, or
    /// verifies twice, calls this first; without it a second verification fails.
    /// @dev Solidity's memory begins at 0x80. Nothing may have been allocated before the first call.
    function reserve() internal pure {
        assembly ("memory-safe") {
            if lt(mload(0x40), 0x140) { mstore(0x40, 0x140) }
            mstore(0x80, 0)
        }
    }

    /// @notice Verifies a signature. Never reverts.
    /// @dev The key must have passed {isValidPublicKey}; of `py` only the parity is used, so a caller may pass any word
    /// that has it in its lowest bit. Works in memory from 0x80 to 0x13f, which must be fresh, or from {reserve}: constant
    /// places save 90 gas.
    /// @param px x coordinate of the group key
    /// @param py y coordinate of the group key
    /// @param rx x coordinate of R
    /// @param ry y coordinate of R
    /// @param z the response
    /// @param message the 32 bytes that were signed
    /// @return valid whether the signature is one of this key over this message
    function verify(uint256 px, uint256 py, uint256 rx, uint256 ry, uint256 z, bytes32 message)
        internal
        view
        returns (bool valid)
    {
        assembly ("memory-safe") {
            // e = hash_to_field(R || P || message): expand_message_xmd to 48 bytes, reduced modulo N.
            // msg_prime is a block of 64 zeros, R and P compressed, the message, a zero, the length and the tag: 195 bytes
            // from 0x60 on. The zeros are Solidity's zero slot and a word that nobody has written.
            mstore8(0xa0, add(2, and(ry, 1)))
            mstore(0xa1, rx)
            mstore8(0xc1, add(2, and(py, 1)))
            mstore(0xc2, px)
            mstore(0xe2, message)
            mstore(0x103, LENGTH_AND_TAG)
            // The three hashes need no check of their own: SHA-256 fails only for want of gas, and then the 1/64 of it
            // that is left ends this call frame too.
            // b0 = SHA-256(msg_prime), into the first word of memory, in front of the counter and the tag.
            pop(staticcall(gas(), 2, 0x60, 0xc3, 0x00, 0x20))
            mstore(0x20, COUNTER_AND_TAG)
            // b1 = SHA-256(b0 || 1 || tag)
            pop(staticcall(gas(), 2, 0x00, 0x3f, 0x103, 0x20))
            // b2 = SHA-256((b0 xor b1) || 2 || tag), of which the first 16 bytes count.
            mstore(0x00, xor(mload(0x00), mload(0x103)))
            mstore8(0x20, 2)
            pop(staticcall(gas(), 2, 0x00, 0x3f, 0x00, 0x20))

            // ecrecover(z*Px, 27 + parity of P, Px, e*Px), laid over msg_prime so that its third word is the Px there.
            // e = (b1 * 2^128 + the first half of b2) mod N.
            mstore(0xe2, mulmod(addmod(mulmod(mload(0x103), TWO_POW_128, N), shr(128, mload(0x00)), N), px, N))
            mstore(0x82, mulmod(z, px, N))
            mstore(0xa2, add(27, and(py, 1)))
            pop(staticcall(gas(), 1, 0x82, 0x80, 0x103, 0x20))

            // Expected is the address of -R.
            mstore(0x00, rx)
            mstore(0x20, sub(P, ry))
            // ecrecover tells failure (e = 0, or a result at infinity) only by returning nothing, and leaves the output
            // memory as it was. `returndatasize() - 32` is zero after a success and larger than any address after a
            // failure, so one comparison demands both that an address came back and that it is not zero.
            valid := and(
                and(
                    eq(mload(0x103), and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffffffffffff)),
                    lt(sub(returndatasize(), 0x20), mload(0x103))
                ),
                and(
                    and(lt(sub(z, 1), N_MINUS_1), and(lt(rx, P), lt(ry, P))),
                    eq(mulmod(ry, ry, P), addmod(mulmod(mulmod(rx, rx, P), rx, P), 7, P))
                )
            )
        }
    }
}
