//! Looking at a guardian from outside. Nothing is changed, and nothing is decided from it.

use super::Guardian;
use crate::{
    duty::Duty,
    event::Layer,
    observe::Trouble,
    open::OpenDuty,
    setup::Mode,
    sign::Fault,
    status::{self, Reason, Status},
    types::{MemberId, Program},
    watched::Watched,
};
use alloy_primitives::B256;
use std::sync::Arc;

impl Guardian {
    /// Where this guardian stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            member: self.setup.me,
            threshold: self.setup.committee.threshold(),
            observed: self.observer.last(),
            validators: self.observer.registry().validators().len(),
            history: self.observer.history().status(),
            connected: self.peers.connected().collect(),
            not_ready: self.not_ready(),
            open: self.open.values().map(|duty| self.open_status(duty)).collect(),
            offered: self.offered.iter().map(|(digest, duty)| self.offer(*digest, duty)).collect(),
            next: self.next.iter().map(|(kind, epoch)| status::NextDuty { kind: *kind, epoch: *epoch }).collect(),
            signed: self
                .submissions
                .iter()
                .map(|s| status::SignedDutyStatus {
                    id: s.signed().id(),
                    digest: s.signed().digest(),
                    stage: s.stage(),
                })
                .collect(),
            holds: self
                .holds
                .all()
                .map(|(kind, cause, hold)| status::HeldKind { kind, cause, hold: hold.clone() })
                .collect(),
            limited: self.holds.limited().collect(),
            mode: self.setup.mode,
            keys_paused: self.holds.keys().0,
            key_proposal: self.holds.keys().1,
            exits: self.exits.status(),
            exitable: self.exitable(),
            weak_exit_shares: self.exits.weak(self.setup.committee.threshold()),
            differences: self.disagreements(),
            excluded: self.culprits.iter().map(|(member, _)| member).collect(),
            quarantined: self.doppelgangers.quarantined().collect(),
            program: self.setup.program.clone(),
            programs: self.programs.iter().map(|(member, program)| self.program_of(member, program)).collect(),
            other_rules: self.with_other_rules().collect(),
        }
    }

    /// The validators as they were observed last, if they were.
    #[must_use]
    pub fn watched(&self) -> Option<Watched> {
        let evidence = self.comparisons.newest()?;
        Some(Watched::new(Arc::clone(evidence), self.setup.network.slots_per_epoch))
    }

    fn exitable(&self) -> usize {
        let present = self.peers.connected().collect();
        let threshold = |pubkey: &_| self.exits.threshold_of(pubkey).unwrap_or(self.setup.committee.threshold());
        let validators = self.observer.registry().validators();
        self.coverage.count(validators, &present, |pubkey| self.exits.holds(pubkey), threshold)
    }

    fn offer(&self, digest: B256, duty: &Duty) -> status::OfferedDuty {
        let votes = self.tally.votes(duty.id(), digest);
        status::OfferedDuty { id: duty.id(), digest, votes, statements: duty.statements() }
    }

    fn open_status(&self, duty: &OpenDuty) -> status::OpenDutyStatus {
        let disagreeing = self.tally.of(duty.id()).filter(|(_, a)| a.digest != duty.digest());
        status::OpenDutyStatus {
            id: duty.id(),
            digest: duty.digest(),
            rules: self.setup.program.rules.at(duty.id().period),
            votes: self.tally.votes(duty.id(), duty.digest()),
            since: duty.since(),
            disagreeing: disagreeing.map(|(member, a)| (member, a.digest)).collect(),
            held: duty.held().cloned(),
        }
    }

    fn program_of(&self, member: MemberId, program: &Program) -> status::MemberProgram {
        let parts_from = self.parts_from(program);
        status::MemberProgram { member, program: program.clone(), parts_from }
    }

    fn disagreements(&self) -> Vec<status::Disagreement> {
        let found = self.comparisons.found();
        found
            .map(|(member, period, difference)| status::Disagreement { period, member, difference: difference.clone() })
            .collect()
    }

    /// Members that were proven to cheat, with the proof: [`Fault::verify`] convinces anyone.
    pub fn faults(&self) -> impl Iterator<Item = (MemberId, &Fault)> {
        self.culprits.iter()
    }

    /// Why this guardian would not contribute to the next report.
    #[must_use]
    pub fn not_ready(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        match self.observer.trouble() {
            Some(Trouble::TooFewAnswers(Layer::Beacon)) => reasons.push(Reason::BeaconQuorum),
            Some(Trouble::TooFewAnswers(Layer::Execution)) => reasons.push(Reason::ExecutionQuorum),
            Some(Trouble::Contradiction(Layer::Beacon)) => reasons.push(Reason::BeaconContradiction),
            Some(Trouble::Contradiction(Layer::Execution)) => reasons.push(Reason::ExecutionContradiction),
            Some(Trouble::KeyMismatch) => reasons.push(Reason::KeyMismatch),
            Some(Trouble::NothingFinal) => reasons.push(Reason::NothingFinal),
            Some(Trouble::HistoryContested) => reasons.push(Reason::HistoryContested),
            Some(Trouble::HistoryIncomplete { .. }) => reasons.push(Reason::HistoryIncomplete),
            Some(Trouble::HistoryUnproven) => reasons.push(Reason::HistoryUnproven),
            None if self.observer.last().is_none() => reasons.push(Reason::NothingObserved),
            None => {}
        }
        if self.observer.finality_is_old() {
            reasons.push(Reason::FinalityOld);
        }
        if self.submissions.is_blind() && !reasons.contains(&Reason::ExecutionQuorum) {
            reasons.push(Reason::ExecutionQuorum);
        }
        if self.observer.history().status().is_being_read() {
            reasons.push(Reason::ReadingHistory);
        }
        if self.peers.connected().len().saturating_add(1) < self.setup.committee.threshold() {
            reasons.push(Reason::TooFewPeers);
        } else if !self.is_acquainted() {
            reasons.push(Reason::TooFewGreetings);
        }
        if self.guard.is_set_back() {
            reasons.push(Reason::StoreSetBack);
        }
        if self.guard.is_new() {
            reasons.push(Reason::StoreIsNew);
        }
        let (connected, others) = (self.peers.connected().len(), self.with_other_rules().count());
        if others > 0 && connected.saturating_sub(others).saturating_add(1) < self.setup.committee.threshold() {
            reasons.push(Reason::OtherRules);
        }
        if self.doppelgangers.has_own() {
            reasons.push(Reason::Doppelganger);
        }
        if self.setup.mode == Mode::Observe {
            reasons.push(Reason::Observing);
        }
        if self.culprits.is_excluded(self.setup.me) {
            reasons.push(Reason::Excluded);
        }
        reasons
    }
}
