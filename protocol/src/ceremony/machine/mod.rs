//! One participant of one ceremony, as a pure state machine: inputs in, effects out. After each input everything that
//! is due is done, from levels and not from edges; timers only repeat what may have been lost.

mod copy;
mod hear;
mod peers;
mod restore;
mod speak;
mod view;

pub use restore::RestoreError;

use super::{
    effects::Effects,
    event::Event,
    fault::Fault,
    ledger::Ledger,
    own::{NewKey, Own},
    plan::Plan,
    post::Step,
    signing::{self, Keys, Session, Terms},
    transcript::Transcript,
    wire::Message,
};
use crate::{
    effects::Recipient,
    types::{BootId, MemberId, Timestamp},
};
use guardian_crypto::{
    frost::{KeyShare, PublicShares},
    identity::IdentityKey,
    schnorr::Signature,
};
use peers::Peers;
use rand_core::{CryptoRng, RngCore};
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened to a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passed.
    Woke,
    /// A participant is connected.
    PeerUp(MemberId),
    /// It no longer is.
    PeerDown(MemberId),
    /// The transport says that this participant sent these bytes.
    Heard {
        /// Who.
        from: MemberId,
        /// What.
        bytes: Vec<u8>,
    },
    /// The outcome has been put to use, durably (or there is nothing to put to use, as in a rehearsal). Say it again
    /// after a restart; once is enough otherwise. It is what lets the other processes end.
    Activated,
}

/// One participant. See the module.
#[derive(Debug)]
pub struct Ceremony {
    ledger: Ledger,
    me: MemberId,
    identity: IdentityKey,
    /// The share of the key that is dealt anew.
    old: Option<KeyShare>,
    boot: BootId,
    /// What the transcript makes, once it is complete and right.
    key: Option<NewKey>,
    session: Option<Session>,
    /// What signers said before there was a session here: the last thing of each.
    early: BTreeMap<MemberId, signing::Message>,
    proof: Option<Signature>,
    fault: Option<Fault>,
    activated: bool,
    begun: bool,
    peers: Peers,
    /// What has been reported and is not to be reported again.
    told: Told,
}

#[derive(Debug, Default)]
struct Told {
    complete: BTreeSet<Step>,
    certified: bool,
    finished: bool,
    over: bool,
    stuck: bool,
}

/// What a ceremony that succeeded leaves behind. Only now may an old share be deleted, and only after this one is
/// durable.
#[derive(Debug)]
pub struct Outcome {
    /// The public side of the key; the same for everybody.
    pub public: PublicShares,
    /// This participant's share; `None` if it gets none, and in a rehearsal.
    pub share: Option<KeyShare>,
    /// Everything that was said; the same for everybody. To be kept: with it and its identity key, a receiver gets its
    /// share back.
    pub transcript: Transcript,
    /// The test signature of all signers. For a key that replaces another: its proof of possession.
    pub proof: Signature,
}

impl Ceremony {
    /// One step. `now` must not go backwards between steps by much; nothing unsafe happens if it does.
    pub fn step(&mut self, now: Timestamp, input: Input, rng: &mut (impl CryptoRng + RngCore), fx: &mut Effects) {
        self.begin(fx);
        match input {
            Input::Woke => {}
            Input::PeerUp(member) => self.meet(now, member, fx),
            Input::PeerDown(member) => self.peers.down(member),
            Input::Activated => self.activated = true,
            Input::Heard { from, bytes } => self.hear(now, from, &bytes, rng, fx),
        }
        self.speak(now, fx);
        self.sign(now, rng, fx);
        self.speak(now, fx);
        self.tell(fx);
        self.repeat(now, fx);
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.ledger.rules.plan
    }

