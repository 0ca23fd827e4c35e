//! The fifth and sixth step: one paid transaction brings a signed duty to its contract, and a finalized block confirms it.
//!
//! Everything here follows one level for each subject, how far the contract is with it, read at the head and at the finalized block;
//! nothing hangs on having seen a receipt. What a level means for a duty is the kind's own matter ([`Duty::standing`]). Submitters stand
//! by in an order that the digest fixes: the first sends at once, the next steps in when its turn has come and the contract has not
//! moved. A reorganisation lowers the level and the turns begin again.

use crate::{
    agree::order::{Turn, rank},
    duty::{ChainView, Duty, DutyId, DutyKind, Standing, Subject},
    effects::Effects,
    event::{Event, Layer},
    observe::{QueryIds, progress, report_failures},
    ports::{Answers, Call, CallOutcome, OnChainProgress, Query, QueryId, Target},
    record::Record,
    setup::Setup,
    sign::Signed,
    types::{Epoch, Timestamp},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Signed duties on their way: of each subject of a kind, the newest.
#[derive(Debug, Default)]
pub(crate) struct Submissions {
    newest: BTreeMap<Target, Submission>,
    asked: Option<(QueryId, Timestamp)>,
    next_poll: Timestamp,
    /// The last question about something open was not answered by enough providers.
    is_blind: bool,
}

/// One signed duty and how far it is.
#[derive(Debug)]
pub(crate) struct Submission {
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
    pub(crate) fn signed(&self) -> &Signed {
        &self.signed
    }

    /// How far it is.
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Signed | Stage::Submitted)
    }
}

impl Submissions {
    /// A signed duty that can't be seen at the reference for this many epochs is given up, and everything is decided afresh.
    /// Longer than finality takes, with room for a congested chain.
    const EXPIRY: u64 = 8;
    /// Signed duties of one kind that are remembered: those that are closed go first, oldest first.
    const REMEMBERED: usize = 64;

    /// Takes up `signed`, unless one as new is known. `confirmed` when restored from a store that says so.
    pub(crate) fn add(&mut self, now: Timestamp, signed: Signed, confirmed: bool, setup: &Setup) -> bool {
        let target = target(signed.id());
        let is_as_new = |known: &Submission| {
            let (known, signed) = (known.signed.duty(), signed.duty());
            known.id() == signed.id() || known.reference_slot >= signed.reference_slot
        };
        if self.newest.get(&target).is_some_and(is_as_new) {
            return false;
        }
        let stage = if confirmed { Stage::Confirmed } else { Stage::Signed };
        let turn = now.after(patience(&signed, setup));
        self.newest.insert(target, Submission { signed, stage, turn, in_flight: false });
        self.forget(target.0);
        self.next_poll = now;
        true
    }

    /// The newest signed duty about the subject of `id`.
    pub(crate) fn of(&self, id: DutyId) -> Option<&Submission> {
        self.newest.get(&target(id))
    }

    /// Whether the contracts' progress can't be seen: something is open, and too few providers answer.
    pub(crate) fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Submission> {
        self.newest.values()
    }

    /// Whether a duty about the same as `duty`'s subject is signed that a reference at `epoch` can't show yet.
    pub(crate) fn is_out(&self, duty: &Duty, epoch: Epoch, chain: &ChainView, slots_per_epoch: u64) -> bool {
        self.of(duty.id()).is_some_and(|submission| {
            let signed = submission.signed.duty();
            let since = signed.reference_slot.0.checked_div(slots_per_epoch).unwrap_or_default();
            signed.standing(chain.accepted(duty.kind())) == Standing::Open
                && epoch.0.saturating_sub(since) <= Self::EXPIRY
        })
    }

