// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @notice A validator that left, as PufferProtocol settles it.
/// @param module its module
/// @param startEpoch epoch in which it became active
/// @param endEpoch epoch in which it left
/// @param wasSlashed whether it was slashed
/// @param moduleName its module's name
/// @param pufferModuleIndex its number in the module
/// @param withdrawalAmount wei that came back
struct StoppedValidatorInfo {
    address module;
    uint256 startEpoch;
    uint256 endEpoch;
    bool wasSlashed;
    bytes32 moduleName;
    uint256 pufferModuleIndex;
    uint256 withdrawalAmount;
}

/// @title What PufferProtocol and PufferOracleV2 call of their guardian module
/// @notice The ABI of Puffer's interface of the same name, as far as those two and operators' front ends use it; only the ABI
/// is taken from there. The `validate...` functions return nothing and revert when the signatures are not enough.
interface IGuardianModule {
    /// @notice Whether the guardians let a validator be skipped.
    function validateSkipProvisioning(bytes32 moduleName, uint256 skippedIndex, bytes[] calldata signatures)
        external
        view;

    /// @notice Whether the guardians let a validator be provisioned.
    function validateProvisionNode(
        uint256 pufferModuleIndex,
        bytes calldata pubKey,
        bytes calldata signature,
        bytes calldata withdrawalCredentials,
        bytes32 depositDataRoot,
        bytes[] calldata signatures
    ) external view;

    /// @notice Whether the guardians let validators that left be settled.
    function validateBatchWithdrawals(StoppedValidatorInfo[] calldata infos, bytes[] calldata signatures) external view;

    /// @notice Whether the guardians report this number of validators of the network.
    function validateTotalNumberOfValidators(
        uint256 newNumberOfValidators,
        uint256 epochNumber,
        bytes[] calldata signatures
    ) external view;

    /// @notice Guardians of whose shares of a validator's key any `getThreshold()` make the key.
    function getGuardians() external view returns (address[] memory);

    /// @notice How many shares of a validator's key make the key.
    function getThreshold() external view returns (uint256);

    /// @notice Whether an account is one of {getGuardians}.
    function isGuardian(address account) external view returns (bool);

    /// @notice To these keys operators encrypt the shares of a validator's key, in the order of {getGuardians}.
    function getGuardiansEnclavePubkeys() external view returns (bytes[] memory);

    /// @notice The accounts of {getGuardiansEnclavePubkeys}.
    function getGuardiansEnclaveAddresses() external view returns (address[] memory);

    /// @notice The account of one guardian's enclave key; 0 if it has none.
    function getGuardiansEnclaveAddress(address guardian) external view returns (address);

    /// @notice The balance below which guardians eject, wei.
    function getEjectionThreshold() external view returns (uint256);

    /// @notice Measurement of the enclave's code; 0 where there is no enclave.
    function getMrenclave() external view returns (bytes32);

    /// @notice Signer of the enclave's code; 0 where there is no enclave.
    function getMrsigner() external view returns (bytes32);
}
