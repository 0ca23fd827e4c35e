// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPufferOracle} from "../interfaces/IPufferOracle.sol";

/// @title Stand-in for Puffer's ValidatorTicket on a development chain
/// @notice Sells tickets (10^18 for a day of a validator) at the oracle's price. Of each sale a part goes to the treasury and a
/// part, rounded up, to the guardian module, which has to take ether; the rest goes to the vault. Over the burst threshold, all
/// goes to the treasury.
contract DevnetTickets is ERC20Permit {
    uint256 private constant BPS = 10_000;
    /// @notice The treasury's part, in 1/10,000.
    uint256 public constant PROTOCOL_FEE_RATE = 500;
    /// @notice The guardians' part, in 1/10,000.
    uint256 public constant GUARDIANS_FEE_RATE = 50;

    /// @notice Who is paid for the guardians.
    address payable public immutable GUARDIAN_MODULE;
    /// @notice Puffer's vault.
    address payable public immutable PUFFER_VAULT;
    /// @notice Puffer's treasury.
    address payable public immutable TREASURY;
    /// @notice Puffer's oracle, which has the price.
    IPufferOracle public immutable PUFFER_ORACLE;

    /// @notice The payee did not take the ether.
    error FailedInnerCall();

    constructor(address payable guardianModule, address payable vault, address payable treasury, IPufferOracle oracle)
        ERC20("Puffer Validator Ticket", "VT")
        ERC20Permit("Puffer Validator Ticket")
    {
        GUARDIAN_MODULE = guardianModule;
        PUFFER_VAULT = vault;
        TREASURY = treasury;
        PUFFER_ORACLE = oracle;
    }

    /// @notice Sells tickets for the ether that comes with the call.
    /// @param recipient who gets them
    /// @return amount how many, 10^18 for a day
    function purchaseValidatorTicket(address recipient) external payable returns (uint256 amount) {
        amount = msg.value * 1 ether / PUFFER_ORACLE.getValidatorTicketPrice();
        _mint(recipient, amount);
        if (PUFFER_ORACLE.isOverBurstThreshold()) {
            _pay(TREASURY, msg.value);
            return amount;
        }
        uint256 protocol = msg.value * PROTOCOL_FEE_RATE / BPS;
        uint256 guardians = Math.mulDiv(msg.value, GUARDIANS_FEE_RATE, BPS, Math.Rounding.Ceil);
        _pay(TREASURY, protocol);
        _pay(GUARDIAN_MODULE, guardians);
        _pay(PUFFER_VAULT, msg.value - protocol - guardians);
    }

    /// @notice Burns tickets of the caller's.
    /// @param amount how many
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    function _pay(address payable to, uint256 amount) private {
        (bool success,) = to.call{value: amount}("");
        if (!success) revert FailedInnerCall();
    }
}
