// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {BeaconProof, ValidatorReader} from "../src/examples/BeaconProof.sol";
import {TestBase} from "./TestBase.sol";

/// @title Proofs made by the guardians' own software, against a root in the predeployed contract of EIP-4788
contract BeaconProofTest is TestBase {
    /// @dev The code that EIP-4788 specifies.
    bytes private constant PREDEPLOY =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500";
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    uint64 private constant TIME = 1_700_000_000;

    ValidatorReader private reader = new ValidatorReader();
    string private json;

    function setUp() public {
        json = vm.readFile("test/vectors/beacon_proofs.json");
        vm.warp(TIME);
        vm.etch(BeaconProof.BEACON_ROOTS, PREDEPLOY);
        vm.prank(SYSTEM);
        (bool success,) = BeaconProof.BEACON_ROOTS.call(abi.encode(vm.parseJsonBytes32(json, ".block_root")));
        vm.assertTrue(success, "the root is set as the protocol sets it");
    }

    function test_balances_and_records_are_proved() public view {
        uint256 count = 0;
        for (; vm.keyExistsJson(json, at(count, "")); ++count) {
            uint64 index = uint64(vm.parseJsonUint(json, at(count, ".index")));
            bytes32 chunk = vm.parseJsonBytes32(json, at(count, ".balance.leaf"));
            bytes memory siblings = vm.parseJsonBytes(json, at(count, ".balance.siblings"));
            uint64 balance = reader.balanceAt(TIME, index, chunk, siblings);
            vm.assertEq(uint256(balance), vm.parseJsonUint(json, at(count, ".gwei")), "balance");
            vm.assertEq(
                reader.FIRST_BALANCE() + index / 4, vm.parseJsonUint(json, at(count, ".balance.gindex")), "gindex"
            );
            bytes32 record = vm.parseJsonBytes32(json, at(count, ".validator.leaf"));
            siblings = vm.parseJsonBytes(json, at(count, ".validator.siblings"));
            vm.assertTrue(reader.isValidator(TIME, index, record, siblings), "record");
            vm.assertFalse(reader.isValidator(TIME, index + 1, record, siblings), "another index");
            vm.assertFalse(reader.isValidator(TIME, index, record ^ bytes32(uint256(1)), siblings), "another record");
        }
        vm.assertTrue(count >= 4, "vectors are missing");
    }

    function test_one_changed_byte_anywhere_proves_nothing(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        bytes32 chunk = vm.parseJsonBytes32(json, at(0, ".balance.leaf"));
        bytes memory siblings = vm.parseJsonBytes(json, at(0, ".balance.siblings"));
        uint64 index = uint64(vm.parseJsonUint(json, at(0, ".index")));
        place = bound(place, 0, siblings.length - 1);
        siblings[place] = bytes1(uint8(siblings[place]) ^ change);
        vm.expectRevert(ValidatorReader.WrongProof.selector);
        reader.balanceAt(TIME, index, chunk, siblings);
    }

    function test_a_proof_of_another_length_proves_nothing() public {
        bytes32 chunk = vm.parseJsonBytes32(json, at(0, ".balance.leaf"));
        bytes memory siblings = vm.parseJsonBytes(json, at(0, ".balance.siblings"));
        uint64 index = uint64(vm.parseJsonUint(json, at(0, ".index")));
        vm.expectRevert(ValidatorReader.WrongProof.selector);
        reader.balanceAt(TIME, index, chunk, abi.encodePacked(siblings, bytes32(0)));
        vm.expectRevert(ValidatorReader.WrongProof.selector);
        reader.balanceAt(TIME, index, chunk, "");
    }

    /// @dev inactivity_scores is field 21 of the state, balances is field 12: both lists have 2^38 chunks.
    function test_an_index_beyond_the_list_proves_nothing_of_another_field() public {
        uint64 index = 4 * (9 * (uint64(1) << 39)) + 7;
        uint256 gindex = ((((uint256(8 + 3) << 6) + 21) << 1) << 38) + 1;
        vm.assertEq(reader.FIRST_BALANCE() + index / 4, gindex, "the leaf is a score");
        vm.expectRevert(abi.encodeWithSelector(ValidatorReader.NoSuchValidator.selector, index));
        reader.balanceAt(TIME, index, 0, "");
        vm.expectRevert(abi.encodeWithSelector(ValidatorReader.NoSuchValidator.selector, 2 ** 40));
        reader.isValidator(TIME, 2 ** 40, 0, "");
        vm.assertFalse(reader.isValidator(TIME, 2 ** 40 - 1, 0, ""), "the last index is one");
    }

    function test_a_time_without_a_root_is_an_error() public {
        vm.expectRevert(abi.encodeWithSelector(BeaconProof.UnknownBeaconRoot.selector, TIME - 12));
        reader.balanceAt(TIME - 12, 0, 0, "");
    }

    function at(uint256 number, string memory key) private pure returns (string memory) {
        return string.concat(".proofs[", vm.toString(number), "]", key);
    }
}
