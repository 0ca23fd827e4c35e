//! What a signed ejection order leads to: each guardian gives its part of the validator's exit, t parts make the validator's own
//! signature, which is brought to the beacon nodes until a block has it, and the validator is followed until its stake is withdrawn.
//!
//! An exit signature is valid for ever, so giving a part is irrevocable. A [`Signed`] order, whose record is in the same commit or an
//! earlier one, opens an exit: others' parts are collected. Ours is given only when what this guardian itself reads at a finalized block
//! speaks for it ([`OpenExit::weigh`]), and while neither the operator nor a limit says wait. A part is checked against its author's public
//! share before it counts; that it was is in its type ([`guardian_crypto::bls::VerifiedPartial`]).
//!
//! The arithmetic is done elsewhere, as one [`Job`] at a time. What came in while it ran is the next one's work, so that under load
//! jobs get larger and cheaper for each exit. Parts of a member that has given a wrong one wait until nothing else is to be done:
//! looking for wrong ones takes time, which others should not lose.

mod broadcast;
mod coverage;
mod jobs;
mod open;
mod publish;
mod request;
mod root;
#[cfg(test)]
mod tests;
mod trail;

pub(crate) use coverage::Coverage;
pub(crate) use request::{Entry, Ledger};
pub use trail::{ExitStage, Wait};

use self::{
    broadcast::Broadcast,
    open::{OpenExit, Weight},
    publish::RateLimit,
    request::Requests,
    trail::Trails,
};
use crate::{
    agree::order::{Turn, rank},
    duty::{
        DutyBody, DutyKind, Evidence, ORDER_LIFE,
        kinds::{EjectionOrder, EjectionReason},
    },
    effects::Effects,
    event::{Event, ExitEvent},
    ports::RequestOutcome,
    setup::{Mode, Setup},
    sign::Signed,
    status::ExitStatus,
    types::{BlsPubkey, Epoch, MemberId, ProviderId, Timestamp, ValidatorIndex},
    wire::{Holdings, PartialExits},
    work::{self, Job, JobId, ValidatorKey},
};
use alloy_primitives::B256;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// Parts in one job at most: under a second of work on one core, so that what comes meanwhile does not wait for long.
const PARTS_AT_ONCE: usize = 1024;

/// Of so many orders that are not known here yet, each member's parts are kept.
const EARLY: usize = 2;
/// Epochs after which what was read last speaks for nothing any more: then a new reading must.
const CLEARANCE: u32 = 2;
/// Epochs with nothing in the way, after which an exit that no block has is an alarm: it should have been in one of the first.
pub(crate) const STUCK_AFTER: u64 = 16;

/// How long we let the members before us publish an exit. As many as may be faulty and one more take turns; the others step in after an
/// epoch, so that a mass of exits does not reach a beacon node from everybody.
fn patience(signed: &Signed, setup: &Setup) -> Duration {
    let place = rank(Turn::PublishExit, signed.id(), signed.digest(), &setup.committee, setup.me).unwrap_or(usize::MAX);
    let turn = setup.timing.coordinator_stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
    if place <= setup.committee.tolerated() { turn } else { turn.saturating_add(setup.network.epoch()) }
}

/// Exits under way.
#[derive(Debug)]
pub(crate) struct Exits {
    keys: BTreeMap<BlsPubkey, Arc<ValidatorKey>>,
    /// Orders that may still have exits that are not on the beacon chain.
    orders: BTreeMap<(Epoch, B256), Signed>,
    open: BTreeMap<ValidatorIndex, OpenExit>,
    trails: Trails,
    /// The last parts of each member, kept until their order is known here: parts may overtake the order's signature. Of two orders, so
    /// that an old message that somebody repeats does not take the place of a new one.
    early: BTreeMap<MemberId, VecDeque<PartialExits>>,
    /// Members whose last parts were not all right.
    suspects: BTreeSet<MemberId>,
    /// Validators of which it was said that there is no share.
    missing: BTreeSet<ValidatorIndex>,
    running: Option<(JobId, Timestamp)>,
    jobs: u64,
    /// Nothing is to be computed until something changes.
    idle: bool,
    /// When the evidence came by which exits were cleared last.
    seen: Option<Timestamp>,
    rate: RateLimit,
    requests: Requests,
}

