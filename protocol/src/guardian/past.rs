//! What the records say happened: the fold that restores a guardian.

use super::RestoreError;
use crate::{
    duty::{Duty, DutyId},
    exits::{Entry, Ledger},
    hold::{Hold, Words},
    record::Record,
    setup::Setup,
    sign::{Attestation, Fault},
    types::{Epoch, EventPage, MemberId},
};
use alloy_primitives::B256;
use std::collections::{BTreeMap, BTreeSet};

/// What the records say happened.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) decided: BTreeMap<DutyId, B256>,
    /// Up to which period nothing is signed, and whether that is all.
    pub(super) floor: Option<(Epoch, bool)>,
    /// The number of the last start.
    pub(super) boot: u64,
    pub(super) signed: Vec<(Duty, Attestation)>,
    pub(super) confirmed: BTreeSet<DutyId>,
    /// Pages of events of these contracts, by first block.
    pub(super) pages: BTreeMap<u64, EventPage>,
    /// The store knows its chain.
    pub(super) knows_chain: bool,
    /// Of this committee only: what happened in another is history.
    pub(super) faults: Vec<Fault>,
    pub(super) pardons: BTreeMap<MemberId, Epoch>,
    pub(super) words: Words,
    pub(super) states_served: Option<Epoch>,
    pub(super) requests: Ledger,
}

impl Past {
    /// Folds records in the order in which they were appended. Those of other contracts and committees are history.
    ///
    /// # Errors
    /// If they contradict each other, or are of another chain.
    pub(super) fn fold(records: impl IntoIterator<Item = Record>, setup: &Setup) -> Result<Self, RestoreError> {
        let ours = setup.committee.id();
        let mut past = Self::default();
        for record in records.into_iter().filter(|record| record.counts_with(&setup.contracts)) {
            match record {
                Record::Decided { id, digest } => {
                    if past.decided.insert(id, digest).is_some_and(|earlier| earlier != digest) {
                        return Err(RestoreError::Corrupt(format!("two digests for {id}")));
                    }
                }
                Record::Floor { epoch, is_settled } => {
                    let known = past.floor.map_or(epoch, |(known, _)| known);
                    past.floor = Some((known.max(epoch), is_settled));
                }
                Record::Boot { number } => past.boot = past.boot.max(number),
                Record::Chain { identity } if identity == setup.network.identity() => past.knows_chain = true,
                Record::Chain { identity } => {
                    return Err(RestoreError::OtherChain { stored: identity, ours: setup.network.identity() });
                }
                Record::Signed { duty, signature, contract: _ } => {
                    past.signed.push((duty, Attestation::Group(signature)));
                }
                Record::Attested { duty, signatures, contract: _ } => {
                    past.signed.push((duty, Attestation::Accounts(signatures)));
                }
                Record::Confirmed { id } => {
                    past.confirmed.insert(id);
                }
                Record::Events { contracts: _, page } => drop(past.pages.insert(page.from, page)),
                Record::Fault { committee, fault, .. } if committee == ours => past.faults.push(fault),
                Record::Pardon { committee, member, upto } if committee == ours => {
                    past.pardons.entry(member).and_modify(|known| *known = upto.max(*known)).or_insert(upto);
                }
                Record::Hold { kind, hold } => {
                    past.words.kinds.push((kind, hold.map(|(until, reason)| Hold { until, reason })));
                }
                Record::Forbidden { digest } => {
                    past.words.forbidden.insert(digest);
                }
                Record::AskedFor { digest } => {
                    past.words.asked_for.insert(digest);
                }
                Record::ExitRequest { order, pubkey, time, max_fee, paid } => {
                    past.requests.restore((order, pubkey), Entry { time, max_fee, paid });
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
