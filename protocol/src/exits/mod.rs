//! What a signed ejection order leads to: each guardian gives its part of the validator's exit, t parts make the validator's own
//! signature, and the beacon chain is watched until the exit is on it.
//!
//! An exit signature is valid for ever, so giving a part is irrevocable. It is given only here, and only for a validator in a
//! [`Signed`] order whose record is in the same commit or an earlier one, and not while the operator holds ejections, or refuses the order. A part is checked against its author's public share before
//! it counts; that it was is in its type ([`guardian_crypto::bls::VerifiedPartial`]).
//!
//! The arithmetic is done elsewhere, as one [`Job`] at a time. What came in while it ran is the next one's work, so that under load
//! jobs get larger and cheaper for each exit. Parts of a member that has given a wrong one wait until nothing else is to be done:
//! looking for wrong ones takes time, which others should not lose.

mod open;
mod publish;
mod root;
#[cfg(test)]
mod tests;

use self::{open::OpenExit, publish::RateLimit};
use crate::{
    agree::order::{Turn, rank},
    duty::{
        DutyBody, DutyKind, Evidence, ORDER_LIFE,
        kinds::{EjectionOrder, EjectionReason},
    },
    effects::Effects,
    event::Event,
    setup::Setup,
    sign::Signed,
    types::{BlsPubkey, Epoch, MemberId, Timestamp, ValidatorIndex},
    wire::PartialExits,
    work::{
        self, Job, JobId, ValidatorKey,
        exits::{Outcome, ToCheck, ToSign, Work},
    },
};
use alloy_primitives::B256;
use guardian_crypto::bls::{VerifiedPartial, batch::Checked};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Parts in one job at most: under a second of work on one core, so that what comes meanwhile does not wait for long.
const PARTS_AT_ONCE: usize = 1024;

/// Exits under way.
#[derive(Debug)]
pub(crate) struct Exits {
    keys: BTreeMap<BlsPubkey, Arc<ValidatorKey>>,
    /// Orders that may still have exits that are not on the beacon chain.
    orders: BTreeMap<(Epoch, B256), Signed>,
    open: BTreeMap<ValidatorIndex, OpenExit>,
    /// The last parts of each member, kept until their order is known here: parts may overtake the order's signature.
    early: BTreeMap<MemberId, PartialExits>,
    /// Members whose last parts were not all right.
    suspects: BTreeSet<MemberId>,
    /// Validators of which it was said that there is no share.
    missing: BTreeSet<ValidatorIndex>,
    running: Option<(JobId, Timestamp)>,
    jobs: u64,
    /// Nothing is to be computed until something changes.
    idle: bool,
    /// Orders for which no part is made, because the operator holds or refuses them.
    kept_back: BTreeSet<B256>,
    rate: RateLimit,
}

impl Exits {
    /// The kind of duty that leads to exits.
    pub(crate) const KIND: DutyKind = DutyKind::Ejection;

    /// With these shares of validators' keys.
    #[must_use]
    pub(crate) fn new(keys: BTreeMap<BlsPubkey, ValidatorKey>) -> Self {
        Self {
            keys: keys.into_iter().map(|(pubkey, key)| (pubkey, Arc::new(key))).collect(),
            orders: BTreeMap::new(),
            open: BTreeMap::new(),
            early: BTreeMap::new(),
            suspects: BTreeSet::new(),
            missing: BTreeSet::new(),
            running: None,
            jobs: 0,
            idle: true,
            kept_back: BTreeSet::new(),
            rate: RateLimit::default(),
        }
    }

    /// Validators whose exit is under way.
    pub(crate) fn open(&self) -> impl Iterator<Item = ValidatorIndex> {
        self.open.keys().copied()
    }

    /// Knows of an order that was signed before a restart; [`Exits::resume`] takes it up.
    pub(crate) fn remember(&mut self, signed: &Signed) {
        if matches!(signed.duty().body, DutyBody::Ejection(_)) {
            self.orders.insert((signed.duty().period, signed.digest()), signed.clone());
        }
    }

    /// Starts the exits that `signed`, whose record is written in this step, demands.
    pub(crate) fn start(&mut self, now: Timestamp, signed: &Signed, setup: &Setup, fx: &mut Effects) {
        self.remember(signed);
        self.open_exits(now, signed, |_| true, setup, fx);
        for (member, parts) in std::mem::take(&mut self.early) {
            self.take(member, parts, fx);
        }
    }

