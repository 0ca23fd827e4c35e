//! The arithmetic of exits, as jobs: what the next one is to do, and what comes of it.

use super::{Exits, PARTS_AT_ONCE, open::OpenExit};
use crate::{
    effects::Effects,
    event::{Event, ExitEvent},
    types::{MemberId, Timestamp, ValidatorIndex},
    wire::PartialExits,
    work::{
        JobId,
        exits::{Outcome, ToCheck, ToSign, Work},
    },
};
use alloy_primitives::B256;
use guardian_crypto::bls::{VerifiedPartial, batch::Checked};
use std::collections::{BTreeMap, BTreeSet};

impl Exits {
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
                // What was begun before a hold or a doubt is made again when that is over.
                && open.signed(partial)
            {
                fx.report(Event::Exit(ExitEvent::PartReleased { index, reason: open.reason() }));
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
                fx.report(Event::Exit(ExitEvent::Combined { index: judged.index }));
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

    /// Our own parts first: others wait for them.
    pub(super) fn next_work(&self) -> Option<Work> {
        let unsigned = self.open.values().find_map(|open| open.to_sign().map(|_| open.order()));
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
}
