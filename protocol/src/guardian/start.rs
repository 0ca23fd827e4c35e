//! This start of the guardian: its number, what others remember that its store does not, and what follows from that.
//!
//! Starts are counted in the store. Members give each other back what they heard last ([`Reminder`]), signed by whom it is given back to. A
//! guardian that is shown a start that can't have come before its own, or a vote that it does not know, has a store that was set back (or a
//! second process has its identity): it then waits as one with a lost store does, `floor.rs`. It would be too late to learn that after
//! the first vote, so nothing is announced or signed before threshold members, itself counted, have greeted.

use super::Guardian;
use crate::{
    duty::DutyId,
    effects::Effects,
    event::{Event, Forgotten},
    record::Record,
    setup::Setup,
    types::{BootId, Epoch, MemberId, Timestamp},
    wire::{Envelope, Message, Reminder, SignedBoot},
};
use guardian_crypto::identity::IdentityKey;
use rand_core::{CryptoRng, RngCore};

/// See the module.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) signed: SignedBoot,
    is_recorded: bool,
    /// The store was empty: that it knows nothing of earlier starts is no news.
    was_new: bool,
    /// A later start than any in the store, by a mark outside of it.
    mark: Option<u64>,
    /// The highest number of another start of ours that a member has shown.
    shown: Option<u64>,
    /// The last period of which a member has shown a vote of ours that the store does not know.
    pub(super) voted: Option<Epoch>,
    /// When to ask for greetings.
    next_request: Timestamp,
}

impl Start {
    /// The start after the one with the number `last`, from a store that `was_new`.
    pub(super) fn after(
        last: u64,
        was_new: bool,
        (now, setup, key): (Timestamp, &Setup, &IdentityKey),
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        let boot = BootId::draw(last.saturating_add(1), rng);
        let signed = SignedBoot::seal(boot, &setup.committee, key);
        Self {
            signed,
            is_recorded: false,
            was_new,
            mark: None,
            shown: None,
            voted: None,
            next_request: now.after(setup.timing.reannounce),
        }
    }

    /// Whether `other` is a start that can't have come before this one, and is not known yet.
    fn is_contradicted_by(&self, other: BootId) -> bool {
        let own = self.signed.boot;
        other != own && other.number >= own.number && self.shown.is_none_or(|shown| other.number > shown)
    }
}

impl Guardian {
    /// The same guardian, told the number of its last start by a mark that is kept outside of the store. If the store knows of fewer, it
    /// was set back, unless it is new.
    #[must_use]
    pub fn after_start(mut self, last: u64) -> Self {
        let boot = self.start.signed.boot;
        if last >= boot.number {
            let boot = BootId { number: last.saturating_add(1), ..boot };
            self.doppelgangers.rename(boot);
            self.start.signed = SignedBoot::seal(boot, &self.setup.committee, &self.identity);
            self.start.mark = Some(last);
        }
        self
    }

    /// This start. Durable once the first step is committed.
    #[must_use]
    pub fn boot(&self) -> BootId {
        self.start.signed.boot
    }

    /// Before anything is said: counts this start.
    pub(super) fn begin(&mut self, fx: &mut Effects) {
        if self.start.is_recorded {
            return;
        }
        self.start.is_recorded = true;
        fx.record(Record::Boot { number: self.boot().number });
        if let Some(number) = self.start.mark.filter(|_| !self.start.was_new) {
            self.distrust(None, Forgotten::Start { number }, fx);
        }
    }

    /// Whether threshold members, ourselves counted, have greeted since this start, and with that reminded us of what we said before.
    #[must_use]
    pub(super) fn is_acquainted(&self) -> bool {
        self.peers.heard_of().0.saturating_add(1) >= self.setup.committee.threshold()
    }

    /// A greeting that was lost is asked for again.
    pub(super) fn ask_for_greetings(&mut self, now: Timestamp, fx: &mut Effects) {
        if self.is_acquainted() {
            return;
        }
        if now >= self.start.next_request {
            self.start.next_request = now.after(self.setup.timing.reannounce);
            for member in self.peers.silent() {
                self.greet_with(member, true, fx);
            }
        }
        if self.peers.silent().next().is_some() {
            fx.wake(self.start.next_request);
        }
    }

    /// A member gives back what it heard of us last.
    pub(super) fn recall(&mut self, from: MemberId, yours: &Reminder, fx: &mut Effects) {
        let (me, committee) = (self.setup.me, &self.setup.committee);
        // First what costs nothing.
        let shown = yours.start.filter(|start| self.start.is_contradicted_by(start.boot));
        if let Some(SignedBoot { boot: BootId { number, .. }, .. }) = shown.filter(|start| start.is_of(me, committee)) {
            self.start.shown = Some(number);
            // The next start comes after it.
            fx.record(Record::Boot { number });
            if !self.start.was_new {
                self.distrust(Some(from), Forgotten::Start { number }, fx);
            }
        }
        if let Some(duty) = yours.announcement.as_ref().and_then(|bytes| self.forgotten(bytes)) {
            self.start.voted = self.start.voted.max(Some(duty.period));
            self.distrust(Some(from), Forgotten::Vote { duty }, fx);
        }
    }

    /// The duty that we announced in this envelope, if we did and do not know of it.
    fn forgotten(&self, announcement: &[u8]) -> Option<DutyId> {
        let envelope = Envelope::read(announcement, &self.setup.committee).ok()?;
        let Message::Announcement(vote) = envelope.message() else { return None };
        let is_ours = envelope.sender() == self.setup.me;
        (is_ours && !self.guard.accounts_for(vote.duty, vote.digest)).then_some(vote.duty)
    }

    /// The store has forgotten something: nothing is signed before the floor is settled anew. What is open may contradict what was
    /// said before, so it ends.
    fn distrust(&mut self, by: Option<MemberId>, forgotten: Forgotten, fx: &mut Effects) {
        if !self.guard.distrust(fx) {
            return;
        }
        // What was voted for before this moment was final by then, and we look no further back than now.
        self.woke_at = self.observer.last();
        for (id, _) in std::mem::take(&mut self.open) {
            fx.report(Event::Expired { id });
        }
        fx.report(Event::StoreSetBack { by, forgotten });
    }
}
