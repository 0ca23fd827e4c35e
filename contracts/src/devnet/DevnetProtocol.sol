// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title Stand-in for Puffer's protocol contract on a development chain
/// @notice Emits the events from which guardians learn which validators to watch, with PufferProtocol's signatures. It
/// has no bonds, no tickets and no access control: never deploy it where it matters.
contract DevnetProtocol {
    /// @notice The one module.
    bytes32 public constant MODULE = "PUFFER_MODULE_0";
    /// @notice Length of a BLS public key.
    uint256 public constant PUBLIC_KEY_LENGTH = 48;

    /// @notice Validators provisioned so far; the next one gets this index.
    uint256 public provisioned;
    /// @notice What is owed for the validators that are provisioned and not settled: 32 ether each.
    uint256 public totalSupply;
    /// @dev Hash of the public key to module index + 1; 0 when unknown or exited.
    mapping(bytes32 keyHash => uint256 indexPlusOne) private _active;

    /// @notice A validator was registered.
    event ValidatorKeyRegistered(
        bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName, bool usingEnclave
    );
    /// @notice A validator received its deposit.
    event SuccessfullyProvisioned(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
    /// @notice A validator was settled.
    event ValidatorExited(
        bytes pubKey,
        uint256 indexed pufferModuleIndex,
        bytes32 indexed moduleName,
        uint256 pufETHBurnAmount,
        uint256 vtBurnAmount
    );

    /// @notice Not a public key of {PUBLIC_KEY_LENGTH} bytes.
    error InvalidPublicKeyLength(uint256 length);
    /// @notice The validator is provisioned already.
    error AlreadyProvisioned(bytes pubKey);
    /// @notice The validator is not provisioned, or exited.
    error NotProvisioned(bytes pubKey);

    /// @notice Registers and provisions validators, in order.
    /// @param pubKeys their BLS public keys
    function provision(bytes[] calldata pubKeys) external {
        for (uint256 i = 0; i < pubKeys.length; ++i) {
            bytes calldata pubKey = pubKeys[i];
            if (pubKey.length != PUBLIC_KEY_LENGTH) revert InvalidPublicKeyLength(pubKey.length);
            if (_active[keccak256(pubKey)] != 0) revert AlreadyProvisioned(pubKey);
            uint256 index = provisioned++;
            _active[keccak256(pubKey)] = index + 1;
            totalSupply += 32 ether;
            emit ValidatorKeyRegistered(pubKey, index, MODULE, false);
            emit SuccessfullyProvisioned(pubKey, index, MODULE);
        }
    }

    /// @notice Settles a validator that left the beacon chain. Nothing is burned.
    /// @param pubKey its BLS public key
    function exit(bytes calldata pubKey) external {
        uint256 indexPlusOne = _active[keccak256(pubKey)];
        if (indexPlusOne == 0) revert NotProvisioned(pubKey);
        delete _active[keccak256(pubKey)];
        totalSupply -= 32 ether;
        emit ValidatorExited(pubKey, indexPlusOne - 1, MODULE, 0, 0);
    }

    /// @notice Decimals of the shares.
    /// @return as ether has
    function decimals() external pure returns (uint8) {
        return 18;
    }

    /// @notice Where the validators are counted, as Puffer's protocol names its oracle: here, in the stand-in itself
    function PUFFER_ORACLE() external view returns (address) {
        return address(this);
    }

    /// @notice Validators that are provisioned and not settled, as Puffer's oracle counts them
    function getNumberOfActiveValidators() external view returns (uint256) {
        return totalSupply / 32 ether;
    }

    /// @notice What shares are worth, as a vault says it: each a wei of ether.
    /// @param shares of {totalSupply}
    /// @return assets in wei
    function convertToAssets(uint256 shares) external pure returns (uint256 assets) {
        return shares;
    }
}
