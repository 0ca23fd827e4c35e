// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostVerifier, Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {EcdsaFeed} from "./EcdsaFeed.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title What a transaction costs
/// @notice Prints whole transactions (`forge test --match-contract Gas -vv`) and holds the numbers promised to callers:
/// gas is deterministic, so these are tests, not timings. Steady state: the contracts hold an earlier duty, committed by
/// `setUp`, and every account and slot is cold but the transaction's target.
contract GasTest is Predeploys {
    uint256 private constant AMOUNTS = 0xbd2ec3a635_00000b3a73ce2ff2_000000165a0bc000_000063eeb2d0aaeb;
    uint64 private constant NEXT_SLOT = FIRST_SLOT + 32;

    ReserveFeed private anchored;
    EcdsaFeed[3] private byEcdsa;
    uint256[3] private counts = [uint256(3), 7, 13];

    function setUp() public override {
        super.setUp();
        submit(reportAt(FIRST_SLOT - 7200));
        submit(reportAt(FIRST_SLOT));
        submitOrder(FIRST_SLOT, listOf(1));
        ReserveFeed plain = feed;
        anchored = newFeed(clockOf(REPORT_PERIOD, HEARTBEAT, BEACON_ROOTS), twoVaults());
        feed = anchored;
        beginBlock(FIRST_SLOT - 7199, ROOT);
        submit(reportAt(FIRST_SLOT - 7200));
        beginBlock(FIRST_SLOT + 1, ROOT);
        submit(reportAt(FIRST_SLOT));
        beginBlock(NEXT_SLOT + 1, ROOT);
        feed = plain;
        for (uint256 i = 0; i < 3; ++i) {
            byEcdsa[i] = newEcdsaFeed(counts[i]);
        }
    }

    function test_gas_of_the_verifier() public {
        bytes32 message = keccak256("message");
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(SECRET);
        Signature memory signature = FrostSigner.sign(SECRET, message);
        uint256 used = this.verifying(px, py, signature, message);
        print("verify, with its call and its memory", used);
        vm.assertLe(used, 4_320, "verify");
    }

    /// @dev From outside, because the verifier wants fresh memory.
    function verifying(uint256 px, uint256 py, Signature calldata signature, bytes32 message)
        external
        view
        returns (uint256 used)
    {
        (uint256 rx, uint256 ry, uint256 z) = (signature.rx, signature.ry, signature.z);
        uint256 start = gasleft();
        uint256 reading = start - gasleft();
        start = gasleft();
        bool valid = FrostVerifier.verify(px, py, rx, ry, z, message);
        used = start - gasleft() - reading;
        vm.assertTrue(valid, "signature");
    }

    function test_gas_of_a_report() public {
        ReserveFeed.Report memory report = reportAt(NEXT_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        uint256 used = transaction(address(feed), abi.encodeCall(ReserveFeed.submitReport, (packed(report), signature)));
        print("submitReport, whole transaction", used);
        vm.assertLe(used, 50_900, "report");
    }

    function test_gas_of_an_anchored_report() public {
        feed = anchored;
        ReserveFeed.Report memory report = reportAt(NEXT_SLOT);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        uint256 used = transaction(address(feed), abi.encodeCall(ReserveFeed.submitReport, (packed(report), signature)));
        print("submitReport with the EIP-4788 anchor, whole transaction", used);
        vm.assertLe(used, 58_100, "anchored report");
    }

    function test_gas_of_the_first_report_of_an_interval() public {
        uint64 slot = (FIRST_SLOT / 7200 + 1) * 7200;
        vm.warp(timeOf(slot) + 1 hours);
        // The ring is full: the place holds a report of 128 intervals ago.
        uint256 place = 0;
        while (uint256(vm.load(address(feed), bytes32(place))) & type(uint32).max != FIRST_SLOT) ++place;
        uint256 old = uint256(vm.load(address(feed), bytes32(place))) - FIRST_SLOT + slot - 128 * 7200;
        vm.store(address(feed), bytes32(place + 1), bytes32(old));
        ReserveFeed.Report memory report = reportAt(slot);
        Signature memory signature = FrostSigner.sign(SECRET, feed.hashReport(report));
        uint256 used = transaction(address(feed), abi.encodeCall(ReserveFeed.submitReport, (packed(report), signature)));
        print("submitReport of an interval's first report, whole transaction", used);
        vm.assertLe(used, 50_600, "first report");
    }

    function test_gas_of_the_same_report_by_ecdsa() public {
        print("the same report by 3 ECDSA signatures, whole transaction", submitByEcdsa(0));
        print("the same report by 7 ECDSA signatures, whole transaction", submitByEcdsa(1));
        print("the same report by 13 ECDSA signatures, whole transaction", submitByEcdsa(2));
    }

    function submitByEcdsa(uint256 i) private returns (uint256) {
        EcdsaFeed.Compact[] memory signatures = compact(byEcdsa[i], NEXT_SLOT, risingSecrets(counts[i]));
        return transaction(
            address(byEcdsa[i]), abi.encodeCall(EcdsaFeed.submitReport, (words(NEXT_SLOT), ROOT, AMOUNTS, signatures))
        );
    }

    function newEcdsaFeed(uint256 count) private returns (EcdsaFeed other) {
        uint256[] memory secrets = risingSecrets(count);
        address[] memory signers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            signers[i] = vm.createWallet(secrets[i]).addr;
        }
        other = new EcdsaFeed(signers, GENESIS_TIME, SECONDS_PER_SLOT);
        other.submitReport(words(FIRST_SLOT), ROOT, AMOUNTS, compact(other, FIRST_SLOT, secrets));
    }

    function compact(EcdsaFeed other, uint64 slot, uint256[] memory secrets)
        private
        view
        returns (EcdsaFeed.Compact[] memory signatures)
    {
        bytes32 digest = other.hash(words(slot), ROOT, AMOUNTS);
        signatures = new EcdsaFeed.Compact[](secrets.length);
        for (uint256 i = 0; i < secrets.length; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(secrets[i], digest);
            signatures[i] = EcdsaFeed.Compact(r, v == 28 ? s | bytes32(uint256(1) << 255) : s);
        }
    }

    /// @dev The feed's own packing of a report.
    function words(uint64 slot) private pure returns (uint256) {
        return packed(reportAt(slot)).head;
    }

    /// @dev Secrets whose accounts rise.
    function risingSecrets(uint256 count) private returns (uint256[] memory secrets) {
        secrets = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            secrets[i] = 1000 + i;
        }
        for (uint256 i = 0; i < count; ++i) {
            for (uint256 j = i + 1; j < count; ++j) {
                if (vm.createWallet(secrets[j]).addr < vm.createWallet(secrets[i]).addr) {
                    (secrets[i], secrets[j]) = (secrets[j], secrets[i]);
                }
            }
        }
    }

    function test_gas_of_orders() public {
        uint256 state = vm.snapshotState();
        uint256 one = order(1);
        vm.revertToState(state);
        uint256 ten = order(10);
        vm.revertToState(state);
        uint256 hundred = order(100);
        print("submitOrder of 1, whole transaction", one);
        print("submitOrder of 10, whole transaction", ten);
        print("submitOrder of 10, per validator", ten / 10);
        print("submitOrder of 100, whole transaction", hundred);
        print("submitOrder of 100, per validator", hundred / 100);
        print("submitOrder, each further validator", (hundred - one) / 99);
        vm.assertLe(one, 47_800, "order of one");
        vm.assertLe((hundred - one) / 99, 2_750, "each further validator");
        vm.assertLe(hundred / 100, 3_200, "per validator of 100");
    }

    function test_gas_of_a_rotation() public {
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(NEXT_SECRET);
        bytes32 digest = keys.hashRotation(2, px, py);
        Signature memory byOld = FrostSigner.sign(SECRET, digest);
        Signature memory byNew = FrostSigner.sign(NEXT_SECRET, digest);
        uint256 used = transaction(address(keys), abi.encodeCall(GuardianKeys.rotate, (px, py, byOld, byNew)));
        print("rotate, whole transaction", used);
        vm.assertLe(used, 64_900, "rotation");
    }

    function order(uint256 count) private returns (uint256) {
        bytes memory list = listOf(count);
        Signature memory signature = FrostSigner.sign(SECRET, registry.hashOrder(orderOf(1, NEXT_SLOT, ROOT, list)));
        return transaction(
            address(registry),
            abi.encodeCall(EjectionRegistry.submitOrder, (orderOf(1, NEXT_SLOT, ROOT, list), signature))
        );
    }

    /// @dev Gas that a transaction with this input is charged.
    function transaction(address to, bytes memory input) private returns (uint256) {
        vm.cool(address(keys));
        vm.cool(address(registry));
        vm.cool(address(feed));
        vm.cool(to);
        vm.cool(BEACON_ROOTS);
        (bool success,) = to.call(input);
        uint256 execution = vm.lastCallGas().gasTotalUsed;
        uint256 refunded = uint256(uint64(vm.lastCallGas().gasRefunded));
        vm.assertTrue(success, "transaction");

        // Yellow paper, appendix G: 4 gas per zero byte, 16 per other byte. EIP-7623: at least 10 per token.
        uint256 tokens = 0;
        for (uint256 i = 0; i < input.length; ++i) {
            tokens += input[i] == 0 ? 1 : 4;
        }
        uint256 standard = 21_000 + 4 * tokens + execution;
        // EIP-3529: at most a fifth of the gas comes back for storage that was freed.
        standard -= refunded > standard / 5 ? standard / 5 : refunded;
        uint256 floor = 21_000 + 10 * tokens;
        return standard > floor ? standard : floor;
    }
}
