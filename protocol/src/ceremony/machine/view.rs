//! Where a ceremony stands, for people.

use super::Ceremony;
use crate::{
    ceremony::{
        post::{Body, Step},
        status::{FaultStatus, Reason, Status, Waiting},
    },
    types::{MemberId, Timestamp},
};
use std::collections::BTreeMap;

impl Ceremony {
    /// A snapshot.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let step = self.open_step();
        let waiting = if self.is_over() { BTreeMap::new() } else { self.waiting(now, step) };
        let lacking = self.lacking().into_iter().map(|member| self.describe(member, Step::Done, Reason::Silent));
        Status {
            ceremony: self.ledger.rules.id,
            purpose: self.plan().purpose,
            member: self.me,
            step,
            waiting_for: waiting.into_iter().map(|(member, reason)| self.describe(member, step, reason)).collect(),
            lacking: lacking.collect(),
            fault: self.fault().map(|fault| FaultStatus {
                culprit: fault.culprit(),
                name: self.name(fault.culprit()),
                reason: fault.reason().to_owned(),
            }),
            proven: self.proven().is_some(),
            done: self.is_done(),
            connected: self.peers.connected().into_iter().collect(),
        }
    }

    /// The first step that is not behind us.
    fn open_step(&self) -> Step {
        if self.proven().is_some() {
            return Step::Done;
        }
        let steps = self.ledger.rules.steps().iter().copied();
        let mut before = steps.filter(|step| *step < Step::Confirm);
        let open = if self.key.is_some() { None } else { before.find(|step| !self.ledger.is_settled(*step)) };
        match open {
            Some(step) => step,
            None if self.certified().is_none() => Step::Confirm,
            None => Step::Proof,
        }
    }

    /// Who keeps `step` from being behind us, apart from ourselves.
    fn waiting(&self, now: Timestamp, step: Step) -> BTreeMap<MemberId, Reason> {
        let ledger = &self.ledger;
        let mut waiting: BTreeMap<MemberId, Reason> = BTreeMap::new();
        match step {
            Step::Proof => {
                let coordinator = ledger.rules.signers.first().copied();
                let awaited = match &self.session {
                    Some(session) => session.waiting_for(now),
                    None => coordinator.into_iter().collect(),
                };
                waiting.extend(awaited.into_iter().map(|member| (member, Reason::Silent)));
            }
            Step::Confirm => {
                let transcript = self.key.as_ref().map(|key| key.transcript).or_else(|| ledger.transcript());
                let unconfirmed = transcript.map(|transcript| ledger.not_confirming(transcript)).unwrap_or_default();
                for member in unconfirmed {
                    let reason = match ledger.board.get(Step::Confirm, member).map(crate::ceremony::Post::body) {
                        Some(Body::Confirm { .. }) => Reason::OtherTranscript,
                        Some(_) => Reason::ShowsNoPost,
                        None => Reason::Silent,
                    };
                    waiting.insert(member, reason);
                }
            }
            Step::Deal | Step::Shares | Step::Sum | Step::Done => {
                waiting.extend(ledger.missing(step).into_iter().map(|member| (member, Reason::Silent)))
            }
        }
        if step < Step::Confirm {
            waiting.extend(ledger.echoing_others().into_iter().map(|member| (member, Reason::ShowsNoPost)));
        }
        if step <= Step::Confirm {
            waiting.extend(ledger.contradicting().into_iter().map(|member| (member, Reason::Contradiction)));
        }
        waiting.remove(&self.me);
        waiting
    }

    fn describe(&self, member: MemberId, step: Step, reason: Reason) -> Waiting {
        let other_plan = self.peers.other_plan(member);
        // Why it is silent, if we can tell.
        let reason = if reason != Reason::Silent {
            reason
        } else if other_plan.is_some() {
            Reason::OtherPlan
        } else if !self.peers.connected().contains(&member) {
            Reason::NotConnected
        } else {
            Reason::Silent
        };
        Waiting { member, name: self.name(member), step, reason, other_plan }
    }

    fn name(&self, member: MemberId) -> String {
        self.ledger.rules.participants.get(&member).map(|p| p.name.clone()).unwrap_or_default()
    }
}
