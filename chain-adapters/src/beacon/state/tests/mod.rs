//! What must be true of the proof of a state: published roots, an independent implementation, and every kind of damage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests: a broken assumption must stop the test, and a skipped one must say so"
)]

mod faults;
mod files;
mod published;
mod reference;
mod warm;

use super::{Preset, ProvedState, StateError, StateProver, Wanted, WarmCache};

/// Proves `state`, fed in pieces of `piece` bytes.
fn prove(fork: &str, preset: Preset, state: &[u8], piece: usize) -> Result<ProvedState, StateError> {
    prove_wanted(fork, preset, state, piece, Wanted::default())
}

fn prove_wanted(
    fork: &str,
    preset: Preset,
    state: &[u8],
    piece: usize,
    wanted: Wanted,
) -> Result<ProvedState, StateError> {
    let mut prover = StateProver::new(fork, preset, None, wanted, WarmCache::default())?;
    for piece in state.chunks(piece) {
        prover.feed(piece)?;
    }
    prover.finish().0
}

fn root(fork: &str, preset: Preset, state: &[u8]) -> Result<[u8; 32], StateError> {
    Ok(prove(fork, preset, state, state.len().max(1))?.root)
}
