// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @title Merkle proofs against the beacon roots that EIP-4788 makes known
/// @notice For contracts that want to check a validator of a report themselves. Guardians make such proofs from the states that
/// they prove; nobody has to trust them.
library BeaconProof {
    /// @dev The predeployed contract of EIP-4788.
    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @dev EIP-4788 has no root of this time: none yet, no more, or no block then.
    error UnknownBeaconRoot(uint64 timestamp);

    /// @notice The root of the beacon block before the execution block with this timestamp.
    /// @param timestamp Unix time in seconds of an execution block of the last day
    function parentRoot(uint64 timestamp) internal view returns (bytes32 root) {
        (bool success, bytes memory answer) = BEACON_ROOTS.staticcall(abi.encode(uint256(timestamp)));
        if (!success || answer.length != 32) revert UnknownBeaconRoot(timestamp);
        root = abi.decode(answer, (bytes32));
        if (root == 0) revert UnknownBeaconRoot(timestamp);
    }

    /// @notice Whether `leaf` stands at the generalized index `gindex` of the tree with this root.
    /// @param siblings 32 bytes for each level, lowest first
    function isIn(bytes32 root, uint256 gindex, bytes32 leaf, bytes calldata siblings) internal pure returns (bool) {
        bytes32 node = leaf;
        uint256 at = 0;
        while (gindex > 1) {
            if (at + 32 > siblings.length) return false;
            bytes32 sibling = bytes32(siblings[at:at + 32]);
            node = gindex & 1 == 0 ? sha256(abi.encodePacked(node, sibling)) : sha256(abi.encodePacked(sibling, node));
            gindex >>= 1;
            at += 32;
        }
        return gindex == 1 && at == siblings.length && node == root;
    }

    /// @notice A balance out of the four in a chunk.
    /// @param index The validator's index
    function balanceIn(bytes32 chunk, uint64 index) internal pure returns (uint64 balance) {
        uint256 shifted = uint256(chunk) >> (192 - 64 * (index % 4));
        for (uint256 i = 0; i < 8; ++i) {
            // One byte: nothing is cut off.
            // forge-lint: disable-next-line(unsafe-typecast)
            balance = (balance << 8) | uint64(shifted & 0xff);
            shifted >>= 8;
        }
    }
}

/// @title An example: what a validator's record and balance were at a block, proved
contract ValidatorReader {
    /// @dev The generalized index of the first validator in a block's tree: depends on the fork, so it is fixed here and
    /// never taken from a caller. From Electra on, the state has 64 leaves.
    uint256 public constant FIRST_VALIDATOR = ((((uint256(8 + 3) << 6) + 11) << 1) << 40);
    /// @dev And of the first chunk of four balances.
    uint256 public constant FIRST_BALANCE = ((((uint256(8 + 3) << 6) + 12) << 1) << 38);

    /// @dev Most validators in a registry. A larger index would leave the list, and a leaf of another field, of the same depth,
    /// would pass for a balance.
    uint64 public constant MAX_VALIDATORS = 2 ** 40;

    /// @dev The branch leads to another root.
    error WrongProof();
    /// @dev No registry holds a validator of this index.
    error NoSuchValidator(uint64 index);

    /// @notice The balance in gwei that the validator had in the state of the block before `timestamp`.
    function balanceAt(uint64 timestamp, uint64 index, bytes32 chunk, bytes calldata siblings)
        external
        view
        returns (uint64)
    {
        _requireIndex(index);
        uint256 gindex = FIRST_BALANCE + index / 4;
        if (!BeaconProof.isIn(BeaconProof.parentRoot(timestamp), gindex, chunk, siblings)) revert WrongProof();
        return BeaconProof.balanceIn(chunk, index);
    }

    /// @notice Whether the validator's record (hash_tree_root of its Validator) had this root in the state of the block before `timestamp`.
    function isValidator(uint64 timestamp, uint64 index, bytes32 record, bytes calldata siblings)
        external
        view
        returns (bool)
    {
        _requireIndex(index);
        return BeaconProof.isIn(BeaconProof.parentRoot(timestamp), FIRST_VALIDATOR + index, record, siblings);
    }

    function _requireIndex(uint64 index) private pure {
        if (index >= MAX_VALIDATORS) revert NoSuchValidator(index);
    }
}
