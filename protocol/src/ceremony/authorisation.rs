//! How the old committee signs for a key that replaces its own: any quorum of it signs the contract's rotation digest.
//! A machine with the same inputs and effects as [`super::Ceremony`], without records: there is one message, fixed from
//! the beginning, and signing it again says nothing new.
//!
//! Everybody coordinates in turn, so that whoever is down or distrusted cannot hold it up. A wrong part costs its
//! signer the session, nothing else; whether that is held against it is the operators' affair.

use super::{
    effects::Effects,
    event::Event,
    hash,
    machine::Input,
    plan::CeremonyId,
    signing::{self, Keys, Parameters, Session, Terms},
    wire,
};
use crate::{
    effects::Recipient,
    types::{BootId, Committee, MemberId, Timestamp},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{frost::KeyShare, identity::IdentityKey, schnorr::Signature};
use rand_core::{CryptoRng, RngCore};
use std::{collections::BTreeSet, time::Duration};

/// How long a coordinator waits for silent signers, and how much later each next coordinator starts.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often what may have been lost is said again.
const REPEAT: Duration = Duration::from_millis(500);

/// One member's part in signing for a rotation.
#[derive(Debug)]
pub struct Authorisation {
    id: CeremonyId,
    message: B256,
    committee: Committee,
    me: MemberId,
    identity: IdentityKey,
    share: KeyShare,
    session: Session,
    signature: Option<Signature>,
    connected: BTreeSet<MemberId>,
    repeat_at: Timestamp,
}

/// What members say to each other.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(clippy::large_enum_variant, reason = "messages are few, and boxes would be in every match")]
pub enum Message {
    /// On the way to the signature.
    Signing(signing::Message),
    /// The signature.
    Signed(Signature),
}

/// Why a member can't take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorisationError {
    /// The committee has no such member, or another identity for it.
    #[error("the committee has no member {0} with this identity")]
    NotAMember(MemberId),
    /// The share is not this member's share of the committee's key.
    #[error("the key share is not member {0}'s share of the committee's key")]
    OtherShare(MemberId),
}

