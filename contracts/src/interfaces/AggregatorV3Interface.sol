// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title The read side that consumers of price and reserve feeds expect
/// @notice The ABI of Chainlink's interface of the same name; only the ABI is taken from there.
interface AggregatorV3Interface {
    /// @notice Decimals of the answer.
    function decimals() external view returns (uint8);

    /// @notice What the answer is.
    function description() external view returns (string memory);

    /// @notice Version of the feed.
    function version() external view returns (uint256);

    /// @notice One round.
    /// @param id the round asked for
    /// @return roundId the round returned
    /// @return answer the value
    /// @return startedAt Unix time at which the round began
    /// @return updatedAt Unix time for which the value holds
    /// @return answeredInRound the round in which the value was found
    function getRoundData(uint80 id)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The latest round.
    /// @return roundId the round returned
    /// @return answer the value
    /// @return startedAt Unix time at which the round began
    /// @return updatedAt Unix time for which the value holds
    /// @return answeredInRound the round in which the value was found
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
