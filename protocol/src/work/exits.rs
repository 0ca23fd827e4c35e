//! The exits' arithmetic: half a millisecond for each part made, about two for each exit checked and combined, and an order holds 256.
//! The shares in it are shared with the brain, not copied.

use crate::types::{MemberId, ValidatorIndex};
use alloy_primitives::B256;
use guardian_crypto::bls::{
    ExitShare, PartialSignature, ShareCommitments, VerifiedPartial,
    batch::{self, Checked},
    exit::ExitRoot,
};
use rand_core::{CryptoRng, RngCore};
use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

/// This guardian's part of one validator's key, and what the public knows of all parts.
#[derive(Debug)]
pub struct ValidatorKey {
    /// The secret part. Whose it is, it says itself.
    pub share: ExitShare,
    /// Feldman commitments: they fix every member's public share and the validator's key.
    pub commitments: ShareCommitments,
}

/// What is to be done for exits.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Make our parts of one order.
    Sign { order: B256, exits: Vec<ToSign> },
    /// Check parts, and combine where that makes enough.
    Check(Vec<ToCheck>),
}

#[derive(Clone, Debug)]
pub(crate) struct ToSign {
    pub(crate) index: ValidatorIndex,
    pub(crate) key: Arc<ValidatorKey>,
    pub(crate) root: ExitRoot,
}

#[derive(Clone, Debug)]
pub(crate) struct ToCheck {
    pub(crate) order: B256,
    pub(crate) index: ValidatorIndex,
    pub(crate) key: Arc<ValidatorKey>,
    pub(crate) root: ExitRoot,
    pub(crate) verified: BTreeMap<MemberId, VerifiedPartial>,
    pub(crate) fresh: BTreeMap<MemberId, PartialSignature>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Signed { order: B256, parts: Vec<(ValidatorIndex, VerifiedPartial)> },
    Checked(Vec<(ToCheck, Checked)>),
}

impl Work {
    pub(super) fn run(self, workers: NonZeroUsize, rng: &mut (impl CryptoRng + RngCore)) -> Outcome {
        match self {
            Self::Sign { order, exits } => {
                let shares: Vec<(&ExitShare, ExitRoot)> =
                    exits.iter().map(|exit| (&exit.key.share, exit.root)).collect();
                let parts = batch::partial_exits(&shares, workers);
                Outcome::Signed { order, parts: exits.iter().map(|exit| exit.index).zip(parts).collect() }
            }
            Self::Check(exits) => {
                let batch: Vec<batch::Exit<'_>> = exits.iter().map(ToCheck::as_exit).collect();
                let checked = batch::check(&batch, workers, rng);
                Outcome::Checked(exits.into_iter().zip(checked).collect())
            }
        }
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
