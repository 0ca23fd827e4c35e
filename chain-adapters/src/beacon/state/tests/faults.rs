//! Damage of every kind: none of it may go unnoticed, and none may do more than be an error.

use super::{super::*, files, prove, root};
use proptest::prelude::*;

/// Where the offsets of a Deneb state of the minimal preset are, in the order of their fields.
const OFFSETS: [usize; 9] = [4272, 4348, 4360, 4364, 6928, 6932, 7057, 10_229, 10_249];

fn state() -> Option<Vec<u8>> {
    files::captured("debug_state_by_root.ssz")
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let Some(state) = state() else { return };
    let right = root("deneb", MINIMAL, &state).unwrap();
    let mut damaged = state.clone();
    // In every field, each time another bit.
    for place in (0..state.len()).step_by(3) {
        let bit = 1 << (place % 8);
        damaged[place] ^= bit;
        assert_ne!(root("deneb", MINIMAL, &damaged), Ok(right), "byte {place}");
        damaged[place] ^= bit;
    }
    assert_eq!(root("deneb", MINIMAL, &damaged), Ok(right));
}

#[test]
fn a_state_that_breaks_off_is_an_error_or_another_state() {
    let Some(state) = state() else { return };
    let right = root("deneb", MINIMAL, &state).unwrap();
    for length in (0..state.len()).step_by(61).chain(state.len() - 70..state.len()) {
        assert_ne!(root("deneb", MINIMAL, &state[..length]), Ok(right), "{length}");
    }
    let error = root("deneb", MINIMAL, &state[..5000]).unwrap_err();
    assert!(matches!(error, StateError::BrokenOff(_)), "{error}");
    for behind in [1, 63, 4096] {
        let longer: Vec<u8> = state.iter().copied().chain(std::iter::repeat_n(0, behind)).collect();
        assert_ne!(root("deneb", MINIMAL, &longer), Ok(right), "{behind}");
    }
}

#[test]
fn offsets_that_do_not_fit_together_are_refused() {
    let Some(state) = state() else { return };
    let right = root("deneb", MINIMAL, &state).unwrap();
    for place in OFFSETS {
        let old = u32::from_le_bytes(state[place..place + 4].try_into().unwrap());
        for wrong in [0, 4, old - 1, old + 1, old + 1_000_000, u32::MAX] {
            let mut state = state.clone();
            state[place..place + 4].copy_from_slice(&wrong.to_le_bytes());
            assert_ne!(root("deneb", MINIMAL, &state), Ok(right), "{wrong} at {place}");
        }
    }
}

#[test]
fn another_slot_or_chain_is_noticed_at_the_head() {
    let Some(state) = state() else { return };
    let time = u64::from_le_bytes(state[..8].try_into().unwrap());
    let genesis: [u8; 32] = state[8..40].try_into().unwrap();
    let slot = u64::from_le_bytes(state[40..48].try_into().unwrap());
    let feed = |slot, genesis_time, genesis_validators_root| {
        let expected = Expected { genesis_time, genesis_validators_root, slot };
        let mut prover =
            StateProver::new("deneb", MINIMAL, Some(expected), Wanted::default(), WarmCache::default()).unwrap();
        prover.feed(&state[..48])
    };
    assert_eq!(feed(slot, time, genesis), Ok(()));
    let wrong = feed(slot + 1, time, genesis);
    assert_eq!(wrong, Err(StateError::WrongSlot { asked: slot + 1, found: slot }));
    assert_eq!(feed(slot, time + 1, genesis), Err(StateError::WrongChain));
    assert_eq!(feed(slot, time, [9; 32]), Err(StateError::WrongChain));
}

#[test]
fn an_absurd_count_is_refused_before_anything_is_kept() {
    let Some(mut state) = state() else { return };
    // `balances` begins 4 GB behind the start.
    state[4364..4368].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = prove("deneb", MINIMAL, &state, 512).unwrap_err();
    assert!(matches!(error, StateError::Field { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20_000), piece in 1usize..5000) {
        for fork in ["phase0", "deneb", "fulu"] {
            prop_assert!(prove(fork, MINIMAL, &bytes, piece).is_err());
        }
    }

    #[test]
    fn damage_in_several_places_is_noticed(
        places in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..6), piece in 1usize..5000,
    ) {
        let Some(state) = state() else { return Ok(()) };
        let right = root("deneb", MINIMAL, &state).unwrap();
        let mut damaged = state.clone();
        for (place, change) in places {
            damaged[place.index(state.len())] ^= change;
        }
        prop_assume!(damaged != state);
        prop_assert_ne!(prove("deneb", MINIMAL, &damaged, piece).map(|state| state.root), Ok(right));
    }
}
