// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title Stand-in for the beacon chain's deposit contract
/// @notice Logs deposits as that contract does. Its root changes with each of them, as it does there, and is no Merkle root.
contract DevnetDeposit {
    bytes32 private _root;
    uint64 private _count;

    /// @notice A deposit was made. Amount (gwei) and number are little-endian.
    event DepositEvent(bytes pubkey, bytes withdrawal_credentials, bytes amount, bytes signature, bytes index);

    /// @notice Takes a deposit.
    /// @param pubkey of the validator
    /// @param withdrawalCredentials of the validator
    /// @param signature of the deposit
    /// @param depositDataRoot of the deposit, which is not checked here
    function deposit(
        bytes calldata pubkey,
        bytes calldata withdrawalCredentials,
        bytes calldata signature,
        bytes32 depositDataRoot
    ) external payable {
        _root = sha256(abi.encodePacked(_root, depositDataRoot));
        bytes memory amount = _littleEndian(msg.value / 1 gwei);
        emit DepositEvent(pubkey, withdrawalCredentials, amount, signature, _littleEndian(_count++));
    }

    /// @notice Names all deposits so far.
    /// @return the root
    // forge-lint: disable-next-line(mixed-case-function)
    function get_deposit_root() external view returns (bytes32) {
        return _root;
    }

    function _littleEndian(uint256 value) private pure returns (bytes memory bytes_) {
        bytes32 word = bytes32(value);
        bytes_ = new bytes(8);
        for (uint256 i = 0; i < 8; ++i) {
            bytes_[i] = word[31 - i];
        }
    }
}
