//! What other members say, and what they are told in return.

use super::Guardian;
use crate::{
    effects::{Effects, Recipient},
    event::Event,
    open::OpenDuty,
    ports::Target,
    sign::{Attestation, Signed},
    submit::Submission,
    types::{Epoch, MemberId, Timestamp},
    wire::{Announcement, Envelope, Greeting, Introduction, Message, Share},
};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

impl Guardian {
    /// Takes an authenticated message.
    pub(super) fn on_message(
        &mut self,
        now: Timestamp,
        envelope: Envelope,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        let from = envelope.sender();
        // The transport does not bring us our own words. Should it, then they are not news, or another process's, which we do not obey.
        if from == self.setup.me {
            return;
        }
        if let Some(boot) = envelope.message().boot() {
            self.doppelgangers.hear(from, boot);
        }
        match envelope.message() {
            Message::Probe(probe) => self.on_probe(now, from, probe, fx),
            Message::Alive(alive) => self.on_alive(from, alive, fx),
            Message::Signed(signed) => self.on_signed(now, from, signed.clone(), fx),
            Message::Fault(fault) => self.on_accusation(from, fault, fx),
            Message::Greeting(greeting) => self.on_greeting(now, from, greeting, fx),
            Message::Announcement(announcement) => self.on_announcement(now, &envelope, announcement.clone(), fx),
            Message::Package(package) => {
                let id = package.duty;
                if self.follows_other_rules(from, id.period, fx) {
                    return;
                }
                let (open, tally, context) = self.context();
                if let Some(duty) = open.get_mut(&id) {
                    duty.answer(package, &envelope, tally, &context, rng, fx);
                } else {
                    self.send_signed(now, from, id, fx);
                }
            }
            Message::Share(share) => self.on_share(now, *share, envelope, fx),
            Message::Inquiry(inquiry) => {
                if let Some(finding) = self.comparisons.answer(inquiry) {
                    fx.send(Recipient::One(from), self.seal(Message::Finding(finding)));
                }
            }
            Message::Finding(finding) => self.on_finding(from, finding.clone(), fx),
            Message::PartialExits(parts) => self.exits.take(from, parts.clone(), fx),
            Message::Holdings(holdings) => self.coverage.hear(from, holdings),
            Message::Attested(attested) => self.on_attested(now, from, attested, fx),
            Message::Introduction(introduction) => self.on_introduction(from, introduction, fx),
        }
    }

    fn on_announcement(&mut self, now: Timestamp, envelope: &Envelope, announcement: Announcement, fx: &mut Effects) {
        let (from, id) = (envelope.sender(), announcement.duty);
        if id.key_epoch != self.setup.key_epoch_of(id.kind) || !announcement.is_of(from) {
            let reason =
                format!("announcement of {id} under another key, or with commitments that are not its sender's");
            fx.report(Event::MessageRefused { member: from, reason });
            return;
        }
        self.memory.voted(envelope);
        self.send_signed(now, from, id, fx);
        if self.follows_other_rules(from, id.period, fx) {
            return;
        }
        let current = self.doppelgangers.current(from);
        if !self.tally.file(from, announcement.clone(), current) {
            return;
        }
        if let Some(open) = self.open.get_mut(&id) {
            let ours = open.digest();
            open.consider(from, &announcement, &self.setup);
            if announcement.digest != ours {
                self.differ(id, from, announcement.digest, ours, fx);
            }
        }
    }

    fn on_share(&mut self, now: Timestamp, share: Share, envelope: Envelope, fx: &mut Effects) {
        let (id, from) = (share.duty, envelope.sender());
        let duty = self.open.get_mut(&id);
        if let Some(signature) = duty.and_then(|duty| duty.take(now, from, &share, Some(envelope), &self.setup)) {
            self.complete(now, id, &Attestation::Group(signature), fx);
        }
    }

    /// Tells a peer that has just connected where we stand.
    pub(super) fn greet(&self, member: MemberId, fx: &mut Effects) {
        self.greet_with(member, false, fx);
    }

    /// The same; it greets in return if it is asked to.
    pub(super) fn greet_with(&self, member: MemberId, asks: bool, fx: &mut Effects) {
        let signed = self.submissions.iter().map(|submission| submission.signed().id()).collect();
        let highest = self.guard.highest().max(self.tally.highest_of(member));
        let excluded = self.culprits.iter().map(|(culprit, _)| culprit).collect();
        let doppelganger = self.doppelgangers.is_quarantined(member);
        let (start, yours) = (self.start.signed, self.memory.of(member));
        let introduction = Introduction { boot: start.boot, program: self.setup.program.clone() };
        fx.send(Recipient::One(member), self.seal(Message::Introduction(introduction)));
        let greeting = Greeting { start, highest, signed, excluded, doppelganger, yours, asks };
        fx.send(Recipient::One(member), self.seal(Message::Greeting(greeting)));
        fx.send(Recipient::One(member), self.seal(Message::Holdings(self.exits.holdings())));
    }

    /// Brings a peer that came late up to date: signed duties that it lacks, what we announce, our parts of exits, and who cheated.
    fn on_greeting(&mut self, now: Timestamp, from: MemberId, greeting: &Greeting, fx: &mut Effects) {
        if greeting.signed.len() > Greeting::MAX_SIGNED || greeting.excluded.len() > self.setup.committee.size() {
            let reason = "a greeting with more duties or members than there are".to_owned();
            fx.report(Event::MessageRefused { member: from, reason });
            return;
        }
        if !greeting.start.is_of(from, &self.setup.committee) {
            let reason = "a greeting with a start that is not its sender's".to_owned();
            fx.report(Event::MessageRefused { member: from, reason });
            return;
        }
        self.forget_program(from, greeting.start.boot, fx);
        let reminds = self.memory.contradicts(from, greeting.start.boot);
        self.memory.started(from, greeting.start);
        self.recall(from, &greeting.yours, fx);
        self.doppelgangers.told(from, greeting.doppelganger, fx);
        if !self.peers.greeted(now, from, greeting) {
            return;
        }
        if greeting.asks || reminds {
            self.greet(from, fx);
        }
        let known: BTreeMap<Target, Epoch> =
            greeting.signed.iter().map(|id| ((id.kind, id.subject), id.period)).collect();
        let is_news = |signed: &&Signed| {
            let id = signed.id();
            known.get(&(id.kind, id.subject)).is_none_or(|period| *period < id.period)
        };
        let news = self.submissions.iter().map(Submission::signed).filter(is_news);
        for signed in news {
            fx.send(Recipient::One(from), self.seal_signed(signed));
        }
        for announcement in self.open.values().filter_map(OpenDuty::announcement) {
            fx.send(Recipient::One(from), announcement.clone());
        }
        for attested in self.open.values().filter_map(OpenDuty::attested) {
            fx.send(Recipient::One(from), self.seal(Message::Attested(attested)));
        }
        self.send_exits(Recipient::One(from), fx);
        self.send_faults(from, &greeting.excluded, fx);
    }
}
