// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Governed} from "../Governed.sol";
import {StoppedValidatorInfo} from "../interfaces/IGuardianModule.sol";

/// @title Stand-in for Puffer's own GuardianModule on a development chain, as far as guardians' accounts sign for it
/// @notice Takes a list of ECDSA signatures with one place for each guardian, in the order of {getGuardians}; whoever did not
/// sign leaves an empty place. As Puffer's does: a guardian that is removed leaves its place to the last one, so that places
/// move; a list that is too short panics, and one that is too long is taken.
///
/// What is signed is EIP-191 over the hash of the ABI encoding, bound to nothing: two messages of two words are one. With
/// `bound`, as Puffer's proposed module has it, module and chain come first, still without a type.
///
/// Provisioning is not here: for it Puffer's guardians sign with their enclaves' keys.
contract DevnetGuardianModule is Governed {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice Whether what is signed begins with module and chain.
    bool public immutable bound;
    EnumerableSet.AddressSet private _guardians;
    uint256 private _threshold;

    /// @notice As Puffer's module says it: a guardian was listed.
    /// @param guardian its account
    event GuardianAdded(address guardian);
    /// @notice As Puffer's module says it: a guardian is not listed any more.
    /// @param guardian its account
    event GuardianRemoved(address guardian);
    /// @notice As Puffer's module says it.
    /// @param oldThreshold the old number
    /// @param newThreshold the new number
    event ThresholdChanged(uint256 oldThreshold, uint256 newThreshold);

    /// @notice Fewer places than the threshold hold a signature of the guardian whose place it is.
    error Unauthorized();
    /// @notice The zero address.
    error InvalidAddress();
    /// @notice The threshold must be above 0 and not above the number of guardians.
    /// @param threshold the threshold
    error InvalidThreshold(uint256 threshold);

    /// @param guardians their accounts
    /// @param threshold how many must sign
    /// @param governor who may change both
    /// @param bound_ whether what is signed begins with module and chain
    constructor(address[] memory guardians, uint256 threshold, address governor, bool bound_) Governed(governor) {
        bound = bound_;
        for (uint256 i = 0; i < guardians.length; ++i) {
            _add(guardians[i]);
        }
        _setThreshold(threshold);
    }

    /// @notice Lists a guardian, at the end.
    /// @param guardian its account
    function addGuardian(address guardian) external onlyOwner {
        _add(guardian);
    }

    /// @notice Takes a guardian from the list; the last one gets its place.
    /// @param guardian its account
    function removeGuardian(address guardian) external onlyOwner {
        if (_guardians.remove(guardian)) {
            emit GuardianRemoved(guardian);
            if (_threshold > _guardians.length()) revert InvalidThreshold(_threshold);
        }
    }

    /// @notice Says how many must sign.
    /// @param newThreshold the number
    function setThreshold(uint256 newThreshold) external onlyOwner {
        _setThreshold(newThreshold);
    }

    /// @notice Reverts unless the guardians let a validator be skipped.
    function validateSkipProvisioning(bytes32 moduleName, uint256 skippedIndex, bytes[] calldata signatures)
        external
        view
    {
        _validate(abi.encode(moduleName, skippedIndex), signatures);
    }

    /// @notice Reverts unless the guardians let validators that left be settled.
    function validateBatchWithdrawals(StoppedValidatorInfo[] calldata infos, bytes[] calldata signatures)
        external
        view
    {
        bytes memory encoded = bound ? abi.encode(address(this), block.chainid, infos) : abi.encode(infos);
        _requireEnough(keccak256(encoded), signatures);
    }

    /// @notice Reverts unless the guardians report this number of validators of the network.
    function validateTotalNumberOfValidators(
        uint256 newNumberOfValidators,
        uint256 epochNumber,
        bytes[] calldata signatures
    ) external view {
        _validate(abi.encode(newNumberOfValidators, epochNumber), signatures);
    }

    /// @notice The guardians' accounts; their places are those in every list of signatures.
    function getGuardians() external view returns (address[] memory) {
        return _guardians.values();
    }

    /// @notice How many must sign.
    function getThreshold() external view returns (uint256) {
        return _threshold;
    }

    /// @notice Whether an account is a guardian's.
    function isGuardian(address account) external view returns (bool) {
        return _guardians.contains(account);
    }

    /// @dev Of messages of words alone, of which module and chain can simply come first.
    function _validate(bytes memory words, bytes[] calldata signatures) private view {
        bytes memory encoded = bound ? abi.encodePacked(abi.encode(address(this), block.chainid), words) : words;
        _requireEnough(keccak256(encoded), signatures);
    }

    function _requireEnough(bytes32 hash, bytes[] calldata signatures) private view {
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(hash);
        uint256 valid = 0;
        for (uint256 i = 0; i < _guardians.length(); ++i) {
            (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signatures[i]);
            if (failure == ECDSA.RecoverError.NoError && signer == _guardians.at(i)) ++valid;
        }
        if (valid < _threshold) revert Unauthorized();
    }

    function _add(address guardian) private {
        if (guardian == address(0)) revert InvalidAddress();
        if (_guardians.add(guardian)) emit GuardianAdded(guardian);
    }

    function _setThreshold(uint256 newThreshold) private {
        if (newThreshold == 0 || newThreshold > _guardians.length()) revert InvalidThreshold(newThreshold);
        emit ThresholdChanged(_threshold, newThreshold);
        _threshold = newThreshold;
    }
}
