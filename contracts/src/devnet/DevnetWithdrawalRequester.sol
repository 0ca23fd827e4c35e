// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IWithdrawalRequester} from "../interfaces/IWithdrawalRequester.sol";

/// @title Requests exits as if every validator's withdrawal credentials named this contract
/// @notice For development chains, and as an example: a protocol's own requester has the account that the credentials name
/// make the call, for instance an EigenPod.
contract DevnetWithdrawalRequester is IWithdrawalRequester {
    uint256 private constant PUBLIC_KEY_LENGTH = 48;

    /// @notice Who may ask.
    address public immutable registry;
    /// @notice EIP-7002's contract.
    address public immutable withdrawalRequests;

    /// @notice Only the registry may ask.
    /// @param account who did
    error NotRegistry(address account);
    /// @notice EIP-7002's contract refused a request.
    error RequestRefused();

    constructor(address registry_, address withdrawalRequests_) {
        registry = registry_;
        withdrawalRequests = withdrawalRequests_;
    }

    /// @inheritdoc IWithdrawalRequester
    /// @dev One account stands for all, so that there is nothing to route.
    function requestFullWithdrawals(bytes calldata pubkeys, uint256 fee, bytes calldata) external payable {
        if (msg.sender != registry) revert NotRegistry(msg.sender);
        for (uint256 at = 0; at < pubkeys.length; at += PUBLIC_KEY_LENGTH) {
            // Key and amount (8 bytes, gwei); amount 0 is a full withdrawal.
            bytes memory request = bytes.concat(pubkeys[at:at + PUBLIC_KEY_LENGTH], bytes8(0));
            (bool success,) = withdrawalRequests.call{value: fee}(request);
            if (!success) revert RequestRefused();
        }
    }
}
