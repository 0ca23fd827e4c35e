//! What the records say happened: the fold that restores a guardian.

use super::RestoreError;
use crate::{
    observe::Registry,
    record::Record,
    types::{Duty, DutyId, Epoch},
};
use alloy_primitives::B256;
use guardian_crypto::schnorr::Signature;
use std::collections::{BTreeMap, BTreeSet};

/// What the records say happened.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) decided: BTreeMap<DutyId, B256>,
    pub(super) floor: Option<Epoch>,
    pub(super) signed: Vec<(Duty, Signature)>,
    pub(super) confirmed: BTreeSet<DutyId>,
    pub(super) registry: Registry,
}

impl Past {
    /// Folds records in the order in which they were appended.
    pub(super) fn fold(records: impl IntoIterator<Item = Record>) -> Result<Self, RestoreError> {
        let mut past = Self::default();
        for record in records {
            match record {
                Record::Decided { id, digest } => {
                    if past.decided.insert(id, digest).is_some_and(|earlier| earlier != digest) {
                        return Err(RestoreError::Corrupt(format!("two digests for {id}")));
                    }
                }
                Record::Floor { epoch } => past.floor = past.floor.max(Some(epoch)),
                Record::Signed { duty, signature } => past.signed.push((duty, signature)),
                Record::Confirmed { id } => {
                    past.confirmed.insert(id);
                }
                Record::Events { upto, events } => past.registry.advance(upto, &events),
            }
        }
        Ok(past)
    }
}
