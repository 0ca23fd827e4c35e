// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title What the guardians' gate calls of Puffer's ValidatorTicketPricer
/// @notice The ABI of Puffer's contract, as far as it is used; only the ABI is taken from there.
interface IValidatorTicketPricer {
    /// @notice Sets both parts of the price, and posts it. Reverts whole when one of them changes more than the pricer
    /// tolerates.
    /// @param dailyMevPayouts what a validator earns in a day from the blocks that it builds, wei
    /// @param dailyConsensusRewards what it earns in a day on the beacon chain, wei
    function setDailyRewardsAndPostMintPrice(uint104 dailyMevPayouts, uint104 dailyConsensusRewards) external;
}