    /// Takes up the exits of remembered orders that are `wanted` at `epoch` and not under way, the newest order's for each validator.
    /// Orders whose life is over are forgotten.
    pub(crate) fn resume(
        &mut self,
        now: Timestamp,
        epoch: Epoch,
        wanted: impl Fn(ValidatorIndex) -> bool,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let mut orders = std::mem::take(&mut self.orders);
        orders.retain(|(period, _), _| epoch.0.saturating_sub(period.0) <= ORDER_LIFE);
        for signed in orders.values() {
            self.open_exits(now, signed, &wanted, setup, fx);
        }
        self.orders = orders;
    }

    fn open_exits(
        &mut self,
        now: Timestamp,
        signed: &Signed,
        wanted: impl Fn(ValidatorIndex) -> bool,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let DutyBody::Ejection(order) = &signed.duty().body else { return };
        let place = rank(Turn::PublishExit, signed.id(), signed.digest(), &setup.committee, setup.me);
        let place = place.and_then(|place| u32::try_from(place).ok()).unwrap_or(u32::MAX);
        let patience = setup.timing.coordinator_stagger.saturating_mul(place);
        // A slashed validator is on its way out already: the beacon chain saw to that.
        for ejection in order.ejections().iter().filter(|e| e.reason != EjectionReason::Slashed && wanted(e.index)) {
            if self.open.get(&ejection.index).is_some_and(|open| open.period() >= signed.duty().period) {
                continue;
            }
            let Some(key) = self.keys.get(&ejection.pubkey) else {
                if self.missing.insert(ejection.index) {
                    fx.report(Event::NoExitShare { index: ejection.index });
                }
                continue;
            };
            let turn = (now.after(patience), patience);
            if let Some(open) = OpenExit::new(signed, ejection, key, setup, turn) {
                self.open.insert(ejection.index, open);
                self.idle = false;
            }
        }
    }

    /// Takes the parts that `member` gave. They count when they have been checked.
    pub(crate) fn take(&mut self, member: MemberId, parts: PartialExits, fx: &mut Effects) {
        if parts.exits.len() > EjectionOrder::MAX {
            let reason = format!("parts of {} exits, more than an order holds", parts.exits.len());
            fx.report(Event::MessageRefused { member, reason });
            return;
        }
        if !self.orders.keys().any(|(_, digest)| *digest == parts.digest) {
            self.early.insert(member, parts);
            return;
        }
        for (index, partial) in parts.exits {
            if let Some(open) = self.open.get_mut(&index).filter(|open| open.order() == parts.digest)
                && open.offer(member, partial)
            {
                self.idle = false;
            }
        }
    }

    /// Takes what a job has brought. Returns our parts, if it made some, to be told to everybody.
    pub(crate) fn computed(
        &mut self,
        now: Timestamp,
        job: JobId,
        outcome: Outcome,
        fx: &mut Effects,
    ) -> Option<PartialExits> {
        if self.running.is_none_or(|(id, _)| id != job) {
            return None;
        }
        self.running = None;
        self.idle = false;
        match outcome {
            // They were begun before the operator held ejections: they are made again when those go on.
            Outcome::Signed { order, .. } if self.kept_back.contains(&order) => None,
            Outcome::Signed { order, parts } => self.signed(order, parts, fx),
            Outcome::Checked(exits) => {
                self.checked(now, exits, fx);
                None
            }
        }
    }

    fn signed(
        &mut self,
        order: B256,
        parts: Vec<(ValidatorIndex, VerifiedPartial)>,
        fx: &mut Effects,
    ) -> Option<PartialExits> {
        let mut told = BTreeMap::new();
        for (index, partial) in parts {
            if let Some(open) = self.open.get_mut(&index).filter(|open| open.order() == order)
                && open.signed(partial)
            {
                fx.report(Event::PartialExitReleased { index, reason: open.reason() });
                open.tell(&mut told);
            }
        }
        told.remove(&order)
    }

