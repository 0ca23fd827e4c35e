// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {DevnetModule} from "../src/devnet/DevnetModule.sol";
import {DevnetTickets} from "../src/devnet/DevnetTickets.sol";
import {DevnetVault} from "../src/devnet/DevnetVault.sol";
import {GuardianFees} from "../src/GuardianFees.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {
    IPufferProtocol,
    NodeInfo,
    Permit,
    Status,
    Validator,
    ValidatorKeyData
} from "../src/interfaces/IPufferProtocol.sol";
import {PufferFixture} from "./PufferFixture.sol";

/// @title Registrations, provisioning and skipping at the stand-in for PufferProtocol, and who is paid and let in
contract DevnetPufferTest is PufferFixture {
    function test_selectors_topics_and_errors_are_puffers() public pure {
        vm.assertTrue(IPufferProtocol.registerValidatorKey.selector == 0x48c1edf1, "registerValidatorKey");
        vm.assertTrue(IPufferProtocol.provisionNode.selector == 0x6821ea39, "provisionNode");
        vm.assertTrue(IPufferProtocol.skipProvisioning.selector == 0x63f27a0d, "skipProvisioning");
        vm.assertTrue(IPufferProtocol.batchHandleWithdrawals.selector == 0xe241ef8d, "batchHandleWithdrawals");
        vm.assertTrue(IPufferProtocol.getPayload.selector == 0xd2181645, "getPayload");
        vm.assertTrue(IPufferProtocol.InvalidValidatorState.selector == 0x3001591c, "InvalidValidatorState");
        vm.assertTrue(IPufferProtocol.ActiveOrPendingValidatorsExist.selector == 0x22242546, "ActiveOrPending");
        vm.assertTrue(IPufferProtocol.ValidatorLimitForModuleReached.selector == 0xb75c5781, "limit");
        vm.assertTrue(IPufferProtocol.InvalidBLSPubKey.selector == 0x7eef7967, "InvalidBLSPubKey");
        vm.assertTrue(IPufferProtocol.InvalidETHAmount.selector == 0x242b035c, "InvalidETHAmount");
        vm.assertTrue(IPufferProtocol.InvalidVTAmount.selector == 0x95c01f62, "InvalidVTAmount");
        vm.assertTrue(IPufferProtocol.ModuleAlreadyExists.selector == 0x2157f2d7, "ModuleAlreadyExists");
        vm.assertTrue(IPufferProtocol.Failed.selector == 0x625a40e6, "Failed");
        vm.assertEq(
            IPufferProtocol.ValidatorSkipped.selector,
            0x088dc5dc64f3e8df8da5140a284d3018a717d6b009e605513bb28a2b466d38ee,
            "ValidatorSkipped"
        );
        vm.assertEq(
            IPufferProtocol.NewPufferModuleCreated.selector,
            0x8ad2a9260a8e9a01d1ccd66b3875bcbdf8c4d0c552bc51a7d2125d4146e1d2d6,
            "NewPufferModuleCreated"
        );
        vm.assertEq(
            IPufferProtocol.ModuleWeightsChanged.selector,
            0xd4c9924bd67ff5bd900dc6b1e03b839c6ffa35386096b0c2a17c03638fa4ebff,
            "ModuleWeightsChanged"
        );
        vm.assertEq(
            IPufferProtocol.ValidatorTicketsWithdrawn.selector,
            0xdf7e884ecac11650e1285647b057fa733a7bb9f1da100e7a8c22aafe4bdf6f40,
            "ValidatorTicketsWithdrawn"
        );
        vm.assertEq(
            IPufferProtocol.MinimumVTAmountChanged.selector,
            0xc6f97db308054b44394df54aa17699adff6b9996e9cffb4dcbcb127e20b68abc,
            "MinimumVTAmountChanged"
        );
        vm.assertEq(
            IPufferProtocol.VTPenaltyChanged.selector,
            0xfceca97b5d1d1164f9a15e42f38eaf4a6e760d8505f06161a258d4bf21cc4ee7,
            "VTPenaltyChanged"
        );
    }

    function test_a_sale_of_tickets_pays_the_treasury_the_guardians_and_the_vault() public {
        uint256 before = address(vault).balance;
        vm.assertEq(tickets.purchaseValidatorTicket{value: 1 ether + 1}(OPERATOR), (1 ether + 1) * 100, "tickets");
        vm.assertEq(address(0x7e).balance, 0.05 ether, "5 % for the treasury");
        vm.assertEq(address(guardians).balance, 0.005 ether + 1, "0.5 % for the guardians, rounded up");
        vm.assertEq(address(vault).balance - before, 0.945 ether, "the rest for the holders of pufETH");
        guardians.splitGuardianFunds();
        vm.assertEq(guardians.owed(IERC20(address(0)), guardians.getGuardians()[0]), (0.005 ether + 1) / 3, "owed");
    }

    function test_a_guardian_that_takes_no_ether_blocks_neither_sales_nor_the_others() public {
        (address[] memory accounts, bytes[] memory enclaveKeys) = threeGuardians();
        // A contract without a way to take ether.
        accounts[0] = address(keys);
        vm.prank(GOVERNOR);
        guardians.setGuardians(accounts, enclaveKeys, 2);
        register(NAME, 0, 28);
        guardians.splitGuardianFunds();
        vm.prank(accounts[1]);
        guardians.collectFees(IERC20(address(0)), accounts[1]);
        vm.assertTrue(accounts[1].balance > 0, "another collects");
        vm.expectRevert(GuardianFees.TransferRefused.selector);
        vm.prank(accounts[0]);
        guardians.collectFees(IERC20(address(0)), accounts[0]);
        register(NAME, 1, 28);
    }

    function test_a_module_that_takes_no_ether_stops_every_sale() public {
        DevnetTickets other = new DevnetTickets(payable(address(keys)), payable(vault), payable(address(0x7e)), oracle);
        vm.expectRevert(DevnetTickets.FailedInnerCall.selector);
        other.purchaseValidatorTicket{value: 1 ether}(OPERATOR);
    }

    function test_a_registration_pays_a_bond_in_shares_and_tickets() public {
        vm.expectEmit(address(puffer));
        emit IPufferProtocol.ValidatorTicketsDeposited(OPERATOR, OPERATOR, 30 ether);
        vm.expectEmit(address(puffer));
        emit IPufferProtocol.ValidatorKeyRegistered(pubkeyOf(0), 0, NAME, false);
        register(NAME, 0, 30);
        Validator memory validator = puffer.getValidatorInfo(NAME, 0);
        vm.assertTrue(validator.status == Status.PENDING && validator.node == OPERATOR, "pending");
        // The sale of the tickets came first and raised what a share is worth.
        vm.assertTrue(validator.bond < 2 ether && validator.bond > 1.99 ether, "shares");
        vm.assertEq(vault.balanceOf(address(puffer)), validator.bond, "held");
        NodeInfo memory node = puffer.getNodeInfo(OPERATOR);
        vm.assertTrue(node.pendingValidatorCount == 1 && node.vtBalance == 30 ether, "operator");
        vm.assertEq(puffer.getPendingValidatorIndex(NAME), 1, "queue");
    }

    function test_a_registration_in_tokens_takes_them_and_no_ether_beside() public {
        tickets.purchaseValidatorTicket{value: 0.28 ether}(OPERATOR);
        vault.depositETH{value: 3 ether}(OPERATOR);
        vm.prank(OPERATOR);
        tickets.approve(address(puffer), 28 ether);
        vm.prank(OPERATOR);
        vault.approve(address(puffer), 3 ether);
        Permit memory days28 = Permit(0, 28 ether, 0, 0, 0);
        Permit memory bond = Permit(0, 2 ether, 0, 0, 0);
        ValidatorKeyData memory data = dataOf(0);
        vm.expectRevert(IPufferProtocol.InvalidETHAmount.selector);
        vm.prank(OPERATOR);
        puffer.registerValidatorKey{value: 1}(data, NAME, bond, days28);
        vm.prank(OPERATOR);
        puffer.registerValidatorKey(data, NAME, bond, days28);
        vm.assertEq(puffer.getValidatorInfo(NAME, 0).bond, vault.convertToSharesUp(2 ether), "bond");
        vm.assertEq(tickets.balanceOf(OPERATOR), 0, "tickets");
    }

    function test_what_has_the_wrong_length_or_is_not_paid_is_not_registered() public {
        ValidatorKeyData memory data = dataOf(0);
        expectNotRegistered(data, SECOND, 2.28 ether, IPufferProtocol.ValidatorLimitForModuleReached.selector);
        expectNotRegistered(data, NAME, 2.27 ether, IPufferProtocol.InvalidVTAmount.selector);
        data.blsPubKey = new bytes(47);
        expectNotRegistered(data, NAME, 2.28 ether, IPufferProtocol.InvalidBLSPubKey.selector);
        data = dataOf(0);
        data.blsEncryptedPrivKeyShares = new bytes[](2);
        expectNotRegistered(data, NAME, 2.28 ether, IPufferProtocol.InvalidBLSPrivateKeyShares.selector);
        data = dataOf(0);
        data.blsPubKeySet = new bytes(48);
        expectNotRegistered(data, NAME, 2.28 ether, IPufferProtocol.InvalidBLSPublicKeySet.selector);
        data = dataOf(0);
        vm.expectRevert(panic());
        vm.prank(OPERATOR);
        puffer.registerValidatorKey{value: 2 ether - 1}(data, NAME, none, none);
        // With an enclave, half of the bond is enough.
        data.raveEvidence = hex"01";
        vm.prank(OPERATOR);
        puffer.registerValidatorKey{value: 1.28 ether}(data, NAME, none, none);
    }

    function test_modules_take_turns_and_each_has_its_own_queue() public {
        vm.prank(ADMIN);
        puffer.createPufferModule(SECOND);
        vm.expectRevert(IPufferProtocol.ModuleAlreadyExists.selector);
        vm.prank(ADMIN);
        puffer.createPufferModule(SECOND);
        assertNext("NO_VALIDATORS", type(uint256).max);
        register(NAME, 0, 28);
        register(NAME, 1, 28);
        register(SECOND, 2, 28);
        assertNext(NAME, 0);
        provision(0, NAME);
        assertNext(SECOND, 0);
        // The signature for the module whose turn it is not.
        bytes[] memory early = by(provisioningOf(NAME, 1));
        bytes32 root = deposits.get_deposit_root();
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(PAYMASTER);
        puffer.provisionNode(early, depositSignature, root);
        provision(2, SECOND);
        assertNext(NAME, 1);
        bytes32[] memory weights = new bytes32[](1);
        weights[0] = SECOND;
        vm.prank(ADMIN);
        puffer.setModuleWeights(weights);
        assertNext("NO_VALIDATORS", type(uint256).max);
    }

    function test_a_provisioning_deposits_32_ether_with_the_modules_credentials() public {
        register(NAME, 0, 28);
        uint256 assets = vault.totalAssets();
        bytes32 before = deposits.get_deposit_root();
        provision(0, NAME);
        vm.assertEq(vault.totalAssets(), assets, "what is locked counts");
        vm.assertEq(oracle.getNumberOfActiveValidators(), 1, "oracle");
        vm.assertEq(address(deposits).balance, 32 ether, "deposited");
        vm.assertNotEq(deposits.get_deposit_root(), before, "root");
        NodeInfo memory node = puffer.getNodeInfo(OPERATOR);
        vm.assertTrue(node.activeValidatorCount == 1 && node.pendingValidatorCount == 0, "operator");
        // Somebody's deposit in between.
        register(NAME, 1, 28);
        bytes[] memory signatures = by(provisioningOf(NAME, 1));
        bytes32 seen = deposits.get_deposit_root();
        deposits.deposit(pubkeyOf(1), "", depositSignature, "");
        vm.expectRevert(IPufferProtocol.InvalidDepositRootHash.selector);
        vm.prank(PAYMASTER);
        puffer.provisionNode(signatures, depositSignature, seen);
    }

    /// @dev From a deposit on mainnet's beacon chain: what the deposit contract itself demands.
    function test_the_root_of_a_deposit_is_the_deposit_contracts() public view {
        bytes memory credentials = bytes.concat(bytes1(0x01), bytes11(0), bytes20(address(0x1234)));
        bytes32 root = puffer.getDepositDataRoot(new bytes(48), new bytes(96), credentials);
        bytes32 zeros = sha256(new bytes(64));
        bytes32 left = sha256(bytes.concat(zeros, credentials));
        bytes32 signed = sha256(bytes.concat(zeros, zeros));
        bytes memory amount = bytes.concat(hex"0040597307000000", bytes24(0));
        vm.assertEq(root, sha256(bytes.concat(left, sha256(bytes.concat(amount, signed)))), "root");
    }

    function test_a_skipped_validator_costs_ten_tickets_and_gives_the_bond_back() public {
        register(NAME, 0, 28);
        uint96 bond = puffer.getValidatorInfo(NAME, 0).bond;
        bytes[] memory signatures = by(guardians.hashSkipProvisioning(1, NAME, 0));
        vm.expectEmit(address(puffer));
        emit IPufferProtocol.ValidatorSkipped(pubkeyOf(0), 0, NAME);
        vm.prank(PAYMASTER);
        puffer.skipProvisioning(NAME, signatures);
        vm.assertEq(vault.balanceOf(OPERATOR), bond, "bond");
        vm.assertEq(puffer.getNodeInfo(OPERATOR).vtBalance, 18 ether, "tickets");
        vm.expectRevert(invalidState(Status.UNINITIALIZED));
        vm.prank(PAYMASTER);
        puffer.skipProvisioning(NAME, signatures);
        vm.prank(OPERATOR);
        puffer.withdrawValidatorTickets(18 ether, OPERATOR);
        vm.assertEq(tickets.balanceOf(OPERATOR), 18 ether, "withdrawn");
    }

    function test_tickets_are_given_and_stay_while_there_are_validators() public {
        register(NAME, 0, 28);
        tickets.purchaseValidatorTicket{value: 0.02 ether}(address(this));
        tickets.approve(address(puffer), 2 ether);
        puffer.depositValidatorTickets(Permit(0, 2 ether, 0, 0, 0), OPERATOR);
        vm.assertEq(puffer.getNodeInfo(OPERATOR).vtBalance, 30 ether, "given");
        vm.expectRevert(IPufferProtocol.ActiveOrPendingValidatorsExist.selector);
        vm.prank(OPERATOR);
        puffer.withdrawValidatorTickets(1, OPERATOR);
    }

    function test_what_is_restricted_needs_a_role() public {
        bytes[] memory nothing = new bytes[](0);
        bytes memory why = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        puffer.provisionNode(nothing, "", 0);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        puffer.skipProvisioning(NAME, nothing);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        puffer.batchHandleWithdrawals(new StoppedValidatorInfo[](0), nothing);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        puffer.createPufferModule(SECOND);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        vault.transferETH(STRANGER, 1);
        vm.expectRevert(DevnetVault.TransferFailed.selector);
        vm.prank(address(puffer));
        vault.transferETH(STRANGER, 501 ether);
        address module = puffer.getModuleAddress(NAME);
        vm.expectRevert(abi.encodeWithSelector(DevnetModule.NotProtocol.selector, STRANGER));
        vm.prank(STRANGER);
        DevnetModule(payable(module)).callStake("", "", 0);
        // A closed target is not refused for good: it says the same of everybody.
        vm.prank(ADMIN);
        manager.setTargetClosed(address(puffer), true);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, PAYMASTER));
        vm.prank(PAYMASTER);
        puffer.skipProvisioning(NAME, nothing);
    }

    function expectNotRegistered(ValidatorKeyData memory data, bytes32 name, uint256 value, bytes4 why) private {
        vm.expectRevert(why);
        vm.prank(OPERATOR);
        puffer.registerValidatorKey{value: value}(data, name, none, none);
    }

    function assertNext(bytes32 name, uint256 index) private view {
        (bytes32 nextName, uint256 nextIndex) = puffer.getNextValidatorToProvision();
        vm.assertTrue(nextName == name && nextIndex == index, "next");
    }
}
