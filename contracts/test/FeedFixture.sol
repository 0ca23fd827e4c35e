// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Signature} from "../src/FrostVerifier.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {Stored} from "../src/ReserveHistory.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title What the tests of the feed and of its policy ask of it
abstract contract FeedFixture is Fixture {
    /// @dev Well signed, so that it is refused for `why` alone, and leaves nothing behind.
    function expectRefused(ReserveFeed.Report memory report, bytes memory why) internal {
        uint64 last = feed.lastReferenceSlot();
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        vm.expectRevert(why);
        feed.submitReport(packed(report), signature);
        vm.assertEq(feed.lastReferenceSlot(), last, "last reference slot");
    }

    function assertLatest(ReserveFeed.Report memory report) internal view {
        Stored memory stored = feed.latestReport();
        vm.assertEq(stored.referenceSlot, report.referenceSlot, "slot");
        vm.assertEq(stored.validatorCount, report.validatorCount, "count");
        vm.assertEq(stored.validatorGwei, report.validatorGwei, "validators");
        vm.assertEq(stored.otherGwei, uint256(report.podGwei) + report.vaultGwei + report.pendingGwei, "others");
        vm.assertEq(stored.liabilityGwei, report.liabilityGwei, "liabilities");
        vm.assertEq(feed.lastReferenceSlot(), report.referenceSlot, "last reference slot");
    }
}
