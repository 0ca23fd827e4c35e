// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The guardians' fees
/// @notice Takes ether and tokens from whoever sends them (Puffer's ValidatorTicket sends a part of each sale, in ether or in
/// pufETH) and divides them equally among the guardians that are listed at that moment. Each guardian collects its own:
/// nobody is paid who does not ask, so that no guardian can stop the others' pay.
abstract contract GuardianFees {
    using SafeERC20 for IERC20;

    /// @dev Stands for ether where tokens are named.
    IERC20 private constant ETHER = IERC20(address(0));

    /// @notice What was divided and is not collected yet, of ether (token 0, wei) or a token (its smallest unit).
    mapping(IERC20 token => mapping(address guardian => uint256)) public owed;
    mapping(IERC20 token => uint256) private _owedInAll;

    /// @notice Fees were divided.
    /// @param token which; 0 for ether
    /// @param each what every listed guardian got, in wei or the token's smallest unit
    /// @param guardians among how many
    event FeesSplit(IERC20 indexed token, uint256 each, uint256 guardians);
    /// @notice A guardian collected its fees.
    /// @param token which; 0 for ether
    /// @param guardian whose they were
    /// @param to who got them
    /// @param amount in wei or the token's smallest unit
    event FeesCollected(IERC20 indexed token, address indexed guardian, address to, uint256 amount);

    /// @notice The ether was not taken.
    error TransferRefused();

    receive() external payable {}

    /// @notice Divides the ether that came since the last time. Anybody may call it.
    function splitGuardianFunds() external {
        splitFees(ETHER);
    }

    /// @notice Divides what came of a token since the last time; less than one smallest unit for each stays. Anybody may call it.
    /// @param token which; 0 for ether
    function splitFees(IERC20 token) public {
        address[] memory guardians = _listed();
        if (guardians.length == 0) return;
        uint256 balance = token == ETHER ? address(this).balance : token.balanceOf(address(this));
        uint256 divided = balance - _owedInAll[token];
        divided -= divided % guardians.length;
        if (divided == 0) return;
        _owedInAll[token] += divided;
        uint256 each = divided / guardians.length;
        for (uint256 i = 0; i < guardians.length; ++i) {
            owed[token][guardians[i]] += each;
        }
        emit FeesSplit(token, each, guardians.length);
    }

    /// @notice Pays the caller what it is owed. A guardian that is not listed any more keeps what it is owed.
    /// @param token which; 0 for ether
    /// @param to who gets it
    function collectFees(IERC20 token, address to) external {
        uint256 amount = owed[token][msg.sender];
        owed[token][msg.sender] = 0;
        _owedInAll[token] -= amount;
        emit FeesCollected(token, msg.sender, to, amount);
        if (token != ETHER) return token.safeTransfer(to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferRefused();
    }

    /// @dev Among whom fees are divided.
    function _listed() internal view virtual returns (address[] memory);
}
