// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ReserveFeed} from "../ReserveFeed.sol";
import {ReserveReader, Reserves} from "../ReserveReader.sol";

/// @title An example of a consumer: lets a token be minted only while fresh reserves cover it
/// @notice Minimal on purpose: the balance stands for whatever a protocol does with the reserves. This mint is the only
/// claim on them: whoever mints beside pufETH must leave `reserves.liabilities` to its holders, or pledges the same ether twice.
contract BackedMint {
    using ReserveReader for ReserveFeed;

    /// @notice The feed.
    ReserveFeed public immutable feed;
    /// @notice Seconds after which a report is not relied on here.
    uint256 public immutable maxAge;
    /// @notice Wei minted.
    uint256 public minted;

    /// @notice More would be minted than there are assets.
    /// @param wanted wei
    /// @param assets wei
    error NotCovered(uint256 wanted, uint256 assets);

    constructor(ReserveFeed feed_, uint256 maxAge_) {
        feed = feed_;
        maxAge = maxAge_;
    }

    /// @notice Mints, if the reserves are fresh and cover everything minted.
    /// @param amount wei
    function mint(uint256 amount) external {
        Reserves memory reserves = feed.reservesOf(maxAge);
        if (minted + amount > reserves.assets) revert NotCovered(minted + amount, reserves.assets);
        minted += amount;
    }
}
