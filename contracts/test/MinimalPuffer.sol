// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IGuardianModule, StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";

/// @title The calls that PufferProtocol and PufferOracleV2 make of their guardian module, in their order, and the state that
/// keeps anything from counting twice
/// @notice A stand-in for tests: no bonds, tickets, modules or access control.
contract MinimalPuffer {
    enum Status {
        UNINITIALIZED,
        PENDING,
        SKIPPED,
        ACTIVE
    }

    IGuardianModule public immutable GUARDIAN_MODULE;
    bytes32 public immutable withdrawalPod;

    mapping(bytes32 moduleName => mapping(uint256 index => Status)) public statusOf;
    mapping(bytes32 moduleName => mapping(uint256 index => bytes)) private _pubKeys;
    mapping(bytes32 moduleName => uint256) public registered;
    mapping(bytes32 moduleName => uint256) public nextToBeProvisioned;
    uint256 public totalNumberOfValidators = 927_122;
    uint256 public epochNumber = 268_828;

    error InvalidValidatorState(Status status);
    error InvalidUpdate();
    error InvalidNumberOfShares(uint256 given, uint256 guardians);

    constructor(IGuardianModule module, address pod) {
        GUARDIAN_MODULE = module;
        withdrawalPod = bytes32(bytes.concat(bytes1(0x01), bytes11(0), bytes20(pod)));
    }

    function registerValidatorKey(bytes32 moduleName, bytes calldata pubKey, bytes[] calldata shares) external {
        uint256 guardians = GUARDIAN_MODULE.getGuardians().length;
        if (shares.length != guardians) revert InvalidNumberOfShares(shares.length, guardians);
        uint256 index = registered[moduleName]++;
        statusOf[moduleName][index] = Status.PENDING;
        _pubKeys[moduleName][index] = pubKey;
    }

    function provisionNode(
        bytes32 moduleName,
        bytes[] calldata guardianEnclaveSignatures,
        bytes calldata validatorSignature,
        bytes32 depositDataRoot
    ) external {
        uint256 index = nextToBeProvisioned[moduleName];
        _requirePending(moduleName, index);
        GUARDIAN_MODULE.validateProvisionNode(
            index,
            _pubKeys[moduleName][index],
            validatorSignature,
            abi.encodePacked(withdrawalPod),
            depositDataRoot,
            guardianEnclaveSignatures
        );
        statusOf[moduleName][index] = Status.ACTIVE;
        nextToBeProvisioned[moduleName] = index + 1;
    }

    function skipProvisioning(bytes32 moduleName, bytes[] calldata guardianEOASignatures) external {
        uint256 skippedIndex = nextToBeProvisioned[moduleName];
        _requirePending(moduleName, skippedIndex);
        GUARDIAN_MODULE.validateSkipProvisioning(moduleName, skippedIndex, guardianEOASignatures);
        statusOf[moduleName][skippedIndex] = Status.SKIPPED;
        nextToBeProvisioned[moduleName] = skippedIndex + 1;
    }

    function batchHandleWithdrawals(StoppedValidatorInfo[] calldata infos, bytes[] calldata guardianEOASignatures)
        external
    {
        GUARDIAN_MODULE.validateBatchWithdrawals(infos, guardianEOASignatures);
        for (uint256 i = 0; i < infos.length; ++i) {
            Status status = statusOf[infos[i].moduleName][infos[i].pufferModuleIndex];
            if (status != Status.ACTIVE) revert InvalidValidatorState(status);
            delete statusOf[infos[i].moduleName][infos[i].pufferModuleIndex];
        }
    }

    function setTotalNumberOfValidators(
        uint256 newTotalNumberOfValidators,
        uint256 newEpochNumber,
        bytes[] calldata guardianEOASignatures
    ) external {
        if (newEpochNumber <= epochNumber) revert InvalidUpdate();
        GUARDIAN_MODULE.validateTotalNumberOfValidators(
            newTotalNumberOfValidators, newEpochNumber, guardianEOASignatures
        );
        (totalNumberOfValidators, epochNumber) = (newTotalNumberOfValidators, newEpochNumber);
    }

    function _requirePending(bytes32 moduleName, uint256 index) private view {
        if (statusOf[moduleName][index] != Status.PENDING) revert InvalidValidatorState(statusOf[moduleName][index]);
    }
}
