// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Governed} from "./Governed.sol";

/// @title What the governor says about reports of reserves
/// @notice It sets what guardians count and how often; it confirms a report that differs too much from the last one. It
/// cannot make a report, change one, or loosen the limit.
abstract contract ReservePolicy is Governed {
    /// @notice What guardians count besides validators.
    /// @param vaults accounts whose ether counts as vaults
    /// @param pods accounts whose ether counts as pods
    /// @param liabilityToken the token whose supply is the liabilities; 0 for none
    struct Sources {
        address[] vaults;
        address[] pods;
        address liabilityToken;
    }

    /// @notice Most vaults, and most pods, that can be listed.
    uint256 public constant MAX_ACCOUNTS = 64;
    uint256 private constant BPS = 10_000;

    /// @notice Slots in an epoch.
    uint64 public immutable slotsPerEpoch;
    /// @notice Seconds after its reference slot at which a report is stale. Reports are due every
    /// {reportPeriodEpochs}, and not when the value deviates.
    uint64 public immutable heartbeat;
    /// @notice Largest change of assets, and of liabilities, between two reports, in 1/10,000.
    uint16 public immutable maxChangeBps;
    uint64 private immutable _secondsPerEpoch;

    /// @notice Epochs between two reports.
    uint64 public reportPeriodEpochs;
    /// @notice Digest of the report that may change more; 0 for none.
    bytes32 public confirmedReport;
    Sources private _sources;

    /// @notice The governor changed what guardians count.
    /// @param sources all of it
    event SourcesChanged(Sources sources);
    /// @notice The governor changed the period.
    /// @param oldPeriod epochs
    /// @param newPeriod epochs
    event ReportPeriodChanged(uint64 oldPeriod, uint64 newPeriod);
    /// @notice The governor lets a report pass whatever it changes.
    /// @param digest what the guardians sign for it
    event ReportConfirmed(bytes32 digest);

    /// @notice The period must be at least one epoch and not longer than the heartbeat.
    /// @param period epochs
    error InvalidReportPeriod(uint64 period);
    /// @notice The limit of change must be above 0 and not above 10,000.
    /// @param bps the limit
    error InvalidMaxChange(uint16 bps);
    /// @notice The report differs too much from the last one. The governor can confirm it.
    /// @param last gwei in the last report
    /// @param next gwei in this one
    /// @param digest what {confirmReport} takes
    error ChangeTooLarge(uint256 last, uint256 next, bytes32 digest);
    /// @notice More than {MAX_ACCOUNTS} accounts.
    /// @param count number of accounts
    error TooManyAccounts(uint256 count);
    /// @notice The zero address, or one that is listed twice.
    /// @param account the address
    error InvalidAccount(address account);

    constructor(uint64 slotsPerEpoch_, uint64 secondsPerSlot_, uint64 heartbeat_, uint16 maxChangeBps_) {
        if (maxChangeBps_ == 0 || maxChangeBps_ > BPS) revert InvalidMaxChange(maxChangeBps_);
        slotsPerEpoch = slotsPerEpoch_;
        _secondsPerEpoch = slotsPerEpoch_ * secondsPerSlot_;
        heartbeat = heartbeat_;
        maxChangeBps = maxChangeBps_;
    }

    /// @notice Sets what guardians count besides validators.
    /// @param newSources vaults and pods, none zero, none twice; the token may be 0
    function setSources(Sources calldata newSources) external onlyOwner {
        _setSources(newSources);
    }

    /// @notice Sets how often reports are due.
    /// @param newPeriod epochs; at least 1, and not longer than the heartbeat
    function setReportPeriod(uint64 newPeriod) external onlyOwner {
        _setReportPeriod(newPeriod);
    }

    /// @notice Lets a report pass whatever it changes. It still needs the guardians' signature, and counts while its
    /// reference slot does.
    /// @param digest what the guardians sign for it, or 0 to take a confirmation back
    function confirmReport(bytes32 digest) external onlyOwner {
        confirmedReport = digest;
        emit ReportConfirmed(digest);
    }

    /// @notice What guardians count besides validators.
    /// @return all of it
    function getSources() external view returns (Sources memory) {
        return _sources;
    }

    function _requireChange(uint256 last, uint256 next, bytes32 digest) internal view {
        // Amounts have 58 bits: nothing overflows. From 0 there is no proportion.
        unchecked {
            uint256 change = last > next ? last - next : next - last;
            if (last == 0 || change * BPS <= last * maxChangeBps) return;
        }
        if (confirmedReport != digest) revert ChangeTooLarge(last, next, digest);
    }

    function _setReportPeriod(uint64 newPeriod) internal {
        // Reports due less often than the heartbeat would leave the feed stale between any two of them.
        if (newPeriod == 0 || uint256(newPeriod) * _secondsPerEpoch > heartbeat) revert InvalidReportPeriod(newPeriod);
        emit ReportPeriodChanged(reportPeriodEpochs, newPeriod);
        reportPeriodEpochs = newPeriod;
    }

    function _setSources(Sources memory newSources) internal {
        _requireAccounts(newSources.vaults);
        _requireAccounts(newSources.pods);
        for (uint256 i = 0; i < newSources.pods.length; ++i) {
            _requireAbsent(newSources.vaults, newSources.vaults.length, newSources.pods[i]);
        }
        _sources = newSources;
        emit SourcesChanged(newSources);
    }

    function _requireAccounts(address[] memory accounts) private pure {
        if (accounts.length > MAX_ACCOUNTS) revert TooManyAccounts(accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == address(0)) revert InvalidAccount(address(0));
            _requireAbsent(accounts, i, accounts[i]);
        }
    }

    function _requireAbsent(address[] memory accounts, uint256 length, address account) private pure {
        for (uint256 i = 0; i < length; ++i) {
            if (accounts[i] == account) revert InvalidAccount(account);
        }
    }
}
