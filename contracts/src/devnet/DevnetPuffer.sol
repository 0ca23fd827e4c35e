// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGuardianModule, StoppedValidatorInfo} from "../interfaces/IGuardianModule.sol";
import {IPufferOracle} from "../interfaces/IPufferOracle.sol";
import {IPufferProtocol, NodeInfo, Status, Validator} from "../interfaces/IPufferProtocol.sol";
import {DevnetDeposit} from "./DevnetDeposit.sol";
import {DevnetModule} from "./DevnetModule.sol";
import {DevnetQueue} from "./DevnetQueue.sol";
import {DevnetTickets} from "./DevnetTickets.sol";
import {DevnetVault} from "./DevnetVault.sol";

/// @title Stand-in for PufferProtocol on a development chain, with its arithmetic
/// @notice Provisions, skips and settles by the guardians' signatures as Puffer's master branch does, for whom the access manager
/// lets. It refuses where Puffer's refuses, and in the same way: a batch is settled as a whole or not at all, and what is missing
/// from a bond or from tickets is an arithmetic panic.
contract DevnetPuffer is DevnetQueue {
    using SafeERC20 for IERC20;

    uint256 private constant STAKE = 32 ether;
    /// @dev A day's ticket in epochs: 10^18 / 225, rounded up.
    uint256 private constant TICKETS_PER_EPOCH = 4_444_444_444_444_445;
    /// @dev 32 * 10^9 gwei, little-endian, in the first 8 bytes of a word.
    bytes32 private constant STAKE_GWEI = 0x0040597307000000000000000000000000000000000000000000000000000000;

    /// @dev EIP-7002's contract.
    address private constant WITHDRAWAL_REQUESTS = 0x00000961Ef480Eb55e80D19ad83579A64c007002;

    /// @notice Puffer's oracle, which counts the validators.
    IPufferOracle public immutable PUFFER_ORACLE;

    constructor(
        IGuardianModule guardianModule,
        DevnetVault vault,
        DevnetTickets tickets,
        DevnetDeposit deposit,
        IPufferOracle oracle,
        address accessManager
    ) DevnetQueue(guardianModule, vault, tickets, deposit) AccessManaged(accessManager) {
        PUFFER_ORACLE = oracle;
    }

    /// @inheritdoc IPufferProtocol
    function provisionNode(
        bytes[] calldata guardianEnclaveSignatures,
        bytes calldata validatorSignature,
        bytes32 depositRootHash
    ) external restricted {
        if (depositRootHash != BEACON_DEPOSIT_CONTRACT.get_deposit_root()) {
            revert InvalidDepositRootHash();
        }
        (bytes32 moduleName, uint256 index) = getNextValidatorToProvision();
        Validator storage validator = _queues[moduleName].validators[index];
        _requireStatus(validator, Status.PENDING);
        bytes32 root = _validated(validator, index, validatorSignature, guardianEnclaveSignatures);
        validator.status = Status.ACTIVE;
        _queues[moduleName].next = index + 1;
        ++_selectIndex;
        NodeInfo storage node = _nodes[validator.node];
        --node.pendingValidatorCount;
        ++node.activeValidatorCount;
        emit SuccessfullyProvisioned(validator.pubKey, index, moduleName);
        PUFFER_VAULT.transferETH(validator.module, STAKE);
        DevnetModule(payable(validator.module)).callStake(validator.pubKey, validatorSignature, root);
        PUFFER_ORACLE.provisionNode();
    }

    /// @inheritdoc IPufferProtocol
    function skipProvisioning(bytes32 moduleName, bytes[] calldata guardianEOASignatures) external restricted {
        uint256 index = _queues[moduleName].next;
        Validator storage validator = _queues[moduleName].validators[index];
        _requireStatus(validator, Status.PENDING);
        GUARDIAN_MODULE.validateSkipProvisioning(moduleName, index, guardianEOASignatures);
        validator.status = Status.SKIPPED;
        _queues[moduleName].next = index + 1;
        NodeInfo storage node = _nodes[validator.node];
        --node.pendingValidatorCount;
        node.vtBalance -= SafeCast.toUint96(_vtPenalty);
        emit ValidatorSkipped(validator.pubKey, index, moduleName);
        VALIDATOR_TICKET.burn(_vtPenalty);
        IERC20(PUFFER_VAULT).safeTransfer(validator.node, validator.bond);
    }

    /// @inheritdoc IPufferProtocol
    /// @dev The module that an entry names pays, whatever its name says: guardians alone look at that.
    function batchHandleWithdrawals(
        StoppedValidatorInfo[] calldata validatorInfos,
        bytes[] calldata guardianEOASignatures
    ) external restricted {
        GUARDIAN_MODULE.validateBatchWithdrawals(validatorInfos, guardianEOASignatures);
        (uint256 burntShares, uint256 burntTickets) = (0, 0);
        for (uint256 i = 0; i < validatorInfos.length; ++i) {
            (uint256 shares, uint256 tickets) = _settle(validatorInfos[i]);
            (burntShares, burntTickets) = (burntShares + shares, burntTickets + tickets);
        }
        VALIDATOR_TICKET.burn(burntTickets);
        PUFFER_VAULT.burn(burntShares);
        PUFFER_ORACLE.exitValidators(validatorInfos.length);
    }

    /// @notice Has a module request the full withdrawal (EIP-7002) of its validators, as Puffer's modules have their pods do it.
    /// @param module the account that the validators' withdrawal credentials name
    /// @param pubkeys their public keys, one after the other
    /// @param fee wei for each request
    function requestFullWithdrawals(address module, bytes calldata pubkeys, uint256 fee) external payable restricted {
        if (!_isModule[module]) revert NoSuchModule(module);
        for (uint256 at = 0; at < pubkeys.length; at += PUBLIC_KEY_LENGTH) {
            // Key and amount (8 bytes, gwei); amount 0 is a full withdrawal.
            bytes memory request = bytes.concat(pubkeys[at:at + PUBLIC_KEY_LENGTH], bytes8(0));
            (bool paid,) = module.call{value: fee}("");
            (bool success,) = DevnetModule(payable(module)).call(WITHDRAWAL_REQUESTS, fee, request);
            if (!paid || !success) revert Failed();
        }
    }

    /// @notice The root of a deposit of 32 ether, as the deposit contract computes it (SSZ).
    /// @param pubKey public key of the validator, 48 bytes
    /// @param signature of the deposit, 96 bytes
    /// @param credentials withdrawal credentials, 32 bytes
    /// @return hash_tree_root(DepositData)
    function getDepositDataRoot(bytes memory pubKey, bytes calldata signature, bytes memory credentials)
        public
        pure
        returns (bytes32)
    {
        bytes32 key = sha256(abi.encodePacked(pubKey, bytes16(0)));
        bytes32 tail = sha256(abi.encodePacked(signature[64:], bytes32(0)));
        bytes32 signed = sha256(abi.encodePacked(sha256(signature[:64]), tail));
        bytes32 left = sha256(abi.encodePacked(key, credentials));
        return sha256(abi.encodePacked(left, sha256(abi.encodePacked(STAKE_GWEI, signed))));
    }

    /// @dev Reverts unless the guardians signed for the deposit. Returns its root.
    function _validated(
        Validator storage validator,
        uint256 index,
        bytes calldata signature,
        bytes[] calldata guardianSignatures
    ) private view returns (bytes32 root) {
        bytes memory pubKey = validator.pubKey;
        bytes memory credentials = getWithdrawalCredentials(validator.module);
        root = getDepositDataRoot(pubKey, signature, credentials);
        GUARDIAN_MODULE.validateProvisionNode(index, pubKey, signature, credentials, root, guardianSignatures);
    }

    /// @dev Settles one: its ether to the vault, its tickets and the missing part of its bond to be burned, the rest of the bond to its
    /// operator.
    function _settle(StoppedValidatorInfo calldata info) private returns (uint256 shares, uint256 tickets) {
        Validator memory validator = _queues[info.moduleName].validators[info.pufferModuleIndex];
        if (validator.status != Status.ACTIVE) revert InvalidValidatorState(validator.status);
        NodeInfo storage node = _nodes[validator.node];
        tickets = _ticketsOf(info, node.vtBalance);
        node.vtBalance -= SafeCast.toUint96(tickets);
        --node.activeValidatorCount;
        delete _queues[info.moduleName].validators[info.pufferModuleIndex];
        shares = _burnedBond(info, validator.bond);
        uint256 back = validator.bond - shares;
        emit ValidatorExited(validator.pubKey, info.pufferModuleIndex, info.moduleName, shares, tickets);
        uint256 amount = info.withdrawalAmount > STAKE ? STAKE : info.withdrawalAmount;
        (bool success,) = DevnetModule(payable(info.module)).call(address(PUFFER_VAULT), amount, "");
        if (!success) revert Failed();
        IERC20(PUFFER_VAULT).safeTransfer(validator.node, back);
    }

    /// @dev Who leaves early pays the least number of tickets, or all that are left of fewer.
    function _ticketsOf(StoppedValidatorInfo calldata info, uint256 balance) private view returns (uint256 tickets) {
        tickets = (info.endEpoch - info.startEpoch) * TICKETS_PER_EPOCH;
        if (tickets < _minimumVt) tickets = balance < _minimumVt ? balance : _minimumVt;
    }

    /// @dev In shares, at the rate of this moment.
    function _burnedBond(StoppedValidatorInfo calldata info, uint256 bond) private view returns (uint256) {
        if (info.wasSlashed) return bond;
        return info.withdrawalAmount < STAKE ? PUFFER_VAULT.convertToSharesUp(STAKE - info.withdrawalAmount) : 0;
    }

    function _requireStatus(Validator storage validator, Status status) private view {
        if (validator.status != status) revert InvalidValidatorState(validator.status);
    }
}
