// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title The older read side of price and reserve feeds, which some consumers still call
/// @notice The ABI of Chainlink's interface of the same name; only the ABI is taken from there. Nothing here reverts: 0 stands
/// for "no answer".
interface AggregatorInterface {
    /// @notice There is an answer.
    /// @param current the answer
    /// @param roundId its round
    /// @param updatedAt Unix time for which it holds
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @notice The latest answer; 0 if there is none.
    function latestAnswer() external view returns (int256);

    /// @notice Unix time for which the latest answer holds; 0 if there is none.
    function latestTimestamp() external view returns (uint256);

    /// @notice The round of the latest answer; 0 if there is none.
    function latestRound() external view returns (uint256);

    /// @notice The answer of a round; 0 if it has none.
    function getAnswer(uint256 roundId) external view returns (int256);

    /// @notice Unix time for which the answer of a round holds; 0 if it has none.
    function getTimestamp(uint256 roundId) external view returns (uint256);
}
