//! The transcript: everything that was said in a ceremony that succeeded. It is public and lasting. It proves to anyone
//! how the key came about and that all of its holders confirmed it; and with it, a receiver that has nothing left but
//! its identity key gets its share back ([`recover`]).

use super::{
    ledger::{Accepted, Ledger},
    own::{Own, Verdict},
    plan::{CeremonyId, Plan, PlanError},
    post::{Post, Step},
    rules::Rules,
};
use crate::types::{MemberId, versioned};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    frost::{KeyShare, PublicShares},
    identity::IdentityKey,
    schnorr::Signature,
};

/// All posts up to the confirmations, in the order of steps and authors, and the test signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transcript {
    ceremony: CeremonyId,
    posts: Vec<Post>,
    proof: Signature,
}

/// Why bytes are not the transcript of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// Written by another version of the node.
    #[error("transcript version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// Not this version's encoding, or larger than any.
    #[error("corrupt transcript: {0}")]
    Corrupt(String),
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Of another plan.
    #[error("this is the transcript of ceremony {0}, which is not this plan's")]
    OtherCeremony(CeremonyId),
    /// A post is missing, wrong, or out of place.
    #[error("the {step} of member {author} is missing, wrong, or out of place")]
    Post {
        /// The author.
        author: MemberId,
        /// The step.
        step: Step,
    },
    /// There is more than there should be.
    #[error("the transcript holds more than the ceremony's posts")]
    TooMuch,
    /// The participants did not receive the same.
    #[error("member {0} received other deals, or did not confirm this transcript")]
    NotConfirmed(MemberId),
    /// The commitments make no key.
    #[error("the deals make no key: {0}")]
    NoKey(guardian_crypto::Error),
    /// The test signature is not the key's.
    #[error("the test signature is not of the key that the transcript makes")]
    NotProven,
}

/// Why a share could not be recovered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The transcript is not one of this plan.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// Nothing was meant to come out.
    #[error("a rehearsal leaves no shares")]
    Rehearsal,
    /// This identity gets no share.
    #[error("this identity is not of a member that gets a share in this ceremony")]
    NoReceiver,
    /// The transcript is right, and what it holds for this identity is not.
    #[error("what this member was dealt is wrong, although it confirmed it: member {0} sent it")]
    Wrong(MemberId),
    /// The mathematics refused.
    #[error("the share could not be put together: {0}")]
    Unusable(#[from] guardian_crypto::Error),
}

impl Transcript {
    /// The format's version.
    pub const VERSION: u8 = 1;
    /// The largest transcript: that of the largest committee has about 9 MB.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;

    /// The transcript of a ceremony of which everything up to `proof` is on the board.
    pub(super) fn of(ledger: &Ledger, proof: Signature) -> Option<Self> {
        let mut posts = Vec::new();
        for step in ledger.rules.steps() {
            for author in ledger.rules.authors(*step) {
                posts.push(ledger.board.get(*step, author)?.clone());
            }
        }
        Some(Self { ceremony: ledger.rules.id, posts, proof })
    }

    /// Which ceremony it is of.
    #[must_use]
    pub const fn ceremony(&self) -> CeremonyId {
        self.ceremony
    }

    /// The test signature: for a rotation, the new key's proof of possession.
    #[must_use]
    pub const fn proof(&self) -> Signature {
        self.proof
    }

    /// Checks everything that anyone can check; returns the public side of the key that the ceremony made.
    ///
    /// # Errors
    /// [`TranscriptError`] names the first thing that does not hold.
    pub fn verify(&self, plan: &Plan) -> Result<PublicShares, TranscriptError> {
        self.read(plan).map(|(_, public)| public)
    }

    fn read(&self, plan: &Plan) -> Result<(Ledger, PublicShares), TranscriptError> {
        let rules = Rules::new(plan.clone())?;
        if self.ceremony != rules.id {
            return Err(TranscriptError::OtherCeremony(self.ceremony));
        }
        let mut ledger = Ledger::new(rules);
        let mut posts = self.posts.iter();
        for step in ledger.rules.steps() {
            for author in ledger.rules.authors(*step) {
                let post = posts.next().filter(|post| post.step() == *step && post.author() == author);
                match post.map(|post| ledger.accept(post.clone())) {
                    Some(Accepted::New) => {}
                    _ => return Err(TranscriptError::Post { author, step: *step }),
                }
            }
        }
        if posts.next().is_some() {
            return Err(TranscriptError::TooMuch);
        }
        let transcript = ledger.transcript().unwrap_or(B256::ZERO);
        let apart = ledger.echoing_others().into_iter().chain(ledger.not_confirming(transcript)).next();
        if let Some(member) = apart {
            return Err(TranscriptError::NotConfirmed(member));
        }
        let public = ledger.rules.scheme.public_shares(plan, &ledger.dealt()).map_err(TranscriptError::NoKey)?;
        let message = plan.test_message(transcript, public.group_key());
        public.group_key().verify(&message.0, &self.proof).map_err(|_| TranscriptError::NotProven)?;
        Ok((ledger, public))
    }

    /// The lasting encoding: version 1, then borsh.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Transcript::encode`]. Says nothing about whether it holds.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownVersion`] or [`TranscriptError::Corrupt`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TranscriptError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(TranscriptError::Corrupt(format!("{} bytes are too many", bytes.len())));
        }
        match bytes.split_first() {
            Some((&Self::VERSION, body)) => {
                borsh::from_slice(body).map_err(|error| TranscriptError::Corrupt(error.to_string()))
            }
            Some((other, _)) => Err(TranscriptError::UnknownVersion(*other)),
            None => Err(TranscriptError::Corrupt("no bytes".to_owned())),
        }
    }
}

/// The share that the owner of `identity` got in the ceremony of `transcript`, from these three alone.
///
/// # Errors
/// [`RecoverError`].
pub fn recover(plan: &Plan, identity: &IdentityKey, transcript: &Transcript) -> Result<KeyShare, RecoverError> {
    if plan.rehearse {
        return Err(RecoverError::Rehearsal);
    }
    let (ledger, _) = transcript.read(plan)?;
    let public = identity.public();
    let me = ledger.rules.receivers.iter().find(|member| ledger.rules.identity(**member) == Some(&public));
    let me = *me.ok_or(RecoverError::NoReceiver)?;
    match (Own { ledger: &ledger, me, identity, old: None }).verdict()? {
        Verdict::Right(key) => key.share.ok_or(RecoverError::NoReceiver),
        Verdict::Wrong(dealer) => Err(RecoverError::Wrong(dealer)),
    }
}
