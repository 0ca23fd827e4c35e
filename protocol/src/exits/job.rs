//! The exits' arithmetic, as work that is done elsewhere: half a millisecond for each part made, about two for each exit checked
//! and combined, and an order holds 256. The brain writes a [`Job`] and goes on; whoever runs it brings back what was [`Computed`].
//!
//! A job is plain data with all that it needs. The shares in it are shared with the brain, not copied.

use super::ValidatorKey;
use crate::types::{MemberId, ValidatorIndex};
use alloy_primitives::B256;
use guardian_crypto::bls::{
    ExitShare, PartialSignature, VerifiedPartial,
    batch::{self, Checked},
    exit::ExitRoot,
};
use rand_core::{CryptoRng, RngCore};
use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

/// Correlates [`Computed`] with its [`Job`]; a result that is no longer waited for is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JobId(pub(super) u64);

/// Work that takes long. Released like everything else only after its step's records are durable: our parts are made after the
/// order's record.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) id: JobId,
    pub(super) work: Work,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Make our parts of one order.
    Sign { order: B256, exits: Vec<ToSign> },
    /// Check parts, and combine where that makes enough.
    Check(Vec<ToCheck>),
}

#[derive(Clone, Debug)]
pub(super) struct ToSign {
    pub(super) index: ValidatorIndex,
    pub(super) key: Arc<ValidatorKey>,
    pub(super) root: ExitRoot,
}

#[derive(Clone, Debug)]
pub(super) struct ToCheck {
    pub(super) order: B256,
    pub(super) index: ValidatorIndex,
    pub(super) key: Arc<ValidatorKey>,
    pub(super) root: ExitRoot,
    pub(super) verified: BTreeMap<MemberId, VerifiedPartial>,
    pub(super) fresh: BTreeMap<MemberId, PartialSignature>,
}

/// What came out of a [`Job`].
#[derive(Clone, Debug)]
pub struct Computed {
    pub(super) id: JobId,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Signed { order: B256, parts: Vec<(ValidatorIndex, VerifiedPartial)> },
    Checked(Vec<(ToCheck, Checked)>),
}

impl Job {
    /// Does the work on `workers` threads, blocking this one. What comes out depends on nothing but the job: chance is for
    /// checking many parts at once, and decides nothing (but once in 2^128).
    pub fn run(self, workers: NonZeroUsize, rng: &mut (impl CryptoRng + RngCore)) -> Computed {
        let outcome = match self.work {
            Work::Sign { order, exits } => {
                let shares: Vec<(&ExitShare, ExitRoot)> =
                    exits.iter().map(|exit| (&exit.key.share, exit.root)).collect();
                let parts = batch::partial_exits(&shares, workers);
                Outcome::Signed { order, parts: exits.iter().map(|exit| exit.index).zip(parts).collect() }
            }
            Work::Check(exits) => {
                let batch: Vec<batch::Exit<'_>> = exits.iter().map(ToCheck::as_exit).collect();
                let checked = batch::check(&batch, workers, rng);
                Outcome::Checked(exits.into_iter().zip(checked).collect())
            }
        };
        Computed { id: self.id, outcome }
    }
}

impl ToCheck {
    fn as_exit(&self) -> batch::Exit<'_> {
        batch::Exit {
            commitments: &self.key.commitments,
            root: self.root,
            verified: &self.verified,
            fresh: &self.fresh,
        }
    }
}
