//! Exits that signed orders demand: computing for them, and telling others our parts.

use super::Guardian;
use crate::{
    duty::Evidence,
    effects::{Effects, Recipient},
    types::Timestamp,
    wire::Message,
    work::{Computed, Outcome},
};
use std::collections::BTreeSet;

impl Guardian {
    /// Takes what a job has brought; our parts, if it made some, are told to everybody.
    pub(super) fn on_computed(&mut self, now: Timestamp, computed: Computed, fx: &mut Effects) {
        let Outcome::Exits(outcome) = computed.outcome;
        if let Some(parts) = self.exits.computed(now, computed.id, outcome, fx) {
            let envelope = self.seal(Message::PartialExits(parts));
            fx.send(Recipient::All, envelope);
        }
    }

    /// Exits that are not on the beacon chain: after a restart they are taken up again, all are weighed by what was read, and our parts are
    /// told again in every epoch until the exit is seen.
    pub(super) fn follow_exits(&mut self, now: Timestamp, evidence: &Evidence, fx: &mut Effects) {
        let epoch = evidence.checkpoint.epoch;
        let active: BTreeSet<_> =
            evidence.validators.iter().filter(|v| v.is_active_ongoing(epoch)).map(|v| v.index).collect();
        self.exits.resume(now, epoch, |index| active.contains(&index), &self.setup, fx);
        self.exits.see(now, evidence, &self.setup, fx);
        self.send_parts(Recipient::All, fx);
    }

    /// Tells a member that came late what is under way: the orders, of which it may lack one that is not the newest, and our parts.
    pub(super) fn send_exits(&self, to: Recipient, fx: &mut Effects) {
        for signed in self.exits.orders() {
            fx.send(to, self.seal_signed(signed));
        }
        self.send_parts(to, fx);
    }

    /// Tells our parts once more.
    fn send_parts(&self, to: Recipient, fx: &mut Effects) {
        for parts in self.exits.ours() {
            fx.send(to, self.seal(Message::PartialExits(parts)));
        }
    }
}