    fn checked(&mut self, now: Timestamp, exits: Vec<(ToCheck, Checked)>, fx: &mut Effects) {
        let mut right = BTreeSet::new();
        let mut wrong: BTreeMap<MemberId, Vec<ValidatorIndex>> = BTreeMap::new();
        for (judged, checked) in exits {
            right.extend(checked.verified.keys().copied());
            for member in &checked.wrong {
                wrong.entry(*member).or_default().push(judged.index);
            }
            if let Some(open) = self.open.get_mut(&judged.index).filter(|open| open.order() == judged.order)
                && open.checked(now, &judged.fresh, &checked)
            {
                self.rate.due_at(open.turn());
                fx.report(Event::ExitCombined { index: judged.index });
            }
        }
        self.suspects.retain(|member| !right.contains(member));
        // No proof against the member: who dealt the shares may have given it other commitments than us.
        for (member, validators) in wrong {
            let (count, first) = (validators.len(), validators.first().copied().unwrap_or_default());
            let reason = format!("wrong partial exit signatures of {count} validators, the first is {first}");
            fx.report(Event::MessageRefused { member, reason });
            self.suspects.insert(member);
        }
    }

    /// Has computed what is to be, and publishes complete exits when it is our turn. For orders that are
    /// `kept_back` no part of ours is made.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        is_kept_back: impl Fn(B256) -> bool,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let kept_back = self.orders.keys().map(|(_, digest)| *digest).filter(|digest| is_kept_back(*digest)).collect();
        if self.kept_back != kept_back {
            self.kept_back = kept_back;
            self.idle = false;
        }
        // A job that does not come back is given up: what it was to do is still to be done.
        if self.running.is_some_and(|(_, since)| now.since(since) >= setup.timing.query_timeout) {
            self.running = None;
            self.idle = false;
        }
        if let (None, false) = (self.running, self.idle) {
            match self.next_work() {
                Some(work) => {
                    self.jobs = self.jobs.saturating_add(1);
                    let id = JobId(self.jobs);
                    self.running = Some((id, now));
                    fx.compute(Job { id, work: work::Work::Exits(work) });
                }
                None => self.idle = true,
            }
        }
        if let Some((_, since)) = self.running {
            fx.wake(since.after(setup.timing.query_timeout));
        }
        self.rate.publish(now, &mut self.open, setup, fx);
    }

    /// Our own parts first: others wait for them.
    fn next_work(&self) -> Option<Work> {
        let may_sign = |open: &&OpenExit| !self.kept_back.contains(&open.order());
        let unsigned = self.open.values().filter(may_sign).find_map(|open| open.to_sign().map(|_| open.order()));
        if let Some(order) = unsigned {
            let of_order = self.open.values().filter(|open| open.order() == order);
            let exits: Vec<ToSign> = of_order.filter_map(OpenExit::to_sign).collect();
            return Some(Work::Sign { order, exits });
        }
        let trusted = self.to_check(|member| !self.suspects.contains(&member));
        let exits = if trusted.is_empty() { self.to_check(|_| true) } else { trusted };
        (!exits.is_empty()).then_some(Work::Check(exits))
    }

    fn to_check(&self, are_chosen: impl Fn(MemberId) -> bool) -> Vec<ToCheck> {
        let mut parts = 0usize;
        let chosen = self.open.values().filter_map(|open| open.to_check(&are_chosen));
        chosen
            .take_while(|exit| {
                let enough = parts >= PARTS_AT_ONCE;
                parts = parts.saturating_add(exit.fresh.len().max(1));
                !enough
            })
            .collect()
    }

    /// Closes the exits that `evidence` shows on the beacon chain.
    pub(crate) fn see(&mut self, evidence: &Evidence, fx: &mut Effects) {
        for validator in &evidence.validators {
            if validator.exit_epoch != Epoch::FAR_FUTURE && self.open.remove(&validator.index).is_some() {
                fx.report(Event::ExitSeen { index: validator.index, exit_epoch: validator.exit_epoch });
            }
        }
    }

    /// Our parts of all that is open, by order, to be told again: to a peer that came late, or after a loss.
    #[must_use]
    pub(crate) fn ours(&self) -> Vec<PartialExits> {
        let mut told = BTreeMap::new();
        for open in self.open.values() {
            open.tell(&mut told);
        }
        told.into_values().collect()
    }
}
