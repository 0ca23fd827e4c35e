//! What duties have set in motion, held against the operator's [`Limits`].
//!
//! Nothing is counted besides: what was moved is what the store's signed duties say, so that a restart forgets none of it. A day is a day
//! of epochs, and a duty is weighed together with what was signed before it. What an operator has released is free for a day: the same
//! thing, decided afresh in the next epoch, needs no second word.

use super::{
    Hold,
    limits::{Limits, Severity},
};
use crate::{
    duty::{Duty, DutyId, DutyKind, Evidence, Extent, Impact, Measure, PerKind},
    effects::Effects,
    event::Event,
    record::Record,
    types::{Epoch, Timestamp},
};
use alloy_primitives::B256;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many things moved, their share of the whole says nothing: two of five validators are no catastrophe.
const FEW: u64 = 16;

/// What is beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Excess {
    /// Whether it goes on by itself.
    pub severity: Severity,
    /// By which measure.
    pub measure: Measure,
    /// How much the duty makes of it, with what was moved before.
    pub amount: u64,
    /// How much may be.
    pub bound: u64,
}

/// A duty that is beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitedDuty {
    /// Which.
    pub id: DutyId,
    /// Its digest: what `guardian release` takes.
    pub digest: B256,
    /// Whether the committee has signed it, without this guardian.
    pub signed: bool,
    /// When it goes on; `None`: when the operator releases it.
    pub until: Option<Timestamp>,
    /// The limit.
    #[serde(flatten)]
    pub excess: Excess,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Movements {
    limits: Limits,
    epochs_of_a_day: u64,
    extents: PerKind<Extent>,
    /// Signed duties of the last days in the order in which they became known, then those that are open here.
    filed: Vec<Filed>,
    released: Vec<Released>,
    /// Since when duties of a kind have waited for a soft limit. The same in the next epoch has waited already.
    waiting: PerKind<Timestamp>,
}

#[derive(Debug)]
struct Filed {
    duty: Duty,
    digest: B256,
    impact: Impact,
    since: Timestamp,
    signed: bool,
    confirmed: bool,
    amounts: Vec<(Measure, u64)>,
}

#[derive(Debug)]
struct Released {
    kind: DutyKind,
    period: Epoch,
    impact: Impact,
}

impl Movements {
    pub(super) fn new(limits: Limits, epochs_of_a_day: u64) -> Self {
        Self {
            limits,
            epochs_of_a_day: epochs_of_a_day.max(1),
            extents: PerKind::default(),
            filed: Vec::new(),
            released: Vec::new(),
            waiting: PerKind::default(),
        }
    }

    /// Other limits, from now on.
    pub(super) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What there is, by the newest evidence.
    pub(super) fn see(&mut self, evidence: &Evidence) {
        self.extents = evidence.chain.rules.iter().map(|rules| (rules.kind(), rules.extent(evidence))).collect();
        self.weigh_all();
    }

    /// Files a duty that was decided here, or that the committee has signed. Tells what it is beyond.
    pub(super) fn file(&mut self, now: Timestamp, duty: &Duty, digest: B256, signed: bool, fx: &mut Effects) {
        let kind = duty.kind();
        let known = self.filed.iter().position(|filed| filed.digest == digest).map(|at| self.filed.remove(at));
        if known.as_ref().is_some_and(|known| known.signed && !signed) {
            self.filed.extend(known);
            return;
        }
        let impact = duty.body.impact();
        let was = known.as_ref().and_then(|known| self.excess(known));
        let since = known.map(|known| known.since);
        let mut filed =
            Filed { duty: duty.clone(), digest, impact, since: now, signed, confirmed: false, amounts: Vec::new() };
        filed.amounts = self.weigh(&filed, self.filed.iter().filter(|earlier| earlier.signed));
        let excess = self.excess(&filed);
        match excess {
            Some(_) => filed.since = since.or(self.waiting.get(kind).copied()).unwrap_or(now),
            None => drop(self.waiting.remove(kind)),
        }
        if excess.is_some() && !signed {
            self.waiting.insert(kind, filed.since);
        }
        if signed {
            // What comes next is another matter, and waits its own time.
            self.waiting.remove(kind);
        }
        if let Some(excess) = excess.filter(|_| excess != was) {
            let until = self.until(&filed, excess);
            fx.report(Event::LimitExceeded { id: duty.id(), digest, excess, until });
        }
        let at = self.filed.iter().position(|other| signed && !other.signed).unwrap_or(self.filed.len());
        self.filed.insert(at, filed);
        self.forget();
    }

    /// Duties that were open are no more.
    pub(super) fn abandon(&mut self) {
        self.filed.retain(|filed| filed.signed);
    }

