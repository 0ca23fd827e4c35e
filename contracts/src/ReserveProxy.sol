// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "./Governed.sol";
import {ReserveFeed} from "./ReserveFeed.sol";

/// @title An address of the reserves that stays
/// @notice Hands every read on to the present {ReserveFeed}, so that consumers keep one address over deployments: they use it as
/// they would use the feed. The governor switches to another feed after a delay in which everybody can look at it and leave.
/// Rounds are reference slots in every feed, so their numbers go on.
/// @dev Calls are static: nothing is written through this contract. `owner` and the like are this contract's own.
contract ReserveProxy is Governed {
    /// @notice Least delay, seconds.
    uint64 public constant MIN_DELAY = 1 days;
    /// @notice Longest delay, seconds.
    uint64 public constant MAX_DELAY = 30 days;

    /// @notice Seconds between naming a feed and switching to it.
    uint64 public immutable switchDelay;
    /// @notice Which feed is read.
    ReserveFeed public feed;
    /// @notice Which feed is to be read; 0 for none.
    ReserveFeed public nextFeed;
    /// @notice From when on {switchFeed} can be called, Unix time; 0 if no feed is named.
    uint64 public nextFeedAt;

    /// @notice The governor names the next feed.
    /// @param nextFeed which; 0 if none is named any more
    /// @param readyAt from when on it can be switched to, Unix time
    event FeedNamed(ReserveFeed nextFeed, uint64 readyAt);
    /// @notice Another feed is read from now on.
    /// @param oldFeed the old one; 0 for the first
    /// @param newFeed the new one
    event FeedSwitched(ReserveFeed oldFeed, ReserveFeed newFeed);

    /// @notice The delay must be between {MIN_DELAY} and {MAX_DELAY}.
    /// @param delay seconds
    error InvalidDelay(uint64 delay);
    /// @notice There is no contract at the feed's address, or it counts with other decimals.
    /// @param feed its address
    error NotFeed(ReserveFeed feed);
    /// @notice No feed is named.
    error NoNextFeed();
    /// @notice The delay is not over.
    /// @param readyAt when it will be, Unix time
    error FeedNotReady(uint64 readyAt);
    /// @notice The next feed has nothing that can be relied on yet.
    error NextFeedStale();

    /// @param feed_ the first feed
    /// @param governor who may name another
    /// @param switchDelay_ seconds
    constructor(ReserveFeed feed_, address governor, uint64 switchDelay_) Governed(governor) {
        if (switchDelay_ < MIN_DELAY || switchDelay_ > MAX_DELAY) revert InvalidDelay(switchDelay_);
        _requireFeed(feed_);
        switchDelay = switchDelay_;
        feed = feed_;
        emit FeedSwitched(ReserveFeed(address(0)), feed_);
    }

    /// @notice Answers as the feed does.
    fallback() external {
        address target = address(feed);
        assembly ("memory-safe") {
            let input := mload(0x40)
            calldatacopy(input, 0, calldatasize())
            let success := staticcall(gas(), target, input, calldatasize(), 0x00, 0x00)
            returndatacopy(input, 0, returndatasize())
            if success { return(input, returndatasize()) }
            revert(input, returndatasize())
        }
    }

    /// @notice Names the next feed, or none.
    /// @param next a feed, or 0
    function nameFeed(ReserveFeed next) external onlyOwner {
        uint64 readyAt = 0;
        if (address(next) != address(0)) {
            _requireFeed(next);
            readyAt = SafeCast.toUint64(block.timestamp) + switchDelay;
        }
        (nextFeed, nextFeedAt) = (next, readyAt);
        emit FeedNamed(next, readyAt);
    }

    /// @notice Switches to the next feed, once the delay is over and it has a fresh report. Anybody may call it.
    function switchFeed() external {
        if (nextFeedAt == 0) revert NoNextFeed();
        if (block.timestamp < nextFeedAt) revert FeedNotReady(nextFeedAt);
        ReserveFeed next = nextFeed;
        if (next.isStale()) revert NextFeedStale();
        emit FeedSwitched(feed, next);
        feed = next;
        (nextFeed, nextFeedAt) = (ReserveFeed(address(0)), 0);
    }

    function _requireFeed(ReserveFeed candidate) private view {
        if (address(candidate).code.length == 0 || candidate.decimals() != 18) revert NotFeed(candidate);
    }
}
