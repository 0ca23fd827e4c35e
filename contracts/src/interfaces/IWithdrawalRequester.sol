// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title What a protocol offers so that ejected validators leave without their operators
/// @notice EIP-7002 takes a request only from the account that a validator's withdrawal credentials name. The protocol
/// sets a contract that can act for that account (or have it act) as the registry's requester.
interface IWithdrawalRequester {
    /// @notice Requests the full withdrawal (EIP-7002, amount 0) of each validator.
    /// @dev Called by the registry with exactly `fee` wei for each key. Must revert unless every request was made; must
    /// refuse callers other than the registry if somebody else's request could hurt.
    /// @param pubkeys BLS public keys, 48 bytes each, one after the other
    /// @param fee wei that one request costs in this block
    function requestFullWithdrawals(bytes calldata pubkeys, uint256 fee) external payable;
}