    /// Looks at the contracts while something is open, and sends when it is our turn, unless the operator
    /// holds or refuses it (`is_kept_back`).
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        is_kept_back: impl Fn(&Signed) -> bool,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        if self.asked.is_some_and(|(_, since)| now.since(since) >= setup.timing.query_timeout) {
            self.asked = None;
            self.is_blind = true;
        }
        let open = self.newest.iter().filter(|(_, submission)| submission.is_open());
        let targets: BTreeSet<Target> = open.map(|(target, _)| *target).collect();
        if targets.is_empty() {
            self.is_blind = false;
            return;
        }
        if self.asked.is_none() && now >= self.next_poll {
            let id = ids.fresh();
            self.asked = Some((id, now));
            self.next_poll = now.after(setup.timing.poll);
            fx.read(id, Query::Progress(targets));
        }
        fx.wake(self.asked.map_or(self.next_poll, |(_, since)| since.after(setup.timing.query_timeout)));
        for submission in self.newest.values_mut() {
            if submission.stage == Stage::Signed && !submission.in_flight && !is_kept_back(&submission.signed) {
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
    pub(crate) fn answered(&mut self, now: Timestamp, answers: &Answers, setup: &Setup, fx: &mut Effects) {
        if self.asked.is_none_or(|(id, _)| id != answers.id) {
            return;
        }
        self.asked = None;
        report_failures(&answers.answers, Layer::Execution, fx);
        let progress = progress(&answers.answers, setup);
        let mut open = self.newest.iter().filter(|(_, submission)| submission.is_open());
        self.is_blind = open.any(|(target, _)| !progress.contains_key(target));
        for (target, submission) in self.newest.iter_mut().filter(|(_, submission)| submission.is_open()) {
            if let Some(progress) = progress.get(target) {
                submission.see(now, *progress, setup, fx);
            }
        }
    }

    /// Takes the outcome of a submission. What it says is only a hint: the contract's level decides.
    pub(crate) fn called(&mut self, now: Timestamp, id: DutyId, outcome: CallOutcome, setup: &Setup, fx: &mut Effects) {
        let Some(submission) = self.newest.get_mut(&target(id)).filter(|s| s.signed.id() == id) else { return };
        submission.in_flight = false;
        // If it failed here, another member's turn may come first; ours comes round again.
        submission.turn = now.after(setup.timing.submit_stagger);
        self.next_poll = now;
        fx.report(Event::Submitted { id, outcome });
    }

    fn forget(&mut self, kind: DutyKind) {
        let of_kind = || self.newest.iter().filter(|((of, _), _)| *of == kind);
        if of_kind().count() <= Self::REMEMBERED {
            return;
        }
        let age = |submission: &Submission| (submission.is_open(), submission.signed.duty().reference_slot);
        let oldest = of_kind().min_by_key(|(_, submission)| age(submission)).map(|(target, _)| *target);
        oldest.map(|target| self.newest.remove(&target));
    }
}

impl Submission {
    /// Compares what the contract shows with what we have.
    fn see(&mut self, now: Timestamp, progress: OnChainProgress, setup: &Setup, fx: &mut Effects) {
        let id = self.signed.id();
        match self.signed.duty().standing(progress.finalized) {
            Standing::Accepted => {
                self.stage = Stage::Confirmed;
                fx.record(Record::Confirmed { id });
                fx.report(Event::Confirmed { id });
            }
            Standing::Superseded => {
                self.stage = Stage::Superseded;
                fx.report(Event::Superseded { id });
            }
            Standing::Open if self.signed.duty().standing(progress.head) != Standing::Open => {
                self.stage = Stage::Submitted;
            }
            Standing::Open if self.stage == Stage::Submitted => {
                self.stage = Stage::Signed;
                self.turn = now.after(patience(&self.signed, setup));
                fx.report(Event::Reorged { id });
            }
            Standing::Open => {}
        }
    }
}

/// How long we let the members before us try.
fn patience(signed: &Signed, setup: &Setup) -> Duration {
    let rank = rank(Turn::Submit, signed.id(), signed.digest(), &setup.committee, setup.me).unwrap_or(usize::MAX);
    setup.timing.submit_stagger.saturating_mul(u32::try_from(rank).unwrap_or(u32::MAX))
}

/// What the contract is asked for.
fn target(id: DutyId) -> (DutyKind, Subject) {
    (id.kind, id.subject)
}
