// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {StoppedValidatorInfo} from "./IGuardianModule.sol";

/// @notice An ERC-2612 permit, and the amount that it is for.
/// @param deadline Unix time
/// @param amount of the token's smallest unit; 0 to pay in ether instead
/// @param v of the signature
/// @param r of the signature
/// @param s of the signature
struct Permit {
    uint256 deadline;
    uint256 amount;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice What an operator registers.
/// @param blsPubKey public key of the validator
/// @param signature of the deposit
/// @param depositDataRoot of the deposit; the contract computes its own
/// @param blsEncryptedPrivKeyShares a share of the key for each guardian, encrypted to it
/// @param blsPubKeySet commitments to the shares' polynomial
/// @param raveEvidence empty without an enclave
struct ValidatorKeyData {
    bytes blsPubKey;
    bytes signature;
    bytes32 depositDataRoot;
    bytes[] blsEncryptedPrivKeyShares;
    bytes blsPubKeySet;
    bytes raveEvidence;
}

/// @notice How far a validator is.
enum Status {
    UNINITIALIZED,
    PENDING,
    SKIPPED,
    ACTIVE,
    FROZEN
}

/// @notice A validator, as the protocol keeps it.
/// @param node its operator
/// @param bond shares of the vault, which are pufETH and not ether
/// @param module its module
/// @param status how far it is
/// @param pubKey its public key
struct Validator {
    address node;
    uint96 bond;
    address module;
    Status status;
    bytes pubKey;
}

/// @notice An operator, as the protocol keeps it.
/// @param activeValidatorCount provisioned and not settled
/// @param pendingValidatorCount registered and neither provisioned nor skipped
/// @param vtBalance validator tickets, 10^18 for a day
struct NodeInfo {
    uint64 activeValidatorCount;
    uint64 pendingValidatorCount;
    uint96 vtBalance;
}

/// @title PufferProtocol, as operators, guardians and their submitters call it
/// @notice The ABI of Puffer's contract (master branch); only the ABI is taken from there.
interface IPufferProtocol {
    /// @notice A validator waits to be provisioned.
    event ValidatorKeyRegistered(
        bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName, bool usingEnclave
    );
    /// @notice A validator received its deposit.
    event SuccessfullyProvisioned(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
    /// @notice A validator gets no deposit.
    event ValidatorSkipped(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
    /// @notice A validator was settled.
    event ValidatorExited(
        bytes pubKey,
        uint256 indexed pufferModuleIndex,
        bytes32 indexed moduleName,
        uint256 pufETHBurnAmount,
        uint256 vtBurnAmount
    );
    /// @notice There is another module.
    event NewPufferModuleCreated(address module, bytes32 indexed moduleName, bytes32 withdrawalCredentials);
    /// @notice Modules are provisioned in another order.
    event ModuleWeightsChanged(bytes32[] oldWeights, bytes32[] newWeights);
    /// @notice An operator has more tickets.
    event ValidatorTicketsDeposited(address indexed node, address indexed depositor, uint256 amount);
    /// @notice An operator took tickets back.
    event ValidatorTicketsWithdrawn(address indexed node, address indexed recipient, uint256 amount);
    /// @notice Another number of tickets is needed to register.
    event MinimumVTAmountChanged(uint256 oldMinimumNumberOfDays, uint256 newMinimumNumberOfDays);
    /// @notice A skipped validator costs another number of tickets.
    event VTPenaltyChanged(uint256 oldPenalty, uint256 newPenalty);

    /// @notice Somebody deposited since the caller looked.
    error InvalidDepositRootHash();
    /// @notice Tickets stay while there are validators.
    error ActiveOrPendingValidatorsExist();
    /// @notice A module of this name exists.
    error ModuleAlreadyExists();
    /// @notice The module takes no more validators, or there is none of this name.
    error ValidatorLimitForModuleReached();
    /// @notice Not a public key of 48 bytes.
    error InvalidBLSPubKey();
    /// @notice Not one share for each guardian.
    error InvalidBLSPrivateKeyShares();
    /// @notice Not one commitment for each share that a key needs.
    error InvalidBLSPublicKeySet();
    /// @notice The validator is elsewhere in its life.
    /// @param status where
    error InvalidValidatorState(Status status);
    /// @notice Too little ether, or ether that nothing is bought with.
    error InvalidETHAmount();
    /// @notice Too few tickets.
    error InvalidVTAmount();
    /// @notice A module's ether did not reach the vault.
    error Failed();

    /// @notice Registers a validator, with its bond and tickets in ether or in tokens.
    function registerValidatorKey(
        ValidatorKeyData calldata data,
        bytes32 moduleName,
        Permit calldata pufETHPermit,
        Permit calldata vtPermit
    ) external payable;

    /// @notice Deposits for the validator that is next. Restricted.
    function provisionNode(
        bytes[] calldata guardianEnclaveSignatures,
        bytes calldata validatorSignature,
        bytes32 depositRootHash
    ) external;

    /// @notice Passes a module's next validator over. Restricted.
    function skipProvisioning(bytes32 moduleName, bytes[] calldata guardianEOASignatures) external;

    /// @notice Settles validators that left, in order, all or none. Restricted.
    function batchHandleWithdrawals(
        StoppedValidatorInfo[] calldata validatorInfos,
        bytes[] calldata guardianEOASignatures
    ) external;

    /// @notice Gives an operator tickets.
    function depositValidatorTickets(Permit calldata permit, address node) external;

    /// @notice Takes the caller's tickets back.
    function withdrawValidatorTickets(uint96 amount, address recipient) external;

    /// @notice Creates a module. Restricted.
    function createPufferModule(bytes32 moduleName) external returns (address);

    /// @notice Says in which order modules are provisioned. Restricted.
    function setModuleWeights(bytes32[] calldata newModuleWeights) external;

    /// @notice The validator that is next: its module and its number there.
    function getNextValidatorToProvision() external view returns (bytes32 moduleName, uint256 indexToBeProvisioned);

    /// @notice The number of a module's next validator, provisioned or not.
    function getNextValidatorToBeProvisionedIndex(bytes32 moduleName) external view returns (uint256);

    /// @notice The number that a module's next registration gets.
    function getPendingValidatorIndex(bytes32 moduleName) external view returns (uint256);

    /// @notice A validator; all zero if there is none, or none any more.
    function getValidatorInfo(bytes32 moduleName, uint256 pufferModuleIndex) external view returns (Validator memory);

    /// @notice An operator.
    function getNodeInfo(address node) external view returns (NodeInfo memory);

    /// @notice The modules, in the order in which they are provisioned.
    function getModuleWeights() external view returns (bytes32[] memory);

    /// @notice How many validators were provisioned: whose turn it is.
    function getModuleSelectIndex() external view returns (uint256);

    /// @notice Where a module is.
    function getModuleAddress(bytes32 moduleName) external view returns (address);

    /// @notice The withdrawal credentials of a module's validators.
    function getWithdrawalCredentials(address module) external view returns (bytes memory);

    /// @notice Tickets needed to register, 10^18 for a day.
    function getMinimumVtAmount() external view returns (uint256);

    /// @notice Tickets that a skipped validator costs.
    function getVTPenalty() external view returns (uint256);

    /// @notice What an operator needs to make a registration.
    function getPayload(bytes32 moduleName, bool usingEnclave)
        external
        view
        returns (
            bytes[] memory enclavePubkeys,
            bytes memory withdrawalCredentials,
            uint256 threshold,
            uint256 ethAmount
        );
}
