// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @title PufferOracleV2, as guardians and their submitters call it
/// @notice The ABI of Puffer's contract with its access control; only the ABI is taken from there. It has no read of the
/// epoch of the last count: readers take storage slot 3.
interface IPufferOracle is IAccessManaged {
    /// @notice Puffer's own number of active validators changed.
    /// @param numberOfActivePufferValidators how many there are now
    event NumberOfActiveValidators(uint256 numberOfActivePufferValidators);
    /// @notice The guardians counted the network's validators.
    /// @param oldNumberOfValidators the last count
    /// @param newNumberOfValidators this one
    /// @param epochNumber beacon chain epoch in which they were counted
    event TotalNumberOfValidatorsUpdated(
        uint256 oldNumberOfValidators, uint256 newNumberOfValidators, uint256 epochNumber
    );
    /// @notice The price of a validator ticket changed.
    /// @param oldPrice wei
    /// @param newPrice wei
    event ValidatorTicketMintPriceUpdated(uint256 oldPrice, uint256 newPrice);

    /// @notice The epoch of a count does not exceed that of the last one.
    error InvalidUpdate();

    /// @notice Stores a count of the network's validators. Restricted.
    /// @param newTotalNumberOfValidators the count
    /// @param epochNumber beacon chain epoch in which they were counted; must exceed the last one's
    /// @param guardianEOASignatures what the guardian module wants to see
    function setTotalNumberOfValidators(
        uint256 newTotalNumberOfValidators,
        uint256 epochNumber,
        bytes[] calldata guardianEOASignatures
    ) external;

    /// @notice Sets the price of a validator ticket. Restricted.
    /// @param newPrice wei
    function setMintPrice(uint256 newPrice) external;

    /// @notice One of Puffer's validators got its deposit. Restricted.
    function provisionNode() external;

    /// @notice Some of Puffer's validators were settled. Restricted.
    /// @param numberOfExits how many
    function exitValidators(uint256 numberOfExits) external;

    /// @notice The last count of the network's validators.
    function getTotalNumberOfValidators() external view returns (uint256);

    /// @notice How many validators Puffer has.
    function getNumberOfActiveValidators() external view returns (uint256);

    /// @notice The stake of Puffer's validators: 32 ether each.
    /// @return wei
    function getLockedEthAmount() external view returns (uint256);

    /// @notice Whether Puffer has more than 22 of 100 validators, in whole percents.
    function isOverBurstThreshold() external view returns (bool);

    /// @notice The price of a validator ticket.
    /// @return wei
    function getValidatorTicketPrice() external view returns (uint256);

    /// @notice Whose signature a count needs.
    // forge-lint: disable-next-line(mixed-case-function)
    function GUARDIAN_MODULE() external view returns (address);

    /// @notice Puffer's vault.
    // forge-lint: disable-next-line(mixed-case-function)
    function PUFFER_VAULT() external view returns (address payable);
}
