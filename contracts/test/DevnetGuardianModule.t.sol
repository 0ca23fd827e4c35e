// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {DevnetGuardianModule} from "../src/devnet/DevnetGuardianModule.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {TestBase} from "./TestBase.sol";

/// @title The stand-in for Puffer's own module: its digests, its list, and what is odd about both
contract DevnetGuardianModuleTest is TestBase {
    address private constant GOVERNOR = address(0x60);
    uint256 private constant COUNT = 1_012_345;
    uint256 private constant EPOCH = 400_000;
    uint256 private constant PANIC = 0x32;

    uint256[3] private secrets = [uint256(101), 102, 103];
    DevnetGuardianModule private deployed;
    DevnetGuardianModule private bounded;

    function setUp() public {
        address[] memory accounts = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            accounts[i] = vm.createWallet(secrets[i]).addr;
        }
        deployed = new DevnetGuardianModule(accounts, 2, GOVERNOR, false);
        bounded = new DevnetGuardianModule(accounts, 2, GOVERNOR, true);
    }

    /// The vectors that Rust and an independent generator have, too.
    function test_digests_are_those_of_the_vectors() public {
        string memory json = vm.readFile("test/vectors/legacy_digests.json");
        uint256 found = 0;
        for (uint256 i = 0; i < 4; ++i) {
            string memory at = string.concat("[", vm.toString(i), "]");
            if (!vm.keyExistsJson(json, string.concat(at, ".fields.numberOfValidators"))) continue;
            ++found;
            uint256 count = vm.parseJsonUint(json, string.concat(at, ".fields.numberOfValidators"));
            uint256 epoch = vm.parseJsonUint(json, string.concat(at, ".fields.epochNumber"));
            bytes32 digest = vm.parseJsonBytes32(json, string.concat(at, ".deployed"));
            deployed.validateTotalNumberOfValidators(count, epoch, list(digest, 3));
            vm.chainId(vm.parseJsonUint(json, string.concat(at, ".chainId")));
            address where = vm.parseJsonAddress(json, string.concat(at, ".module"));
            vm.etch(where, address(bounded).code);
            for (uint256 slot = 0; slot < 8; ++slot) {
                vm.store(where, bytes32(slot), vm.load(address(bounded), bytes32(slot)));
            }
            // The set's values lie at the hash of its slot.
            for (uint256 slot = 0; slot < 8; ++slot) {
                bytes32 values = keccak256(abi.encode(slot));
                for (uint256 k = 0; k < 3; ++k) {
                    bytes32 place = bytes32(uint256(values) + k);
                    vm.store(where, place, vm.load(address(bounded), place));
                }
            }
            digest = vm.parseJsonBytes32(json, string.concat(at, ".bound"));
            DevnetGuardianModule(where).validateTotalNumberOfValidators(count, epoch, list(digest, 3));
        }
        vm.assertEq(found, 1, "counts among the vectors");
    }

    function test_a_threshold_of_places_is_enough_and_others_may_be_empty() public {
        bytes[] memory signatures = list(countDigest(), 3);
        signatures[1] = "";
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
        signatures[2] = "";
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
    }

    function test_a_signature_counts_in_its_own_place_alone() public {
        bytes[] memory signatures = list(countDigest(), 3);
        (signatures[0], signatures[1], signatures[2]) = (signatures[1], signatures[0], "");
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
    }

    function test_a_list_must_have_all_places_and_may_have_more() public {
        bytes[] memory signatures = list(countDigest(), 2);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", PANIC));
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, list(countDigest(), 5));
    }

    function test_the_last_guardian_moves_to_the_place_of_one_that_is_removed() public {
        bytes[] memory signatures = list(countDigest(), 3);
        address last = deployed.getGuardians()[2];
        vm.prank(GOVERNOR);
        deployed.removeGuardian(vm.createWallet(secrets[0]).addr);
        vm.assertEq(deployed.getGuardians()[0], last, "its new place");
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
        signatures[0] = signatures[2];
        deployed.validateTotalNumberOfValidators(COUNT, EPOCH, signatures);
        vm.prank(GOVERNOR);
        vm.expectRevert(abi.encodeWithSelector(DevnetGuardianModule.InvalidThreshold.selector, 2));
        deployed.removeGuardian(last);
    }

    function test_nobody_is_not_listed() public {
        vm.prank(GOVERNOR);
        vm.expectRevert(DevnetGuardianModule.InvalidAddress.selector);
        deployed.addGuardian(address(0));
    }

    function test_on_puffers_module_one_signature_counts_for_two_messages() public view {
        bytes[] memory signatures = list(countDigest(), 3);
        deployed.validateSkipProvisioning(bytes32(COUNT), EPOCH, signatures);
    }

    function test_the_bound_module_takes_nothing_of_another_module_or_chain() public {
        bytes32 mine = personal(keccak256(abi.encode(address(bounded), block.chainid, COUNT, EPOCH)));
        bounded.validateTotalNumberOfValidators(COUNT, EPOCH, list(mine, 3));
        bytes[] memory unbound = list(countDigest(), 3);
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        bounded.validateTotalNumberOfValidators(COUNT, EPOCH, unbound);
        vm.chainId(5);
        bytes[] memory other = list(mine, 3);
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        bounded.validateTotalNumberOfValidators(COUNT, EPOCH, other);
    }

    function test_settlements_are_signed_as_one_list() public {
        StoppedValidatorInfo[] memory infos = new StoppedValidatorInfo[](2);
        infos[0] = StoppedValidatorInfo(address(7), 1, 2, false, "PUFFER_MODULE_0", 0, 32 ether);
        infos[1] = StoppedValidatorInfo(address(7), 1, 3, true, "PUFFER_MODULE_0", 1, 16 ether);
        bytes[] memory signatures = list(personal(keccak256(abi.encode(infos))), 3);
        deployed.validateBatchWithdrawals(infos, signatures);
        (infos[0], infos[1]) = (infos[1], infos[0]);
        vm.expectRevert(DevnetGuardianModule.Unauthorized.selector);
        deployed.validateBatchWithdrawals(infos, signatures);
    }

    function countDigest() private pure returns (bytes32) {
        return personal(keccak256(abi.encode(COUNT, EPOCH)));
    }

    function personal(bytes32 hash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash));
    }

    /// @dev Signatures of the guardians in their places, as many as `places`; empty beyond them.
    function list(bytes32 digest, uint256 places) private view returns (bytes[] memory signatures) {
        signatures = new bytes[](places);
        for (uint256 i = 0; i < places && i < 3; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(secrets[i], digest);
            signatures[i] = abi.encodePacked(r, s, v);
        }
    }
}
