//! What other members say, and what they are told in return.

use super::{Guardian, report_difference};
use crate::{
    duties::{Desk, OpenDuty},
    effects::{Effects, Recipient},
    event::Event,
    sign::{Signed, signer::Keys},
    types::{DutyKind, Epoch, MemberId, Timestamp},
    wire::{Announcement, Greeting, Message, SignedDuty},
};
use rand_core::{CryptoRng, RngCore};

impl Guardian {
    /// Takes an authenticated message.
    pub(super) fn hear(
        &mut self,
        now: Timestamp,
        from: MemberId,
        message: Message,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        match message {
            Message::Greeting(greeting) => self.greeted(from, &greeting, fx),
            Message::Announcement(announcement) => self.announced(from, announcement, fx),
            Message::Package(package) => {
                let keys = Keys { identity: &self.identity, share: &self.share };
                let desk = Desk { setup: &self.setup, keys, guard: &self.guard };
                if let Some(duty) = self.open.get_mut(&package.duty.kind).filter(|d| d.id() == package.duty) {
                    duty.answer(&package, from, &desk, rng, fx);
                } else {
                    self.tell_signed(from, package.duty.kind, package.duty.period, fx);
                }
            }
            Message::Share(share) => {
                let duty = self.open.get_mut(&share.duty.kind).filter(|duty| duty.id() == share.duty);
                if let Some(signature) = duty.and_then(|duty| duty.take(from, &share, &self.setup, fx)) {
                    self.complete(now, share.duty.kind, signature, fx);
                }
            }
            Message::Signed(SignedDuty { duty, signature }) => match Signed::verify(duty, signature, &self.setup) {
                Ok(signed) => self.learn(now, signed, false, fx),
                Err(error) => fx.report(Event::MessageRefused { member: from, reason: error.to_string() }),
            },
            Message::PartialExits(parts) => self.exits.take(now, from, parts, fx),
        }
    }

    fn announced(&mut self, from: MemberId, announcement: Announcement, fx: &mut Effects) {
        let id = announcement.duty;
        let too_many = announcement.commitments.len() > self.setup.committee.size();
        if id.key_epoch != self.setup.committee.key_epoch() || too_many {
            let reason = format!("announcement of {id} under another key, or with too many commitments");
            fx.report(Event::MessageRefused { member: from, reason });
            return;
        }
        self.tell_signed(from, id.kind, id.period, fx);
        if let Some(open) = self.open.get_mut(&id.kind).filter(|open| open.id() == id) {
            report_difference(open, from, &announcement, fx);
            open.consider(from, &announcement, &self.setup);
        }
        self.tally.file(from, announcement);
    }

    /// Tells a peer that has just connected where we stand.
    pub(super) fn greet(&self, member: MemberId, fx: &mut Effects) {
        let signed = self.submissions.iter().map(|s| (s.signed().duty().kind(), s.signed().duty().period)).collect();
        let highest = self.guard.highest().max(self.tally.highest_of(member));
        let greeting = Greeting { boot: self.boot, highest, signed };
        fx.send(Recipient::One(member), self.seal(Message::Greeting(greeting)));
    }

    /// Brings a peer that came late up to date: signed duties that it lacks, what we announce, and our parts of exits.
    fn greeted(&mut self, from: MemberId, greeting: &Greeting, fx: &mut Effects) {
        self.peers.greeted(from, greeting);
        for kind in DutyKind::ALL {
            let known = greeting.signed.iter().filter(|(k, _)| *k == kind).map(|(_, period)| *period).max();
            let next = known.map_or(Epoch(0), |period| Epoch(period.0.saturating_add(1)));
            self.tell_signed(from, kind, next, fx);
        }
        for announcement in self.open.values().filter_map(OpenDuty::announcement) {
            fx.send(Recipient::One(from), announcement.clone());
        }
        let order = self.submissions.newest(DutyKind::Ejection);
        if let Some(parts) = order.and_then(|order| self.exits.ours(order.signed(), &self.setup)) {
            let envelope = self.seal(Message::PartialExits(parts));
            fx.send(Recipient::One(from), envelope);
        }
    }

    /// Sends our newest signed duty of `kind` to `member` if it is of `period` or newer.
    fn tell_signed(&self, member: MemberId, kind: DutyKind, period: Epoch, fx: &mut Effects) {
        let Some(signed) = self.submissions.newest(kind).map(|s| s.signed()) else { return };
        if signed.duty().period >= period {
            let message = SignedDuty { duty: signed.duty().clone(), signature: *signed.signature() };
            fx.send(Recipient::One(member), self.seal(Message::Signed(message)));
        }
    }
}
