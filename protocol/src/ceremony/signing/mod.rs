//! One signature over one message, by all or by a quorum of the holders of a key. Used for the test signature of a
//! ceremony (all, one coordinator) and for the old committee's word to a rotation (a quorum, everybody coordinates in
//! turn).
//!
//! Not the signing of duties (`crate::sign`): there is one message, fixed from the beginning, and nothing to vote on.
//!
//! FROST in two rounds. A signer keeps one fresh pair of nonces for each coordinator whose turn has come, in memory
//! only; it is consumed by the first package that contains it, whatever comes of it, and the share carries the next
//! commitment (ROAST's rule). A package with a commitment that is spent or of an earlier start is answered with a fresh
//! commitment. So a restart of anybody costs one more attempt, and nothing is kept on disk. When all must sign, the
//! coordinator waits for all; when a quorum is enough, it leaves out those who stay silent until they speak again, and
//! for good those who gave a wrong part.

mod coordinator;
mod message;
mod misconduct;
mod signer;
mod terms;

pub use message::{Commitment, Message, Package, Share};
pub use misconduct::Misconduct;
pub use terms::{Parameters, Terms};

use crate::types::{BootId, MemberId, Timestamp};
use coordinator::Coordinator;
use guardian_crypto::{frost::KeyShare, identity::IdentityKey, schnorr::Signature};
use rand_core::{CryptoRng, RngCore};
use signer::Signer;
use std::collections::{BTreeSet, VecDeque};

/// What a session wants done, or has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A message to one other signer.
    Send(MemberId, Message),
    /// This participant opened an attempt as coordinator.
    Opened {
        /// Which attempt.
        attempt: u32,
        /// With whom.
        signers: Vec<MemberId>,
    },
    /// Somebody provably gave something wrong.
    Misconduct(Misconduct),
    /// The signature, verified.
    Signed(Signature),
}

/// One participant's side of a session. Dropped with its nonces when the process ends.
#[derive(Debug)]
pub struct Session {
    terms: Terms,
    me: MemberId,
    began: Timestamp,
    signer: Signer,
    coordinator: Coordinator,
    signature: Option<Signature>,
}

/// The secrets that signing needs, borrowed for one step.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The long-term identity.
    pub identity: &'a IdentityKey,
    /// This signer's share of the key.
    pub share: &'a KeyShare,
}

/// What a session may use in one step.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// This signer's keys.
    pub keys: Keys<'a>,
    /// Whether shares may be given yet. Commitments may always.
    pub may_sign: bool,
    /// Who is connected: a coordinator prefers them.
    pub connected: &'a BTreeSet<MemberId>,
}

impl Session {
    /// A session of `me`, who is among the signers. `boot` must be fresh: drawn at this start of the process.
    #[must_use]
    pub fn new(now: Timestamp, terms: Terms, me: MemberId, boot: BootId) -> Self {
        let (signer, coordinator) = (Signer::new(me, boot), Coordinator::new(me));
        Self { terms, me, began: now, signer, coordinator, signature: None }
    }

    /// What is signed, and by whom.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The signature, once this participant has put it together.
    #[must_use]
    pub const fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Whom this participant waits for: as coordinator, those who owe it something; else the coordinator whose turn it
    /// is.
    #[must_use]
    pub fn waiting_for(&self, now: Timestamp) -> BTreeSet<MemberId> {
        let turns = self.turns(now);
        if turns.contains(&self.me) { self.coordinator.owing(&self.terms) } else { turns.into_iter().collect() }
    }

    /// Takes a message that the transport says `from` sent.
    pub fn hear(
        &mut self,
        from: MemberId,
        message: Message,
        cx: Context<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        out: &mut Vec<Output>,
    ) {
        self.drive(VecDeque::from([(from, message)]), cx, rng, out);
    }

    /// Does everything that is due.
    pub fn advance(&mut self, cx: Context<'_>, rng: &mut (impl CryptoRng + RngCore), out: &mut Vec<Output>) {
        self.drive(VecDeque::new(), cx, rng, out);
    }

    /// Says again what may have been lost.
    pub fn resend(&self, out: &mut Vec<Output>) {
        if self.signature.is_none() {
            let commitments = self.signer.commitments().map(|(to, commitment)| (to, Message::Commitment(commitment)));
            let packages = self.coordinator.unanswered().map(|(to, package)| (to, Message::Package(package)));
            out.extend(commitments.chain(packages).filter(|(to, _)| *to != self.me).map(|(to, m)| Output::Send(to, m)));
        }
    }

    /// When [`Session::advance`] may find something due that is not due now.
    #[must_use]
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        if self.signature.is_some() {
            return None;
        }
        let next_turn = self.turn_of(self.turns(now).len());
        [next_turn, self.coordinator.deadline(&self.terms)].into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Runs until nothing is left to do; what this participant sends to itself does not leave it.
    fn drive(
        &mut self,
        mut inbox: VecDeque<(MemberId, Message)>,
        cx: Context<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        out: &mut Vec<Output>,
    ) {
        let mut produced = Vec::new();
        loop {
            if self.signature.is_some() {
                break;
            }
            if let Some((from, message)) = inbox.pop_front() {
                self.take(from, message, cx, rng, &mut produced);
            } else {
                for coordinator in self.turns(cx.now) {
                    self.signer.announce(coordinator, &self.terms, cx.keys, rng, &mut produced);
                }
                if cx.may_sign {
                    self.signer.answer_held(&self.terms, cx.keys, rng, &mut produced);
                    self.coordinator.open(&self.terms, cx, &mut produced);
                }
                if produced.is_empty() {
                    break;
                }
            }
            for output in produced.drain(..) {
                match output {
                    Output::Send(to, message) if to == self.me => inbox.push_back((self.me, message)),
                    Output::Send(..) | Output::Opened { .. } | Output::Misconduct(_) | Output::Signed(_) => {
                        out.push(output);
                    }
                }
            }
        }
    }

    fn take(
        &mut self,
        from: MemberId,
        message: Message,
        cx: Context<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        out: &mut Vec<Output>,
    ) {
        match message {
            Message::Commitment(commitment) if commitment.owner == from => {
                self.coordinator.offer(commitment, &self.terms, out);
            }
            Message::Package(package) if package.coordinator == from => {
                if self.signer.hold(package, &self.terms, out) && cx.may_sign {
                    self.signer.answer_held(&self.terms, cx.keys, rng, out);
                }
            }
            Message::Share(share) if share.signer == from => {
                if let Some(signature) = self.coordinator.take(&share, &self.terms, out) {
                    self.signature = Some(signature);
                    out.push(Output::Signed(signature));
                }
            }
            // Signing messages are not passed on by others.
            Message::Commitment(_) | Message::Package(_) | Message::Share(_) => {}
        }
    }

    /// The coordinators whose turn has come.
    fn turns(&self, now: Timestamp) -> Vec<MemberId> {
        let come = |(k, _): &(usize, &MemberId)| self.turn_of(*k).is_some_and(|at| at <= now);
        self.terms.coordinators().iter().enumerate().take_while(come).map(|(_, member)| *member).collect()
    }

    fn turn_of(&self, k: usize) -> Option<Timestamp> {
        let waits = u32::try_from(k).unwrap_or(u32::MAX);
        (k < self.terms.coordinators().len()).then(|| self.began.after(self.terms.patience().saturating_mul(waits)))
    }
}
