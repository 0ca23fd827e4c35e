//! The rules of one ceremony: who may post what, what a post has to be, who is at fault. Everything here follows from
//! the plan and the bytes; nothing depends on who looks or when.

use super::{
    hash,
    plan::{CeremonyId, Participant, Plan, PlanError, Purpose},
    post::{Body, Post, Step},
    scheme::{Dealt, Scheme},
    signing::Terms,
};
use crate::types::{MemberId, versioned};
use alloy_primitives::B256;
use guardian_crypto::{
    disclosable::{Disclosure, EphemeralPublic, VerifiedEphemeral},
    frost::PublicShares,
    identity::IdentityPublic,
};
use std::collections::{BTreeMap, BTreeSet};

/// A plan that makes sense, with everything that follows from it.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) plan: Plan,
    pub(super) id: CeremonyId,
    pub(super) scheme: Scheme,
    pub(super) participants: BTreeMap<MemberId, Participant>,
    pub(super) dealers: BTreeSet<MemberId>,
    pub(super) receivers: BTreeSet<MemberId>,
    pub(super) recipients: BTreeSet<MemberId>,
    pub(super) signers: BTreeSet<MemberId>,
}

/// A deal that is right by itself.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    pub(super) ephemeral: VerifiedEphemeral,
    pub(super) dealt: Dealt,
}

/// What became of a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// What was opened is wrong: its dealer is at fault.
    Upheld,
    /// It is right, or it was not opened truly: who complains is at fault.
    Rejected,
}

impl Rules {
    /// The rules of `plan`.
    pub(super) fn new(plan: Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let scheme = Scheme::new(&plan).map_err(PlanError::Scheme)?;
        Ok(Self {
            id: plan.id(),
            scheme,
            participants: plan.participants(),
            dealers: plan.dealers(),
            receivers: plan.receivers(),
            recipients: plan.recipients(),
            signers: plan.signers(),
            plan,
        })
    }

    pub(super) fn identity(&self, member: MemberId) -> Option<&IdentityPublic> {
        self.participants.get(&member).map(|participant| &participant.identity)
    }

