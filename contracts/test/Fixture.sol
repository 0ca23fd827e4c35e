// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReservePolicy} from "../src/ReservePolicy.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Stands for pufETH where its kind is all that matters.
contract Shares {
    function decimals() external pure returns (uint8) {
        return 18;
    }

    function convertToAssets(uint256 shares) external pure returns (uint256) {
        return shares + shares / 16;
    }
}

/// @title The contracts deployed together, and what guardians would sign for them
abstract contract Fixture is TestBase {
    uint256 internal constant SECRET = uint256(keccak256("group key"));
    uint256 internal constant NEXT_SECRET = uint256(keccak256("next group key"));
    address internal constant GOVERNOR = address(0x600d);
    address internal constant STRANGER = address(0xbad);
    uint256 internal constant THRESHOLD = 31.75 ether;
    uint256 internal constant MAX_THRESHOLD = 31.9 ether;
    uint64 internal constant GENESIS_TIME = 1_606_824_023;
    uint64 internal constant SECONDS_PER_SLOT = 12;
    uint64 internal constant SLOTS_PER_EPOCH = 32;
    uint64 internal constant REPORT_PERIOD = 75;
    uint64 internal constant HEARTBEAT = 1 days;
    uint64 internal constant HISTORY = 225;
    uint16 internal constant MAX_CHANGE_BPS = 500;
    address internal constant TOKEN = address(0x70c3);
    address internal constant VETOER = address(0x7e70);
    uint64 internal constant DELAY = 3 days;
    uint64 internal constant FIRST_SLOT = 17_876_512;
    bytes32 internal constant ROOT = keccak256("reference root");

    GuardianKeys internal keys;
    EjectionRegistry internal registry;
    ReserveFeed internal feed;

    function setUp() public virtual {
        vm.warp(timeOf(FIRST_SLOT) + 1 hours);
        vm.etch(TOKEN, type(Shares).runtimeCode);
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(SECRET);
        keys = newKeys(px, py);
        registry = newRegistry(keys, THRESHOLD);
        feed = newFeed(REPORT_PERIOD, HEARTBEAT, twoVaults());
    }

    function newKeys(uint256 px, uint256 py) internal returns (GuardianKeys) {
        return new GuardianKeys(px, py, GOVERNOR, VETOER, DELAY);
    }

    function newRegistry(GuardianKeys keys_, uint256 threshold) internal returns (EjectionRegistry) {
        return newRegistry(keys_, threshold, address(0), address(0));
    }

    function newRegistry(GuardianKeys keys_, uint256 threshold, address roots, address requests)
        internal
        returns (EjectionRegistry)
    {
        return newRegistry(keys_, threshold, MAX_THRESHOLD, roots, requests);
    }

    function newRegistry(GuardianKeys keys_, uint256 threshold, uint256 most, address roots, address requests)
        internal
        returns (EjectionRegistry)
    {
        return new EjectionRegistry(
            keys_, GOVERNOR, EjectionRegistry.Setup(threshold, most, GENESIS_TIME, SECONDS_PER_SLOT, roots, requests)
        );
    }

    function newFeed(uint64 period, uint64 heartbeat, address[] memory vaults) internal returns (ReserveFeed) {
        return newFeed(clockOf(period, heartbeat, address(0)), vaults);
    }

    function newFeed(ReserveFeed.Clock memory clock, address[] memory vaults) internal returns (ReserveFeed) {
        return new ReserveFeed(keys, GOVERNOR, clock, MAX_CHANGE_BPS, sourcesOf(vaults));
    }

    function clockOf(uint64 period, uint64 heartbeat, address roots) internal pure returns (ReserveFeed.Clock memory) {
        return ReserveFeed.Clock(GENESIS_TIME, SECONDS_PER_SLOT, SLOTS_PER_EPOCH, period, heartbeat, HISTORY, roots);
    }

    function sourcesOf(address[] memory vaults) internal pure returns (ReservePolicy.Sources memory) {
        return ReservePolicy.Sources(vaults, onePod(), TOKEN);
    }

    function onePod() internal pure returns (address[] memory pods) {
        pods = new address[](1);
        pods[0] = address(0xc33);
    }

    function twoVaults() internal pure returns (address[] memory vaults) {
        vaults = new address[](2);
        vaults[0] = address(0xa11);
        vaults[1] = address(0xb22);
    }

    function timeOf(uint64 slot) internal pure returns (uint256) {
        return GENESIS_TIME + uint256(slot) * SECONDS_PER_SLOT;
    }

    function rotate() internal {
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(NEXT_SECRET);
        bytes32 digest = keys.hashRotation(keys.keyEpoch() + 1, px, py);
        keys.rotate(px, py, FrostSigner.sign(SECRET, digest), FrostSigner.sign(NEXT_SECRET, digest));
    }

    // Reports

    function reportAt(uint64 slot) internal pure returns (ReserveFeed.Report memory) {
        return ReserveFeed.Report({
            keyEpoch: 1,
            referenceSlot: slot,
            referenceRoot: ROOT,
            sourcesVersion: 1,
            validatorCount: 3210,
            validatorGwei: 102_754_321_987_654,
            podGwei: 812_345_678_901,
            vaultGwei: 12_345_678_901_234,
            pendingGwei: 96_000_000_000,
            liabilityGwei: 109_876_543_210_987,
            supplyGwei: 103_234_567_890_123
        });
    }

    function assetsOf(ReserveFeed.Report memory report) internal pure returns (uint256) {
        return (uint256(report.validatorGwei) + report.podGwei + report.vaultGwei + report.pendingGwei) * 1 gwei;
    }

    /// @dev Written apart from the contract's own packing.
    function packed(ReserveFeed.Report memory report) internal pure returns (ReserveFeed.Packed memory) {
        bytes memory head = bytes.concat(
            abi.encodePacked(SafeCast.toUint32(report.keyEpoch), SafeCast.toUint32(report.referenceSlot)),
            abi.encodePacked(SafeCast.toUint32(report.sourcesVersion), SafeCast.toUint32(report.validatorCount)),
            abi.encodePacked(report.validatorGwei, report.supplyGwei)
        );
        bytes memory amounts =
            abi.encodePacked(report.podGwei, report.vaultGwei, report.pendingGwei, report.liabilityGwei);
        return ReserveFeed.Packed(abi.decode(head, (uint256)), report.referenceRoot, abi.decode(amounts, (uint256)));
    }

    function submit(ReserveFeed.Report memory report) internal {
        feed.submitReport(packed(report), FrostSigner.sign(SECRET, feed.hashReport(report)));
    }

    // Orders

    /// @dev A key that any mistake in copying would change.
    function pubkeyOf(uint256 index) internal pure returns (bytes memory) {
        return abi.encodePacked(headOf(index), tailOf(index));
    }

    function headOf(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode(index));
    }

    function tailOf(uint256 index) internal pure returns (bytes16) {
        return bytes16(keccak256(abi.encode(index, "tail")));
    }

    function entry(uint64 index, uint8 reason) internal pure returns (bytes memory) {
        return abi.encodePacked(index, pubkeyOf(index), reason);
    }

    /// @dev `count` entries with indices as mainnet has them.
    function listOf(uint256 count) internal pure returns (bytes memory list) {
        for (uint256 i = 0; i < count; ++i) {
            list = bytes.concat(list, entry(SafeCast.toUint64(1_234_567 + 3 * i), SafeCast.toUint8(1 + i % 5)));
        }
    }

    function orderOf(uint64 epoch, uint64 slot, bytes32 root, bytes memory list)
        internal
        pure
        returns (EjectionRegistry.Order memory)
    {
        return EjectionRegistry.Order(epoch, slot, root, list);
    }

    function submitOrder(uint64 slot, bytes memory list) internal {
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, slot, ROOT, list)));
        registry.submitOrder(orderOf(1, slot, ROOT, list), signature);
    }
}
