// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Governed} from "./Governed.sol";

/// @title What the governor says about reports of reserves
/// @notice It sets what guardians count, and when a report is due. It cannot make a report or change one.
abstract contract ReservePolicy is Governed {
    /// @notice What guardians count besides validators.
    /// @param vaults accounts whose ether counts as vaults
    /// @param pods accounts whose ether counts as pods
    /// @param liabilityToken the token, an ERC-4626 vault's share of 18 decimals, of which all is owed; 0 for none
    struct Sources {
        address[] vaults;
        address[] pods;
        address liabilityToken;
    }

    /// @notice Most vaults, and most pods, that can be listed.
    uint256 public constant MAX_ACCOUNTS = 64;
    /// @notice Epochs from a reference slot until its report can be on chain: two or three until it is final, and some time.
    uint64 public constant MARGIN_EPOCHS = 4;

    /// @notice Decimals of the token of which all is owed.
    uint8 public constant TOKEN_DECIMALS = 18;

    /// @notice Slots in an epoch.
    uint64 public immutable slotsPerEpoch;
    /// @notice Seconds after its reference slot at which a report is stale.
    uint64 public immutable heartbeat;
    uint64 private immutable _secondsPerEpoch;

    /// @notice Epochs between two reports.
    uint64 public reportPeriodEpochs;
    /// @notice Change of assets or liabilities since the last report, in 1/10,000, with which a report is due between the
    /// periods; 0 if none is. For guardians to read: any report that they sign is accepted at any time.
    uint16 public deviationBps;
    /// @notice Rises with each change of the sources. Guardians sign it, so that what was counted before a change does not
    /// count after it.
    uint24 public sourcesVersion;
    Sources private _sources;

    /// @notice The governor changed what guardians count.
    /// @param sources all of it
    /// @param version {sourcesVersion} from now on
    event SourcesChanged(Sources sources, uint256 version);
    /// @notice The governor changed the period.
    /// @param oldPeriod epochs
    /// @param newPeriod epochs
    event ReportPeriodChanged(uint64 oldPeriod, uint64 newPeriod);
    /// @notice The governor changed with which deviation a report is due.
    /// @param oldBps 1/10,000
    /// @param newBps 1/10,000
    event DeviationChanged(uint16 oldBps, uint16 newBps);

    /// @notice The period must be at least one epoch, and shorter than the heartbeat by {MARGIN_EPOCHS}.
    /// @param period epochs
    error InvalidReportPeriod(uint64 period);
    /// @notice More than {MAX_ACCOUNTS} accounts.
    /// @param count number of accounts
    error TooManyAccounts(uint256 count);
    /// @notice The zero address, or one that is listed twice.
    /// @param account the address
    error InvalidAccount(address account);
    /// @notice The token is no ERC-4626 vault's share of {TOKEN_DECIMALS} decimals: what is owed could not be read, or would be read
    /// in another unit.
    /// @param token its address
    error NotLiabilityToken(address token);

    constructor(uint64 slotsPerEpoch_, uint64 secondsPerSlot_, uint64 heartbeat_) {
        slotsPerEpoch = slotsPerEpoch_;
        _secondsPerEpoch = slotsPerEpoch_ * secondsPerSlot_;
        heartbeat = heartbeat_;
    }

    /// @notice Sets what guardians count besides validators.
    /// @param newSources vaults and pods, none zero, none twice; the token may be 0
    function setSources(Sources calldata newSources) external onlyOwner {
        _setSources(newSources);
        _stampVersion(sourcesVersion);
    }

    /// @notice Sets how often reports are due.
    /// @param newPeriod epochs; at least 1, and shorter than the heartbeat by {MARGIN_EPOCHS}
    function setReportPeriod(uint64 newPeriod) external onlyOwner {
        _setReportPeriod(newPeriod);
    }

    /// @notice Sets with which change a report is due between the periods.
    /// @param newBps 1/10,000 of the last report; 0 for none
    function setDeviation(uint16 newBps) external onlyOwner {
        emit DeviationChanged(deviationBps, newBps);
        deviationBps = newBps;
    }

    /// @notice What guardians count besides validators.
    /// @return all of it
    function getSources() external view returns (Sources memory) {
        return _sources;
    }

    /// @dev Notes the version where the next report is compared with it.
    function _stampVersion(uint256 version) internal virtual;

    function _setReportPeriod(uint64 newPeriod) internal {
        // Else the feed would be stale between any two reports, from the heartbeat of the one until the other is there.
        uint256 epochs = uint256(newPeriod) + MARGIN_EPOCHS;
        if (newPeriod == 0 || epochs * _secondsPerEpoch > heartbeat) revert InvalidReportPeriod(newPeriod);
        emit ReportPeriodChanged(reportPeriodEpochs, newPeriod);
        reportPeriodEpochs = newPeriod;
    }

    function _setSources(Sources memory newSources) internal {
        _requireAccounts(newSources.vaults);
        _requireAccounts(newSources.pods);
        for (uint256 i = 0; i < newSources.pods.length; ++i) {
            _requireAbsent(newSources.vaults, newSources.vaults.length, newSources.pods[i]);
        }
        if (newSources.liabilityToken != address(0)) _requireToken(newSources.liabilityToken);
        _sources = newSources;
        emit SourcesChanged(newSources, ++sourcesVersion);
    }

    function _requireAccounts(address[] memory accounts) private pure {
        if (accounts.length > MAX_ACCOUNTS) revert TooManyAccounts(accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == address(0)) revert InvalidAccount(address(0));
            _requireAbsent(accounts, i, accounts[i]);
        }
    }

    /// @dev The calls are made as guardians will make them.
    function _requireToken(address token) private view {
        (bool known, bytes memory decimals) = token.staticcall(abi.encodeCall(IERC20Metadata.decimals, ()));
        (bool worth, bytes memory assets) = token.staticcall(abi.encodeCall(IERC4626.convertToAssets, (1 ether)));
        bool right = known && worth && decimals.length == 32 && assets.length == 32;
        if (!right || abi.decode(decimals, (uint256)) != TOKEN_DECIMALS) revert NotLiabilityToken(token);
    }

    function _requireAbsent(address[] memory accounts, uint256 length, address account) private pure {
        for (uint256 i = 0; i < length; ++i) {
            if (accounts[i] == account) revert InvalidAccount(account);
        }
    }
}
