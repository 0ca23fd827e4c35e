//! A beacon state in a file, in SSZ, from any source: hashed, and its fork found out.

use crate::hint::{Hinted, WithHint};
use guardian_chain::state::{Preset, ProvedState, StateError, StateProver, Wanted, WarmCache};
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// The state in the file at `path`, if its bytes are a state of `fork`.
///
/// # Errors
/// If the file can't be read.
pub(super) fn prove(
    path: &Path,
    fork: &str,
    preset: Preset,
    wanted: Wanted,
) -> Result<Result<ProvedState, StateError>, Hinted> {
    let read = || -> io::Result<Result<ProvedState, StateError>> {
        let mut prover = match StateProver::new(fork, preset, None, wanted, WarmCache::default()) {
            Ok(prover) => prover,
            Err(error) => return Ok(Err(error)),
        };
        let mut file = fs::File::open(path)?;
        let mut piece = vec![0; PIECE];
        loop {
            let length = file.read(&mut piece)?;
            let Some(bytes) = piece.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            if let Err(error) = prover.feed(bytes) {
                return Ok(Err(error));
            }
        }
        Ok(prover.finish().0)
    };
    read().hint(format!("can't read {}", path.display()), "check the path")
}

/// The first of `layouts` (forks and presets) of which the file is a state that `fits`.
///
/// # Errors
/// If the file can't be read.
pub(super) fn find(
    path: &Path,
    layouts: impl IntoIterator<Item = (&'static str, Preset)>,
    wanted: impl Fn() -> Wanted,
    fits: impl Fn(&ProvedState) -> bool,
) -> Result<Option<(&'static str, ProvedState)>, Hinted> {
    for (fork, preset) in layouts {
        if let Some(state) = prove(path, fork, preset, wanted())?.ok().filter(&fits) {
            return Ok(Some((fork, state)));
        }
    }
    Ok(None)
}
