// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// @notice The reference slot has not come yet.
/// @param given the reference slot submitted
/// @param time when it comes, Unix time
error FutureReferenceSlot(uint256 given, uint256 time);
/// @notice The reference slot is more than {BeaconClock-WINDOW} slots old, or of a round that is not kept any more.
/// @param given the reference slot submitted
/// @param time when it was, Unix time
error ReferenceSlotTooOld(uint256 given, uint256 time);
/// @notice The signed root is not that of the beacon block at the reference slot.
/// @param given the root that was signed
/// @param actual the root that the chain knows (EIP-4788)
error WrongReferenceRoot(bytes32 given, bytes32 actual);
/// @notice The chain does not know the root of the reference slot's block: none of the slots after it has a block.
/// @param slot the reference slot
error UnknownReferenceRoot(uint256 slot);
/// @notice A slot must have a length, and the contract of beacon roots must have code (or be 0 where a chain has none).
error InvalidClock();

/// @notice The header of a beacon block.
/// @param slot of the block
/// @param proposerIndex of the validator that made it
/// @param parentRoot root of the block before it
/// @param stateRoot root of the state after it
/// @param bodyRoot root of its body
struct BeaconHeader {
    uint64 slot;
    uint64 proposerIndex;
    bytes32 parentRoot;
    bytes32 stateRoot;
    bytes32 bodyRoot;
}

/// @title The beacon chain's clock, and its block roots
/// @notice What is signed counts while its reference slot is in the past and not older than {WINDOW}: nobody, not even the
/// guardians, can block a contract for ever by signing the largest slot. Where the chain has EIP-4788, the signed block
/// root must be the one that the chain itself knows.
abstract contract BeaconClock {
    /// @notice Slots for which a signature counts; EIP-4788 keeps as many roots.
    uint256 public constant WINDOW = 8191;
    /// @dev Slots after the reference slot in which its root is looked for. An epoch without any block is not final.
    uint256 private constant MOST_MISSED = 32;

    /// @notice Unix time of slot 0.
    uint64 public immutable genesisTime;
    /// @notice Length of a slot in seconds.
    uint64 public immutable secondsPerSlot;
    /// @notice EIP-4788's contract; 0 on a chain without it, where roots are not compared.
    address public immutable beaconRoots;

    mapping(uint256 slot => bytes32 root) private _proven;

    /// @notice It is proven which block was the last one up to a slot.
    /// @param slot the slot
    /// @param root of that block
    event ReferenceProven(uint256 indexed slot, bytes32 root);

    /// @notice A header does not follow from the one before it in the list, or stands on the wrong side of the slot.
    /// @param position in the list, from 0
    error WrongHeader(uint256 position);

    /// @param genesisTime_ Unix time of slot 0
    /// @param secondsPerSlot_ length of a slot
    /// @param beaconRoots_ EIP-4788's contract, or 0
    constructor(uint64 genesisTime_, uint64 secondsPerSlot_, address beaconRoots_) {
        if (secondsPerSlot_ == 0) revert InvalidClock();
        if (beaconRoots_ != address(0) && beaconRoots_.code.length == 0) revert InvalidClock();
        genesisTime = genesisTime_;
        secondsPerSlot = secondsPerSlot_;
        beaconRoots = beaconRoots_;
    }

    /// @notice Proves which block was the last one up to a slot, where the chain tells the root of a later one. It does so when the
    /// payload of a block after the slot was withheld (EIP-7732): then the next payload tells that block's root. What is signed for
    /// the slot counts with the proven root from then on. Anybody may prove it.
    /// @param slot the slot
    /// @param headers from the block whose root the chain tells back to the one that is proven, each the parent of the one before
    function proveReference(uint64 slot, BeaconHeader[] calldata headers) external {
        if (headers.length == 0) revert WrongHeader(0);
        bytes32 root = _rootAt(slot, _timeOf(slot));
        for (uint256 i = 0; i < headers.length; ++i) {
            if (i != 0) root = headers[i - 1].parentRoot;
            bool last = i == headers.length - 1;
            if (_rootOf(headers[i]) != root || (headers[i].slot <= slot) != last) revert WrongHeader(i);
        }
        _proven[slot] = root;
        emit ReferenceProven(slot, root);
    }

    /// @dev Unix time of a slot below 2^64: each factor and summand is below 2^64 too, so nothing overflows.
    function _timeOf(uint256 slot) internal view returns (uint256) {
        unchecked {
            return genesisTime + slot * secondsPerSlot;
        }
    }

    /// @dev Reverts unless the slot, which must be below 2^64, is inside the window and the root is that of its block.
    function _requireReference(uint256 slot, bytes32 root) internal view {
        uint256 time = _timeOf(slot);
        if (time > block.timestamp) revert FutureReferenceSlot(slot, time);
        unchecked {
            // At most 2^13 * 2^64 is added to a number below 2^129.
            if (time + WINDOW * secondsPerSlot < block.timestamp) revert ReferenceSlotTooOld(slot, time);
        }
        if (beaconRoots != address(0)) {
            bytes32 actual = _rootAt(slot, time);
            // What is not proven is 0.
            if (actual != root && (root == 0 || _proven[slot] != root)) revert WrongReferenceRoot(root, actual);
        }
    }

    /// @dev EIP-4788 tells the root of the parent of the block at a time. The next block after the slot has as its parent
    /// the last block up to the slot, and that is the one whose root is signed. Most often it is in the next slot.
    function _rootAt(uint256 slot, uint256 time) private view returns (bytes32 root) {
        address target = beaconRoots;
        uint256 step = secondsPerSlot;
        bool found;
        assembly ("memory-safe") {
            for { let missed := 0 } lt(missed, MOST_MISSED) { missed := add(missed, 1) } {
                time := add(time, step)
                if gt(time, timestamp()) { break }
                mstore(0x00, time)
                // Fails when there is no block at that time. It cannot be made to fail for want of gas: the 1/64 of it
                // that would be left is not enough to go on.
                if staticcall(gas(), target, 0x00, 0x20, 0x00, 0x20) {
                    found := eq(returndatasize(), 0x20)
                    root := mload(0x00)
                    break
                }
            }
        }
        if (!found) revert UnknownReferenceRoot(slot);
    }

    /// @dev hash_tree_root of a header (SSZ): five leaves of eight.
    function _rootOf(BeaconHeader calldata header) private pure returns (bytes32) {
        bytes32 numbers = sha256(abi.encodePacked(_leaf(header.slot), _leaf(header.proposerIndex)));
        bytes32 roots = sha256(abi.encodePacked(header.parentRoot, header.stateRoot));
        bytes32 rest = sha256(abi.encodePacked(bytes32(0), bytes32(0)));
        rest = sha256(abi.encodePacked(sha256(abi.encodePacked(header.bodyRoot, bytes32(0))), rest));
        return sha256(abi.encodePacked(sha256(abi.encodePacked(numbers, roots)), rest));
    }

    /// @dev A number as SSZ has it: little-endian, at the beginning of the word.
    function _leaf(uint256 value) private pure returns (bytes32) {
        uint256 turned = 0;
        for (uint256 i = 0; i < 8; ++i) {
            turned = turned << 8 | value >> 8 * i & 0xff;
        }
        return bytes32(turned << 192);
    }
}
