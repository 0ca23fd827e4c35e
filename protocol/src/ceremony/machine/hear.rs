//! What other participants say.

use super::Ceremony;
use crate::{
    ceremony::{
        effects::Effects,
        event::Event,
        fault::{Evidence, Fault},
        ledger::Accepted,
        plan::CeremonyId,
        post::{Body, Post},
        record::Record,
        signing,
        wire::{self, Have, Message, WireError},
    },
    effects::Recipient,
    types::{MemberId, Timestamp},
};
use guardian_crypto::schnorr::Signature;
use rand_core::{CryptoRng, RngCore};

/// The largest message of a signer that is kept until there is a session: a package of 256 commitments has 39 KiB.
const EARLY_BYTES: usize = 40 * 1024;

impl Ceremony {
    pub(super) fn hear(
        &mut self,
        now: Timestamp,
        from: MemberId,
        bytes: &[u8],
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        if !self.peers.contains(from) {
            return;
        }
        let message = match wire::decode(self.ledger.rules.id, bytes) {
            Ok(message) => message,
            Err(WireError::OtherCeremony(ceremony)) => return self.estranged(from, ceremony, fx),
            Err(error) => return fx.report(Event::MessageRefused { member: from, reason: error.to_string() }),
        };
        self.peers.runs(from, None);
        match message {
            Message::Have(have) => self.compare(now, from, &have, fx),
            Message::Post(post) => self.take(now, from, post, fx),
            Message::Fault(fault) => self.accused(now, from, fault, fx),
            Message::Proof(signature) => self.shown(now, from, signature, fx),
            Message::Signing(message) => {
                if self.session.is_none() {
                    if bytes.len() <= EARLY_BYTES && self.ledger.rules.signers.contains(&from) {
                        self.early.insert(from, message);
                    }
                    return;
                }
                self.in_session(now, rng, fx, |session, cx, rng, out| session.hear(from, message, cx, rng, out));
            }
        }
    }

    /// A participant runs another plan.
    fn estranged(&mut self, from: MemberId, ceremony: CeremonyId, fx: &mut Effects) {
        if self.peers.runs(from, Some(ceremony)) {
            fx.report(Event::OtherPlan { member: from, ceremony });
        }
    }

    /// Takes a post that `from` brought, whoever wrote it.
    fn take(&mut self, now: Timestamp, from: MemberId, post: Post, fx: &mut Effects) {
        let (member, step) = (post.author(), post.step());
        match self.ledger.accept(post.clone()) {
            Accepted::New => {
                if let Body::Complaint { dealer, .. } = post.body() {
                    fx.report(Event::Complaint { member, dealer: *dealer });
                }
                fx.record(Record::Post(post));
                fx.report(Event::Received { member, step });
                self.peers.stir(now);
            }
            Accepted::Contradiction => {
                fx.record(Record::Post(post.clone()));
                fx.report(Event::Contradiction { member, step });
                // Everybody is to know, and to stop.
                self.say(Recipient::All, &Message::Post(post), fx);
            }
            Accepted::Known => {}
            Accepted::Fault(fault) => self.fail(now, *fault, fx),
            Accepted::Refused(why) => {
                fx.report(Event::MessageRefused { member: from, reason: format!("{step} of member {member}: {why}") });
            }
        }
    }

    /// Takes evidence.
    fn accused(&mut self, now: Timestamp, from: MemberId, fault: Fault, fx: &mut Effects) {
        if self.fault.is_some() || self.proof.is_some() || !self.peers.is_believable(from) {
            return;
        }
        // Reading public shares costs seconds for the largest committees: only those that are known here are looked at.
        // Who lacks them will be told again.
        if let Evidence::Signing { transcript, public, .. } = fault.evidence() {
            let known = |key: &&super::NewKey| key.transcript == *transcript && key.public.to_bytes() == *public;
            if self.key.as_ref().filter(known).is_none() {
                return;
            }
        }
        match fault.verify_under(&self.ledger.rules) {
            Ok(()) => self.fail(now, fault, fx),
            Err(error) => {
                self.peers.slanders(from);
                fx.report(Event::MessageRefused { member: from, reason: error.to_string() });
            }
        }
    }

