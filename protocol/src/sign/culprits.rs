//! Members that were proven to cheat. They take no part in signing, for as long as the committee is the same, unless their operators have
//! shown ours that they are repaired and ours pardons them.

use super::{Fault, FaultError, fault::Sound};
use crate::{
    effects::Effects,
    event::Event,
    record::Record,
    types::{Committee, Epoch, MemberId},
};
use std::collections::BTreeMap;

/// Who is excluded, with the proof. At most one proof for each member.
#[derive(Debug, Default)]
pub(crate) struct Culprits {
    proven: BTreeMap<MemberId, Fault>,
    /// Cheating in periods up to this one is forgiven.
    pardons: BTreeMap<MemberId, Epoch>,
    /// Members that told us of faults that were none, and how often: checking one costs milliseconds.
    cried_wolf: BTreeMap<MemberId, u32>,
    sound: Sound,
}

impl Culprits {
    /// How many false accusations of one member we look at.
    const PATIENCE: u32 = 8;

    /// Pardons and proofs as the records have them, in the order in which they were recorded.
    pub(crate) fn restore(
        pardons: BTreeMap<MemberId, Epoch>,
        faults: impl IntoIterator<Item = Fault>,
        committee: &Committee,
    ) -> Result<Self, FaultError> {
        let mut culprits = Self { pardons, ..Self::default() };
        for fault in faults {
            let (culprit, duty) = fault.verify_with(committee, &mut culprits.sound)?;
            if !culprits.is_pardoned(culprit, duty.period) {
                culprits.proven.insert(culprit, fault);
            }
        }
        Ok(culprits)
    }

    /// Excludes whom `fault` convicts, records it, and tells it to people. Returns whether it is news.
    ///
    /// # Errors
    /// If it convicts nobody in this committee.
    pub(crate) fn convict(
        &mut self,
        fault: &Fault,
        committee: &Committee,
        fx: &mut Effects,
    ) -> Result<bool, FaultError> {
        let (culprit, duty) = fault.verify_with(committee, &mut self.sound)?;
        if self.is_excluded(culprit) || self.is_pardoned(culprit, duty.period) {
            return Ok(false);
        }
        self.proven.insert(culprit, fault.clone());
        fx.record(Record::Fault { committee: committee.id(), culprit, fault: fault.clone() });
        fx.report(Event::Culprit { id: duty, member: culprit, fault: fault.clone() });
        Ok(true)
    }

    /// Forgives `member` what it is convicted of. Returns whether there was something to forgive.
    pub(crate) fn pardon(&mut self, member: MemberId, committee: &Committee, fx: &mut Effects) -> bool {
        let Some(fault) = self.proven.remove(&member) else { return false };
        let upto = fault.verify_with(committee, &mut self.sound).map_or(Epoch(0), |(_, duty)| duty.period);
        let upto = self.pardons.get(&member).map_or(upto, |known| upto.max(*known));
        self.pardons.insert(member, upto);
        fx.record(Record::Pardon { committee: committee.id(), member, upto });
        fx.report(Event::Pardoned { member, upto });
        true
    }

    /// Whether an accusation by `accuser` is worth looking at: the one whom it seems to accuse is neither excluded yet, nor forgiven what
    /// it seems to have done, and the accuser was mostly right so far.
    #[must_use]
    pub(crate) fn is_worth_checking(&self, accuser: MemberId, fault: &Fault) -> bool {
        let is_open = |accused| {
            !self.is_excluded(accused) && fault.about().is_none_or(|duty| !self.is_pardoned(accused, duty.period))
        };
        fault.accused().is_some_and(is_open)
            && self.cried_wolf.get(&accuser).is_none_or(|times| *times < Self::PATIENCE)
    }

    /// An accusation by `accuser` convicted nobody.
    pub(crate) fn cried_wolf(&mut self, accuser: MemberId) {
        let times = self.cried_wolf.entry(accuser).or_default();
        *times = times.saturating_add(1);
    }

    /// Whether `member` is excluded.
    #[must_use]
    pub(crate) fn is_excluded(&self, member: MemberId) -> bool {
        self.proven.contains_key(&member)
    }

    /// Who is excluded, with the proof.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MemberId, &Fault)> {
        self.proven.iter().map(|(member, fault)| (*member, fault))
    }

    fn is_pardoned(&self, member: MemberId, period: Epoch) -> bool {
        self.pardons.get(&member).is_some_and(|upto| period <= *upto)
    }
}
