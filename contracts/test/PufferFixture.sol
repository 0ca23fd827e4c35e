// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {DevnetDeposit} from "../src/devnet/DevnetDeposit.sol";
import {DevnetOracle} from "../src/devnet/DevnetOracle.sol";
import {DevnetPuffer} from "../src/devnet/DevnetPuffer.sol";
import {DevnetTickets} from "../src/devnet/DevnetTickets.sol";
import {DevnetVault} from "../src/devnet/DevnetVault.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {IPufferOracle} from "../src/interfaces/IPufferOracle.sol";
import {IPufferProtocol, Permit, Status, ValidatorKeyData} from "../src/interfaces/IPufferProtocol.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Fixture} from "./Fixture.sol";

/// @title The stand-in for PufferProtocol, with vault, tickets, oracle, roles, and the module that guardians sign for
abstract contract PufferFixture is Fixture {
    uint64 private constant PAYMASTER_ROLE = 23;
    uint64 private constant PROTOCOL_ROLE = 1234;
    address internal constant PAYMASTER = address(0xba1d);
    address internal constant OPERATOR = address(0x0be);
    address internal constant ADMIN = address(0xad);
    bytes32 internal constant NAME = "PUFFER_MODULE_0";
    bytes32 internal constant SECOND = "PUFFER_MODULE_1";
    uint256 private constant PANIC = 0x11;
    /// @dev What a day costs.
    uint256 private constant PRICE = 0.01 ether;

    AccessManager internal manager;
    FrostGuardianModule internal guardians;
    DevnetVault internal vault;
    DevnetTickets internal tickets;
    DevnetOracle internal oracle;
    DevnetDeposit internal deposits;
    DevnetPuffer internal puffer;
    bytes internal depositSignature = abi.encodePacked(keccak256("a"), keccak256("b"), keccak256("c"));
    Permit internal none;

    function setUp() public virtual override {
        super.setUp();
        manager = new AccessManager(ADMIN);
        guardians = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        vault = new DevnetVault(address(manager));
        oracle = new DevnetOracle(address(guardians), payable(vault), address(manager), 1000, 7);
        tickets = new DevnetTickets(payable(guardians), payable(vault), payable(address(0x7e)), oracle);
        deposits = new DevnetDeposit();
        puffer = new DevnetPuffer(guardians, vault, tickets, deposits, oracle, address(manager));
        vm.prank(GOVERNOR);
        guardians.setCallers(address(puffer), address(oracle));
        (address[] memory accounts, bytes[] memory enclaveKeys) = threeGuardians();
        vm.prank(GOVERNOR);
        guardians.setGuardians(accounts, enclaveKeys, 2);
        vm.prank(ADMIN);
        vault.connect(oracle);
        allow(address(oracle), IPufferOracle.provisionNode.selector, PROTOCOL_ROLE, address(puffer));
        allow(address(oracle), IPufferOracle.exitValidators.selector, PROTOCOL_ROLE, address(puffer));
        allow(address(vault), DevnetVault.transferETH.selector, PROTOCOL_ROLE, address(puffer));
        allow(address(puffer), IPufferProtocol.provisionNode.selector, PAYMASTER_ROLE, PAYMASTER);
        allow(address(puffer), IPufferProtocol.skipProvisioning.selector, PAYMASTER_ROLE, PAYMASTER);
        allow(address(puffer), IPufferProtocol.batchHandleWithdrawals.selector, PAYMASTER_ROLE, PAYMASTER);
        vm.prank(ADMIN);
        puffer.createPufferModule(NAME);
        vm.deal(address(this), 1_000 ether);
        vault.depositETH{value: 500 ether}(address(this));
        vm.deal(OPERATOR, 100 ether);
    }

    function active(uint256 number, uint256 ticketDays) internal {
        register(NAME, number, ticketDays);
        provision(number, NAME);
    }

    function register(bytes32 name, uint256 number, uint256 ticketDays) internal {
        ValidatorKeyData memory data = dataOf(number);
        vm.prank(OPERATOR);
        puffer.registerValidatorKey{value: 2 ether + ticketDays * PRICE}(data, name, none, none);
    }

    /// @dev The validator whose turn it is; its key is that of the number.
    function provision(uint256 number, bytes32 name) internal {
        bytes[] memory signatures = by(provisioningOf(name, number));
        bytes32 root = deposits.get_deposit_root();
        uint256 index = puffer.getNextValidatorToBeProvisionedIndex(name);
        vm.expectEmit(address(puffer));
        emit IPufferProtocol.SuccessfullyProvisioned(pubkeyOf(number), index, name);
        vm.prank(PAYMASTER);
        puffer.provisionNode(signatures, depositSignature, root);
    }

    function provisioningOf(bytes32 name, uint256 number) internal view returns (bytes32) {
        bytes memory credentials = puffer.getWithdrawalCredentials(puffer.getModuleAddress(name));
        bytes32 root = puffer.getDepositDataRoot(pubkeyOf(number), depositSignature, credentials);
        uint256 index = puffer.getNextValidatorToBeProvisionedIndex(name);
        return guardians.hashProvisioning(1, index, pubkeyOf(number), depositSignature, credentials, root);
    }

    function by(bytes32 digest) internal returns (bytes[] memory signatures) {
        Signature memory signature = FrostSigner.sign(SECRET, digest);
        signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(uint64(1), signature.rx, signature.ry, signature.z);
    }

    function dataOf(uint256 number) internal view returns (ValidatorKeyData memory) {
        return ValidatorKeyData(pubkeyOf(number), depositSignature, 0, new bytes[](3), new bytes(96), "");
    }

    function invalidState(Status status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPufferProtocol.InvalidValidatorState.selector, status);
    }

    function panic() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("Panic(uint256)", PANIC);
    }

    function threeGuardians() internal returns (address[] memory accounts, bytes[] memory enclaveKeys) {
        accounts = new address[](3);
        enclaveKeys = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            accounts[i] = vm.createWallet(100 + i).addr;
            (uint256 x, uint256 y) = FrostSigner.multiplyBase(i + 1);
            enclaveKeys[i] = abi.encodePacked(bytes1(0x04), x, y);
        }
    }

    function allow(address target, bytes4 selector, uint64 role, address account) internal {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        vm.prank(ADMIN);
        manager.setTargetFunctionRole(target, selectors, role);
        vm.prank(ADMIN);
        manager.grantRole(role, account, 0);
    }
}