    /// Takes the test signature. It counts even after a fault: all signers gave their part before they knew of it.
    fn shown(&mut self, now: Timestamp, from: MemberId, signature: Signature, fx: &mut Effects) {
        let Some(key) = self.key.as_ref().filter(|_| self.proof.is_none()) else { return };
        let group_key = key.public.group_key();
        let message = self.plan().test_message(key.transcript, group_key);
        if group_key.verify(&message.0, &signature).is_ok() {
            self.succeed(now, signature, fx);
        } else {
            let reason = "the test signature is not valid".to_owned();
            fx.report(Event::MessageRefused { member: from, reason });
        }
    }

    /// The test signature is here.
    pub(super) fn succeed(&mut self, now: Timestamp, signature: Signature, fx: &mut Effects) {
        fx.record(Record::Proof(signature));
        fx.report(Event::Proven);
        self.proof = Some(signature);
        self.session = None;
        self.peers.stir(now);
    }

    /// Somebody is at fault. Nothing more is signed here; everybody is told.
    pub(super) fn fail(&mut self, now: Timestamp, fault: Fault, fx: &mut Effects) {
        if self.fault.is_some() || self.proof.is_some() {
            return;
        }
        fx.record(Record::Fault(fault.clone()));
        fx.report(Event::Failed { fault: Box::new(fault.clone()) });
        self.say(Recipient::All, &Message::Fault(fault.clone()), fx);
        self.fault = Some(fault);
        self.session = None;
        self.peers.stir(now);
    }

    /// A peer says what it has: it gets what it lacks, and is asked for what is lacking here.
    fn compare(&mut self, now: Timestamp, from: MemberId, have: &Have, fx: &mut Effects) {
        if !have.posts.is_sorted_by(|a, b| a < b) {
            let reason = "its list of posts is not in order".to_owned();
            return fx.report(Event::MessageRefused { member: from, reason });
        }
        // A peer that says again what is known of it does not know what we have.
        let asks = self.peers.has(from, have) && self.is_over();
        if !self.peers.may_answer(now, from) {
            return;
        }
        let to = Recipient::One(from);
        let id = self.ledger.rules.id;
        for post in self.ledger.board.others(&have.posts, |post| post.hash(id)) {
            self.say(to, &Message::Post(post.clone()), fx);
        }
        match (self.proof, &self.fault) {
            (Some(proof), _) if !have.proven => self.say(to, &Message::Proof(proof), fx),
            (None, Some(fault)) if !have.failed => self.say(to, &Message::Fault(fault.clone()), fx),
            _ => {}
        }
        let lacking = have.posts.iter().any(|hash| !self.ledger.board.has(hash))
            || (have.proven && self.proof.is_none())
            || (have.failed && self.fault.is_none() && self.proof.is_none());
        if lacking || asks {
            self.say(to, &Message::Have(self.have()), fx);
        }
    }

    pub(super) fn have(&self) -> Have {
        Have { posts: self.ledger.board.hashes(), proven: self.proof.is_some(), failed: self.fault.is_some() }
    }

    pub(super) fn say(&self, to: Recipient, message: &Message, fx: &mut Effects) {
        fx.send(to, wire::encode(self.ledger.rules.id, message));
    }

    /// Carries out what the session wants.
    pub(super) fn carry_out(&mut self, now: Timestamp, outputs: Vec<signing::Output>, fx: &mut Effects) {
        for output in outputs {
            match output {
                signing::Output::Send(to, message) => {
                    self.say(Recipient::One(to), &Message::Signing(message), fx);
                }
                signing::Output::Opened { attempt, signers } => fx.report(Event::SessionOpened { attempt, signers }),
                signing::Output::Misconduct(misconduct) => {
                    let Some(key) = &self.key else { continue };
                    let (transcript, public) = (key.transcript, key.public.to_bytes());
                    let evidence = Evidence::Signing { transcript, public, misconduct };
                    if let Some(fault) = Fault::prove(&self.ledger.rules, evidence) {
                        self.fail(now, fault, fx);
                    }
                }
                signing::Output::Signed(signature) => {
                    if self.fault.is_none() && self.proof.is_none() {
                        self.succeed(now, signature, fx);
                        self.say(Recipient::All, &Message::Proof(signature), fx);
                    }
                }
            }
        }
    }
}
