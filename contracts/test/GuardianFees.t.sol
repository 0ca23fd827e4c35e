// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianFees} from "../src/GuardianFees.sol";
import {ModuleFixture} from "./ModuleFixture.sol";

/// @dev Stands for pufETH.
contract Token is ERC20("Token", "TOK") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @title The fees of ticket sales
contract GuardianFeesTest is ModuleFixture {
    function test_fees_in_ether_are_shared_by_the_list_and_collected_by_each() public {
        vm.deal(address(this), 100);
        // As a sale of tickets sends it.
        (bool success,) = payable(address(module)).call{value: 100}("");
        vm.assertTrue(success, "taken");
        address[] memory guardians = module.getGuardians();
        vm.expectEmit(address(module));
        emit GuardianFees.FeesSplit(IERC20(address(0)), 33, 3);
        vm.prank(STRANGER);
        module.splitGuardianFunds();
        // The fees that are owed are not divided again; the rest of 1 is too little for three.
        module.splitGuardianFunds();
        vm.expectEmit(address(module));
        emit GuardianFees.FeesCollected(IERC20(address(0)), guardians[1], address(0xfee), 33);
        collect(guardians[1], IERC20(address(0)), address(0xfee));
        vm.assertEq(address(0xfee).balance, 33, "collected");
        collect(guardians[1], IERC20(address(0)), address(0xfee));
        collect(STRANGER, IERC20(address(0)), address(0xfee));
        vm.assertEq(address(0xfee).balance, 33, "once, and by guardians alone");
        // A guardian that cannot be paid stops nobody.
        vm.expectRevert(GuardianFees.TransferRefused.selector);
        collect(guardians[0], IERC20(address(0)), address(keys));
        collect(guardians[2], IERC20(address(0)), guardians[2]);
        vm.assertEq(guardians[2].balance, 33, "the third");
    }

    function test_fees_in_tokens_are_shared_too() public {
        Token token = new Token();
        token.mint(address(module), 10);
        address[] memory guardians = module.getGuardians();
        module.splitFees(token);
        vm.assertEq(module.owed(token, guardians[0]), 3, "owed");
        collect(guardians[0], token, STRANGER);
        vm.assertEq(token.balanceOf(STRANGER), 3, "collected");
        token.mint(address(module), 5);
        module.splitFees(token);
        vm.assertEq(module.owed(token, guardians[0]), 2, "the rest of 1 and 5 more");
        vm.assertEq(module.owed(token, guardians[1]), 5, "owed before");
    }

    function test_what_came_before_a_change_of_the_list_is_the_old_lists() public {
        vm.deal(address(module), 9);
        (address[] memory before, bytes[] memory enclaveKeys) = threeGuardians();
        address[] memory two = new address[](2);
        bytes[] memory twoKeys = new bytes[](2);
        (two[0], two[1]) = (before[2], STRANGER);
        (twoKeys[0], twoKeys[1]) = (enclaveKeys[2], enclaveKeys[0]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianRemoved(before[0]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianRemoved(before[1]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.GuardianAdded(STRANGER);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.ThresholdChanged(2, 1);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.RotatedGuardianKey(before[2], vm.createWallet(3).addr, enclaveKeys[2]);
        vm.expectEmit(address(module));
        emit FrostGuardianModule.RotatedGuardianKey(STRANGER, vm.createWallet(1).addr, enclaveKeys[0]);
        vm.prank(GOVERNOR);
        module.setGuardians(two, twoKeys, 1);
        vm.assertEq(module.owed(IERC20(address(0)), before[0]), 3, "one who left");
        vm.assertEq(module.owed(IERC20(address(0)), STRANGER), 0, "one who came");
        collect(before[0], IERC20(address(0)), before[0]);
        vm.assertEq(before[0].balance, 3, "one who left collects");
    }

    function collect(address guardian, IERC20 token, address to) private {
        vm.prank(guardian);
        module.collectFees(token, to);
    }
}
