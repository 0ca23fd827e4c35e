//! Random small states of the forks that no published states cover, encoded and hashed by an independent implementation
//! (`tree_hash` over `ssz_types`), which knows each fork as a type of its own instead of as a row in a table.

use super::{super::*, prove};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use ssz_derive::Encode;
use ssz_types::{
    BitVector, FixedVector, VariableList,
    typenum::{U4, U16, U20, U32, U48, U64, U96, U256, U16777216, Unsigned},
};
use tree_hash_derive::TreeHash;

type U1099511627776 = ssz_types::typenum::Prod<U1048576, U1048576>;
type U1048576 = ssz_types::typenum::U1048576;
type U134217728 = ssz_types::typenum::U134217728;
type Root = FixedVector<u8, U32>;

/// Something random.
trait Random {
    fn random(rng: &mut ChaCha8Rng) -> Self;
}

impl Random for u8 {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        rng.next_u32() as Self
    }
}

impl Random for u64 {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        rng.next_u64() >> (rng.next_u32() % 64)
    }
}

impl Random for bool {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        rng.next_u32().is_multiple_of(2)
    }
}

impl<T: Random + Clone, N: Unsigned> Random for FixedVector<T, N> {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        Self::new((0..N::to_usize()).map(|_| T::random(rng)).collect::<Vec<T>>()).unwrap()
    }
}

impl<T: Random + Clone, N: Unsigned> Random for VariableList<T, N> {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let most = N::to_usize().min(700) as u32;
        let count = if rng.next_u32().is_multiple_of(4) { 0 } else { rng.next_u32() % (most + 1) };
        Self::new((0..count).map(|_| T::random(rng)).collect::<Vec<T>>()).unwrap()
    }
}

impl Random for BitVector<U4> {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let mut bits = Self::new();
        for place in 0..4 {
            bits.set(place, bool::random(rng)).unwrap();
        }
        bits
    }
}

macro_rules! containers {
    ($($name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(Clone, Encode, TreeHash)]
        struct $name { $($field: $ty),* }

        impl Random for $name {
            fn random(rng: &mut ChaCha8Rng) -> Self {
                Self { $($field: <$ty>::random(rng)),* }
            }
        }
    )*};
}

/// A fork's state: what all have in common, and what is behind it.
macro_rules! states {
    ($($name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {$(
        containers! { $name {
            genesis_time: u64,
            genesis_validators_root: Root,
            slot: u64,
            fork: Fork,
            latest_block_header: Header,
            block_roots: FixedVector<Root, U64>,
            state_roots: FixedVector<Root, U64>,
            historical_roots: VariableList<Root, U16777216>,
            eth1_data: Eth1Data,
            eth1_data_votes: VariableList<Eth1Data, U32>,
            eth1_deposit_index: u64,
            validators: VariableList<Validator, U1099511627776>,
            balances: VariableList<u64, U1099511627776>,
            randao_mixes: FixedVector<Root, U64>,
            slashings: FixedVector<u64, U64>,
            previous_epoch_participation: VariableList<u8, U1099511627776>,
            current_epoch_participation: VariableList<u8, U1099511627776>,
            justification_bits: BitVector<U4>,
            previous_justified_checkpoint: Checkpoint,
            current_justified_checkpoint: Checkpoint,
            finalized_checkpoint: Checkpoint,
            inactivity_scores: VariableList<u64, U1099511627776>,
            current_sync_committee: SyncCommittee,
            next_sync_committee: SyncCommittee,
            $($field: $ty),*
        } }
    )*};
}

containers! {
    Fork { previous: FixedVector<u8, U4>, current: FixedVector<u8, U4>, epoch: u64 }
    Header { slot: u64, proposer: u64, parent: Root, state: Root, body: Root }
    Eth1Data { root: Root, count: u64, hash: Root }
    Checkpoint { epoch: u64, root: Root }
    SyncCommittee { pubkeys: FixedVector<FixedVector<u8, U48>, U32>, aggregate: FixedVector<u8, U48> }
    Validator {
        pubkey: FixedVector<u8, U48>, credentials: Root, effective: u64, slashed: bool,
        eligibility: u64, activation: u64, exit: u64, withdrawable: u64,
    }
    Summary { blocks: Root, states: Root }
    Deposit { pubkey: FixedVector<u8, U48>, credentials: Root, amount: u64, signature: FixedVector<u8, U96>, slot: u64 }
    Withdrawal { index: u64, amount: u64, epoch: u64 }
    Consolidation { source: u64, target: u64 }
    PayloadBellatrix {
        parent: Root, recipient: FixedVector<u8, U20>, state: Root, receipts: Root, bloom: FixedVector<u8, U256>,
        randao: Root, number: u64, limit: u64, used: u64, time: u64, extra: VariableList<u8, U32>,
        base_fee: Root, hash: Root, transactions: Root,
    }
    PayloadCapella {
        parent: Root, recipient: FixedVector<u8, U20>, state: Root, receipts: Root, bloom: FixedVector<u8, U256>,
        randao: Root, number: u64, limit: u64, used: u64, time: u64, extra: VariableList<u8, U32>,
        base_fee: Root, hash: Root, transactions: Root, withdrawals: Root,
    }
    PayloadDeneb {
        parent: Root, recipient: FixedVector<u8, U20>, state: Root, receipts: Root, bloom: FixedVector<u8, U256>,
        randao: Root, number: u64, limit: u64, used: u64, time: u64, extra: VariableList<u8, U32>,
        base_fee: Root, hash: Root, transactions: Root, withdrawals: Root, blob_gas: u64, excess: u64,
    }
}

states! {
    Altair {}
    Bellatrix { payload: PayloadBellatrix }
    Capella {
        payload: PayloadCapella, next_index: u64, next_validator: u64, summaries: VariableList<Summary, U16777216>,
    }
    Fulu {
        payload: PayloadDeneb, next_index: u64, next_validator: u64, summaries: VariableList<Summary, U16777216>,
        deposit_start: u64, deposit_balance: u64, exit_balance: u64, earliest_exit: u64, consolidation_balance: u64,
        earliest_consolidation: u64, deposits: VariableList<Deposit, U134217728>,
        withdrawals: VariableList<Withdrawal, U64>, consolidations: VariableList<Consolidation, U64>,
        lookahead: FixedVector<u64, U16>,
    }
}

fn same<S: Random + ssz::Encode + tree_hash::TreeHash>(fork: &str, seed: u64, piece: usize) {
    let state = S::random(&mut ChaCha8Rng::seed_from_u64(seed));
    let proved = prove(fork, MINIMAL, &state.as_ssz_bytes(), piece).unwrap();
    assert_eq!(proved.root, state.tree_hash_root().0, "{fork}, seed {seed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn an_independent_implementation_computes_the_same_root(seed: u64, piece in 1usize..70_000) {
        same::<Altair>("altair", seed, piece);
        same::<Bellatrix>("bellatrix", seed, piece);
        same::<Capella>("capella", seed, piece);
        same::<Fulu>("fulu", seed, piece);
    }
}
