//! Members that do not behave as one honest process: proofs against those that cheat, questions to those that seem to run twice.

use super::Guardian;
use crate::{
    effects::{Effects, Recipient},
    event::Event,
    open::OpenDuty,
    sign::Fault,
    types::{MemberId, Timestamp},
    wire::{Alive, Envelope, Message, Probe},
};
use rand_core::{CryptoRng, RngCore};

impl Guardian {
    /// Tells of the cheating that came to light in duties of ours.
    pub(super) fn publish_faults(&mut self, fx: &mut Effects) {
        let faults: Vec<Fault> = self.open.values_mut().flat_map(OpenDuty::take_faults).collect();
        for fault in faults {
            self.accuse(&fault, fx);
        }
    }

    /// We have found out ourselves that a member cheated: it is excluded here, and everybody gets the proof.
    pub(super) fn accuse(&mut self, fault: &Fault, fx: &mut Effects) {
        if let Ok(true) = self.culprits.convict(fault, &self.setup.committee, fx) {
            fx.send(Recipient::All, self.seal(Message::Fault(fault.clone())));
        }
    }

    /// A member accuses another. It is believed if the proof holds, and not passed on: who accuses tells all, and who was not there learns it
    /// when it greets.
    pub(super) fn on_accusation(&mut self, accuser: MemberId, fault: &Fault, fx: &mut Effects) {
        if !self.culprits.is_worth_checking(accuser, fault) {
            return;
        }
        if let Err(error) = self.culprits.convict(fault, &self.setup.committee, fx) {
            self.culprits.cried_wolf(accuser);
            fx.report(Event::MessageRefused { member: accuser, reason: format!("accusation without proof: {error}") });
        }
    }

    /// Tells a member who greeted of those whom it does not exclude yet.
    pub(super) fn send_faults(&self, member: MemberId, known: &[MemberId], fx: &mut Effects) {
        for (_, fault) in self.culprits.iter().filter(|(culprit, _)| !known.contains(culprit)) {
            fx.send(Recipient::One(member), self.seal(Message::Fault(fault.clone())));
        }
    }

    /// Asks members of which two processes seem to live.
    pub(super) fn challenge_doppelgangers(
        &mut self,
        now: Timestamp,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        let (setup, identity, peers) = (&self.setup, &self.identity, &self.peers);
        let seal = |message| Envelope::seal(setup.me, message, &setup.committee, identity);
        for member in self.doppelgangers.poll(now, |member| peers.is_connected(member), seal, rng, fx) {
            self.greet(member, fx);
        }
    }

    /// The transport has seen two processes of `member`; if that is news, the member is told.
    pub(super) fn met_doppelgangers(&mut self, member: MemberId, fx: &mut Effects) {
        if self.doppelgangers.met(member, fx) {
            self.greet(member, fx);
        }
    }

    /// Shows a member that this process lives.
    pub(super) fn on_probe(&mut self, now: Timestamp, asker: MemberId, probe: &Probe, fx: &mut Effects) {
        if probe.member != self.setup.me {
            return;
        }
        if let Some(alive) = self.doppelgangers.answer(now, asker, probe) {
            let to = if self.peers.is_connected(asker) { Recipient::One(asker) } else { Recipient::All };
            fx.send(to, self.seal(Message::Alive(alive)));
        }
    }

    /// A process of `member` lives; if another does too, the member is told that we know.
    pub(super) fn on_alive(&mut self, member: MemberId, alive: &Alive, fx: &mut Effects) {
        if self.doppelgangers.answered(member, alive, fx) || self.memory.contradicts(member, alive.boot) {
            self.greet(member, fx);
        }
    }
}
