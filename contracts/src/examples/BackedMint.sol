// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ReserveFeed} from "../ReserveFeed.sol";
import {ReserveReader, Reserves} from "../ReserveReader.sol";

/// @title An example of a consumer: lets a token be minted only while fresh reserves cover it
/// @notice Minimal on purpose: the balance stands for whatever a protocol does with the reserves. It mints against what is left when
/// all pufETH is covered: the rest is its holders', and would be pledged twice.
contract BackedMint {
    using ReserveReader for ReserveFeed;

    /// @dev In 1/10,000.
    uint256 private constant FULLY = 10_000;

    /// @notice The feed.
    ReserveFeed public immutable feed;
    /// @notice Seconds after which a report is not relied on here.
    uint256 public immutable maxAge;
    /// @notice Wei minted.
    uint256 public minted;

    /// @notice More would be minted than is free.
    /// @param wanted wei
    /// @param free wei of assets that nobody is owed
    error NotCovered(uint256 wanted, uint256 free);

    constructor(ReserveFeed feed_, uint256 maxAge_) {
        feed = feed_;
        maxAge = maxAge_;
    }

    /// @notice Mints, if the reserves are fresh, say what is owed, and cover that and everything minted.
    /// @param amount wei
    function mint(uint256 amount) external {
        Reserves memory reserves = feed.requireBacked(maxAge, FULLY);
        uint256 free = reserves.assets - reserves.liabilities;
        if (minted + amount > free) revert NotCovered(minted + amount, free);
        minted += amount;
    }
}
