// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {IPufferProtocol, Status} from "../src/interfaces/IPufferProtocol.sol";
import {PufferFixture} from "./PufferFixture.sol";

/// @title Settlement at the stand-in for PufferProtocol, with all of Puffer's traps
contract DevnetSettlementTest is PufferFixture {
    function test_a_full_exit_gives_the_bond_back_and_burns_tickets_by_the_epoch() public {
        active(0, 40);
        uint96 bond = puffer.getValidatorInfo(NAME, 0).bond;
        vm.deal(puffer.getModuleAddress(NAME), 32.5 ether);
        uint256 assets = vault.totalAssets();
        StoppedValidatorInfo[] memory batch = batchOf(stopped(0, 6301, 32.5 ether));
        vm.expectEmit(address(puffer));
        emit IPufferProtocol.ValidatorExited(pubkeyOf(0), 0, NAME, 0, 6301 * 4_444_444_444_444_445);
        settle(batch);
        vm.assertEq(vault.balanceOf(OPERATOR), bond, "bond");
        vm.assertEq(vault.totalAssets(), assets, "what was locked is there");
        vm.assertEq(puffer.getModuleAddress(NAME).balance, 0.5 ether, "above 32 ether it is the operator's");
        vm.assertEq(oracle.getNumberOfActiveValidators(), 0, "oracle");
        vm.assertEq(puffer.getNodeInfo(OPERATOR).vtBalance, 40 ether - 6301 * 4_444_444_444_444_445, "tickets");
        expectNotSettled(batch, invalidState(Status.UNINITIALIZED));
    }

    function test_a_loss_is_burned_in_shares_of_the_rate_of_the_moment() public {
        active(0, 28);
        uint96 bond = puffer.getValidatorInfo(NAME, 0).bond;
        vm.deal(puffer.getModuleAddress(NAME), 31.5 ether);
        uint256 burned = vault.convertToSharesUp(0.5 ether);
        settle(batchOf(stopped(0, 1, 31.5 ether)));
        vm.assertEq(vault.balanceOf(OPERATOR), bond - burned, "the rest of the bond");
        vm.assertEq(puffer.getNodeInfo(OPERATOR).vtBalance, 0, "who leaves early pays 28 days");
    }

    function test_a_slashed_validator_loses_its_bond_whatever_came_back() public {
        active(0, 28);
        vm.deal(puffer.getModuleAddress(NAME), 16 ether);
        StoppedValidatorInfo memory info = stopped(0, 1, 16 ether);
        info.wasSlashed = true;
        settle(batchOf(info));
        vm.assertEq(vault.balanceOf(OPERATOR), 0, "bond");
    }

    function test_each_trap_reverts_the_whole_batch() public {
        active(0, 28);
        address module = puffer.getModuleAddress(NAME);
        vm.deal(module, 64 ether);
        // More is missing than the bond, which is shares: 30 ether are too little although the bond was 2.
        expectNotSettled(batchOf(stopped(0, 1, 29.9 ether)), panic());
        expectNotSettled(batchOf(stopped(0, 1, 30 ether)), panic());
        // Tickets: 29 days of 28; and 28 days, rounded up, of 28.
        expectNotSettled(batchOf(stopped(0, 29 * 225, 32 ether)), panic());
        expectNotSettled(batchOf(stopped(0, 28 * 225, 32 ether)), panic());
        StoppedValidatorInfo memory info = stopped(0, 1, 32 ether);
        (info.startEpoch, info.endEpoch) = (2, 1);
        expectNotSettled(batchOf(info), panic());
        // The ether is not there yet.
        vm.deal(module, 32 ether - 1);
        expectNotSettled(batchOf(stopped(0, 1, 32 ether)), abi.encodeWithSelector(IPufferProtocol.Failed.selector));
        // A module without code.
        info = stopped(0, 1, 32 ether);
        info.module = STRANGER;
        expectNotSettled(batchOf(info), "");
        // One twice, and one that was never provisioned.
        vm.deal(module, 64 ether);
        StoppedValidatorInfo[] memory twice = new StoppedValidatorInfo[](2);
        (twice[0], twice[1]) = (stopped(0, 1, 32 ether), stopped(0, 1, 32 ether));
        expectNotSettled(twice, invalidState(Status.UNINITIALIZED));
        register(NAME, 1, 28);
        expectNotSettled(batchOf(stopped(1, 1, 32 ether)), invalidState(Status.PENDING));
        settle(batchOf(stopped(0, 1, 32 ether)));
        // Nothing at all is settled, too.
        settle(new StoppedValidatorInfo[](0));
    }

    function test_another_modules_ether_pays_when_the_guardians_name_it() public {
        active(0, 28);
        vm.prank(ADMIN);
        address other = puffer.createPufferModule(SECOND);
        vm.deal(other, 32 ether);
        StoppedValidatorInfo memory info = stopped(0, 1, 32 ether);
        info.module = other;
        settle(batchOf(info));
        vm.assertEq(other.balance, 0, "the other's");
    }

    function test_the_order_inside_a_batch_decides() public {
        for (uint256 i = 0; i < 3; ++i) {
            active(i, 28);
        }
        vm.deal(puffer.getModuleAddress(NAME), 96 ether);
        StoppedValidatorInfo[] memory batch = new StoppedValidatorInfo[](3);
        // 84 tickets: 28 for each of the two that left early leave 28 for one that stayed for 30 days.
        (batch[0], batch[1]) = (stopped(0, 20 * 225, 32 ether), stopped(1, 20 * 225, 32 ether));
        batch[2] = stopped(2, 30 * 225, 32 ether);
        expectNotSettled(batch, panic());
        (batch[0], batch[2]) = (batch[2], batch[0]);
        settle(batch);
        vm.assertEq(puffer.getNodeInfo(OPERATOR).vtBalance, 0, "the last pays what is left");
    }

    function settle(StoppedValidatorInfo[] memory batch) private {
        bytes[] memory signatures = by(guardians.hashBatchWithdrawals(1, batch));
        vm.prank(PAYMASTER);
        puffer.batchHandleWithdrawals(batch, signatures);
    }

    function expectNotSettled(StoppedValidatorInfo[] memory batch, bytes memory why) private {
        bytes[] memory signatures = by(guardians.hashBatchWithdrawals(1, batch));
        vm.expectRevert(why);
        vm.prank(PAYMASTER);
        puffer.batchHandleWithdrawals(batch, signatures);
    }

    function stopped(uint256 index, uint256 epochs, uint256 amount) private view returns (StoppedValidatorInfo memory) {
        return StoppedValidatorInfo(puffer.getModuleAddress(NAME), 100, 100 + epochs, false, NAME, index, amount);
    }

    function batchOf(StoppedValidatorInfo memory info) private pure returns (StoppedValidatorInfo[] memory batch) {
        batch = new StoppedValidatorInfo[](1);
        batch[0] = info;
    }
}
