// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FrostVerifier, Signature} from "../src/FrostVerifier.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {TestBase} from "./TestBase.sol";

/// @title The verifier by itself
contract FrostVerifierTest is TestBase {
    uint256 private constant P = FrostSigner.P;
    uint256 private constant N = FrostSigner.N;
    uint256 private constant SECRET = 0x5eed;
    bytes32 private constant MESSAGE = keccak256("message");
    address private constant ECRECOVER = address(1);
    address private constant SHA256 = address(2);

    uint256 private px;
    uint256 private py;
    Signature private good;

    function setUp() public {
        (px, py) = FrostSigner.multiplyBase(SECRET);
        good = FrostSigner.sign(SECRET, MESSAGE);
    }

    function test_every_shared_vector_has_the_verdict_written_beside_it() public view {
        string memory json = vm.readFile("test/vectors/frost_signatures.json");
        uint256 count = 0;
        while (true) {
            string memory at = string.concat("$[", vm.toString(count), "]");
            if (!vm.keyExistsJson(json, at)) break;
            bool valid = verifyVector(json, at);
            string memory name = vm.parseJsonString(json, string.concat(at, ".name"));
            vm.assertTrue(valid == vm.parseJsonBool(json, string.concat(at, ".valid")), name);
            count++;
        }
        vm.assertTrue(count > 60, "vectors are missing");
    }

    /// @dev The only key checks are at registration, so that a vector is accepted if both checks pass.
    function verifyVector(string memory json, string memory at) private view returns (bool) {
        uint256 keyX = uint256(vm.parseJsonBytes32(json, string.concat(at, ".px")));
        uint256 keyY = uint256(vm.parseJsonBytes32(json, string.concat(at, ".py")));
        Signature memory signature = Signature({
            rx: uint256(vm.parseJsonBytes32(json, string.concat(at, ".rx"))),
            ry: uint256(vm.parseJsonBytes32(json, string.concat(at, ".ry"))),
            z: uint256(vm.parseJsonBytes32(json, string.concat(at, ".z")))
        });
        bytes32 message = vm.parseJsonBytes32(json, string.concat(at, ".message"));
        return FrostVerifier.isValidPublicKey(keyX, keyY) && verify(keyX, keyY, signature, message);
    }

    function testFuzz_accepts_what_any_key_signs(uint256 secret, uint256 nonce, bytes32 message) public {
        secret = bound(secret, 1, N - 1);
        (uint256 x, uint256 y) = FrostSigner.multiplyBase(secret);
        Signature memory signature = FrostSigner.signWithNonce(secret, message, bound(nonce, 1, N - 1));
        vm.assertTrue(FrostVerifier.isValidPublicKey(x, y), "key");
        vm.assertTrue(verify(x, y, signature, message), "signature");
    }

    function testFuzz_refuses_any_other_value_in_any_field(uint256 value, uint256 field) public view {
        Signature memory signature = good;
        (uint256 x, uint256 y, bytes32 message) = (px, py, MESSAGE);
        field = field % 6;
        uint256 before = [signature.rx, signature.ry, signature.z, x, y & 1, uint256(message)][field];
        vm.assume(value != before);
        if (field == 0) signature.rx = value;
        if (field == 1) signature.ry = value;
        if (field == 2) signature.z = value;
        if (field == 3) x = value;
        if (field == 4) y = 1 - before;
        if (field == 5) message = bytes32(value);
        vm.assertFalse(verify(x, y, signature, message), "a changed field was accepted");
    }

    function testFuzz_refuses_a_flipped_bit_in_any_field(uint8 bit, uint256 field) public view {
        uint256[5] memory words = [good.rx, good.ry, good.z, px, uint256(MESSAGE)];
        words[field % 5] ^= uint256(1) << bit;
        bool valid = verify(words[3], py, Signature(words[0], words[1], words[2]), bytes32(words[4]));
        vm.assertFalse(valid, "a flipped bit was accepted");
    }

    function testFuzz_random_words_are_no_signature(uint256[6] calldata words) public view {
        Signature memory signature = Signature(words[2], words[3], words[4]);
        bool valid = verify(words[0], words[1], signature, bytes32(words[5]));
        vm.assertFalse(valid, "random words were accepted");
    }

    function testFuzz_the_curve_equation_decides_for_any_challenge(bytes32 hash, uint256 z) public {
        // With the hash replaced, a signature can be made for a chosen response: the equation alone is tested.
        vm.assume(hash != 0);
        vm.mockCall(SHA256, "", abi.encode(hash));
        z = bound(z, 1, N - 1);
        Signature memory signature = signatureWithResponse(z, hash);
        vm.assertTrue(verify(px, py, signature, MESSAGE), "signature under a replaced hash");
        vm.clearMockedCalls();
        vm.assertFalse(verify(px, py, signature, MESSAGE), "signature under the real hash");
    }

    function test_a_response_has_one_spelling() public {
        bytes32 hash = keccak256("hash");
        vm.mockCall(SHA256, "", abi.encode(hash));
        // Small enough that z + N is below 2^256.
        Signature memory signature = signatureWithResponse(7, hash);
        vm.assertTrue(verify(px, py, signature, MESSAGE), "z");
        signature.z += N;
        vm.assertFalse(verify(px, py, signature, MESSAGE), "z + N");
    }

    function test_a_response_of_zero_is_refused_even_where_the_equation_holds() public {
        bytes32 hash = keccak256("hash");
        vm.mockCall(SHA256, "", abi.encode(hash));
        vm.assertFalse(verify(px, py, signatureWithResponse(0, hash), MESSAGE), "z = 0");
    }

    function test_a_challenge_of_zero_is_refused() public {
        vm.mockCall(SHA256, "", abi.encode(bytes32(0)));
        // e = 0 leaves R = z*G, which anybody can make.
        (uint256 rx, uint256 ry) = FrostSigner.multiplyBase(5);
        vm.assertFalse(verify(px, py, Signature(rx, ry, 5), MESSAGE), "e = 0");
    }

    function test_memory_left_by_an_ecrecover_that_returned_nothing_is_not_an_answer() public {
        // The word that ecrecover would overwrite then holds b1: make it the very address that is expected.
        address expected = address(uint160(uint256(keccak256(abi.encode(good.rx, P - good.ry)))));
        vm.mockCall(SHA256, "", abi.encode(expected));
        vm.mockCall(ECRECOVER, "", "");
        vm.assertFalse(verify(px, py, good, MESSAGE), "empty return data");
        vm.mockCall(ECRECOVER, "", abi.encode(expected));
        vm.assertTrue(verify(px, py, good, MESSAGE), "the mock does not reach the verifier");
    }

    function test_a_commitment_off_the_curve_is_refused_even_if_its_address_collides() public {
        // What 2^80 hashes would find: another Ry of the same parity with the address that ecrecover returns.
        Signature memory forged = good;
        forged.ry = addmod(good.ry, 2, P);
        address collision = address(uint160(uint256(keccak256(abi.encode(forged.rx, P - forged.ry)))));
        vm.mockCall(ECRECOVER, "", abi.encode(collision));
        vm.assertFalse(verify(px, py, forged, MESSAGE), "off the curve");
    }

    function test_an_address_of_zero_is_not_an_answer() public {
        vm.mockCall(ECRECOVER, "", abi.encode(address(0)));
        vm.assertFalse(verify(px, py, good, MESSAGE), "address 0");
    }

    function test_a_second_verification_needs_its_memory_cleaned() public view {
        vm.assertTrue(this.verifyTwice(px, py, good, MESSAGE, true), "cleaned");
        vm.assertFalse(this.verifyTwice(px, py, good, MESSAGE, false), "left as it was");
    }

    function test_dirt_outside_of_the_reserved_memory_does_not_change_the_verdict() public view {
        vm.assertTrue(this.verifyOnDirt(px, py, good, MESSAGE), "valid signature");
    }

    function test_memory_in_use_is_left_alone() public view {
        this.verifyBesideMemory(px, py, good, MESSAGE);
    }

    /// @dev The second verdict.
    function verifyTwice(uint256 x, uint256 y, Signature calldata signature, bytes32 message, bool cleaned)
        external
        view
        returns (bool)
    {
        (uint256 rx, uint256 ry, uint256 z) = (signature.rx, signature.ry, signature.z);
        vm.assertTrue(FrostVerifier.verify(x, y, rx, ry, z, message), "the first");
        if (cleaned) FrostVerifier.reserve();
        return FrostVerifier.verify(x, y, rx, ry, z, message);
    }

    function verifyOnDirt(uint256 x, uint256 y, Signature calldata signature, bytes32 message)
        external
        view
        returns (bool)
    {
        FrostVerifier.reserve();
        assembly ("memory-safe") {
            mstore(0x00, not(0))
            mstore(0x20, not(0))
            // Beyond the zero slot and the first word, all but the byte between message and length.
            for { let i := 0xa0 } lt(i, 0x102) { i := add(i, 1) } { mstore8(i, 0xff) }
            for { let i := 0x103 } lt(i, 0x200) { i := add(i, 1) } { mstore8(i, 0xff) }
        }
        return FrostVerifier.verify(x, y, signature.rx, signature.ry, signature.z, message);
    }

    function verifyBesideMemory(uint256 x, uint256 y, Signature calldata signature, bytes32 message) external view {
        FrostVerifier.reserve();
        bytes memory before = abi.encode(x, y, message);
        bytes32 hash = keccak256(before);
        FrostVerifier.reserve();
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        vm.assertLe(0x140 + before.length, free, "memory that was allocated stays so");
        bool valid = FrostVerifier.verify(x, y, signature.rx, signature.ry, signature.z, message);
        vm.assertTrue(valid, "valid signature");
        uint256 zero;
        assembly ("memory-safe") {
            zero := mload(0x60)
        }
        vm.assertEq(keccak256(before), hash, "allocated memory");
        vm.assertEq(zero, 0, "zero slot");
    }

    function testFuzz_too_little_gas_never_makes_a_signature_valid(uint256 gasLimit) public {
        Signature memory forged = good;
        forged.z = addmod(forged.z, 1, N);
        bytes memory input = abi.encodeCall(this.verifyExternally, (px, py, forged, MESSAGE));
        (bool success, bytes memory answer) = address(this).call{gas: bound(gasLimit, 0, 10_000)}(input);
        vm.assertTrue(!success || !abi.decode(answer, (bool)), "forged signature");
    }

    function test_keys_off_the_curve_or_out_of_range_are_refused() public view {
        vm.assertTrue(FrostVerifier.isValidPublicKey(px, py), "a key");
        vm.assertTrue(FrostVerifier.isValidPublicKey(px, P - py), "its negation");
        vm.assertFalse(FrostVerifier.isValidPublicKey(0, 0), "zeros");
        vm.assertFalse(FrostVerifier.isValidPublicKey(0, py), "Px = 0");
        vm.assertFalse(FrostVerifier.isValidPublicKey(px, 0), "Py = 0");
        vm.assertFalse(FrostVerifier.isValidPublicKey(px, py ^ 1), "off the curve");
        vm.assertFalse(FrostVerifier.isValidPublicKey(py, px), "exchanged");
        // N is the x coordinate of a point.
        uint256 yAtN = 0x98f66641cb0ae1776b463ebdee3d77fe2658f021db48e2c8ac7ab4c92f83621e;
        vm.assertFalse(FrostVerifier.isValidPublicKey(N, yAtN), "Px = N");
        vm.assertFalse(FrostVerifier.isValidPublicKey(P, py), "Px = p");
        vm.assertFalse(FrostVerifier.isValidPublicKey(type(uint256).max, type(uint256).max), "2^256 - 1");
        vm.assertFalse(FrostVerifier.isValidPublicKey(px, P), "Py = p");
    }

    function test_a_y_coordinate_has_one_spelling() public pure {
        // The point with y = 1: here y + p fits into 256 bits, solves the equation too, and has the other parity.
        uint256 x = 0x1fe1e5ef3fceb5c135ab7741333ce5a6e80d68167653f6b2b24bcbcfaaaff507;
        vm.assertTrue(FrostVerifier.isValidPublicKey(x, 1), "y");
        vm.assertFalse(FrostVerifier.isValidPublicKey(x, P + 1), "y + p");
    }

    function verifyExternally(uint256 x, uint256 y, Signature calldata signature, bytes32 message)
        external
        view
        returns (bool)
    {
        return FrostVerifier.verify(x, y, signature.rx, signature.ry, signature.z, message);
    }

    function verify(uint256 x, uint256 y, Signature memory signature, bytes32 message) private view returns (bool) {
        return this.verifyExternally(x, y, signature, message);
    }

    /// @dev A signature with a chosen response, when SHA-256 always answers `hash`: R = z*G - e*P, with the secret known.
    function signatureWithResponse(uint256 z, bytes32 hash) private returns (Signature memory) {
        uint256 e = addmod(mulmod(uint256(hash), 1 << 128, N), uint256(hash) >> 128, N);
        (uint256 rx, uint256 ry) = FrostSigner.multiplyBase(addmod(z, N - mulmod(e, SECRET, N), N));
        return Signature(rx, ry, z);
    }
}