    /// Everything that was due has been decided. A kind of which nothing waits for a soft limit any more has its whole wait before it.
    pub(super) fn decided(&mut self) {
        for kind in DutyKind::ALL {
            let waits = |filed: &Filed| !filed.signed && filed.duty.kind() == kind && self.excess(filed).is_some();
            if !self.filed.iter().any(waits) {
                self.waiting.remove(kind);
            }
        }
    }

    /// Its contract has the duty with this digest, finally: figures are compared with it from now on.
    pub(super) fn confirm(&mut self, digest: B256) {
        if let Some(filed) = self.filed.iter_mut().find(|filed| filed.digest == digest && !filed.confirmed) {
            filed.confirmed = true;
            self.weigh_all();
        }
    }

    /// The operator lets `digest` pass all limits. Returns whether it is known here.
    pub(super) fn release(&mut self, digest: B256, fx: &mut Effects) -> bool {
        let Some(filed) = self.filed.iter().find(|filed| filed.digest == digest) else { return false };
        let duty = filed.duty.clone();
        // Whoever says it again, because the answer was lost, has done no harm.
        if self.excess(filed).is_some() {
            fx.record(Record::Released { duty: duty.clone() });
            fx.report(Event::LimitReleased { id: duty.id(), digest });
            self.restore_release(&duty);
            self.weigh_all();
        }
        true
    }

    /// Takes a record's word.
    pub(super) fn restore_release(&mut self, duty: &Duty) {
        let (kind, period) = (duty.kind(), duty.period);
        self.released.push(Released { kind, period, impact: duty.body.impact() });
        let is_of_use = |released: &Released| released.kind != kind || self.is_within_a_day(released.period, period);
        let kept: Vec<bool> = self.released.iter().map(is_of_use).collect();
        let mut kept = kept.into_iter();
        self.released.retain(|_| kept.next().unwrap_or(true));
    }

    /// Why the duty with this digest waits, if a limit is the reason.
    pub(super) fn hold_of(&self, now: Timestamp, digest: B256) -> Option<Hold> {
        let filed = self.filed.iter().find(|filed| filed.digest == digest)?;
        let excess = self.excess(filed)?;
        let hold = Hold { until: self.until(filed, excess), reason: excess.in_words(digest) };
        hold.stands(now).then_some(hold)
    }

    /// Everything that a limit keeps back, and whatever was signed beyond one within a day.
    pub(super) fn limited(&self, now: Timestamp) -> impl Iterator<Item = LimitedDuty> {
        let newest = self.filed.iter().map(|filed| filed.duty.period.0).max().unwrap_or_default();
        let is_recent = move |filed: &&Filed| newest < filed.duty.period.0.saturating_add(self.epochs_of_a_day);
        let is_done = |filed: &&Filed| filed.confirmed && matches!(filed.impact, Impact::Sets(_));
        self.filed.iter().filter(move |filed| is_recent(filed) && !is_done(filed)).filter_map(move |filed| {
            let excess = self.excess(filed)?;
            let until = self.until(filed, excess);
            let Filed { digest, signed, .. } = *filed;
            let waits = until.is_none_or(|until| now < until);
            waits.then(|| LimitedDuty { id: filed.duty.id(), digest, signed, until, excess })
        })
    }

    /// When holds end by themselves.
    pub(super) fn ends(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let until = |filed: &Filed| self.excess(filed).and_then(|excess| self.until(filed, excess));
        self.filed.iter().filter_map(until).filter(move |until| *until > now)
    }

    fn until(&self, filed: &Filed, excess: Excess) -> Option<Timestamp> {
        match excess.severity {
            Severity::Soft => Some(filed.since.after(self.limits.soft_wait)),
            Severity::Hard => None,
        }
    }

    /// The strictest limit that `filed` is beyond.
    fn excess(&self, filed: &Filed) -> Option<Excess> {
        let beyond = |severity, (measure, amount): (Measure, u64)| {
            let bound = self.limits.bound(severity, filed.duty.kind(), measure)?;
            (amount > bound).then_some(Excess { severity, measure, amount, bound })
        };
        let of = |severity| filed.amounts.iter().find_map(|amount| beyond(severity, *amount));
        of(Severity::Hard).or_else(|| of(Severity::Soft))
    }

    fn weigh_all(&mut self) {
        let mut weighed = Vec::with_capacity(self.filed.len());
        for (at, filed) in self.filed.iter().enumerate() {
            weighed.push(self.weigh(filed, self.filed.iter().take(at).filter(|earlier| earlier.signed)));
        }
        for (filed, amounts) in self.filed.iter_mut().zip(weighed) {
            filed.amounts = amounts;
        }
    }

