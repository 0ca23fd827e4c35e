// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ReserveFeed} from "./ReserveFeed.sol";
import {Stored} from "./ReserveHistory.sol";
import {AggregatorV3Interface} from "./interfaces/AggregatorV3Interface.sol";

/// @notice Reserves as a consumer may rely on them.
/// @param assets everything behind pufETH, wei
/// @param liabilities what all pufETH in circulation is worth by its own contract, wei; 0 if it is not reported
/// @param validatorCount validators counted
/// @param updatedAt the time that the values are of, Unix time
struct Reserves {
    uint256 assets;
    uint256 liabilities;
    uint256 validatorCount;
    uint256 updatedAt;
}

/// @title The checks that consumers of a feed forget
/// @notice Reads a {ReserveFeed}, or any AggregatorV3 feed, and reverts rather than return something that must not be used.
library ReserveReader {
    /// @notice There is no contract at the feed's address: a call to it would succeed and say nothing.
    /// @param feed the address
    error NoFeed(address feed);
    /// @notice The answer is zero or negative.
    /// @param answer what the feed said
    error InvalidAnswer(int256 answer);
    /// @notice The round is not complete, or the answer is of an earlier round.
    /// @param roundId the round
    /// @param answeredInRound the round of the answer
    error IncompleteRound(uint80 roundId, uint80 answeredInRound);
    /// @notice The answer is older than the consumer, or the feed, allows, or of the future.
    /// @param updatedAt the time that the answer is of, Unix time
    /// @param maxAge seconds allowed
    error StaleAnswer(uint256 updatedAt, uint256 maxAge);
    /// @notice The feed has other decimals than the consumer counts with.
    /// @param decimals the feed's
    /// @param expected the consumer's
    error WrongDecimals(uint8 decimals, uint8 expected);
    /// @notice The feed says nothing of what is owed, so that nothing can be said to be backed.
    error NoLiabilities();
    /// @notice There is less than is owed.
    /// @param assets wei
    /// @param required wei
    error Undercollateralised(uint256 assets, uint256 required);

    /// @notice The answer of any AggregatorV3 feed, checked.
    /// @param feed the feed
    /// @param expectedDecimals decimals that the consumer counts with
    /// @param maxAge seconds; never 0, and not much more than the feed's heartbeat
    /// @return answer above 0
    /// @return updatedAt the time that it is of
    function answerOf(AggregatorV3Interface feed, uint8 expectedDecimals, uint256 maxAge)
        internal
        view
        returns (uint256 answer, uint256 updatedAt)
    {
        if (address(feed).code.length == 0) revert NoFeed(address(feed));
        uint8 decimals = feed.decimals();
        if (decimals != expectedDecimals) revert WrongDecimals(decimals, expectedDecimals);
        (uint80 roundId, int256 signedAnswer,, uint256 time, uint80 answeredInRound) = feed.latestRoundData();
        if (signedAnswer <= 0) revert InvalidAnswer(signedAnswer);
        if (time == 0 || answeredInRound < roundId) revert IncompleteRound(roundId, answeredInRound);
        if (time > block.timestamp || block.timestamp - time > maxAge) revert StaleAnswer(time, maxAge);
        // Above 0, as was checked.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint256(signedAnswer), time);
    }

    /// @notice The latest reserves, if they are no older than `maxAge` and the feed itself does not call them stale, as it does
    /// during a pause of the keys and a contest.
    /// @param feed the feed
    /// @param maxAge seconds; no less than the period of reports and 20 minutes for finality and submission
    /// @return the reserves
    function reservesOf(ReserveFeed feed, uint256 maxAge) internal view returns (Reserves memory) {
        (uint256 assets, uint256 updatedAt) = answerOf(feed, 18, maxAge);
        if (feed.isStale()) revert StaleAnswer(updatedAt, feed.heartbeat());
        Stored memory stored = feed.latestReport();
        return Reserves(assets, uint256(stored.liabilityGwei) * 1 gwei, stored.validatorCount, updatedAt);
    }

    /// @notice The latest reserves, if they are fresh and hold at least `minBps` of what is owed.
    /// @param feed the feed
    /// @param maxAge seconds
    /// @param minBps assets needed, in 1/10,000 of the liabilities
    /// @return reserves the reserves
    function requireBacked(ReserveFeed feed, uint256 maxAge, uint256 minBps)
        internal
        view
        returns (Reserves memory reserves)
    {
        reserves = reservesOf(feed, maxAge);
        if (reserves.liabilities == 0) revert NoLiabilities();
        uint256 required = reserves.liabilities * minBps / 10_000;
        if (reserves.assets < required) revert Undercollateralised(reserves.assets, required);
    }
}
