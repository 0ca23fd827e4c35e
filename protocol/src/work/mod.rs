//! What takes long, and is done where it holds up nobody. The brain writes a [`Job`] and goes on; whoever runs it brings back what was
//! [`Computed`]. A job is plain data with all that it needs, and what comes out depends on nothing but the job: chance is for checking
//! many things at once, and decides nothing (but once in 2^128).
//!
//! A kind of work is a file here: what is to be done, what came of it, and how.

pub(crate) mod exits;

pub use exits::ValidatorKey;

use rand_core::{CryptoRng, RngCore};
use std::num::NonZeroUsize;

/// Correlates [`Computed`] with its [`Job`]; a result that is no longer waited for is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobId(pub(crate) u64);

/// Work that takes long. Released like everything else only after its step's records are durable.
#[derive(Clone, Debug)]
pub struct Job {
    pub(crate) id: JobId,
    pub(crate) work: Work,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// For exits.
    Exits(exits::Work),
}

/// What came out of a [`Job`].
#[derive(Clone, Debug)]
pub struct Computed {
    pub(crate) id: JobId,
    pub(crate) outcome: Outcome,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// For exits.
    Exits(exits::Outcome),
}

impl Job {
    /// Does the work on `workers` threads, blocking this one.
    pub fn run(self, workers: NonZeroUsize, rng: &mut (impl CryptoRng + RngCore)) -> Computed {
        let outcome = match self.work {
            Work::Exits(work) => Outcome::Exits(work.run(workers, rng)),
        };
        Computed { id: self.id, outcome }
    }
}
