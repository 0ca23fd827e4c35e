// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DevnetOracle} from "../src/devnet/DevnetOracle.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {IPufferOracle} from "../src/interfaces/IPufferOracle.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title The stand-in for PufferOracleV2, with the module that guardians sign for and with Puffer's roles
contract DevnetOracleTest is Fixture {
    uint64 private constant OPERATIONS_MULTISIG_ROLE = 22;
    uint64 private constant PROTOCOL_ROLE = 1234;
    address private constant MULTISIG = address(0x225);
    address private constant PROTOCOL = address(0x970);
    address private constant ADMIN = address(0xad);
    uint256 private constant COUNT = 1000;
    uint256 private constant EPOCH = 7;

    FrostGuardianModule private module;
    AccessManager private manager;
    DevnetOracle private oracle;

    function setUp() public override {
        super.setUp();
        module = new FrostGuardianModule(keys, registry, GOVERNOR);
        manager = new AccessManager(ADMIN);
        oracle = new DevnetOracle(address(module), payable(address(0x7a)), address(manager), COUNT, EPOCH);
        allow(IPufferOracle.setTotalNumberOfValidators.selector, OPERATIONS_MULTISIG_ROLE, MULTISIG);
        allow(IPufferOracle.provisionNode.selector, PROTOCOL_ROLE, PROTOCOL);
        allow(IPufferOracle.exitValidators.selector, PROTOCOL_ROLE, PROTOCOL);
    }

    function test_selectors_topics_and_slots_are_puffers() public {
        vm.assertTrue(IPufferOracle.setTotalNumberOfValidators.selector == 0xec7d3380, "setTotalNumberOfValidators");
        vm.assertTrue(IPufferOracle.setMintPrice.selector == 0xf4a0a528, "setMintPrice");
        vm.assertTrue(IPufferOracle.provisionNode.selector == 0x0f29b867, "provisionNode");
        vm.assertTrue(IPufferOracle.exitValidators.selector == 0x0ea8ecd8, "exitValidators");
        vm.assertTrue(IPufferOracle.isOverBurstThreshold.selector == 0xd3d982aa, "isOverBurstThreshold");
        vm.assertEq(
            IPufferOracle.ValidatorTicketMintPriceUpdated.selector,
            0xf76811fec27423d0853e6bf49d7ea78c666629c2f67e29647d689954021ae0ea,
            "ValidatorTicketMintPriceUpdated"
        );
        provision(3);
        uint256[5] memory expected = [uint256(uint160(address(manager))), 3, COUNT, EPOCH, 0.01 ether];
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(uint256(vm.load(address(oracle), bytes32(i))), expected[i], "slot");
        }
        vm.assertEq(oracle.GUARDIAN_MODULE(), address(module), "module");
        vm.assertEq(oracle.PUFFER_VAULT(), address(0x7a), "vault");
    }

    function test_a_signed_count_of_a_later_epoch_is_stored() public {
        bytes[] memory signatures = signed(SECRET, 1200, EPOCH + 1);
        vm.expectEmit(address(oracle));
        emit IPufferOracle.TotalNumberOfValidatorsUpdated(COUNT, 1200, EPOCH + 1);
        vm.prank(MULTISIG);
        oracle.setTotalNumberOfValidators(1200, EPOCH + 1, signatures);
        vm.assertEq(oracle.getTotalNumberOfValidators(), 1200, "count");
        vm.assertEq(uint256(vm.load(address(oracle), bytes32(uint256(3)))), EPOCH + 1, "slot 3 holds the epoch");
    }

    function test_an_epoch_that_does_not_rise_is_refused() public {
        for (uint256 epoch = EPOCH - 1; epoch <= EPOCH; ++epoch) {
            bytes[] memory signatures = signed(SECRET, 1200, epoch);
            vm.expectRevert(IPufferOracle.InvalidUpdate.selector);
            vm.prank(MULTISIG);
            oracle.setTotalNumberOfValidators(1200, epoch, signatures);
        }
    }

    function test_the_signature_must_be_the_guardians_over_this_count() public {
        bytes[] memory signatures = signed(NEXT_SECRET, 1200, EPOCH + 1);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(MULTISIG);
        oracle.setTotalNumberOfValidators(1200, EPOCH + 1, signatures);
        signatures = signed(SECRET, 1201, EPOCH + 1);
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        vm.prank(MULTISIG);
        oracle.setTotalNumberOfValidators(1200, EPOCH + 1, signatures);
    }

    function test_nobody_calls_without_the_role() public {
        bytes[] memory signatures = signed(SECRET, 1200, EPOCH + 1);
        expectUnauthorized(PROTOCOL);
        oracle.setTotalNumberOfValidators(1200, EPOCH + 1, signatures);
        expectUnauthorized(MULTISIG);
        oracle.provisionNode();
        expectUnauthorized(MULTISIG);
        oracle.exitValidators(0);
        expectUnauthorized(MULTISIG);
        oracle.setMintPrice(1);
        vm.expectEmit(address(oracle));
        emit IPufferOracle.ValidatorTicketMintPriceUpdated(0.01 ether, 0.002 ether);
        vm.prank(ADMIN);
        oracle.setMintPrice(0.002 ether);
        vm.assertEq(oracle.getValidatorTicketPrice(), 0.002 ether, "price");
    }

    function test_the_burst_threshold_is_crossed_at_23_percent() public {
        provision(229);
        vm.assertFalse(oracle.isOverBurstThreshold(), "22.9 %");
        vm.expectEmit(address(oracle));
        emit IPufferOracle.NumberOfActiveValidators(230);
        provision(1);
        vm.assertTrue(oracle.isOverBurstThreshold(), "23.0 %");
        vm.assertEq(oracle.getLockedEthAmount(), 230 * 32 ether, "locked");
        vm.expectEmit(address(oracle));
        emit IPufferOracle.NumberOfActiveValidators(228);
        vm.prank(PROTOCOL);
        oracle.exitValidators(2);
        vm.assertFalse(oracle.isOverBurstThreshold(), "22.8 %");
        vm.assertEq(oracle.getNumberOfActiveValidators(), 228, "active");
    }

    function provision(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            vm.prank(PROTOCOL);
            oracle.provisionNode();
        }
    }

    function signed(uint256 secret, uint256 count, uint256 epoch) private returns (bytes[] memory signatures) {
        Signature memory signature = FrostSigner.sign(secret, module.hashValidatorCount(1, count, epoch));
        signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(uint64(1), signature.rx, signature.ry, signature.z);
    }

    function allow(bytes4 selector, uint64 role, address account) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        vm.prank(ADMIN);
        manager.setTargetFunctionRole(address(oracle), selectors, role);
        vm.prank(ADMIN);
        manager.grantRole(role, account, 0);
    }

    function expectUnauthorized(address account) private {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, account));
        vm.prank(account);
    }
}
