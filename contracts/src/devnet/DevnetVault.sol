// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPufferOracle} from "../interfaces/IPufferOracle.sol";

/// @title Stand-in for Puffer's vault on a development chain: pufETH, and its rate
/// @notice A share is worth its part of the ether here and of 32 ether for each validator that the oracle counts. It knows
/// neither stETH nor rewards: what comes in as ether raises the rate.
contract DevnetVault is ERC20Permit, AccessManaged {
    /// @notice Puffer's oracle, once {connect} has named it.
    IPufferOracle public oracle;

    /// @notice Ether left for a module and did not arrive.
    error TransferFailed();

    constructor(address accessManager) ERC20("pufETH", "pufETH") ERC20Permit("pufETH") AccessManaged(accessManager) {}

    receive() external payable {}

    /// @notice Names the oracle, which is newer than the vault. Restricted.
    /// @param oracle_ Puffer's oracle
    function connect(IPufferOracle oracle_) external restricted {
        oracle = oracle_;
    }

    /// @notice Takes ether for shares at the rate before it.
    /// @param receiver who gets them
    /// @return shares how many
    function depositETH(address receiver) external payable returns (uint256 shares) {
        shares = _shares(msg.value, totalAssets() - msg.value, Math.Rounding.Floor);
        _mint(receiver, shares);
    }

    /// @notice Burns shares of the caller's: those that are left are worth more.
    /// @param shares how many
    function burn(uint256 shares) external {
        _burn(msg.sender, shares);
    }

    /// @notice Sends ether to a module. Restricted.
    /// @param to the module
    /// @param amount wei
    function transferETH(address to, uint256 amount) external restricted {
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed();
    }

    /// @notice All ether that the shares are of.
    /// @return wei
    function totalAssets() public view returns (uint256) {
        uint256 locked = address(oracle) == address(0) ? 0 : oracle.getLockedEthAmount();
        return address(this).balance + locked;
    }

    /// @notice What shares are worth.
    /// @param shares how many
    /// @return wei, rounded down
    function convertToAssets(uint256 shares) external view returns (uint256) {
        uint256 supply = totalSupply();
        return supply == 0 ? shares : Math.mulDiv(shares, totalAssets(), supply);
    }

    /// @notice The shares of some ether.
    /// @param assets wei
    /// @return shares, rounded up
    function convertToSharesUp(uint256 assets) external view returns (uint256) {
        return _shares(assets, totalAssets(), Math.Rounding.Ceil);
    }

    function _shares(uint256 assets, uint256 all, Math.Rounding rounding) private view returns (uint256) {
        uint256 supply = totalSupply();
        return supply == 0 || all == 0 ? assets : Math.mulDiv(assets, supply, all, rounding);
    }
}
