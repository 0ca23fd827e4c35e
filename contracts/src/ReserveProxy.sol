// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Governed} from "./Governed.sol";
import {ReserveFeed} from "./ReserveFeed.sol";
import {Succession} from "./Succession.sol";

/// @title An address of the reserves that stays
/// @notice Hands every read on to the present {ReserveFeed}, so that consumers keep one address over deployments: they use it as
/// they would use the feed. The governor switches to another feed after a delay in which everybody can look at it and leave.
/// Rounds are reference slots in every feed, so their numbers go on.
/// @dev Calls are static: nothing is written through this contract. `owner` and the like are this contract's own.
contract ReserveProxy is Succession {
    /// @notice Which feed is read.
    ReserveFeed public feed;

    /// @notice Another feed is read from now on.
    /// @param oldFeed the old one; 0 for the first
    /// @param newFeed the new one
    event FeedSwitched(ReserveFeed oldFeed, ReserveFeed newFeed);

    /// @notice There is no contract at the feed's address, or it counts with other decimals.
    /// @param feed its address
    error NotFeed(ReserveFeed feed);
    /// @notice The next feed has nothing that can be relied on yet.
    error NextFeedStale();

    /// @param feed_ the first feed
    /// @param governor who may name another
    /// @param delay_ seconds between the naming of a feed and the switch to it
    constructor(ReserveFeed feed_, address governor, uint64 delay_) Governed(governor) Succession(delay_) {
        _requireFeed(feed_);
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

    /// @notice Names the next feed.
    /// @param next a feed
    function nameFeed(ReserveFeed next) external onlyOwner {
        _requireFeed(next);
        _name(address(next));
    }

    /// @notice Switches to the successor, once the delay is over and it has a fresh report. Anybody may call it.
    function switchFeed() external {
        ReserveFeed next = ReserveFeed(_take());
        if (next.isStale()) revert NextFeedStale();
        emit FeedSwitched(feed, next);
        feed = next;
    }

    function _requireFeed(ReserveFeed candidate) private view {
        if (address(candidate).code.length == 0 || candidate.decimals() != 18) revert NotFeed(candidate);
    }
}
