// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {FrostVerifier} from "../src/FrostVerifier.sol";
import {TestBase} from "./TestBase.sol";

/// @title The verifier gives the verdicts that the guardians' own verifier gives
/// @dev The signatures are made by the library that guardians sign with; README.md says how to make more of them.
contract FrostDifferentialTest is TestBase {
    string private constant FILE = "test/vectors/frost_random.txt";
    /// @dev Six words and the verdict.
    uint256 private constant LENGTH = 6 * 32 + 1;

    function test_random_signatures_are_judged_as_guardians_judge_them() public view {
        uint256 count = 0;
        uint256 accepted = 0;
        for (string memory line = vm.readLine(FILE); bytes(line).length != 0; line = vm.readLine(FILE)) {
            bytes memory signed = vm.parseBytes(line);
            vm.assertEq(signed.length, LENGTH, line);
            bool valid = this.judge(signed);
            vm.assertEq(uint256(uint8(signed[LENGTH - 1])), valid ? 1 : 0, line);
            count++;
            if (valid) accepted++;
        }
        vm.assertTrue(count >= 200, "signatures are missing");
        vm.assertTrue(accepted >= count / 2 && accepted < count, "some are valid and some are not");
        print("signatures", count);
    }

    /// @dev From outside, because the verifier wants fresh memory.
    function judge(bytes calldata signed) external view returns (bool) {
        (uint256 px, uint256 py, uint256 rx, uint256 ry, uint256 z, bytes32 message) =
            abi.decode(signed, (uint256, uint256, uint256, uint256, uint256, bytes32));
        return FrostVerifier.isValidPublicKey(px, py) && FrostVerifier.verify(px, py, rx, ry, z, message);
    }
}
