// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IWithdrawalRequester} from "../interfaces/IWithdrawalRequester.sol";
import {DevnetPuffer} from "./DevnetPuffer.sol";

/// @title Has the protocol's modules request exits, each for its own validators
/// @notice For development chains, and as an example of a requester where validators have different accounts. The routing is the module of
/// each validator, 20 bytes for each key, in the order of the keys. Whoever names another module than the validator's pays the fee for a
/// request that the beacon chain ignores.
contract DevnetModuleRequester is IWithdrawalRequester {
    uint256 private constant PUBLIC_KEY_LENGTH = 48;
    uint256 private constant ADDRESS_LENGTH = 20;

    /// @notice Who may ask.
    address public immutable registry;
    /// @notice The protocol, which lets this contract have its modules request withdrawals.
    DevnetPuffer public immutable protocol;

    /// @notice Only the registry may ask.
    /// @param account who did
    error NotRegistry(address account);
    /// @notice The routing does not have a module for each key.
    /// @param given bytes
    /// @param needed bytes
    error WrongRouting(uint256 given, uint256 needed);

    constructor(address registry_, DevnetPuffer protocol_) {
        registry = registry_;
        protocol = protocol_;
    }

    /// @inheritdoc IWithdrawalRequester
    function requestFullWithdrawals(bytes calldata pubkeys, uint256 fee, bytes calldata routing) external payable {
        if (msg.sender != registry) revert NotRegistry(msg.sender);
        uint256 count = pubkeys.length / PUBLIC_KEY_LENGTH;
        if (routing.length != count * ADDRESS_LENGTH) revert WrongRouting(routing.length, count * ADDRESS_LENGTH);
        for (uint256 i = 0; i < count; ++i) {
            address module = address(bytes20(routing[i * ADDRESS_LENGTH:(i + 1) * ADDRESS_LENGTH]));
            bytes calldata key = pubkeys[i * PUBLIC_KEY_LENGTH:(i + 1) * PUBLIC_KEY_LENGTH];
            protocol.requestFullWithdrawals{value: fee}(module, key, fee);
        }
    }
}
