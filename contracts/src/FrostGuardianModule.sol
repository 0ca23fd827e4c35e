// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {InvalidClock} from "./BeaconClock.sol";
import {EjectionRegistry} from "./EjectionRegistry.sol";
import {Signature} from "./FrostVerifier.sol";
import {Governed} from "./Governed.sol";
import {GuardianDomain} from "./GuardianDomain.sol";
import {GuardianFees} from "./GuardianFees.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {IGuardianModule, StoppedValidatorInfo} from "./interfaces/IGuardianModule.sol";

/// @title Puffer's guardian module with one group signature
/// @notice Takes the place of Puffer's own GuardianModule: PufferProtocol and PufferOracleV2 call it as they call that one, and
/// where they pass a list of ECDSA signatures, the list holds one entry, the group's: {SIGNATURE_LENGTH} bytes, which are
/// the key epoch (8 bytes, big-endian), rx, ry and z.
///
/// Each of the four messages is an EIP-712 struct of its own in the domain of this module on this chain, under the current
/// key epoch. Puffer's own digests of skipping and of counting are both two words without a type, so that one signature is
/// valid for both; these cannot meet.
///
/// The functions are views and store nothing, as their callers expect. That nothing counts twice is kept by the callers: a
/// skipped or provisioned index is no longer next, a settled validator is gone, an epoch of the oracle must rise. What this
/// module adds is that nothing counts under another key epoch, for another message, module or chain.
///
/// The owner is the governor. It keeps the list of guardians to whom operators encrypt shares of validators' keys, and who
/// share the fees; the list has no part in the checking of signatures. As long as it is empty, nobody can register.
///
/// Left out of Puffer's own: `validateGuardiansEOASignatures` and `...EnclaveSignatures` (bare digests would let one
/// message pass for another), `rotateGuardianKey` and the enclave's measurements (there is no enclave), and Puffer's access
/// manager (there is a governor).
contract FrostGuardianModule is IGuardianModule, GuardianDomain, GuardianFees, Governed {
    /// @notice Struct type of a provisioning.
    bytes32 public constant PROVISIONING_TYPEHASH = keccak256(
        "Provisioning(uint64 keyEpoch,uint256 pufferModuleIndex,bytes pubKey,bytes signature,bytes withdrawalCredentials,bytes32 depositDataRoot)"
    );
    /// @notice Struct type of a skipped provisioning.
    bytes32 public constant SKIP_TYPEHASH =
        keccak256("SkipProvisioning(uint64 keyEpoch,bytes32 moduleName,uint256 skippedIndex)");
    /// @notice Struct type of settlements.
    bytes32 public constant WITHDRAWALS_TYPEHASH = keccak256(
        "BatchWithdrawals(uint64 keyEpoch,StoppedValidator[] validators)StoppedValidator(address module,uint256 startEpoch,uint256 endEpoch,bool wasSlashed,bytes32 moduleName,uint256 pufferModuleIndex,uint256 withdrawalAmount)"
    );
    /// @notice Struct type of one validator in {WITHDRAWALS_TYPEHASH}.
    bytes32 public constant STOPPED_VALIDATOR_TYPEHASH = keccak256(
        "StoppedValidator(address module,uint256 startEpoch,uint256 endEpoch,bool wasSlashed,bytes32 moduleName,uint256 pufferModuleIndex,uint256 withdrawalAmount)"
    );
    /// @notice Struct type of a count of the network's validators.
    bytes32 public constant VALIDATOR_COUNT_TYPEHASH =
        keccak256("ValidatorCount(uint64 keyEpoch,uint256 numberOfValidators,uint256 epochNumber)");

    /// @notice Bytes of the one entry in the list of signatures.
    uint256 public constant SIGNATURE_LENGTH = 104;
    /// @notice Most guardians in the list.
    uint256 public constant MAX_GUARDIANS = 128;
    uint256 private constant ENCLAVE_KEY_LENGTH = 65;

    /// @notice Where signatures are checked.
    GuardianKeys public immutable keys;
    /// @notice Where the ejection threshold is.
    EjectionRegistry public immutable registry;

    uint256 private immutable _genesisTime;
    uint256 private immutable _secondsPerEpoch;

    /// @notice Puffer's protocol: for it alone, provisioning, skipping and settlement are validated.
    address public protocol;
    /// @notice Puffer's oracle: for it alone, counts are validated.
    address public oracle;
    uint256 private _threshold;
    address[] private _guardians;
    bytes[] private _enclaveKeys;

    /// @notice The governor said for whom messages are validated.
    /// @param protocol Puffer's protocol
    /// @param oracle Puffer's oracle
    event CallersChanged(address protocol, address oracle);
    /// @notice The governor changed the list of guardians.
    /// @param guardians their accounts
    /// @param enclaveKeys their keys, uncompressed (65 bytes)
    /// @param threshold how many shares make a validator's key
    event GuardiansChanged(address[] guardians, bytes[] enclaveKeys, uint256 threshold);
    /// @notice As Puffer's module says it: a guardian is listed that was not.
    /// @param guardian its account
    event GuardianAdded(address guardian);
    /// @notice As Puffer's module says it: a guardian is not listed any more.
    /// @param guardian its account
    event GuardianRemoved(address guardian);
    /// @notice As Puffer's module says it: another number of shares makes a validator's key.
    /// @param oldThreshold the old number
    /// @param newThreshold the new number
    event ThresholdChanged(uint256 oldThreshold, uint256 newThreshold);
    /// @notice As Puffer's module says it: operators encrypt a guardian's shares to this key.
    /// @param guardian its account
    /// @param guardianEnclave the account of the key
    /// @param pubKey the key, uncompressed (65 bytes)
    event RotatedGuardianKey(address guardian, address guardianEnclave, bytes pubKey);

    /// @notice The list must hold one signature, the group's.
    /// @param count how many it holds
    error NotOneSignature(uint256 count);
    /// @notice The signature must have {SIGNATURE_LENGTH} bytes.
    /// @param length how many it has
    error MalformedSignature(uint256 length);
    /// @notice Keys or registry without code.
    /// @param account the address without code
    error AccountWithoutCode(address account);
    /// @notice Messages are validated for the protocol and the oracle that the governor named, and for nobody else: with two
    /// protocols one message would count at both.
    /// @param caller who asked
    error NotCaller(address caller);
    /// @notice The epoch of the count has not come. A count of the largest epoch would be the oracle's last.
    /// @param given the epoch
    /// @param current the epoch of this moment
    error FutureEpoch(uint256 given, uint256 current);
    /// @notice The registry asks another contract about signatures.
    /// @param registryKeys which
    error OtherKeys(GuardianKeys registryKeys);
    /// @notice No guardians are listed yet: nobody could hold a share of a validator's key.
    error GuardiansNotSet();
    /// @notice A network without validators is a mistake, by which the oracle would have to divide.
    error EmptyCount();
    /// @notice The threshold must be above 0 and not above the number of guardians, of which there are at most
    /// {MAX_GUARDIANS}, each with a key.
    /// @param threshold the threshold
    /// @param guardians number of guardians
    /// @param enclaveKeys number of keys
    error InvalidGuardians(uint256 threshold, uint256 guardians, uint256 enclaveKeys);
    /// @notice The zero address, one that is listed twice, or one without an uncompressed key.
    /// @param position in the list, from 0
    error InvalidGuardian(uint256 position);

    /// @dev Puffer's protocol would take a registration without shares from a module without guardians: a validator that no
    /// guardian could ever take out.
    modifier whenListed() {
        _requireListed();
        _;
    }

    /// @param keys_ the guardians' key
    /// @param registry_ where the ejection threshold is
    /// @param governor who may set the list of guardians, and the callers
    /// @param slotsPerEpoch of the beacon chain whose clock the registry has
    constructor(GuardianKeys keys_, EjectionRegistry registry_, address governor, uint64 slotsPerEpoch)
        Governed(governor)
    {
        if (address(keys_).code.length == 0) revert AccountWithoutCode(address(keys_));
        if (address(registry_).code.length == 0) revert AccountWithoutCode(address(registry_));
        if (registry_.keys() != keys_) revert OtherKeys(registry_.keys());
        if (slotsPerEpoch == 0) revert InvalidClock();
        keys = keys_;
        registry = registry_;
        _genesisTime = registry_.genesisTime();
        _secondsPerEpoch = uint256(registry_.secondsPerSlot()) * slotsPerEpoch;
    }

    /// @notice Says for whom messages are validated. As long as nobody is named, for nobody.
    /// @param newProtocol Puffer's protocol
    /// @param newOracle Puffer's oracle
    function setCallers(address newProtocol, address newOracle) external onlyOwner {
        (protocol, oracle) = (newProtocol, newOracle);
        emit CallersChanged(newProtocol, newOracle);
    }

    /// @notice Sets to whom operators encrypt the shares of validators' keys, and who shares the fees. Ether that came
    /// before is divided among the old list; {splitFees} does it for tokens.
    /// @param guardians their accounts, none zero, none twice
    /// @param enclaveKeys their secp256k1 keys, uncompressed
    /// @param threshold how many shares make a key
    function setGuardians(address[] calldata guardians, bytes[] calldata enclaveKeys, uint256 threshold)
        external
        onlyOwner
    {
        uint256 count = guardians.length;
        if (count > MAX_GUARDIANS || count != enclaveKeys.length || threshold == 0 || threshold > count) {
            revert InvalidGuardians(threshold, count, enclaveKeys.length);
        }
        for (uint256 i = 0; i < count; ++i) {
            bool known = guardians[i] == address(0);
            for (uint256 j = 0; j < i; ++j) {
                known = known || guardians[i] == guardians[j];
            }
            bool uncompressed = enclaveKeys[i].length == ENCLAVE_KEY_LENGTH && enclaveKeys[i][0] == 0x04;
            if (known || !uncompressed) revert InvalidGuardian(i);
        }
        splitFees(IERC20(address(0)));
        _announceChange(guardians, threshold);
        _guardians = guardians;
        delete _enclaveKeys;
        for (uint256 i = 0; i < count; ++i) {
            _enclaveKeys.push(enclaveKeys[i]);
            emit RotatedGuardianKey(guardians[i], _accountOf(enclaveKeys[i]), enclaveKeys[i]);
        }
        _threshold = threshold;
        emit GuardiansChanged(guardians, enclaveKeys, threshold);
    }

    /// @inheritdoc IGuardianModule
    function validateSkipProvisioning(bytes32 moduleName, uint256 skippedIndex, bytes[] calldata signatures)
        external
        view
    {
        _requireCaller(protocol);
        (uint64 epoch, Signature memory signature) = _only(signatures);
        keys.verify(epoch, hashSkipProvisioning(epoch, moduleName, skippedIndex), signature);
    }

    /// @inheritdoc IGuardianModule
    function validateProvisionNode(
        uint256 pufferModuleIndex,
        bytes calldata pubKey,
        bytes calldata signature,
        bytes calldata withdrawalCredentials,
        bytes32 depositDataRoot,
        bytes[] calldata signatures
    ) external view {
        _requireCaller(protocol);
        (uint64 epoch, Signature memory groupSignature) = _only(signatures);
        bytes32 digest =
            hashProvisioning(epoch, pufferModuleIndex, pubKey, signature, withdrawalCredentials, depositDataRoot);
        keys.verify(epoch, digest, groupSignature);
    }

    /// @inheritdoc IGuardianModule
    function validateBatchWithdrawals(StoppedValidatorInfo[] calldata infos, bytes[] calldata signatures)
        external
        view
    {
        _requireCaller(protocol);
        (uint64 epoch, Signature memory signature) = _only(signatures);
        keys.verify(epoch, hashBatchWithdrawals(epoch, infos), signature);
    }

    /// @inheritdoc IGuardianModule
    function validateTotalNumberOfValidators(
        uint256 newNumberOfValidators,
        uint256 epochNumber,
        bytes[] calldata signatures
    ) external view {
        _requireCaller(oracle);
        if (newNumberOfValidators == 0) revert EmptyCount();
        uint256 current = block.timestamp < _genesisTime ? 0 : (block.timestamp - _genesisTime) / _secondsPerEpoch;
        if (epochNumber > current) revert FutureEpoch(epochNumber, current);
        (uint64 epoch, Signature memory signature) = _only(signatures);
        keys.verify(epoch, hashValidatorCount(epoch, newNumberOfValidators, epochNumber), signature);
    }

    /// @inheritdoc IGuardianModule
    function getGuardians() external view whenListed returns (address[] memory) {
        return _guardians;
    }

    /// @inheritdoc IGuardianModule
    function getThreshold() external view whenListed returns (uint256) {
        return _threshold;
    }

    /// @inheritdoc IGuardianModule
    function isGuardian(address account) external view returns (bool) {
        (bool found,) = _find(account);
        return found;
    }

    /// @inheritdoc IGuardianModule
    function getGuardiansEnclavePubkeys() external view whenListed returns (bytes[] memory) {
        return _enclaveKeys;
    }

    /// @inheritdoc IGuardianModule
    function getGuardiansEnclaveAddresses() external view returns (address[] memory accounts) {
        accounts = new address[](_enclaveKeys.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            accounts[i] = _accountOf(_enclaveKeys[i]);
        }
    }

    /// @inheritdoc IGuardianModule
    function getGuardiansEnclaveAddress(address guardian) external view returns (address) {
        (bool found, uint256 position) = _find(guardian);
        return found ? _accountOf(_enclaveKeys[position]) : address(0);
    }

    /// @inheritdoc IGuardianModule
    function getEjectionThreshold() external view returns (uint256) {
        return registry.getEjectionThreshold();
    }

    /// @inheritdoc IGuardianModule
    function getMrenclave() external pure returns (bytes32) {
        return 0;
    }

    /// @inheritdoc IGuardianModule
    function getMrsigner() external pure returns (bytes32) {
        return 0;
    }

    /// @notice The digest that the guardians sign so that a validator is skipped.
    /// @param keyEpoch key epoch under which it is signed
    /// @param moduleName its module
    /// @param skippedIndex its number in the module
    /// @return the EIP-712 digest
    function hashSkipProvisioning(uint64 keyEpoch, bytes32 moduleName, uint256 skippedIndex)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(SKIP_TYPEHASH, keyEpoch, moduleName, skippedIndex)));
    }

    /// @notice The digest that the guardians sign so that a validator gets its deposit.
    /// @param keyEpoch key epoch under which it is signed
    /// @param pufferModuleIndex its number in the module
    /// @param pubKey its BLS public key
    /// @param signature its signature of the deposit
    /// @param withdrawalCredentials the module's
    /// @param depositDataRoot root of the deposit
    /// @return the EIP-712 digest
    function hashProvisioning(
        uint64 keyEpoch,
        uint256 pufferModuleIndex,
        bytes calldata pubKey,
        bytes calldata signature,
        bytes calldata withdrawalCredentials,
        bytes32 depositDataRoot
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    PROVISIONING_TYPEHASH,
                    keyEpoch,
                    pufferModuleIndex,
                    keccak256(pubKey),
                    keccak256(signature),
                    keccak256(withdrawalCredentials),
                    depositDataRoot
                )
            )
        );
    }

    /// @notice The digest that the guardians sign so that validators are settled.
    /// @param keyEpoch key epoch under which it is signed
    /// @param infos the validators, in the order in which they are settled
    /// @return the EIP-712 digest
    function hashBatchWithdrawals(uint64 keyEpoch, StoppedValidatorInfo[] calldata infos)
        public
        view
        returns (bytes32)
    {
        bytes32[] memory hashes = new bytes32[](infos.length);
        for (uint256 i = 0; i < infos.length; ++i) {
            // Members of one word each: the ABI encoding is EIP-712's.
            hashes[i] = keccak256(abi.encode(STOPPED_VALIDATOR_TYPEHASH, infos[i]));
        }
        bytes32 list = keccak256(abi.encodePacked(hashes));
        return _hashTypedDataV4(keccak256(abi.encode(WITHDRAWALS_TYPEHASH, keyEpoch, list)));
    }

    /// @notice The digest that the guardians sign for a count of the network's validators.
    /// @param keyEpoch key epoch under which it is signed
    /// @param numberOfValidators of the network
    /// @param epochNumber when they were counted
    /// @return the EIP-712 digest
    function hashValidatorCount(uint64 keyEpoch, uint256 numberOfValidators, uint256 epochNumber)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(VALIDATOR_COUNT_TYPEHASH, keyEpoch, numberOfValidators, epochNumber))
        );
    }

    /// @dev Says it as indexers of Puffer's module expect to hear it.
    function _announceChange(address[] calldata guardians, uint256 threshold) private {
        for (uint256 i = 0; i < _guardians.length; ++i) {
            if (!_contains(guardians, _guardians[i])) emit GuardianRemoved(_guardians[i]);
        }
        for (uint256 i = 0; i < guardians.length; ++i) {
            (bool known,) = _find(guardians[i]);
            if (!known) emit GuardianAdded(guardians[i]);
        }
        if (threshold != _threshold) emit ThresholdChanged(_threshold, threshold);
    }

    /// @inheritdoc GuardianFees
    function _listed() internal view override returns (address[] memory) {
        return _guardians;
    }

    function _requireCaller(address caller) private view {
        if (msg.sender != caller) revert NotCaller(msg.sender);
    }

    function _requireListed() private view {
        if (_guardians.length == 0) revert GuardiansNotSet();
    }

    function _contains(address[] calldata accounts, address account) private pure returns (bool) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == account) return true;
        }
        return false;
    }

    function _find(address guardian) private view returns (bool, uint256) {
        for (uint256 i = 0; i < _guardians.length; ++i) {
            if (_guardians[i] == guardian) return (true, i);
        }
        return (false, 0);
    }

    /// @dev The one signature of the list, and the key epoch in front of it.
    function _only(bytes[] calldata signatures) private pure returns (uint64 epoch, Signature memory signature) {
        if (signatures.length != 1) revert NotOneSignature(signatures.length);
        bytes calldata only = signatures[0];
        if (only.length != SIGNATURE_LENGTH) revert MalformedSignature(only.length);
        epoch = uint64(bytes8(only[:8]));
        signature =
            Signature(uint256(bytes32(only[8:40])), uint256(bytes32(only[40:72])), uint256(bytes32(only[72:104])));
    }

    /// @dev As an Ethereum account is derived from an uncompressed key (yellow paper, appendix F).
    function _accountOf(bytes memory enclaveKey) private pure returns (address account) {
        assembly ("memory-safe") {
            account := and(keccak256(add(enclaveKey, 0x21), 64), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }
}
