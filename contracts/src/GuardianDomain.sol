// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title The EIP-712 domain of everything that guardians sign
/// @notice Name "Puffer Guardian", version "1", this chain, the contract that the signature is meant for. What is signed
/// for one contract or chain is worthless for another; each contract has one struct type, and each struct carries the
/// key epoch.
/// @dev The separator is cached, and rebuilt when the chain id changes (OpenZeppelin's EIP712). The domain can be read
/// with `eip712Domain()` (ERC-5267).
abstract contract GuardianDomain is EIP712 {
    constructor() EIP712("Puffer Guardian", "1") {}

    /// @notice The EIP-712 domain separator of this contract on this chain.
    /// @return the separator
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
