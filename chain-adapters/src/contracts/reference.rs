//! The proof of a reference root where the chain tells another one, as every contract with a beacon clock takes it.

use alloy::{
    primitives::{B256, Bytes},
    sol,
    sol_types::SolCall,
};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct BeaconHeader {
            uint64 slot;
            uint64 proposerIndex;
            bytes32 parentRoot;
            bytes32 stateRoot;
            bytes32 bodyRoot;
        }

        interface BeaconClock {
            function proveReference(uint64 slot, BeaconHeader[] calldata headers) external;
        }
    }
}

pub(crate) use abi::{BeaconClock, BeaconHeader};

/// Most headers that a proof can need: the contracts look for a root in 32 slots after the reference slot.
pub(crate) const MOST_HEADERS: usize = 33;
/// More gas than a proof can need: some three times what that of [`MOST_HEADERS`] does.
pub(crate) const GAS_CAP: u64 = 1_500_000;

/// The call that proves by `headers` which block was the last one up to `slot`.
pub(crate) fn proof(slot: u64, headers: Vec<BeaconHeader>) -> Bytes {
    BeaconClock::proveReferenceCall { slot, headers }.abi_encode().into()
}

impl BeaconHeader {
    /// As SSZ has it.
    pub(crate) fn ssz(&self) -> Vec<u8> {
        let numbers = [self.slot.to_le_bytes(), self.proposerIndex.to_le_bytes()].concat();
        let roots: [B256; 3] = [self.parentRoot, self.stateRoot, self.bodyRoot];
        [numbers, roots.concat()].concat()
    }
}
