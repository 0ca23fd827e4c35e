//! What the records say happened: the fold that restores a guardian.

use super::RestoreError;
use crate::{
    duty::{Duty, DutyId},
    hold::{Hold, Words},
    record::Record,
    sign::Fault,
    types::{Epoch, MemberId, Registry},
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
    /// Of this committee only: what happened in another is history.
    pub(super) faults: Vec<Fault>,
    pub(super) pardons: BTreeMap<MemberId, Epoch>,
    pub(super) words: Words,
    pub(super) states_served: Option<Epoch>,
}

impl Past {
    /// Folds records in the order in which they were appended; `ours` is the committee's id.
    pub(super) fn fold(records: impl IntoIterator<Item = Record>, ours: B256) -> Result<Self, RestoreError> {
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
                Record::Fault { committee, fault, .. } if committee == ours => past.faults.push(fault),
                Record::Pardon { committee, member, upto } if committee == ours => {
                    past.pardons.entry(member).and_modify(|known| *known = upto.max(*known)).or_insert(upto);
                }
                Record::Hold { kind, hold } => {
                    past.words.kinds.push((kind, hold.map(|(until, reason)| Hold { until, reason })));
                }
                Record::Veto { digest } => {
                    past.words.vetoed.insert(digest);
                }
                Record::StatesServed { epoch } => past.states_served = past.states_served.max(Some(epoch)),
                Record::AutomaticHold { kind, cause, about, reason } => {
                    past.words.automatic.push((kind, cause, about, reason));
                }
                Record::Released { duty } => past.words.released.push(duty),
                Record::Fault { .. } | Record::Pardon { .. } => {}
            }
        }
        Ok(past)
    }
}