    /// The steps that are posts and part of the transcript, in order.
    pub(super) fn steps(&self) -> &'static [Step] {
        self.plan.purpose.steps()
    }

    /// Who posts in `step`.
    pub(super) fn authors(&self, step: Step) -> BTreeSet<MemberId> {
        match step {
            Step::Deal => self.dealers.clone(),
            Step::Sum if self.steps().contains(&Step::Sum) => self.dealers.clone(),
            Step::Sum | Step::Proof => BTreeSet::new(),
            Step::Shares | Step::Confirm | Step::Done => self.participants.keys().copied().collect(),
        }
    }

    /// Whether `member` posts in `step`.
    pub(super) fn has_role(&self, member: MemberId, step: Step) -> bool {
        match step {
            Step::Deal => self.dealers.contains(&member),
            Step::Sum => self.steps().contains(&Step::Sum) && self.dealers.contains(&member),
            Step::Proof => false,
            Step::Shares | Step::Confirm | Step::Done => self.participants.contains_key(&member),
        }
    }

    /// Whether its author, who has a role in its step, signed this post for this ceremony.
    pub(super) fn is_genuine(&self, post: &Post) -> bool {
        self.has_role(post.author(), post.step())
            && self.identity(post.author()).is_some_and(|identity| post.is_genuine(self.id, identity))
    }

    /// Judges a deal by itself. An error says what is wrong with it.
    pub(super) fn deal(&self, post: &Post) -> Result<Deal, String> {
        let Body::Deal { ephemeral, commitments } = post.body() else { return Err("it is no deal".to_owned()) };
        let dealer = post.author();
        let identity = self.identity(dealer).ok_or("it is a stranger's")?;
        let ephemeral = EphemeralPublic::from_bytes(ephemeral)
            .and_then(|key| key.verify(identity, self.id.0.as_slice()))
            .map_err(|error| error.to_string())?;
        let dealt = self.scheme.judge(dealer, commitments).map_err(|error| error.to_string())?;
        Ok(Deal { ephemeral, dealt })
    }

    /// Judges any other post by itself. An error says what is wrong with it.
    pub(super) fn shape(&self, post: &Post) -> Result<(), &'static str> {
        match post.body() {
            Body::Shares { echo, ciphertexts } => {
                let expected = if self.dealers.contains(&post.author()) { self.recipients.len() } else { 0 };
                if echo.len() != self.dealers.len() {
                    Err("it does not echo one deal of every dealer")
                } else if ciphertexts.len() == expected {
                    Ok(())
                } else {
                    Err("it does not deal one share to every recipient")
                }
            }
            Body::Complaint { dealer, .. } => {
                let owed = match self.plan.purpose {
                    Purpose::Generate | Purpose::Reshare => self.recipients.contains(&post.author()),
                    Purpose::Repair { lost } => post.author() == lost || self.recipients.contains(&post.author()),
                };
                if owed && self.dealers.contains(dealer) && *dealer != post.author() {
                    Ok(())
                } else {
                    Err("it complains of something that nobody sent")
                }
            }
            Body::Deal { .. } | Body::Sum { .. } | Body::Confirm { .. } | Body::Done => Ok(()),
        }
    }

    /// In which step a dealer sends to `to` what `to` can complain of.
    pub(super) fn owed_in(&self, to: MemberId) -> Step {
        match self.plan.purpose {
            Purpose::Repair { lost } if lost == to => Step::Sum,
            Purpose::Generate | Purpose::Reshare | Purpose::Repair { .. } => Step::Shares,
        }
    }

    /// The ciphertext for `to` in a dealer's post.
    pub(super) fn ciphertext<'a>(&self, post: &'a Post, to: MemberId) -> Option<&'a [u8; 32]> {
        match (post.body(), self.plan.purpose) {
            (Body::Sum { ciphertext, .. }, Purpose::Repair { lost }) if lost == to => Some(ciphertext),
            (Body::Shares { ciphertexts, .. }, _) => {
                let place = self.recipients.iter().position(|recipient| *recipient == to)?;
                ciphertexts.get(place)
            }
            _ => None,
        }
    }

    /// What one encrypted secret is bound to.
    pub(super) fn cipher_context(&self, step: Step, dealer: MemberId, to: MemberId) -> Vec<u8> {
        versioned::encode(1, &(self.id, step, dealer, to))
    }

    /// The hash of one dealer's deal as the author of `post` received it.
    pub(super) fn echo(&self, post: &Post, dealer: MemberId) -> Option<B256> {
        let Body::Shares { echo, .. } = post.body() else { return None };
        let place = self.dealers.iter().position(|other| *other == dealer)?;
        echo.get(place).copied()
    }

    /// Decides about `complaint` of what `opened` contains, which `right` recognises. `None` if the complaint is not
    /// about these posts.
    pub(super) fn judge(
        &self,
        deal: &Post,
        opened: &Post,
        complaint: &Post,
        right: impl FnOnce(&Deal, &[u8; 32]) -> bool,
    ) -> Option<Judgement> {
        let Body::Complaint { dealer, deal: deal_hash, opened: opened_hash, disclosure } = complaint.body() else {
            return None;
        };
        let to = complaint.author();
        let about_these = deal.author() == *dealer
            && opened.author() == *dealer
            && deal.hash(self.id) == *deal_hash
            && opened.hash(self.id) == *opened_hash
            && opened.step() == self.owed_in(to);
        if !about_these || self.shape(complaint).is_err() {
            return None;
        }
        let judged = self.deal(deal).ok()?;
        let context = self.cipher_context(opened.step(), *dealer, to);
        let ciphertext = self.ciphertext(opened, to)?;
        let recipient = self.identity(to)?;
        let secret = Disclosure::from_bytes(disclosure)
            .and_then(|disclosure| disclosure.open(recipient, &judged.ephemeral, &context, ciphertext));
        Some(match secret {
            Ok(secret) if !right(&judged, secret.expose()) => Judgement::Upheld,
            Ok(_) | Err(_) => Judgement::Rejected,
        })
    }

    /// The hash of all that everybody confirms, from the hashes of all posts in the order of steps and authors.
    pub(super) fn transcript_hash(&self, posts: impl Iterator<Item = B256>) -> B256 {
        const DOMAIN: &str = "GUARDIAN/ceremony/transcript/v1";
        let mut bytes = self.id.0.to_vec();
        posts.for_each(|post| bytes.extend_from_slice(post.as_slice()));
        hash(DOMAIN, &bytes)
    }

    /// What the test signature is made of.
    pub(super) fn terms(&self, transcript: B256, public: PublicShares) -> Terms {
        self.plan.test_session(transcript, public)
    }
}
