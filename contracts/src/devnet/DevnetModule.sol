// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {DevnetDeposit} from "./DevnetDeposit.sol";

/// @title Stand-in for a PufferModule on a development chain
/// @notice Holds the ether of its validators on its way in and out. It is its own pod: withdrawals come to the address that the
/// credentials name, and what is above 32 ether stays here for operators.
contract DevnetModule {
    /// @notice Puffer's protocol, which alone may act.
    address public immutable PROTOCOL;
    /// @notice Where deposits go.
    DevnetDeposit public immutable DEPOSIT;

    /// @notice Not the protocol.
    /// @param account who asked
    error NotProtocol(address account);

    constructor(address protocol, DevnetDeposit deposit) {
        PROTOCOL = protocol;
        DEPOSIT = deposit;
    }

    receive() external payable {}

    /// @notice Deposits for a validator.
    /// @param pubKey its public key
    /// @param signature of the deposit
    /// @param depositDataRoot of the deposit
    function callStake(bytes calldata pubKey, bytes calldata signature, bytes32 depositDataRoot) external payable {
        if (msg.sender != PROTOCOL) revert NotProtocol(msg.sender);
        DEPOSIT.deposit{value: 32 ether}(pubKey, getWithdrawalCredentials(), signature, depositDataRoot);
    }

    /// @notice Makes a call for the protocol.
    /// @param to whom
    /// @param amount wei
    /// @param data of the call
    /// @return success whether it did not revert
    /// @return answer what it answered
    function call(address to, uint256 amount, bytes calldata data)
        external
        returns (bool success, bytes memory answer)
    {
        if (msg.sender != PROTOCOL) revert NotProtocol(msg.sender);
        return to.call{value: amount}(data);
    }

    /// @notice The withdrawal credentials of its validators.
    /// @return 0x01, zeros, and this address
    function getWithdrawalCredentials() public view returns (bytes memory) {
        return abi.encodePacked(bytes1(0x01), bytes11(0), address(this));
    }
}
