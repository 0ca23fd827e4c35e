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

    /// @notice The group key must be asked of a contract: a call to anything else would succeed and say nothing.
    /// @param account the address without code
    error KeysWithoutCode(address account);
    /// @notice There is a contract, but none that holds a key: it might accept everything.
    /// @param account its address
    error NotKeys(address account);

    constructor(GuardianKeys keys_) {
        if (address(keys_).code.length == 0) revert KeysWithoutCode(address(keys_));
        (bool success, bytes memory epoch) = address(keys_).staticcall(abi.encodeCall(GuardianKeys.keyEpoch, ()));
        if (!success || epoch.length != 32 || abi.decode(epoch, (uint256)) == 0) revert NotKeys(address(keys_));
        keys = keys_;
    }

    /// @dev `keys.verifyHinted(epoch, hint, digest, signature)`, which reverts with what that reverts with. Written out
    /// because Solidity takes some 200 gas more to make the same call. That there is code to call is checked at
    /// construction, and code does not go away. The epoch is passed on as it is: what does not fit into 64 bits is
    /// refused there. Returns the hint for the next call.
    function _requireSignature(uint256 epoch, uint256 hint, bytes32 digest, Signature calldata signature)
        internal
        view
        returns (uint256 nextHint)
    {
        GuardianKeys target = keys;
        bytes4 selector = GuardianKeys.verifyHinted.selector;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, selector)
            mstore(add(input, 0x04), epoch)
            mstore(add(input, 0x24), hint)
            mstore(add(input, 0x44), digest)
            calldatacopy(add(input, 0x64), signature, 0x60)
            // The call comes first. An answer of nothing means that no signature was checked.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), target, input, 0xc4, 0x00, 0x20))) {
                returndatacopy(input, 0, returndatasize())
                revert(input, returndatasize())
            }
            nextHint := mload(0x00)
        }
    }
}
