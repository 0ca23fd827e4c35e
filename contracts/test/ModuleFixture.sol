// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";
import {MinimalPuffer} from "./MinimalPuffer.sol";
import {ModuleFixture} from "./ModuleFixture.sol";

/// @title Puffer's contracts with the guardian module, and what guardians would sign for them
abstract contract ModuleFixture is Fixture {
    bytes32 internal constant NAME = "PUFFER_MODULE_0";
    bytes32 internal constant DEPOSIT_ROOT = keccak256("deposit data");
    uint256 internal constant COUNT = 1_012_345;
    uint256 internal constant EPOCH = 400_000;

    FrostGuardianModule internal module;
    MinimalPuffer internal puffer;
    bytes internal credentials;
    bytes internal depositSignature = abi.encodePacked(keccak256("a"), keccak256("b"), keccak256("c"));

    function setUp() public virtual override {
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

    /// @dev The module itself: what the callers would hear.
    function ask(uint256 message, bytes[] memory signatures) internal {
        vm.prank(address(puffer));
        if (message == 0) {
            module.validateProvisionNode(0, pubkeyOf(0), depositSignature, credentials, DEPOSIT_ROOT, signatures);
        }
        if (message == 1) module.validateSkipProvisioning(NAME, 1, signatures);
        if (message == 2) module.validateBatchWithdrawals(stopped(), signatures);
        if (message == 3) module.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
    }

    function digestsUnder(FrostGuardianModule where, uint64 epoch) internal view returns (bytes32[4] memory) {
        return [
            where.hashProvisioning(epoch, 0, pubkeyOf(0), depositSignature, credentials, DEPOSIT_ROOT),
            where.hashSkipProvisioning(epoch, NAME, 1),
            where.hashBatchWithdrawals(epoch, stopped()),
            where.hashValidatorCount(epoch, COUNT, EPOCH)
        ];
    }

    function provisioningOf(uint256 index) internal view returns (bytes32) {
        return module.hashProvisioning(1, index, pubkeyOf(index), depositSignature, credentials, DEPOSIT_ROOT);
    }

    function by(uint256 secret, uint64 epoch, bytes32 digest) internal returns (bytes[] memory signatures) {
        Signature memory signature = FrostSigner.sign(secret, digest);
        signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(epoch, signature.rx, signature.ry, signature.z);
    }

    function stopped() internal pure returns (StoppedValidatorInfo[] memory infos) {
        infos = new StoppedValidatorInfo[](2);
        infos[0] = StoppedValidatorInfo(address(0x40d), 268_828, 300_000, false, NAME, 0, 31.98 ether);
        infos[1] = StoppedValidatorInfo(address(0x40d), 268_829, 300_001, true, NAME, 2, 31 ether);
    }

    function threeGuardians() internal returns (address[] memory guardians, bytes[] memory enclaveKeys) {
        guardians = new address[](3);
        enclaveKeys = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            guardians[i] = vm.createWallet(100 + i).addr;
            (uint256 x, uint256 y) = FrostSigner.multiplyBase(i + 1);
            enclaveKeys[i] = abi.encodePacked(bytes1(0x04), x, y);
        }
    }
}
