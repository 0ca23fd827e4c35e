// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {InvalidClock} from "../src/BeaconClock.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianFees} from "../src/GuardianFees.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";
import {MinimalPuffer} from "./MinimalPuffer.sol";

/// @dev Stands for pufETH.
contract Token is ERC20("Token", "TOK") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @title One group signature where Puffer's contracts pass a list
contract FrostGuardianModuleTest is Fixture {
    bytes32 private constant NAME = "PUFFER_MODULE_0";
    bytes32 private constant DEPOSIT_ROOT = keccak256("deposit data");
    uint256 private constant COUNT = 1_012_345;
    uint256 private constant EPOCH = 400_000;

    FrostGuardianModule private module;
    MinimalPuffer private puffer;
    bytes private credentials;
    bytes private depositSignature = abi.encodePacked(keccak256("a"), keccak256("b"), keccak256("c"));

    function setUp() public override {
        super.setUp();
        module = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        puffer = new MinimalPuffer(module, address(0x90d));
        vm.prank(GOVERNOR);
        module.setCallers(address(puffer), address(puffer));
        credentials = abi.encodePacked(puffer.withdrawalPod());
        (address[] memory guardians, bytes[] memory enclaveKeys) = threeGuardians();
        vm.prank(GOVERNOR);
        module.setGuardians(guardians, enclaveKeys, 2);
        for (uint256 i = 0; i < 3; ++i) {
            puffer.registerValidatorKey(NAME, pubkeyOf(i), new bytes[](3));
        }
    }

    function test_the_callers_accept_a_group_signature_for_each_message() public {
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(0)), depositSignature, DEPOSIT_ROOT);
        puffer.skipProvisioning(NAME, by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 1)));
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(2)), depositSignature, DEPOSIT_ROOT);
        StoppedValidatorInfo[] memory infos = stopped();
        puffer.batchHandleWithdrawals(infos, by(SECRET, 1, module.hashBatchWithdrawals(1, infos)));
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, by(SECRET, 1, module.hashValidatorCount(1, COUNT, EPOCH)));
        vm.assertEq(puffer.nextToBeProvisioned(NAME), 3, "provisioned and skipped");
        vm.assertEq(puffer.totalNumberOfValidators(), COUNT, "count");
    }

    function test_no_message_passes_for_another() public {
        bytes32[4] memory digests = digestsUnder(module, 1);
        for (uint256 i = 0; i < 4; ++i) {
            bytes[] memory signatures = by(SECRET, 1, digests[i]);
            for (uint256 j = 0; j < 4; ++j) {
                if (i != j) expectRefused(j, signatures, GuardianKeys.InvalidSignature.selector);
            }
            ask(i, signatures);
        }
    }

    /// @dev Puffer's own digests of these two are both of two words: the collision that the audits reported.
    function testFuzz_skipping_and_counting_do_not_collide(bytes32 first, uint256 second) public {
        vm.assume(first != 0);
        second = bound(second, 0, EPOCH);
        bytes32 skip = module.hashSkipProvisioning(1, first, second);
        vm.assertNotEq(skip, module.hashValidatorCount(1, uint256(first), second), "digests");
        bytes[] memory signatures = by(SECRET, 1, skip);
        vm.prank(address(puffer));
        module.validateSkipProvisioning(first, second, signatures);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(address(puffer));
        module.validateTotalNumberOfValidators(uint256(first), second, signatures);
    }

    function test_no_message_counts_elsewhere_or_under_another_key() public {
        FrostGuardianModule other = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        bytes32[4] memory elsewhere = digestsUnder(other, 1);
        bytes32[4] memory here = digestsUnder(module, 1);
        vm.chainId(560048);
        bytes32[4] memory otherChain = digestsUnder(module, 1);
        vm.chainId(31337);
        for (uint256 i = 0; i < 4; ++i) {
            expectRefused(i, by(SECRET, 1, elsewhere[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(SECRET, 1, otherChain[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(NEXT_SECRET, 1, here[i]), GuardianKeys.InvalidSignature.selector);
        }
        rotate();
        bytes32[4] memory next = digestsUnder(module, 2);
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory wrongEpoch = abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 1, 2);
            bytes[] memory old = by(SECRET, 1, here[i]);
            vm.expectRevert(wrongEpoch);
            ask(i, old);
            // The old signature under the new epoch's name.
            expectRefused(i, by(SECRET, 2, here[i]), GuardianKeys.InvalidSignature.selector);
            expectRefused(i, by(SECRET, 2, next[i]), GuardianKeys.InvalidSignature.selector);
            ask(i, by(NEXT_SECRET, 2, next[i]));
        }
    }

    function test_what_was_done_is_not_done_again() public {
        bytes[] memory provision = by(SECRET, 1, provisioningOf(0));
        puffer.provisionNode(NAME, provision, depositSignature, DEPOSIT_ROOT);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        puffer.provisionNode(NAME, provision, depositSignature, DEPOSIT_ROOT);
        bytes[] memory skip = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 1));
        puffer.skipProvisioning(NAME, skip);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        puffer.skipProvisioning(NAME, skip);
        puffer.provisionNode(NAME, by(SECRET, 1, provisioningOf(2)), depositSignature, DEPOSIT_ROOT);
        StoppedValidatorInfo[] memory infos = stopped();
        bytes[] memory settle = by(SECRET, 1, module.hashBatchWithdrawals(1, infos));
        puffer.batchHandleWithdrawals(infos, settle);
        vm.expectRevert(abi.encodeWithSelector(MinimalPuffer.InvalidValidatorState.selector, 0));
        puffer.batchHandleWithdrawals(infos, settle);
        bytes[] memory count = by(SECRET, 1, module.hashValidatorCount(1, COUNT, EPOCH));
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, count);
        vm.expectRevert(MinimalPuffer.InvalidUpdate.selector);
        puffer.setTotalNumberOfValidators(COUNT, EPOCH, count);
    }

    function testFuzz_every_field_of_a_message_is_bound(uint256 field, uint8 at) public {
        StoppedValidatorInfo[] memory infos = stopped();
        bytes[] memory signatures = by(SECRET, 1, module.hashBatchWithdrawals(1, infos));
        uint256 i = at % 2;
        field = field % 8;
        if (field == 0) infos[i].module = address(1);
        if (field == 1) infos[i].startEpoch++;
        if (field == 2) infos[i].endEpoch++;
        if (field == 3) infos[i].wasSlashed = !infos[i].wasSlashed;
        if (field == 4) infos[i].moduleName = "PUFFER_MODULE_1";
        if (field == 5) infos[i].pufferModuleIndex += 5;
        if (field == 6) infos[i].withdrawalAmount++;
        if (field == 7) (infos[0], infos[1]) = (infos[1], infos[0]);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(address(puffer));
        module.validateBatchWithdrawals(infos, signatures);
    }

    function test_nobody_registers_before_guardians_are_set() public {
        module = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getGuardians();
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getThreshold();
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        module.getGuardiansEnclavePubkeys();
        puffer = new MinimalPuffer(module, address(0x90d));
        vm.expectRevert(FrostGuardianModule.GuardiansNotSet.selector);
        puffer.registerValidatorKey(NAME, pubkeyOf(9), new bytes[](0));
    }

    function test_the_registry_must_ask_the_same_keys() public {
        (uint256 px, uint256 py) = FrostSigner.multiplyBase(SECRET);
        GuardianKeys other = newKeys(px, py);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.OtherKeys.selector, keys));
        new FrostGuardianModule(other, registry, GOVERNOR, SLOTS_PER_EPOCH);
    }

    function test_messages_are_validated_for_one_protocol_and_one_oracle() public {
        bytes[] memory skip = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 0));
        MinimalPuffer second = new MinimalPuffer(module, address(0x90d));
        second.registerValidatorKey(NAME, pubkeyOf(7), new bytes[](3));
        bytes memory why = abi.encodeWithSelector(FrostGuardianModule.NotCaller.selector, second);
        vm.expectRevert(why);
        second.skipProvisioning(NAME, skip);
        puffer.skipProvisioning(NAME, skip);
        bytes32[4] memory digests = digestsUnder(module, 1);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        module.setCallers(STRANGER, STRANGER);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.CallersChanged(STRANGER, address(puffer));
        vm.prank(GOVERNOR);
        module.setCallers(STRANGER, address(puffer));
        why = abi.encodeWithSelector(FrostGuardianModule.NotCaller.selector, puffer);
        for (uint256 i = 0; i < 3; ++i) {
            bytes[] memory signatures = by(SECRET, 1, digests[i]);
            vm.expectRevert(why);
            ask(i, signatures);
        }
        ask(3, by(SECRET, 1, digests[3]));
        vm.prank(GOVERNOR);
        module.setCallers(address(puffer), STRANGER);
        bytes[] memory count = by(SECRET, 1, digests[3]);
        vm.expectRevert(why);
        ask(3, count);
    }

    function test_a_count_of_an_epoch_that_has_not_come_is_refused() public {
        uint256 current = (block.timestamp - GENESIS_TIME) / (SECONDS_PER_SLOT * SLOTS_PER_EPOCH);
        bytes[] memory next = by(SECRET, 1, module.hashValidatorCount(1, COUNT, current + 1));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.FutureEpoch.selector, current + 1, current));
        puffer.setTotalNumberOfValidators(COUNT, current + 1, next);
        uint256 max = type(uint256).max;
        bytes[] memory last = by(SECRET, 1, module.hashValidatorCount(1, COUNT, max));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.FutureEpoch.selector, max, current));
        puffer.setTotalNumberOfValidators(COUNT, max, last);
        puffer.setTotalNumberOfValidators(COUNT, current, by(SECRET, 1, module.hashValidatorCount(1, COUNT, current)));
        vm.expectRevert(InvalidClock.selector);
        new FrostGuardianModule(keys, registry, GOVERNOR, 0);
    }

    function test_a_count_of_nobody_is_refused() public {
        bytes[] memory signatures = by(SECRET, 1, module.hashValidatorCount(1, 0, EPOCH));
        vm.expectRevert(FrostGuardianModule.EmptyCount.selector);
        puffer.setTotalNumberOfValidators(0, EPOCH, signatures);
    }

    function test_fees_in_ether_are_shared_by_the_list_and_collected_by_each() public {
        vm.deal(address(this), 100);
        // As a sale of tickets sends it.
        (bool success,) = payable(address(module)).call{value: 100}("");
        vm.assertTrue(success, "taken");
        address[] memory guardians = module.getGuardians();
        vm.expectEmit(address(module));
        emit GuardianFees.FeesSplit(IERC20(address(0)), 33, 3);
        vm.prank(STRANGER);
        module.splitGuardianFunds();
        // The fees that are owed are not divided again; the rest of 1 is too little for three.
        module.splitGuardianFunds();
        vm.expectEmit(address(module));
        emit GuardianFees.FeesCollected(IERC20(address(0)), guardians[1], address(0xfee), 33);
        collect(guardians[1], IERC20(address(0)), address(0xfee));
        vm.assertEq(address(0xfee).balance, 33, "collected");
        collect(guardians[1], IERC20(address(0)), address(0xfee));
        collect(STRANGER, IERC20(address(0)), address(0xfee));
        vm.assertEq(address(0xfee).balance, 33, "once, and by guardians alone");
        // A guardian that cannot be paid stops nobody.
        vm.expectRevert(GuardianFees.TransferRefused.selector);
        collect(guardians[0], IERC20(address(0)), address(keys));
        collect(guardians[2], IERC20(address(0)), guardians[2]);
        vm.assertEq(guardians[2].balance, 33, "the third");
    }

    function test_fees_in_tokens_are_shared_too() public {
        Token token = new Token();
        token.mint(address(module), 10);
        address[] memory guardians = module.getGuardians();
        module.splitFees(token);
        vm.assertEq(module.owed(token, guardians[0]), 3, "owed");
        collect(guardians[0], token, STRANGER);
        vm.assertEq(token.balanceOf(STRANGER), 3, "collected");
        token.mint(address(module), 5);
        module.splitFees(token);
        vm.assertEq(module.owed(token, guardians[0]), 2, "the rest of 1 and 5 more");
        vm.assertEq(module.owed(token, guardians[1]), 5, "owed before");
    }

    function test_what_came_before_a_change_of_the_list_is_the_old_lists() public {
        vm.deal(address(module), 9);
        (address[] memory before, bytes[] memory enclaveKeys) = threeGuardians();
        address[] memory two = new address[](2);
        bytes[] memory twoKeys = new bytes[](2);
        (two[0], two[1]) = (before[2], STRANGER);
        (twoKeys[0], twoKeys[1]) = (enclaveKeys[2], enclaveKeys[0]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianRemoved(before[0]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianRemoved(before[1]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianAdded(STRANGER);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.ThresholdChanged(2, 1);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.RotatedGuardianKey(before[2], vm.createWallet(3).addr, enclaveKeys[2]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.RotatedGuardianKey(STRANGER, vm.createWallet(1).addr, enclaveKeys[0]);
        vm.prank(GOVERNOR);
        module.setGuardians(two, twoKeys, 1);
        vm.assertEq(module.owed(IERC20(address(0)), before[0]), 3, "one who left");
        vm.assertEq(module.owed(IERC20(address(0)), STRANGER), 0, "one who came");
        collect(before[0], IERC20(address(0)), before[0]);
        vm.assertEq(before[0].balance, 3, "one who left collects");
    }

    function test_its_events_are_puffers() public pure {
        vm.assertEq(
            FrostGuardianModule.GuardianAdded.selector,
            0x038596bb31e2e7d3d9f184d4c98b310103f6d7f5830e5eec32bffe6f1728f969,
            "GuardianAdded"
        );
        vm.assertEq(
            FrostGuardianModule.GuardianRemoved.selector,
            0xb8107d0c6b40be480ce3172ee66ba6d64b71f6b1685a851340036e6e2e3e3c52,
            "GuardianRemoved"
        );
        vm.assertEq(
            FrostGuardianModule.ThresholdChanged.selector,
            0x3164947cf0f49f08dd0cd80e671535b1e11590d347c55dcaa97ba3c24a96b33a,
            "ThresholdChanged"
        );
        vm.assertEq(
            FrostGuardianModule.RotatedGuardianKey.selector,
            0x14720919b20fceff2a396c4973d37c6087e4619d40c8f4003d8e44ee127461a2,
            "RotatedGuardianKey"
        );
        vm.assertTrue(GuardianFees.splitGuardianFunds.selector == 0xf07c1b64, "splitGuardianFunds");
    }

    function collect(address guardian, IERC20 token, address to) private {
        vm.prank(guardian);
        module.collectFees(token, to);
    }

    function test_nothing_may_follow_the_signature() public {
        bytes[] memory signatures = by(SECRET, 1, module.hashSkipProvisioning(1, NAME, 0));
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, signatures);
        signatures[0] = bytes.concat(signatures[0], bytes1(0));
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.MalformedSignature.selector, 105));
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, signatures);
    }

    function testFuzz_the_list_holds_one_whole_signature(uint8 count, uint8 length) public {
        bytes[] memory none = new bytes[](count);
        if (count == 1) none[0] = new bytes(length);
        bytes memory why = count == 1
            ? abi.encodeWithSelector(FrostGuardianModule.MalformedSignature.selector, length)
            : abi.encodeWithSelector(FrostGuardianModule.NotOneSignature.selector, count);
        vm.assume(count != 1 || length != 104);
        vm.expectRevert(why);
        vm.prank(address(puffer));
        module.validateSkipProvisioning(NAME, 0, none);
    }

    function test_the_list_of_guardians_serves_operators() public {
        (address[] memory guardians, bytes[] memory enclaveKeys) = threeGuardians();
        vm.assertEq(abi.encode(module.getGuardians()), abi.encode(guardians), "guardians");
        vm.assertEq(abi.encode(module.getGuardiansEnclavePubkeys()), abi.encode(enclaveKeys), "keys");
        vm.assertEq(module.getThreshold(), 2, "threshold");
        vm.assertEq(module.getEjectionThreshold(), THRESHOLD, "ejection threshold");
        vm.assertTrue(module.isGuardian(guardians[1]) && !module.isGuardian(STRANGER), "membership");
        for (uint256 i = 0; i < 3; ++i) {
            address account = vm.createWallet(i + 1).addr;
            vm.assertEq(module.getGuardiansEnclaveAddress(guardians[i]), account, "enclave account");
            vm.assertEq(module.getGuardiansEnclaveAddresses()[i], account, "enclave accounts");
        }
        vm.assertEq(module.getGuardiansEnclaveAddress(STRANGER), address(0), "a stranger has none");
        vm.assertEq(module.getMrenclave() | module.getMrsigner(), bytes32(0), "no enclave");
        vm.expectRevert(abi.encodeWithSelector(MinimalPuffer.InvalidNumberOfShares.selector, 2, 3));
        puffer.registerValidatorKey(NAME, pubkeyOf(9), new bytes[](2));
    }

    function test_a_list_of_guardians_that_cannot_serve_is_refused() public {
        (address[] memory guardians, bytes[] memory enclaveKeys) = threeGuardians();
        expectRefusedList(
            guardians, enclaveKeys, 0, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 0, 3, 3)
        );
        expectRefusedList(
            guardians, enclaveKeys, 4, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 4, 3, 3)
        );
        expectRefusedList(
            guardians, new bytes[](2), 2, abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 2, 3, 2)
        );
        expectRefusedList(
            new address[](129),
            new bytes[](129),
            2,
            abi.encodeWithSelector(FrostGuardianModule.InvalidGuardians.selector, 2, 129, 129)
        );
        bytes memory invalid = abi.encodeWithSelector(FrostGuardianModule.InvalidGuardian.selector, 2);
        enclaveKeys[2] = hex"04";
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        enclaveKeys[2] = new bytes(65);
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        (, enclaveKeys) = threeGuardians();
        guardians[2] = guardians[0];
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        guardians[2] = address(0);
        expectRefusedList(guardians, enclaveKeys, 2, invalid);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        module.setGuardians(guardians, enclaveKeys, 2);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.AccountWithoutCode.selector, STRANGER));
        new FrostGuardianModule(GuardianKeys(STRANGER), registry, GOVERNOR, SLOTS_PER_EPOCH);
        vm.expectRevert(abi.encodeWithSelector(FrostGuardianModule.AccountWithoutCode.selector, STRANGER));
        new FrostGuardianModule(keys, EjectionRegistry(STRANGER), GOVERNOR, SLOTS_PER_EPOCH);
    }

    function expectRefusedList(
        address[] memory guardians,
        bytes[] memory enclaveKeys,
        uint256 threshold,
        bytes memory why
    ) private {
        vm.expectRevert(why);
        vm.prank(GOVERNOR);
        module.setGuardians(guardians, enclaveKeys, threshold);
    }

    function expectRefused(uint256 message, bytes[] memory signatures, bytes4 why) private {
        vm.expectRevert(why);
        ask(message, signatures);
    }

    /// @dev The module itself: what the callers would hear.
    function ask(uint256 message, bytes[] memory signatures) private {
        vm.prank(address(puffer));
        if (message == 0) {
            module.validateProvisionNode(0, pubkeyOf(0), depositSignature, credentials, DEPOSIT_ROOT, signatures);
        }
        if (message == 1) module.validateSkipProvisioning(NAME, 1, signatures);
        if (message == 2) module.validateBatchWithdrawals(stopped(), signatures);
        if (message == 3) module.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
    }

    function digestsUnder(FrostGuardianModule where, uint64 epoch) private view returns (bytes32[4] memory) {
        return [
            where.hashProvisioning(epoch, 0, pubkeyOf(0), depositSignature, credentials, DEPOSIT_ROOT),
            where.hashSkipProvisioning(epoch, NAME, 1),
            where.hashBatchWithdrawals(epoch, stopped()),
            where.hashValidatorCount(epoch, COUNT, EPOCH)
        ];
    }

    function provisioningOf(uint256 index) private view returns (bytes32) {
        return module.hashProvisioning(1, index, pubkeyOf(index), depositSignature, credentials, DEPOSIT_ROOT);
    }

    function by(uint256 secret, uint64 epoch, bytes32 digest) private returns (bytes[] memory signatures) {
        Signature memory signature = FrostSigner.sign(secret, digest);
        signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(epoch, signature.rx, signature.ry, signature.z);
    }

    function stopped() private pure returns (StoppedValidatorInfo[] memory infos) {
        infos = new StoppedValidatorInfo[](2);
        infos[0] = StoppedValidatorInfo(address(0x40d), 268_828, 300_000, false, NAME, 0, 31.98 ether);
        infos[1] = StoppedValidatorInfo(address(0x40d), 268_829, 300_001, true, NAME, 2, 31 ether);
    }

    function threeGuardians() private returns (address[] memory guardians, bytes[] memory enclaveKeys) {
        guardians = new address[](3);
        enclaveKeys = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            guardians[i] = vm.createWallet(100 + i).addr;
            (uint256 x, uint256 y) = FrostSigner.multiplyBase(i + 1);
            enclaveKeys[i] = abi.encodePacked(bytes1(0x04), x, y);
        }
    }
}
