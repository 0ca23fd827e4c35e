// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IWithdrawalRequester} from "./interfaces/IWithdrawalRequester.sol";

/// @title Payment for exits that the execution layer triggers (EIP-7002)
/// @notice Reads the fee, hands exactly what is due to the requester, and gives the rest back. Keeps no ether.
abstract contract WithdrawalTrigger {
    /// @notice What somebody pays who triggers exits.
    /// @param maxFee most wei for one validator
    /// @param requester the protocol's requester, to which the fees go: what the caller believes it to be
    /// @param refundTo who gets what is left of the value; 0 for the caller
    struct Payment {
        uint256 maxFee;
        IWithdrawalRequester requester;
        address refundTo;
    }

    /// @dev Bytes of a BLS public key.
    uint256 internal constant PUBLIC_KEY_LENGTH = 48;

    /// @notice EIP-7002's contract; 0 on a chain without it, where exits cannot be triggered.
    address public immutable withdrawalRequests;

    /// @notice The contract of withdrawal requests has no code.
    /// @param account its address
    error WithdrawalRequestsWithoutCode(address account);
    /// @notice EIP-7002's contract does not tell a fee: there is none, or it is not active yet.
    error NoWithdrawalFee();
    /// @notice The fee is more than the caller is willing to pay.
    /// @param fee wei for one validator in this block
    /// @param maxFee the caller's limit
    error FeeAboveLimit(uint256 fee, uint256 maxFee);
    /// @notice The value does not pay for all validators.
    /// @param value wei sent
    /// @param needed wei needed
    error InsufficientValue(uint256 value, uint256 needed);
    /// @notice Whoever is to get what is left does not take it.
    error RefundRefused();

    /// @param withdrawalRequests_ EIP-7002's contract, or 0
    constructor(address withdrawalRequests_) {
        if (withdrawalRequests_ != address(0) && withdrawalRequests_.code.length == 0) {
            revert WithdrawalRequestsWithoutCode(withdrawalRequests_);
        }
        withdrawalRequests = withdrawalRequests_;
    }

    /// @notice What one request costs in this block. It rises while more requests come than the chain takes.
    /// @return wei
    function withdrawalFee() public view returns (uint256) {
        // The contract answers a call without data with its fee.
        (bool success, bytes memory answer) = withdrawalRequests.staticcall("");
        if (!success || answer.length != 32) revert NoWithdrawalFee();
        return abi.decode(answer, (uint256));
    }

    function _feeUpTo(uint256 maxFee) internal view returns (uint256 fee) {
        fee = withdrawalFee();
        if (fee > maxFee) revert FeeAboveLimit(fee, maxFee);
    }

    /// @dev Nothing of this contract changes after the calls: whoever is called may call back.
    /// @param payment what the caller pays, to whom, and who gets the rest
    /// @param pubkeys the public keys, one after the other
    /// @param count how many
    /// @param fee wei for each
    /// @param routing for the requester
    function _trigger(
        Payment calldata payment,
        bytes memory pubkeys,
        uint256 count,
        uint256 fee,
        bytes calldata routing
    ) internal {
        uint256 needed = fee * count;
        if (msg.value < needed) revert InsufficientValue(msg.value, needed);
        payment.requester.requestFullWithdrawals{value: needed}(pubkeys, fee, routing);
        if (msg.value == needed) return;
        address rest = payment.refundTo == address(0) ? msg.sender : payment.refundTo;
        (bool success,) = rest.call{value: msg.value - needed}("");
        if (!success) revert RefundRefused();
    }
}
