//! Faults: who broke the rules, with bytes of its own that prove it. Anybody who has the plan can check one, without
//! believing who shows it and without having been there.
//!
//! What is not here can't be proven and is nobody's fault: silence, a claim that is not shown, and two posts of one
//! author that differ only in what it received. An honest participant that runs twice, or that lost its records, makes
//! two such posts when somebody else has shown different things to its two lives; who did that is convicted by what it
//! showed.

use super::{
    plan::{CeremonyId, Plan, PlanError},
    post::{Body, Post, Step},
    rules::{Deal, Judgement, Rules},
    scheme::Dealt,
    signing::Misconduct,
};
use crate::types::{MemberId, versioned};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::frost::PublicShares;
use std::collections::BTreeMap;

/// Somebody broke the rules of a ceremony, which has failed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fault {
    ceremony: CeremonyId,
    culprit: MemberId,
    evidence: Box<Evidence>,
}

/// What proves it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// Two different deals, or two different sets of shares, of one dealer.
    Equivocation {
        /// One.
        first: Post,
        /// The other.
        second: Post,
    },
    /// A post that is wrong by itself.
    BadPost(Post),
    /// A share that was sent and opened: either it is wrong and its dealer is at fault, or who complains is.
    Share {
        /// The dealer's deal.
        deal: Post,
        /// What it sent.
        shares: Post,
        /// Who complains.
        complaint: Post,
    },
    /// The same of a sum in a repair.
    Sum {
        /// Everybody's deals, as the helper received them.
        deals: Vec<Post>,
        /// The helper's post that says so.
        shares: Post,
        /// What it passed on.
        sum: Post,
        /// Who complains.
        complaint: Post,
    },
    /// Something wrong in the test signature.
    Signing {
        /// Hash of the transcript that everybody confirmed.
        transcript: B256,
        /// The public shares that it made.
        public: Vec<u8>,
        /// What was wrong.
        misconduct: Misconduct,
    },
}

/// Why a fault is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Written by another version of the node.
    #[error("fault version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// Not this version's encoding.
    #[error("corrupt fault: {0}")]
    Corrupt(String),
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Of another plan.
    #[error("this is evidence of ceremony {0}, which is not this plan's")]
    OtherCeremony(CeremonyId),
    /// It convicts nobody, or somebody else.
    #[error("the evidence does not convict member {0}")]
    NotProven(MemberId),
}

impl Fault {
    /// The format's version.
    pub const VERSION: u8 = 1;

    /// The fault that `evidence` proves under `rules`, if it proves one.
    pub(super) fn prove(rules: &Rules, evidence: Evidence) -> Option<Self> {
        let culprit = evidence.culprit(rules)?;
        Some(Self { ceremony: rules.id, culprit, evidence: Box::new(evidence) })
    }

    /// Checks that this convicts its culprit.
    ///
    /// # Errors
    /// [`FaultError`] if it does not.
    pub fn verify(&self, plan: &Plan) -> Result<(), FaultError> {
        self.verify_under(&Rules::new(plan.clone())?)
    }

    pub(super) fn verify_under(&self, rules: &Rules) -> Result<(), FaultError> {
        if self.ceremony != rules.id {
            return Err(FaultError::OtherCeremony(self.ceremony));
        }
        let convicted = self.evidence.culprit(rules);
        if convicted == Some(self.culprit) { Ok(()) } else { Err(FaultError::NotProven(self.culprit)) }
    }

    /// Who broke the rules.
    #[must_use]
    pub const fn culprit(&self) -> MemberId {
        self.culprit
    }

    /// In which ceremony.
    #[must_use]
    pub const fn ceremony(&self) -> CeremonyId {
        self.ceremony
    }

