// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title What a protocol offers so that ejected validators leave without their operators
/// @notice EIP-7002 takes a request only from the account that a validator's withdrawal credentials name. The protocol
/// sets a contract that can act for that account (or have it act) as the registry's requester. Where validators have
/// different accounts, such as a pod for each module, whoever triggers the exits says in `routing` which one is whose. The
/// requester must check it: a request from another account is ignored by the beacon chain, and its fee is lost.
interface IWithdrawalRequester {
    /// @notice Requests the full withdrawal (EIP-7002, amount 0) of each validator.
    /// @dev Called by the registry with exactly `fee` wei for each key. Must revert unless every request was made; must
    /// refuse callers other than the registry if somebody else's request could hurt.
    /// @param pubkeys BLS public keys, 48 bytes each, one after the other
    /// @param fee wei that one request costs in this block
    /// @param routing what the caller of the registry says about the keys: unsigned, in a form that the protocol defines
    function requestFullWithdrawals(bytes calldata pubkeys, uint256 fee, bytes calldata routing) external payable;
}
