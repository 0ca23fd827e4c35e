// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGuardianModule} from "../interfaces/IGuardianModule.sol";
import {
    IPufferProtocol,
    NodeInfo,
    Permit,
    Status,
    Validator,
    ValidatorKeyData
} from "../interfaces/IPufferProtocol.sol";
import {DevnetDeposit} from "./DevnetDeposit.sol";
import {DevnetModule} from "./DevnetModule.sol";
import {DevnetTickets} from "./DevnetTickets.sol";
import {DevnetVault} from "./DevnetVault.sol";

/// @title Who waits: modules, registrations with bond and tickets, and whose turn it is
/// @notice One half of {DevnetPuffer}. As Puffer's, it takes every registration of the right lengths: whether the shares, the
/// deposit's signature or the credentials are right, guardians alone find out.
abstract contract DevnetQueue is IPufferProtocol, AccessManaged {
    using SafeERC20 for IERC20;

    struct Queue {
        DevnetModule module;
        // Number of the next registration, and of the next provisioning.
        uint256 pending;
        uint256 next;
        mapping(uint256 index => Validator) validators;
    }

    uint256 internal constant PUBLIC_KEY_LENGTH = 48;
    /// @dev Most validators in a module.
    uint256 private constant MODULE_LIMIT = 500;
    uint256 private constant ENCLAVE_BOND = 1 ether;
    uint256 private constant BOND = 2 ether;
    /// @dev What {getNextValidatorToProvision} says when nobody waits.
    bytes32 private constant NOBODY = "NO_VALIDATORS";

    /// @notice Who validates signatures, and lists guardians.
    IGuardianModule public immutable GUARDIAN_MODULE;
    /// @notice Puffer's vault.
    DevnetVault public immutable PUFFER_VAULT;
    /// @notice Puffer's tickets.
    DevnetTickets public immutable VALIDATOR_TICKET;
    /// @notice Where deposits go.
    DevnetDeposit public immutable BEACON_DEPOSIT_CONTRACT;

    mapping(bytes32 moduleName => Queue) internal _queues;
    mapping(address module => bool) internal _isModule;
    mapping(address node => NodeInfo) internal _nodes;
    bytes32[] private _weights;
    uint256 internal _selectIndex;
    uint256 internal _minimumVt = 28 ether;
    uint256 internal _vtPenalty = 10 ether;

    /// @notice The account is none of the protocol's modules.
    /// @param account which one
    error NoSuchModule(address account);

    constructor(IGuardianModule guardianModule, DevnetVault vault, DevnetTickets tickets, DevnetDeposit deposit) {
        GUARDIAN_MODULE = guardianModule;
        PUFFER_VAULT = vault;
        VALIDATOR_TICKET = tickets;
        BEACON_DEPOSIT_CONTRACT = deposit;
    }

    /// @inheritdoc IPufferProtocol
    function createPufferModule(bytes32 moduleName) external restricted returns (address) {
        if (address(_queues[moduleName].module) != address(0)) revert ModuleAlreadyExists();
        DevnetModule module = new DevnetModule(address(this), BEACON_DEPOSIT_CONTRACT);
        _queues[moduleName].module = module;
        _isModule[address(module)] = true;
        _weights.push(moduleName);
        emit NewPufferModuleCreated(address(module), moduleName, bytes32(module.getWithdrawalCredentials()));
        return address(module);
    }

    /// @inheritdoc IPufferProtocol
    function setModuleWeights(bytes32[] calldata newModuleWeights) external restricted {
        emit ModuleWeightsChanged(_weights, newModuleWeights);
        _weights = newModuleWeights;
    }

    /// @notice Says how many tickets are needed. Restricted.
    /// @param minimum to register, 10^18 for a day
    /// @param penalty for a skipped validator
    function changeTickets(uint256 minimum, uint256 penalty) external restricted {
        emit MinimumVTAmountChanged(_minimumVt, minimum);
        emit VTPenaltyChanged(_vtPenalty, penalty);
        (_minimumVt, _vtPenalty) = (minimum, penalty);
    }

    /// @inheritdoc IPufferProtocol
    function registerValidatorKey(
        ValidatorKeyData calldata data,
        bytes32 moduleName,
        Permit calldata pufETHPermit,
        Permit calldata vtPermit
    ) external payable {
        Queue storage queue = _queues[moduleName];
        if (address(queue.module) == address(0) || queue.pending >= MODULE_LIMIT) {
            revert ValidatorLimitForModuleReached();
        }
        if (data.blsPubKey.length != PUBLIC_KEY_LENGTH) revert InvalidBLSPubKey();
        if (data.blsEncryptedPrivKeyShares.length != GUARDIAN_MODULE.getGuardians().length) {
            revert InvalidBLSPrivateKeyShares();
        }
        if (data.blsPubKeySet.length != GUARDIAN_MODULE.getThreshold() * PUBLIC_KEY_LENGTH) {
            revert InvalidBLSPublicKeySet();
        }
        bool usingEnclave = data.raveEvidence.length != 0;
        uint256 bond = _paid(usingEnclave ? ENCLAVE_BOND : BOND, pufETHPermit, vtPermit);
        uint256 index = queue.pending++;
        Validator storage validator = queue.validators[index];
        (validator.node, validator.bond) = (msg.sender, SafeCast.toUint96(bond));
        (validator.module, validator.status) = (address(queue.module), Status.PENDING);
        validator.pubKey = data.blsPubKey;
        ++_nodes[msg.sender].pendingValidatorCount;
        emit ValidatorKeyRegistered(data.blsPubKey, index, moduleName, usingEnclave);
    }

    /// @inheritdoc IPufferProtocol
    function depositValidatorTickets(Permit calldata permit, address node) external {
        _take(IERC20(VALIDATOR_TICKET), permit);
        _addTickets(node, permit.amount);
    }

    /// @inheritdoc IPufferProtocol
    function withdrawValidatorTickets(uint96 amount, address recipient) external {
        NodeInfo storage node = _nodes[msg.sender];
        if (node.activeValidatorCount + node.pendingValidatorCount != 0) revert ActiveOrPendingValidatorsExist();
        node.vtBalance -= amount;
        emit ValidatorTicketsWithdrawn(msg.sender, recipient, amount);
        IERC20(VALIDATOR_TICKET).safeTransfer(recipient, amount);
    }

    /// @inheritdoc IPufferProtocol
    function getNextValidatorToProvision() public view returns (bytes32, uint256) {
        for (uint256 i = 0; i < _weights.length; ++i) {
            bytes32 name = _weights[(_selectIndex + i) % _weights.length];
            Queue storage queue = _queues[name];
            if (queue.next < queue.pending) return (name, queue.next);
        }
        return (NOBODY, type(uint256).max);
    }

    /// @inheritdoc IPufferProtocol
    function getNextValidatorToBeProvisionedIndex(bytes32 moduleName) external view returns (uint256) {
        return _queues[moduleName].next;
    }

    /// @inheritdoc IPufferProtocol
    function getPendingValidatorIndex(bytes32 moduleName) external view returns (uint256) {
        return _queues[moduleName].pending;
    }

    /// @inheritdoc IPufferProtocol
    function getValidatorInfo(bytes32 moduleName, uint256 pufferModuleIndex) external view returns (Validator memory) {
        return _queues[moduleName].validators[pufferModuleIndex];
    }

    /// @inheritdoc IPufferProtocol
    function getNodeInfo(address node) external view returns (NodeInfo memory) {
        return _nodes[node];
    }

    /// @inheritdoc IPufferProtocol
    function getModuleWeights() external view returns (bytes32[] memory) {
        return _weights;
    }

    /// @inheritdoc IPufferProtocol
    function getModuleSelectIndex() external view returns (uint256) {
        return _selectIndex;
    }

    /// @inheritdoc IPufferProtocol
    function getModuleAddress(bytes32 moduleName) external view returns (address) {
        return address(_queues[moduleName].module);
    }

    /// @inheritdoc IPufferProtocol
    function getWithdrawalCredentials(address module) public view returns (bytes memory) {
        return DevnetModule(payable(module)).getWithdrawalCredentials();
    }

    /// @inheritdoc IPufferProtocol
    function getMinimumVtAmount() external view returns (uint256) {
        return _minimumVt;
    }

    /// @inheritdoc IPufferProtocol
    function getVTPenalty() external view returns (uint256) {
        return _vtPenalty;
    }

    /// @inheritdoc IPufferProtocol
    function getPayload(bytes32 moduleName, bool usingEnclave)
        external
        view
        returns (bytes[] memory, bytes memory, uint256, uint256)
    {
        bytes memory credentials = _queues[moduleName].module.getWithdrawalCredentials();
        uint256 bond = usingEnclave ? ENCLAVE_BOND : BOND;
        return (GUARDIAN_MODULE.getGuardiansEnclavePubkeys(), credentials, GUARDIAN_MODULE.getThreshold(), bond);
    }

    /// @dev Takes the bond and the tickets, each in ether or in its token, and nothing more. Returns the bond in shares.
    function _paid(uint256 bond, Permit calldata pufETHPermit, Permit calldata vtPermit)
        private
        returns (uint256 shares)
    {
        // What is sent beside a bond in ether is for tickets. With less than the bond, this panics as Puffer's does.
        uint256 forTickets = pufETHPermit.amount == 0 ? msg.value - bond : msg.value;
        uint256 tickets = vtPermit.amount;
        if (tickets != 0 && forTickets != 0) revert InvalidETHAmount();
        if (tickets != 0) _take(IERC20(VALIDATOR_TICKET), vtPermit);
        else tickets = VALIDATOR_TICKET.purchaseValidatorTicket{value: forTickets}(address(this));
        if (tickets < _minimumVt) revert InvalidVTAmount();
        _addTickets(msg.sender, tickets);
        if (pufETHPermit.amount == 0) return PUFFER_VAULT.depositETH{value: bond}(address(this));
        shares = PUFFER_VAULT.convertToSharesUp(bond);
        _permit(address(PUFFER_VAULT), pufETHPermit);
        IERC20(PUFFER_VAULT).safeTransferFrom(msg.sender, address(this), shares);
    }

    function _addTickets(address node, uint256 amount) private {
        _nodes[node].vtBalance += SafeCast.toUint96(amount);
        emit ValidatorTicketsDeposited(node, msg.sender, amount);
    }

    function _take(IERC20 token, Permit calldata permit) private {
        _permit(address(token), permit);
        token.safeTransferFrom(msg.sender, address(this), permit.amount);
    }

    /// @dev A permit that was used before, or is none, may stand beside an allowance.
    function _permit(address token, Permit calldata permit) private {
        try IERC20Permit(token)
            .permit(msg.sender, address(this), permit.amount, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }
}
