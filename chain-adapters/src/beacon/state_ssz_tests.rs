//! The state scan against states made here, whole and broken; real ones are in the tests with the vectors.

use super::*;
use crate::support::beacon;

const LAYOUT: Layout = Layout { historical_roots: 64, randao_mixes: 64, slashings: 64 };
const EXPECTED: Expected = Expected { genesis_time: 1000, genesis_validators_root: [7; 32], slot: Slot(24) };
const VALIDATORS: u64 = 50;

fn scan(state: &[u8], wanted: &[u64], piece: usize) -> Result<Vec<ValidatorRecord>, ReadFailure> {
    let wanted = wanted.iter().map(|index| BlsPubkey::new(beacon::pubkey(*index)));
    let mut scan = StateScan::new(LAYOUT, EXPECTED, wanted)?;
    for piece in state.chunks(piece) {
        if scan.feed(piece)? {
            break;
        }
    }
    scan.finish()
}

fn indices(records: &[ValidatorRecord]) -> Vec<(u64, u64, bool)> {
    records.iter().map(|record| (record.index.0, record.balance.0, record.slashed)).collect()
}

#[test]
fn the_asked_validators_are_found_however_the_state_is_cut() {
    let state = beacon::state_ssz(24, VALIDATORS);
    for piece in [1, 7, 48, 121, 1000, state.len()] {
        let found = scan(&state, &[49, 3, 0, 1_000_000], piece).unwrap();
        let balance = 32_000_000_000;
        assert_eq!(indices(&found), [(0, balance, false), (3, balance + 3, true), (49, balance + 49, false)]);
        assert_eq!(found[1].exit_epoch, Epoch::FAR_FUTURE);
        assert_eq!(found[1].activation_epoch, Epoch(0));
    }
}

#[test]
fn nothing_is_read_beyond_the_last_balance_needed() {
    let state = beacon::state_ssz(24, VALIDATORS);
    let mut scan = StateScan::new(LAYOUT, EXPECTED, [BlsPubkey::new(beacon::pubkey(0))]).unwrap();
    let done = state.iter().position(|byte| scan.feed(std::slice::from_ref(byte)).unwrap()).unwrap();
    // The first balance ends eight bytes after the registry.
    assert_eq!(done + 1, 12_000 + 72 + 121 * 50 + 8);
}

#[test]
fn a_state_that_breaks_off_anywhere_is_no_answer() {
    let state = beacon::state_ssz(24, VALIDATORS);
    let needed = 12_000 + 72 + 121 * 50 + 8 * 50;
    for length in (0..needed).step_by(97) {
        let answer = scan(&state[..length], &[49], 512);
        assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{length}");
    }
    assert!(scan(&state[..needed], &[49], 512).is_ok());
}

#[test]
fn another_slot_is_noticed_at_the_head() {
    let state = beacon::state_ssz(25, VALIDATORS);
    assert!(matches!(scan(&state[..48], &[0], 48), Err(ReadFailure::NotAvailable(_))));
}

#[test]
fn offsets_that_do_not_fit_together_are_refused() {
    let state = beacon::state_ssz(24, VALIDATORS);
    for place in LAYOUT.places() {
        // Before the fixed part's end as this layout has it; off by one; beyond everything.
        for wrong in [0, 6_000, 12_073, u32::MAX] {
            // The two lists before the registry may be of any length.
            if wrong == 12_073 && place <= LAYOUT.places()[1] {
                continue;
            }
            let mut state = state.clone();
            state[place..place + 4].copy_from_slice(&u32::to_le_bytes(wrong));
            let answer = scan(&state, &[0], 4096);
            assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{wrong} at {place}: {answer:?}");
        }
    }
}

#[test]
fn a_boolean_must_be_one_and_a_key_must_be_unique() {
    let registry = 12_000 + 72;
    let mut state = beacon::state_ssz(24, VALIDATORS);
    state[registry + 88] = 2;
    assert!(matches!(scan(&state, &[0], 4096), Err(ReadFailure::Malformed(_))));
    let mut state = beacon::state_ssz(24, VALIDATORS);
    state.copy_within(registry..registry + 48, registry + 121);
    assert!(matches!(scan(&state, &[0], 4096), Err(ReadFailure::Malformed(_))));
}

#[test]
fn a_preset_that_would_need_too_much_memory_is_refused() {
    let layout = Layout { historical_roots: u64::MAX, ..LAYOUT };
    assert!(StateScan::new(layout, EXPECTED, []).is_err());
    let mainnet = Layout { historical_roots: 8192, randao_mixes: 65_536, slashings: 8192 };
    assert!(StateScan::new(mainnet, EXPECTED, []).is_ok());
}
