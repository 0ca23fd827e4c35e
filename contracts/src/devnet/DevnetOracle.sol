// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IGuardianModule} from "../interfaces/IGuardianModule.sol";
import {IPufferOracle} from "../interfaces/IPufferOracle.sol";

/// @title Stand-in for PufferOracleV2 on a development chain
/// @notice Answers, logs and stores as Puffer's does: who may call what is for the access manager to say. Only the numbers
/// that it begins with are arguments, because a development chain is younger than the ones that Puffer's begins with.
contract DevnetOracle is IPufferOracle, AccessManaged {
    uint256 private constant BURST_THRESHOLD_PERCENT = 22;

    /// @inheritdoc IPufferOracle
    address public immutable GUARDIAN_MODULE;
    /// @inheritdoc IPufferOracle
    address payable public immutable PUFFER_VAULT;

    // Slot 0 holds the authority. These four follow it in Puffer's order: who wants the epoch reads slot 3.
    uint256 private _numberOfActivePufferValidators;
    uint256 private _totalNumberOfValidators;
    uint256 private _epochNumber;
    uint256 private _validatorTicketPrice;

    /// @param guardianModule whose signature a count needs
    /// @param vault Puffer's vault
    /// @param accessManager says who may call what
    /// @param totalNumberOfValidators the first count
    /// @param epochNumber the epoch of the first count; the next one's must exceed it
    constructor(
        address guardianModule,
        address payable vault,
        address accessManager,
        uint256 totalNumberOfValidators,
        uint256 epochNumber
    ) AccessManaged(accessManager) {
        GUARDIAN_MODULE = guardianModule;
        PUFFER_VAULT = vault;
        _totalNumberOfValidators = totalNumberOfValidators;
        _epochNumber = epochNumber;
        _setMintPrice(0.01 ether);
    }

    /// @inheritdoc IPufferOracle
    function setTotalNumberOfValidators(
        uint256 newTotalNumberOfValidators,
        uint256 epochNumber,
        bytes[] calldata guardianEOASignatures
    ) external restricted {
        if (epochNumber <= _epochNumber) revert InvalidUpdate();
        IGuardianModule(GUARDIAN_MODULE)
            .validateTotalNumberOfValidators(newTotalNumberOfValidators, epochNumber, guardianEOASignatures);
        emit TotalNumberOfValidatorsUpdated(_totalNumberOfValidators, newTotalNumberOfValidators, epochNumber);
        _totalNumberOfValidators = newTotalNumberOfValidators;
        _epochNumber = epochNumber;
    }

    /// @inheritdoc IPufferOracle
    function setMintPrice(uint256 newPrice) external restricted {
        _setMintPrice(newPrice);
    }

    /// @inheritdoc IPufferOracle
    function provisionNode() external restricted {
        emit NumberOfActiveValidators(++_numberOfActivePufferValidators);
    }

    /// @inheritdoc IPufferOracle
    function exitValidators(uint256 numberOfExits) external restricted {
        _numberOfActivePufferValidators -= numberOfExits;
        emit NumberOfActiveValidators(_numberOfActivePufferValidators);
    }

    /// @inheritdoc IPufferOracle
    function getTotalNumberOfValidators() external view returns (uint256) {
        return _totalNumberOfValidators;
    }

    /// @inheritdoc IPufferOracle
    function getNumberOfActiveValidators() external view returns (uint256) {
        return _numberOfActivePufferValidators;
    }

    /// @inheritdoc IPufferOracle
    function getLockedEthAmount() external view returns (uint256) {
        return _numberOfActivePufferValidators * 32 ether;
    }

    /// @inheritdoc IPufferOracle
    /// @dev Whole percents, as Puffer has it: true from 23 % on. Divides by zero after a count of 0, as Puffer's does.
    function isOverBurstThreshold() external view returns (bool) {
        return _numberOfActivePufferValidators * 100 / _totalNumberOfValidators > BURST_THRESHOLD_PERCENT;
    }

    /// @inheritdoc IPufferOracle
    function getValidatorTicketPrice() external view returns (uint256) {
        return _validatorTicketPrice;
    }

    function _setMintPrice(uint256 newPrice) private {
        emit ValidatorTicketMintPriceUpdated(_validatorTicketPrice, newPrice);
        _validatorTicketPrice = newPrice;
    }
}
