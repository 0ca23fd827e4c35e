// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {BeaconClock} from "../src/BeaconClock.sol";
import {GuardianDomain} from "../src/GuardianDomain.sol";
import {ReserveHistory} from "../src/ReserveHistory.sol";

/// @title What a report costs when each guardian signs it with ECDSA: for comparison alone
/// @notice The same words, digest size, clock, storage and event as the feed; signers in a mapping, rising, in EIP-2098's
/// compact form, which is the cheapest that is in use.
contract EcdsaFeed is GuardianDomain, BeaconClock, ReserveHistory {
    struct Compact {
        bytes32 r;
        bytes32 vs;
    }

    mapping(address signer => bool) private _signers;
    uint256 private immutable _threshold;

    event ReserveReported(uint256 indexed referenceSlot, bytes32 referenceRoot, uint256 assets);

    error BadSignatures();
    error Stale();

    constructor(address[] memory signers, uint64 genesisTime_, uint64 secondsPerSlot_)
        BeaconClock(genesisTime_, secondsPerSlot_, address(0))
        ReserveHistory(7200)
    {
        _threshold = signers.length;
        for (uint256 i = 0; i < signers.length; ++i) {
            _signers[signers[i]] = true;
        }
    }

    function hash(uint256 head, bytes32 root, uint256 amounts) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(head, root, amounts)));
    }

    function submitReport(uint256 head, bytes32 root, uint256 amounts, Compact[] calldata signatures) external {
        uint256 slot = head >> 192 & type(uint32).max;
        uint256 interval = _intervalOf(slot);
        if (slot <= _slotOf(_at(interval))) revert Stale();
        _requireReference(slot, root);
        bytes32 digest = hash(head, root, amounts);
        if (signatures.length != _threshold) revert BadSignatures();
        address last = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes32 vs = signatures[i].vs;
            bytes32 s = vs & bytes32(uint256(type(int256).max));
            address signer = ecrecover(digest, uint8(27 + uint256(vs >> 255)), signatures[i].r, s);
            if (signer <= last || !_signers[signer]) revert BadSignatures();
            last = signer;
        }
        _store(interval, _word(slot, head >> 128 & 0xffffff, head & type(uint32).max, 1, amounts & type(uint32).max), 0);
        emit ReserveReported(slot, root, 1);
    }
}