impl Authorisation {
    /// Member `me` of `committee` signs `digest`, the contract's rotation digest ([`super::Rotation::digest`]), with
    /// the committee's current key.
    ///
    /// # Errors
    /// [`AuthorisationError`].
    pub fn new(
        now: Timestamp,
        committee: Committee,
        digest: B256,
        me: MemberId,
        identity: IdentityKey,
        share: KeyShare,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, AuthorisationError> {
        if committee.get(me).map(|member| member.identity) != Some(identity.public()) {
            return Err(AuthorisationError::NotAMember(me));
        }
        if share.member() != me || share.belongs_to(committee.public_shares()).is_err() {
            return Err(AuthorisationError::OtherShare(me));
        }
        let id = Self::id_of(&committee, digest);
        let terms = Terms::new(Parameters {
            context: id.0,
            message: digest,
            public: committee.public_shares().clone(),
            signers: committee.iter().map(|member| (member.id, member.identity)).collect(),
            quorum: committee.threshold(),
            coordinators: committee.iter().map(|member| member.id).collect(),
            patience: PATIENCE,
        });
        let session = Session::new(now, terms, me, BootId::draw(0, rng));
        let (signature, connected, repeat_at) = (None, BTreeSet::new(), now.after(REPEAT));
        Ok(Self { id, message: digest, committee, me, identity, share, session, signature, connected, repeat_at })
    }

    /// Names what is signed and by which committee: whoever was given another digest or committee is told apart by it.
    #[must_use]
    pub fn id_of(committee: &Committee, digest: B256) -> CeremonyId {
        CeremonyId(hash("GUARDIAN/ceremony/authorisation/v1", &[committee.id().0, digest.0].concat()))
    }

    /// One step. Nothing is recorded; the effects are the same as a ceremony's so that one driver drives both.
    pub fn step(&mut self, now: Timestamp, input: Input, rng: &mut (impl CryptoRng + RngCore), fx: &mut Effects) {
        let mut heard = None;
        match input {
            Input::Woke | Input::Activated => {}
            Input::PeerUp(member) => {
                self.connected.insert(member);
                self.repeat_at = now;
            }
            Input::PeerDown(member) => {
                self.connected.remove(&member);
            }
            Input::Heard { from, bytes } => heard = self.hear(from, &bytes, fx).map(|message| (from, message)),
        }
        let mut out = Vec::new();
        if self.signature.is_none() {
            let cx = signing::Context {
                now,
                keys: Keys { identity: &self.identity, share: &self.share },
                may_sign: true,
                connected: &self.connected,
            };
            match heard {
                Some((from, message)) => self.session.hear(from, message, cx, rng, &mut out),
                None => self.session.advance(cx, rng, &mut out),
            }
        }
        if now >= self.repeat_at {
            self.repeat_at = now.after(REPEAT);
            self.repeat(&mut out, fx);
        }
        self.carry_out(out, fx);
        fx.wake(self.session.wake(now).unwrap_or(self.repeat_at).min(self.repeat_at));
    }

    /// The committee's signature of the digest.
    #[must_use]
    pub const fn signature(&self) -> Option<Signature> {
        self.signature
    }

    /// Whom this member waits for: as coordinator, those who owe it something; else the coordinators whose turn it is.
    #[must_use]
    pub fn waiting_for(&self, now: Timestamp) -> BTreeSet<MemberId> {
        if self.signature.is_some() { BTreeSet::new() } else { self.session.waiting_for(now) }
    }

    fn hear(&mut self, from: MemberId, bytes: &[u8], fx: &mut Effects) -> Option<signing::Message> {
        self.committee.get(from).filter(|_| from != self.me)?;
        match wire::decode(self.id, bytes) {
            Ok(Message::Signing(message)) => {
                // Who still asks has not heard of the signature.
                if let Some(signature) = self.signature {
                    fx.send(Recipient::One(from), wire::encode(self.id, &Message::Signed(signature)));
                }
                return Some(message);
            }
            Ok(Message::Signed(signature)) => {
                if self.signature.is_some() {
                } else if self.committee.group_key().verify(&self.message.0, &signature).is_ok() {
                    self.signature = Some(signature);
                    fx.report(Event::Proven);
                } else {
                    let reason = "the signature is not valid".to_owned();
                    fx.report(Event::MessageRefused { member: from, reason });
                }
            }
            Err(wire::WireError::OtherCeremony(ceremony)) => fx.report(Event::OtherPlan { member: from, ceremony }),
            Err(error) => fx.report(Event::MessageRefused { member: from, reason: error.to_string() }),
        }
        None
    }

    fn repeat(&self, out: &mut Vec<signing::Output>, fx: &mut Effects) {
        match self.signature {
            // Once is enough for those who hear it; the others ask.
            Some(_) => {}
            None => self.session.resend(out),
        }
        if let Some(signature) = self.signature {
            for member in &self.connected {
                fx.send(Recipient::One(*member), wire::encode(self.id, &Message::Signed(signature)));
            }
        }
    }

    fn carry_out(&mut self, outputs: Vec<signing::Output>, fx: &mut Effects) {
        for output in outputs {
            match output {
                signing::Output::Send(to, message) => {
                    fx.send(Recipient::One(to), wire::encode(self.id, &Message::Signing(message)));
                }
                signing::Output::Opened { attempt, signers } => fx.report(Event::SessionOpened { attempt, signers }),
                signing::Output::Misconduct(misconduct) => {
                    if let Some(member) = misconduct.culprit(self.session.terms()) {
                        fx.report(Event::Excluded { member });
                    }
                }
                signing::Output::Signed(signature) => {
                    self.signature = Some(signature);
                    fx.report(Event::Proven);
                    fx.send(Recipient::All, wire::encode(self.id, &Message::Signed(signature)));
                }
            }
        }
    }
}