    /// What proves it.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What the culprit did, for people.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match &*self.evidence {
            Evidence::Equivocation { .. } => "it said different things to different members",
            Evidence::BadPost(post) => match post.step() {
                Step::Deal => "its commitments are wrong or not proven",
                Step::Shares => "it did not echo every deal, or did not deal to every recipient",
                Step::Sum | Step::Confirm | Step::Proof | Step::Done => "it complained of something that nobody sent",
            },
            Evidence::Share { complaint, .. } | Evidence::Sum { complaint, .. } => {
                if complaint.author() == self.culprit {
                    "it complained of a share that was right"
                } else {
                    "it sent a share that does not match what it had committed to"
                }
            }
            Evidence::Signing { misconduct, .. } => misconduct.as_str(),
        }
    }

    /// The lasting encoding: version 1, then borsh.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Fault::encode`]. Says nothing about whether the fault is proven.
    ///
    /// # Errors
    /// [`FaultError::UnknownVersion`] or [`FaultError::Corrupt`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FaultError> {
        match bytes.split_first() {
            Some((&Self::VERSION, body)) => {
                borsh::from_slice(body).map_err(|error| FaultError::Corrupt(error.to_string()))
            }
            Some((other, _)) => Err(FaultError::UnknownVersion(*other)),
            None => Err(FaultError::Corrupt("no bytes".to_owned())),
        }
    }
}

impl Evidence {
    /// Whom this convicts; `None` if nobody.
    fn culprit(&self, rules: &Rules) -> Option<MemberId> {
        let genuine = |post: &Post| rules.is_genuine(post) && !post.is_too_large();
        match self {
            Self::Equivocation { first, second } => {
                let guilty = genuine(first) && genuine(second) && differ(first, second);
                guilty.then(|| first.author())
            }
            Self::BadPost(post) => {
                let is_deal = matches!(post.body(), Body::Deal { .. });
                let wrong = if is_deal { rules.deal(post).is_err() } else { rules.shape(post).is_err() };
                (genuine(post) && wrong).then(|| post.author())
            }
            Self::Share { deal, shares, complaint } => {
                if !(genuine(deal) && genuine(shares) && genuine(complaint)) || shares.step() != Step::Shares {
                    return None;
                }
                let to = complaint.author();
                let right = |deal: &Deal, secret: &[u8; 32]| rules.scheme.is_right(&deal.dealt, to, secret);
                Some(blame(rules.judge(deal, shares, complaint, right)?, deal, complaint))
            }
            Self::Sum { deals, shares, sum, complaint } => {
                if !deals.iter().chain([shares, sum, complaint]).all(genuine) {
                    return None;
                }
                let dealt = echoed(rules, deals, shares)?;
                let helper = sum.author();
                let Body::Sum { shares: summed, .. } = sum.body() else { return None };
                if shares.author() != helper || *summed != shares.hash(rules.id) {
                    return None;
                }
                let deal = deals.iter().find(|deal| deal.author() == helper)?;
                let right = |_: &Deal, secret: &[u8; 32]| rules.scheme.is_right_sum(&dealt, helper, secret);
                Some(blame(rules.judge(deal, sum, complaint, right)?, deal, complaint))
            }
            Self::Signing { transcript, public, misconduct } => {
                let public = PublicShares::from_bytes(public).ok()?;
                misconduct.culprit(&rules.terms(*transcript, public))
            }
        }
    }
}

/// Whether no honest author, run twice or not, makes both.
pub(super) fn differ(first: &Post, second: &Post) -> bool {
    first.author() == second.author()
        && match (first.body(), second.body()) {
            (Body::Deal { .. }, Body::Deal { .. }) => first.body() != second.body(),
            (Body::Shares { ciphertexts: one, .. }, Body::Shares { ciphertexts: other, .. }) => one != other,
            _ => false,
        }
}

fn blame(judgement: Judgement, deal: &Post, complaint: &Post) -> MemberId {
    match judgement {
        Judgement::Upheld => deal.author(),
        Judgement::Rejected => complaint.author(),
    }
}

/// What all dealers committed to, if these are the deals that `shares` echoes.
fn echoed(rules: &Rules, deals: &[Post], shares: &Post) -> Option<BTreeMap<MemberId, Dealt>> {
    if !deals.iter().map(Post::author).eq(rules.dealers.iter().copied()) {
        return None;
    }
    deals
        .iter()
        .map(|deal| {
            let echoed = rules.echo(shares, deal.author())? == deal.hash(rules.id);
            echoed.then_some((deal.author(), rules.deal(deal).ok()?.dealt))
        })
        .collect()
}