    /// What `filed` makes, together with what was signed `earlier`.
    fn weigh<'a>(&'a self, filed: &'a Filed, earlier: impl Iterator<Item = &'a Filed>) -> Vec<(Measure, u64)> {
        let id = filed.duty.id();
        let earlier = earlier.filter(|earlier| earlier.duty.kind() == id.kind);
        match &filed.impact {
            Impact::Moves(things) => self.moved(id, things, earlier),
            Impact::Sets(value) => {
                let subject = |earlier: &&Filed| earlier.duty.id().subject == id.subject;
                let last =
                    earlier.filter(|earlier| earlier.confirmed && earlier.duty.period < id.period).filter(subject);
                self.changed(id, *value, last.max_by_key(|last| last.duty.period).map(|last| &last.impact))
            }
        }
    }

    fn moved<'a>(
        &self,
        id: DutyId,
        things: &'a BTreeSet<u64>,
        earlier: impl Iterator<Item = &'a Filed>,
    ) -> Vec<(Measure, u64)> {
        let mut of_epoch: BTreeSet<u64> = things.clone();
        let mut of_day: BTreeSet<u64> = things.clone();
        for earlier in earlier.filter(|earlier| self.is_within_a_day(earlier.duty.period, id.period)) {
            let Impact::Moves(things) = &earlier.impact else { continue };
            of_day.extend(things);
            if earlier.duty.period == id.period {
                of_epoch.extend(things);
            }
        }
        for released in self.released_for(id) {
            if let Impact::Moves(things) = released {
                of_epoch.retain(|thing| !things.contains(thing));
                of_day.retain(|thing| !things.contains(thing));
            }
        }
        let count = |things: usize| u64::try_from(things).unwrap_or(u64::MAX);
        let mut amounts = vec![(Measure::PerEpoch, count(of_epoch.len())), (Measure::PerDay, count(of_day.len()))];
        if let Some(extent) = self.extents.get(id.kind) {
            let day = count(of_day.len());
            if day > FEW {
                amounts.push((Measure::DayShareBps, bps(day.into(), extent.whole.into())));
            }
            let mut modules: BTreeMap<B256, u64> = BTreeMap::new();
            for module in of_day.iter().filter_map(|thing| extent.modules.get(thing)) {
                let moved = modules.entry(*module).or_default();
                *moved = moved.saturating_add(1);
            }
            amounts.extend(modules.values().max().map(|most| (Measure::ModulePerDay, *most)));
        }
        amounts
    }

    fn changed(&self, id: DutyId, value: u128, last: Option<&Impact>) -> Vec<(Measure, u64)> {
        // Without a figure of before there is nothing to compare with: the first one is as good as any.
        let Some(last) = last else { return Vec::new() };
        let base = |impact: &Impact| if let Impact::Sets(value) = impact { Some(*value) } else { None };
        let bases = std::iter::once(last).chain(self.released_for(id)).filter_map(base);
        let change = bases.map(|base| bps(value.abs_diff(base), base)).min();
        change.map(|change| (Measure::ChangeBps, change)).into_iter().collect()
    }

    fn released_for(&self, id: DutyId) -> impl Iterator<Item = &Impact> {
        let is_for =
            move |released: &&Released| released.kind == id.kind && self.is_within_a_day(released.period, id.period);
        self.released.iter().filter(is_for).map(|released| &released.impact)
    }

    /// Whether what belongs to `earlier` still counts in `period`.
    fn is_within_a_day(&self, earlier: Epoch, period: Epoch) -> bool {
        period.0 < earlier.0.saturating_add(self.epochs_of_a_day)
    }

    /// Forgets what was signed long ago, but not the last confirmed figure of a subject, nor the newest duty of a kind.
    fn forget(&mut self) {
        let two_days = self.epochs_of_a_day.saturating_mul(2);
        let mut newest: BTreeMap<(DutyKind, bool), Epoch> = BTreeMap::new();
        for filed in &self.filed {
            for confirmed in [false, filed.confirmed] {
                let newest = newest.entry((filed.duty.kind(), confirmed)).or_default();
                *newest = (*newest).max(filed.duty.period);
            }
        }
        self.filed.retain(|filed| {
            let of = |confirmed| newest.get(&(filed.duty.kind(), confirmed)).copied().unwrap_or_default();
            filed.duty.period.0.saturating_add(two_days) > of(false).0
                || (filed.confirmed && filed.duty.period == of(true))
        });
    }
}

impl Excess {
    fn in_words(self, digest: B256) -> String {
        let Self { severity, measure, amount, bound } = self;
        let way_on = match severity {
            Severity::Soft => "it goes on after a while unless it is held".to_owned(),
            Severity::Hard => format!("it goes on after `guardian release {digest}`"),
        };
        format!("beyond a {} limit: {measure} is {amount}, and may be {bound}; {way_on}", severity.as_str())
    }
}

/// A share in basis points, rounded up; what there was nothing of has grown beyond all bounds.
fn bps(part: u128, whole: u128) -> u64 {
    let parts = part.saturating_mul(10_000);
    let bps = if part == 0 {
        Some(0)
    } else {
        parts.checked_add(whole.saturating_sub(1)).and_then(|all| all.checked_div(whole))
    };
    bps.and_then(|bps| u64::try_from(bps).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
