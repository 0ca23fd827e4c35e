// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {BeaconClock, BeaconHeader, UnknownReferenceRoot, WrongReferenceRoot} from "../src/BeaconClock.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title References whose next block has no payload: the chain tells a later block's root
contract BeaconHeadersTest is Predeploys {
    function setUp() public override {
        super.setUp();
        registry = newRegistry(keys, THRESHOLD, BEACON_ROOTS, WITHDRAWAL_REQUESTS);
        feed = newFeed(clockOf(REPORT_PERIOD, HEARTBEAT, BEACON_ROOTS), twoVaults());
    }

    /// @dev The first block of mainnet's beacon chain.
    function test_the_root_of_a_header_is_the_beacon_chains() public {
        BeaconHeader[] memory headers = new BeaconHeader[](1);
        headers[0].stateRoot = 0x7e76880eb67bbdc86250aa578958e9d0675e64e714337855204fb5abaaf82c2b;
        headers[0].bodyRoot = 0xccb62460692be0ec813b56be97f68a82cf57abc102e27bf49ebf4190ff22eedd;
        bytes32 root = 0x4d611d5b93fdab69013a7f0a2f961caca0c853f87cfe9595fe50038163079360;
        vm.assertEq(rootOf(headers[0]), root, "as computed here");
        vm.warp(timeOf(1));
        beginBlock(1, root);
        vm.expectEmit(address(feed));
        emit BeaconClock.ReferenceProven(0, root);
        feed.proveReference(0, headers);
    }

    function testFuzz_a_withheld_payload_keeps_no_duty_off_the_chain(uint8 withheld, uint64 proposer) public {
        // So many blocks after the reference have no payload; the next one has, and tells the root of the last of them.
        BeaconHeader[] memory headers = chain(1 + withheld % 30, proposer);
        bytes32 root = rootOf(headers[headers.length - 1]);
        expectRefused(root, abi.encodeWithSelector(WrongReferenceRoot.selector, root, rootOf(headers[0])));
        // Nothing is proven yet, and that is no root.
        expectRefused(0, abi.encodeWithSelector(WrongReferenceRoot.selector, 0, rootOf(headers[0])));
        vm.expectEmit(address(registry));
        emit BeaconClock.ReferenceProven(FIRST_SLOT, root);
        vm.prank(STRANGER);
        registry.proveReference(FIRST_SLOT, headers);
        // What the chain tells counts as before, and nothing else does.
        expectRefused(0, abi.encodeWithSelector(WrongReferenceRoot.selector, 0, rootOf(headers[0])));
        bytes32 parent = headers[headers.length - 1].parentRoot;
        expectRefused(parent, abi.encodeWithSelector(WrongReferenceRoot.selector, parent, rootOf(headers[0])));
        submit(root);
        vm.assertEq(registry.lastReferenceSlot(), FIRST_SLOT, "accepted");
    }

    function test_the_proof_ends_at_the_last_block_up_to_the_slot() public {
        BeaconHeader[] memory headers = chain(3, 7);
        // Not far enough, and too far.
        BeaconHeader[] memory others = new BeaconHeader[](2);
        (others[0], others[1]) = (headers[0], headers[1]);
        expectWrong(others, 1);
        others = new BeaconHeader[](5);
        for (uint256 i = 0; i < 4; ++i) {
            others[i] = headers[i];
        }
        expectWrong(others, 3);
        expectWrong(new BeaconHeader[](0), 0);
        // One left out.
        others = new BeaconHeader[](3);
        (others[0], others[1], others[2]) = (headers[0], headers[2], headers[3]);
        expectWrong(others, 1);
        registry.proveReference(FIRST_SLOT, headers);
    }

    function testFuzz_one_changed_field_proves_nothing(uint256 which, uint256 field) public {
        BeaconHeader[] memory headers = chain(2, 7);
        which = which % 3;
        field = field % 5;
        if (field == 0) headers[which].slot ^= 1 << 40;
        if (field == 1) headers[which].proposerIndex++;
        if (field == 2) headers[which].parentRoot ^= bytes32(uint256(1));
        if (field == 3) headers[which].stateRoot ^= bytes32(uint256(1));
        if (field == 4) headers[which].bodyRoot ^= bytes32(uint256(1));
        expectWrong(headers, which);
    }

    function test_nothing_is_proven_without_the_chains_own_root() public {
        BeaconHeader[] memory headers = new BeaconHeader[](1);
        vm.expectRevert(abi.encodeWithSelector(UnknownReferenceRoot.selector, FIRST_SLOT));
        registry.proveReference(FIRST_SLOT, headers);
        // Nor where a chain has no roots.
        registry = newRegistry(keys, THRESHOLD, address(0), WITHDRAWAL_REQUESTS);
        vm.expectRevert(abi.encodeWithSelector(UnknownReferenceRoot.selector, FIRST_SLOT));
        registry.proveReference(FIRST_SLOT, headers);
    }

    /// @dev Blocks without payload after the reference, the newest first, and the reference's block at last.
    function chain(uint64 withheld, uint64 proposer) private returns (BeaconHeader[] memory headers) {
        headers = new BeaconHeader[](withheld + 1);
        bytes32 parent = keccak256("before");
        for (uint64 i = 0; i <= withheld; ++i) {
            BeaconHeader memory header = BeaconHeader(FIRST_SLOT + i, proposer, parent, keccak256("s"), keccak256("b"));
            headers[withheld - i] = header;
            parent = rootOf(header);
        }
        beginBlock(FIRST_SLOT + withheld + 1, parent);
    }

    function expectWrong(BeaconHeader[] memory headers, uint256 position) private {
        vm.expectRevert(abi.encodeWithSelector(BeaconClock.WrongHeader.selector, position));
        registry.proveReference(FIRST_SLOT, headers);
    }

    function expectRefused(bytes32 root, bytes memory why) private {
        EjectionRegistry.Order memory order = orderOf(1, FIRST_SLOT, root, listOf(1));
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(order));
        vm.expectRevert(why);
        registry.submitOrder(order, signature);
    }

    function submit(bytes32 root) private {
        EjectionRegistry.Order memory order = orderOf(1, FIRST_SLOT, root, listOf(1));
        registry.submitOrder(order, FrostSigner.sign(SECRET, registry.hashOrder(order)));
    }

    /// @dev Written apart from the contract's own.
    function rootOf(BeaconHeader memory header) private pure returns (bytes32) {
        bytes32[8] memory leaves = [
            leafOf(header.slot),
            leafOf(header.proposerIndex),
            header.parentRoot,
            header.stateRoot,
            header.bodyRoot,
            0,
            0,
            0
        ];
        for (uint256 width = 8; width > 1; width /= 2) {
            for (uint256 i = 0; i < width / 2; ++i) {
                leaves[i] = sha256(bytes.concat(leaves[2 * i], leaves[2 * i + 1]));
            }
        }
        return leaves[0];
    }

    function leafOf(uint64 value) private pure returns (bytes32) {
        bytes8 big = bytes8(value);
        bytes memory little = new bytes(32);
        for (uint256 i = 0; i < 8; ++i) {
            little[i] = big[7 - i];
        }
        // Exactly 32 bytes.
        // forge-lint: disable-next-line(unsafe-typecast)
        return bytes32(little);
    }
}