    /// Who broke the rules, if somebody did: then the ceremony has failed for good. `None` once the test signature is
    /// here, which proves that all signers gave their part before they knew.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref().filter(|_| self.proof.is_none())
    }

    /// What comes out, once all signers have signed together and this participant has everything that everybody
    /// confirmed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let (key, proof) = self.proven()?;
        let leaves = !self.plan().rehearse;
        let share = match key.share.as_ref().filter(|_| leaves) {
            Some(share) => Some(copy::of(share)?),
            None => None,
        };
        Some(Outcome { public: key.public.clone(), share, transcript: Transcript::of(&self.ledger, proof)?, proof })
    }

    /// The terms of the test signature, while this participant works on it.
    #[must_use]
    pub fn session(&self) -> Option<&Terms> {
        self.session.as_ref().map(Session::terms)
    }

    fn own(&self) -> Own<'_> {
        Own { ledger: &self.ledger, me: self.me, identity: &self.identity, old: self.old.as_ref() }
    }

    /// The key, if everybody confirmed the transcript that makes it.
    fn certified(&self) -> Option<&NewKey> {
        self.key.as_ref().filter(|key| self.ledger.not_confirming(key.transcript).is_empty())
    }

    /// The key and the test signature, if everything that an outcome needs is here.
    fn proven(&self) -> Option<(&NewKey, Signature)> {
        Some((self.certified()?, self.proof?))
    }

    fn is_done(&self) -> bool {
        self.proven().is_some() && self.ledger.is_complete(Step::Done)
    }

    /// Whether there is nothing left to do here but to tell the others.
    fn is_over(&self) -> bool {
        self.is_done() || self.fault().is_some()
    }

    /// Once this is over: who has not said that it has everything that is here. Nobody else needs this participant any more. A culprit
    /// is not asked.
    fn lacking(&self) -> BTreeSet<MemberId> {
        let mut lacking = if self.is_over() { self.peers.without(&self.have()) } else { BTreeSet::new() };
        if let Some(fault) = self.fault() {
            lacking.remove(&fault.culprit());
        }
        lacking
    }

    /// Works on the test signature. Commitments may leave early; shares only once everybody has confirmed.
    fn sign(&mut self, now: Timestamp, rng: &mut (impl CryptoRng + RngCore), fx: &mut Effects) {
        self.in_session(now, rng, fx, |session, cx, rng, out| session.advance(cx, rng, out));
    }

    /// Does `work` in the session, if there is to be one.
    fn in_session<R: CryptoRng + RngCore>(
        &mut self,
        now: Timestamp,
        rng: &mut R,
        fx: &mut Effects,
        work: impl FnOnce(&mut Session, signing::Context<'_>, &mut R, &mut Vec<signing::Output>),
    ) {
        if self.proof.is_some() || self.fault.is_some() {
            self.session = None;
            return;
        }
        let may_sign = self.certified().is_some();
        let Some(key) = &self.key else { return };
        if !self.ledger.rules.signers.contains(&self.me) || !self.has_confirmed(key) {
            return;
        }
        let Some(share) = key.share.as_ref().or(self.old.as_ref()) else { return };
        let connected = self.peers.connected();
        let cx =
            signing::Context { now, keys: Keys { identity: &self.identity, share }, may_sign, connected: &connected };
        let session = self.session.get_or_insert_with(|| {
            Session::new(now, self.ledger.rules.terms(key.transcript, key.public.clone()), self.me, self.boot)
        });
        let mut out = Vec::new();
        for (from, message) in std::mem::take(&mut self.early) {
            session.hear(from, message, cx, rng, &mut out);
        }
        work(session, cx, rng, &mut out);
        self.carry_out(now, out, fx);
    }

    fn tell(&mut self, fx: &mut Effects) {
        for step in self.ledger.rules.steps() {
            if !self.told.complete.contains(step) && self.ledger.is_complete(*step) {
                self.told.complete.insert(*step);
                fx.report(Event::Complete { step: *step });
            }
        }
        let certified = self.certified().map(|key| key.public.group_key());
        if let Some(key) = certified.filter(|_| !self.told.certified) {
            self.told.certified = true;
            fx.report(Event::Certified { key });
        }
        if !self.told.finished && self.is_done() {
            self.told.finished = true;
            fx.report(Event::Finished);
        }
        if !self.told.over && self.is_over() {
            self.told.over = true;
            self.say(Recipient::All, &Message::Have(self.have()), fx);
        }
    }
}