impl Exits {
    /// The kind of duty that leads to exits.
    pub(crate) const KIND: DutyKind = DutyKind::Ejection;

    /// With these shares of validators' keys, and the requests that were recorded.
    #[must_use]
    pub(crate) fn new(keys: BTreeMap<BlsPubkey, ValidatorKey>, requests: Ledger) -> Self {
        Self {
            keys: keys.into_iter().map(|(pubkey, key)| (pubkey, Arc::new(key))).collect(),
            orders: BTreeMap::new(),
            open: BTreeMap::new(),
            trails: Trails::default(),
            early: BTreeMap::new(),
            suspects: BTreeSet::new(),
            missing: BTreeSet::new(),
            running: None,
            jobs: 0,
            idle: true,
            seen: None,
            rate: RateLimit::default(),
            requests: Requests::new(requests),
        }
    }

    /// Validators whose exit is under way.
    pub(crate) fn open(&self) -> impl Iterator<Item = ValidatorIndex> {
        self.open.keys().copied()
    }

    /// How far all are that were ordered out and are not settled.
    pub(crate) fn status(&self) -> Vec<ExitStatus> {
        self.trails.status(&self.open)
    }

    /// Which validators' keys we hold shares of.
    pub(crate) fn holdings(&self) -> Holdings {
        Holdings { validators: self.keys.keys().take(Holdings::MAX).map(coverage::name).collect() }
    }

    /// Whether we hold a share of this validator's key.
    pub(crate) fn holds(&self, pubkey: &BlsPubkey) -> bool {
        self.keys.contains_key(pubkey)
    }

    /// How many shares this validator's exit needs, if we can tell.
    pub(crate) fn threshold_of(&self, pubkey: &BlsPubkey) -> Option<usize> {
        self.keys.get(pubkey).map(|key| usize::from(key.commitments.threshold()))
    }

    /// How many of our shares are of keys that fewer than `threshold` holders can use: their dealer was satisfied with less than the
    /// committee is.
    pub(crate) fn weak(&self, threshold: usize) -> usize {
        self.keys.values().filter(|key| usize::from(key.commitments.threshold()) < threshold).count()
    }

    /// Knows of an order that was signed before a restart; [`Exits::resume`] takes it up.
    pub(crate) fn remember(&mut self, signed: &Signed) {
        let DutyBody::Ejection(order) = &signed.duty().body else { return };
        self.orders.insert((signed.duty().period, signed.digest()), signed.clone());
        for ejection in order.ejections() {
            self.trails.order(ejection.pubkey, signed.id(), ejection.reason);
        }
    }

    /// Whether `signed` is an order that is not known here, and of which an exit may still be to be made: one that is not newer for any of its
    /// validators is done with.
    pub(crate) fn is_news(&self, signed: &Signed) -> bool {
        let DutyBody::Ejection(order) = &signed.duty().body else { return false };
        let period = signed.duty().period;
        let is_newer = |index: &ValidatorIndex| self.open.get(index).is_none_or(|open| open.period() < period);
        !self.orders.contains_key(&(period, signed.digest())) && order.ejections().iter().any(|e| is_newer(&e.index))
    }

