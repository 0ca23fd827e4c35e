//! The fifth and sixth step: one paid transaction brings a signed duty to its contract, and a finalized block confirms it.
//!
//! Everything here follows one level, the contract's own last reference slot, read at the head and at the finalized block; nothing
//! hangs on having seen a receipt. Submitters stand by in an order that the digest fixes: the first sends at once, the next steps
//! in when its turn has come and the contract has not moved. A reorganisation lowers the level and the turns begin again.

use crate::{
    agree::order::{Turn, rank},
    effects::Effects,
    event::Event,
    observe::{QueryIds, landed},
    ports::{Answers, Call, CallOutcome, Landed, Query, QueryId},
    record::Record,
    setup::Setup,
    sign::Signed,
    types::{Accepted, DutyId, DutyKind, Epoch, Slot, Timestamp},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Signed duties on their way, the newest of each kind.
#[derive(Debug, Default)]
pub struct Submissions {
    newest: BTreeMap<DutyKind, Submission>,
    asked: Option<(QueryId, Timestamp)>,
    next_poll: Timestamp,
}

/// One signed duty and how far it is.
#[derive(Debug)]
pub struct Submission {
    signed: Signed,
    stage: Stage,
    turn: Timestamp,
    in_flight: bool,
}

/// How far a signed duty is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The contract does not have it.
    Signed,
    /// The contract has it at the head of the chain.
    Submitted,
    /// The contract has it, finally.
    Confirmed,
    /// The contract has a newer one.
    Superseded,
}

impl Submission {
    /// The duty.
    #[must_use]
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Signed | Stage::Submitted)
    }
}

impl Submissions {
    /// A signed duty that can't be seen at the reference for this many epochs is given up, and everything is decided afresh.
    /// Longer than finality takes, with room for a congested chain.
    pub const EXPIRY: u64 = 8;

    /// Takes up `signed`, unless one as new is known. `confirmed` when restored from a store that says so.
    pub fn add(&mut self, now: Timestamp, signed: Signed, confirmed: bool, setup: &Setup) -> bool {
        let kind = signed.duty().kind();
        if self.newest.get(&kind).is_some_and(|known| known.signed.duty().period >= signed.duty().period) {
            return false;
        }
        let stage = if confirmed { Stage::Confirmed } else { Stage::Signed };
        let turn = now.after(patience(&signed, setup));
        self.newest.insert(kind, Submission { signed, stage, turn, in_flight: false });
        self.next_poll = now;
        true
    }

    /// The newest signed duty of `kind`.
    #[must_use]
    pub fn newest(&self, kind: DutyKind) -> Option<&Submission> {
        self.newest.get(&kind)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Submission> {
        self.newest.values()
    }

    /// Whether a duty of `kind` is signed that a reference at `epoch` with the contracts at `accepted` can't show yet.
    #[must_use]
    pub fn in_flight(&self, kind: DutyKind, epoch: Epoch, accepted: Accepted) -> bool {
        self.newest.get(&kind).is_some_and(|submission| {
            let duty = submission.signed.duty();
            duty.reference_slot > of(accepted, kind) && epoch.0.saturating_sub(duty.period.0) <= Self::EXPIRY
        })
    }

    /// Looks at the contracts while something is open, and sends when it is our turn.
    pub fn poll(&mut self, now: Timestamp, ids: &mut QueryIds, setup: &Setup, fx: &mut Effects) {
        if self.asked.is_some_and(|(_, since)| now.since(since) >= setup.timing.query_timeout) {
            self.asked = None;
        }
        if !self.newest.values().any(Submission::is_open) {
            return;
        }
        if self.asked.is_none() && now >= self.next_poll {
            let id = ids.fresh();
            self.asked = Some((id, now));
            self.next_poll = now.after(setup.timing.poll);
            fx.read(id, Query::Landed);
        }
        fx.wake(self.asked.map_or(self.next_poll, |(_, since)| since.after(setup.timing.query_timeout)));
        for submission in self.newest.values_mut() {
            if submission.stage == Stage::Signed && !submission.in_flight {
                if now >= submission.turn {
                    submission.in_flight = true;
                    fx.report(Event::Submitting { id: submission.signed.id() });
                    fx.call(Call::Submit(submission.signed.clone()));
                } else {
                    fx.wake(submission.turn);
                }
            }
        }
    }

    /// Takes answers to our question; others are ignored.
    pub fn answered(&mut self, now: Timestamp, answers: &Answers, setup: &Setup, fx: &mut Effects) {
        if self.asked.is_none_or(|(id, _)| id != answers.id) {
            return;
        }
        self.asked = None;
        if let Some(landed) = landed(&answers.answers, setup) {
            for submission in self.newest.values_mut().filter(|submission| submission.is_open()) {
                submission.see(now, landed, setup, fx);
            }
        }
    }

    /// Takes the outcome of a submission. What it says is only a hint: the contract's level decides.
    pub fn called(&mut self, now: Timestamp, id: DutyId, outcome: CallOutcome, setup: &Setup, fx: &mut Effects) {
        let Some(submission) = self.newest.get_mut(&id.kind).filter(|s| s.signed.id() == id) else { return };
        submission.in_flight = false;
        // If it failed here, another member's turn may come first; ours comes round again.
        submission.turn = now.after(setup.timing.submit_stagger);
        self.next_poll = now;
        fx.report(Event::Submitted { id, outcome });
    }
}

impl Submission {
    /// Compares the contract's level with ours.
    fn see(&mut self, now: Timestamp, landed: Landed, setup: &Setup, fx: &mut Effects) {
        let (id, kind, ours) = (self.signed.id(), self.signed.duty().kind(), self.signed.duty().reference_slot);
        let (head, finalized) = (of(landed.head, kind), of(landed.finalized, kind));
        if finalized == ours {
            self.stage = Stage::Confirmed;
            fx.record(Record::Confirmed { id });
            fx.report(Event::Confirmed { id });
        } else if finalized > ours {
            self.stage = Stage::Superseded;
            fx.report(Event::Superseded { id });
        } else if head >= ours {
            self.stage = Stage::Submitted;
        } else if self.stage == Stage::Submitted {
            self.stage = Stage::Signed;
            self.turn = now.after(patience(&self.signed, setup));
            fx.report(Event::Reorged { id });
        }
    }
}

/// How long we let the members before us try.
fn patience(signed: &Signed, setup: &Setup) -> Duration {
    let rank = rank(Turn::Submit, signed.id(), signed.digest(), &setup.committee, setup.me).unwrap_or(usize::MAX);
    setup.timing.submit_stagger.saturating_mul(u32::try_from(rank).unwrap_or(u32::MAX))
}

fn of(accepted: Accepted, kind: DutyKind) -> Slot {
    match kind {
        DutyKind::Ejection => accepted.ejection,
        DutyKind::Reserves => accepted.reserves,
    }
}
