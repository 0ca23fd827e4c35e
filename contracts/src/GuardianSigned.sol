// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Signature} from "./FrostVerifier.sol";
import {GuardianDomain} from "./GuardianDomain.sol";
import {GuardianKeys} from "./GuardianKeys.sol";

/// @notice The reference slot is not above that of the last accepted duty.
/// @param given the reference slot submitted
/// @param last the last one accepted
error StaleReferenceSlot(uint64 given, uint64 last);

/// @title A contract that acts on the word of the guardians
/// @notice Knows where the group key is and asks there about signatures.
abstract contract GuardianSigned is GuardianDomain {
    /// @notice Where signatures are checked.
    GuardianKeys public immutable keys;

    constructor(GuardianKeys keys_) {
        keys = keys_;
    }

    /// @dev `keys.verify(epoch, digest, signature)`, with whatever that reverts with. Written out because Solidity takes
    /// some 400 gas more to make the same call. Only the answer `true` counts, so an account without code never passes.
    function _requireSignature(uint64 epoch, bytes32 digest, Signature calldata signature) internal view {
        GuardianKeys target = keys;
        bytes4 selector = GuardianKeys.verify.selector;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, selector)
            mstore(add(input, 0x04), epoch)
            mstore(add(input, 0x24), digest)
            calldatacopy(add(input, 0x44), signature, 0x60)
            let success := staticcall(gas(), target, input, 0xa4, 0x00, 0x20)
            if iszero(and(and(success, eq(mload(0x00), 1)), eq(returndatasize(), 0x20))) {
                returndatacopy(input, 0, returndatasize())
                revert(input, returndatasize())
            }
        }
    }
}