    /// Orders of which exits are open, oldest first.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Signed> {
        let is_open = |digest: &B256| self.open.values().any(|open| open.order() == *digest);
        self.orders.iter().filter(move |((_, digest), _)| is_open(digest)).map(|(_, signed)| signed)
    }

    /// Starts the exits that `signed`, whose record is written in this step, demands.
    pub(crate) fn start(&mut self, now: Timestamp, signed: &Signed, setup: &Setup, fx: &mut Effects) {
        self.remember(signed);
        self.open_exits(now, signed, |_| true, setup, fx);
        for (member, kept) in std::mem::take(&mut self.early) {
            kept.into_iter().for_each(|parts| self.take(member, parts, fx));
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
        if setup.mode == Mode::Observe {
            return;
        }
        let patience = patience(signed, setup);
        // A slashed validator is on its way out already: the beacon chain saw to that.
        for ejection in order.ejections().iter().filter(|e| e.reason != EjectionReason::Slashed && wanted(e.index)) {
            if self.open.get(&ejection.index).is_some_and(|open| open.period() >= signed.duty().period) {
                continue;
            }
            let key = self.keys.get(&ejection.pubkey);
            if key.is_none() && self.missing.insert(ejection.index) {
                fx.report(Event::Exit(ExitEvent::NoShare { index: ejection.index }));
            }
            if let Some(open) = OpenExit::new(signed, ejection, key, setup, Broadcast::new(now, patience)) {
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
            let kept = self.early.entry(member).or_default();
            kept.retain(|other| other.digest != parts.digest);
            kept.push_back(parts);
            if kept.len() > EARLY {
                kept.pop_front();
            }
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

    /// Has computed what is to be, and publishes complete exits when it is our turn. For orders that are kept back no part of ours is made,
    /// and nothing published.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        is_kept_back: impl Fn(B256) -> bool,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let is_stale = self.seen.is_none_or(|seen| now.since(seen) >= setup.network.epoch().saturating_mul(CLEARANCE));
        let mut words: BTreeMap<B256, bool> = BTreeMap::new();
        for open in self.open.values_mut() {
            if is_stale {
                open.doubt();
            }
            let order = open.order();
            if open.keep_back(*words.entry(order).or_insert_with(|| is_kept_back(order))) {
                self.idle = false;
                self.rate.due_at(open.turn());
            }
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
        self.requests.poll(now, &mut self.open, &self.orders, setup, fx);
    }

    /// Takes what the beacon nodes said to an exit that was published: for each, why it did not take it, if it did not.
    pub(crate) fn published(&mut self, index: ValidatorIndex, said: &[(ProviderId, Option<String>)]) {
        if let Some(open) = self.open.get_mut(&index) {
            open.broadcast.outcome(said);
        }
    }

    /// Takes what became of the request of an exit.
    pub(crate) fn requested(
        &mut self,
        now: Timestamp,
        (order, index): (B256, ValidatorIndex),
        outcome: RequestOutcome,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let open = self.open.get_mut(&index).filter(|open| open.order() == order);
        self.requests.outcome(now, (order, index), open, outcome, setup, fx);
    }

    /// Closes the exits that `evidence` shows on the beacon chain, and weighs the others by it. What could not be proved, where it can be,
    /// speaks for nothing and moves nothing.
    pub(crate) fn see(&mut self, now: Timestamp, evidence: &Evidence, setup: &Setup, fx: &mut Effects) {
        self.seen = Some(now);
        self.open.values_mut().for_each(OpenExit::doubt);
        if !evidence.proof.bears_orders() {
            return;
        }
        self.trails.see(evidence, &mut self.open, fx);
        let epoch = evidence.checkpoint.epoch;
        self.open.retain(|_, open| !open.is_over(epoch, ORDER_LIFE));
        for validator in &evidence.validators {
            let index = validator.index;
            let Some(open) = self.open.get_mut(&index) else { continue };
            match open.weigh(validator, evidence, setup) {
                Weight::For => {
                    self.idle = false;
                    self.rate.due_at(open.turn());
                    let orders = request::places(self.orders.values(), index).len();
                    open.consider_request(now, validator, evidence, orders, setup);
                }
                Weight::Open => {}
                Weight::Against => fx.report(Event::OrderUnfounded { id: open.duty(), index }),
            }
            if open.free_for(epoch) >= STUCK_AFTER && open.gets_stuck() {
                let (id, tried) = (open.duty(), open.tried());
                fx.report(Event::Exit(ExitEvent::Stuck { id, index, epochs: open.free_for(epoch), tried }));
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
