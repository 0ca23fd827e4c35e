//! A state after another one: less is hashed, and the root is the same as without knowing the other.

use super::{super::*, files, root};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

fn warmly(state: &[u8], warm: WarmCache) -> (Result<ProvedState, StateError>, WarmCache) {
    let mut prover = StateProver::new("phase0", MAINNET, None, Wanted::default(), warm).unwrap();
    match prover.feed(state) {
        Ok(()) => prover.finish(),
        Err(error) => (Err(error), prover.into_warm()),
    }
}

#[test]
fn only_what_changed_is_hashed_again_and_the_root_is_right() {
    let Some(mut state) = files::unzipped("states/sepolia-genesis.ssz.zip") else { return };
    let (cold, mut warm) = warmly(&state, WarmCache::default());
    let cold = cold.unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..5 {
        let before = state.clone();
        // Bytes of randao mixes and of the last validators' balances: any bytes are a state.
        let place = 600_000 + rng.next_u32() as usize % 1000;
        state[place] ^= 1;
        let (proved, next) = warmly(&state, warm);
        let proved = proved.unwrap();
        assert_eq!(proved.root, root("phase0", MAINNET, &state).unwrap());
        assert!(proved.hashed < cold.hashed / 4, "{} of {}", proved.hashed, cold.hashed);
        warm = next;
        assert_ne!(before, state);
    }
}

#[test]
fn a_state_that_was_a_lie_spoils_nothing() {
    let Some(state) = files::unzipped("states/sepolia-genesis.ssz.zip") else { return };
    let right = root("phase0", MAINNET, &state).unwrap();
    let (_, warm) = warmly(&state, WarmCache::default());
    let mut lie = state.clone();
    lie[600_000] ^= 1;
    let (lied, warm) = warmly(&lie, warm);
    assert_ne!(lied.unwrap().root, right);
    let (broken, warm) = warmly(&state[..state.len() / 2], warm);
    assert!(broken.is_err());
    let (proved, _) = warmly(&state, warm);
    assert_eq!(proved.unwrap().root, right);
}
