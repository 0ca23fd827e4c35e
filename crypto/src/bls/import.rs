//! Many shares at once, when a guardian starts.

use super::{ExitShare, ShareCommitments, workers};
use crate::{error::Error, member::MemberId};
use std::{collections::BTreeSet, num::NonZeroUsize};

/// A share and its commitments as they were sealed, not yet checked.
#[derive(Clone, Copy)]
pub struct RawShare<'a> {
    /// 32 big-endian bytes.
    pub share: &'a [u8],
    /// 48 bytes for each commitment.
    pub commitments: &'a [u8],
}

impl std::fmt::Debug for RawShare<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawShare(<redacted>)")
    }
}

/// Which share was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exit share {entry} (counted from zero) is refused: {error}")]
pub struct ImportError {
    /// Its place.
    pub entry: usize,
    /// Why.
    #[source]
    pub error: Error,
}

/// Accepts all of `member`'s shares or none, each of another validator. Every commitment's subgroup is checked. `workers` threads, about
/// half a millisecond of one for a share with three commitments.
///
/// # Errors
/// [`ImportError`] for the first that is refused: for the reasons of [`ShareCommitments::from_bytes`] and
/// [`ExitShare::import`], or [`Error::Malformed`] if its validator had another share before it.
pub fn import_all(
    member: MemberId,
    shares: &[RawShare<'_>],
    workers: NonZeroUsize,
) -> Result<Vec<(ExitShare, ShareCommitments)>, ImportError> {
    let imported = workers::map(workers, shares, |raw| {
        let commitments = ShareCommitments::from_bytes(raw.commitments)?;
        Ok((ExitShare::import(member, raw.share, &commitments)?, commitments))
    });
    let mut validators = BTreeSet::new();
    imported
        .into_iter()
        .enumerate()
        .map(|(entry, import)| {
            let (share, commitments) = import.map_err(|error| ImportError { entry, error })?;
            if !validators.insert(share.validator()) {
                let why = "there is another share of the same validator";
                return Err(ImportError { entry, error: Error::Malformed { what: "exit share", why } });
            }
            Ok((share, commitments))
        })
        .collect()
}
