// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Succession} from "./Succession.sol";

/// @title Who can stop the governor, and how that office changes hands
/// @notice The vetoer can veto keys and pause once. It hands over by itself at once; the governor replaces it after the delay,
/// in everybody's sight, so that neither a lost nor a hostile vetoer stays for ever.
abstract contract Vetoer is Succession {
    /// @notice The account that can veto and pause besides the governor; 0 for nobody.
    address public vetoer;

    /// @notice There is another vetoer.
    /// @param oldVetoer the old one
    /// @param newVetoer the new one
    event VetoerChanged(address oldVetoer, address newVetoer);
    /// @notice The vetoer can pause again.
    event VetoerArmed();

    /// @notice Neither the governor nor the vetoer.
    /// @param account who asked
    error NotGovernorOrVetoer(address account);
    /// @notice Not the vetoer.
    /// @param account who asked
    error NotVetoer(address account);

    constructor(address vetoer_) {
        vetoer = vetoer_;
    }

    /// @notice Says who is to be the vetoer after the delay.
    /// @param next who; may be 0
    function proposeVetoer(address next) external onlyOwner {
        _name(next);
    }

    /// @notice Makes the successor the vetoer, once the delay is over. Anybody may call it.
    function replaceVetoer() external {
        _setVetoer(_take());
    }

    /// @notice Hands the office over. For the vetoer.
    /// @param next who is the vetoer from now on; may be 0
    function handOverVeto(address next) external {
        if (msg.sender != vetoer) revert NotVetoer(msg.sender);
        _setVetoer(next);
    }

    /// @notice Lets the vetoer pause once more.
    function armVetoer() external onlyOwner {
        _armVetoer();
        emit VetoerArmed();
    }

    /// @dev A vetoer that hands over to itself must not get a second pause by that: only the governor arms.
    function _setVetoer(address next) private {
        emit VetoerChanged(vetoer, next);
        vetoer = next;
    }

    /// @dev Lets the vetoer pause once more.
    function _armVetoer() internal virtual;
}
