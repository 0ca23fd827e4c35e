//! Posts: what a participant says to everybody in one step, signed. A post counts only in its ceremony, only from an
//! author with a role in its step, and can be passed on by anyone.
//!
//! All posts of an honest author follow from the plan, its identity and the posts before: it makes the same ones again
//! after losing everything but its key.

use super::{hash, plan::CeremonyId};
use crate::types::{MemberId, versioned};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::identity::{IdentityKey, IdentityPublic, IdentitySignature};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The steps of a ceremony, in order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Dealers commit to what they will deal.
    Deal,
    /// Everybody says which deals it received; dealers deal.
    Shares,
    /// In a repair: helpers pass on the sum of what they were dealt.
    Sum,
    /// Everybody confirms that it has all of that and that its shares are right; or complains.
    Confirm,
    /// All signers sign the test message together. Not a post: the signature speaks for itself.
    Proof,
    /// Everybody says that it has put the outcome to use.
    Done,
}

impl Step {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deal => "deal",
            Self::Shares => "shares",
            Self::Sum => "sum",
            Self::Confirm => "confirm",
            Self::Proof => "proof",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a post says. Points, keys and proofs are bytes here, because whoever signs malformed ones is to be shown to
/// everybody.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Body {
    /// [`Step::Deal`].
    Deal {
        /// `disclosable::EphemeralPublic`: what the dealer's shares are encrypted with.
        ephemeral: [u8; 96],
        /// By purpose: a first package of key generation, a dealing, or a contribution to a repair.
        commitments: Vec<u8>,
    },
    /// [`Step::Shares`].
    Shares {
        /// The hash of every deal as the author received it, in the order of the dealers' numbers.
        echo: Vec<B256>,
        /// Of a dealer: what it deals to each recipient, in the order of their numbers. Of others: none.
        ciphertexts: Vec<[u8; 32]>,
    },
    /// [`Step::Sum`].
    Sum {
        /// Hash of the author's own [`Body::Shares`]: which deals it has summed up.
        shares: B256,
        /// For the member that lost its share.
        ciphertext: [u8; 32],
    },
    /// [`Step::Confirm`]: everything is right.
    Confirm {
        /// Hash of everything up to here.
        transcript: B256,
    },
    /// [`Step::Confirm`]: what this dealer sent to the author is wrong, and here is what it was.
    Complaint {
        /// Against whom.
        dealer: MemberId,
        /// Hash of the dealer's deal.
        deal: B256,
        /// Hash of the dealer's post with the ciphertext.
        opened: B256,
        /// `disclosable::Disclosure`.
        disclosure: [u8; 96],
    },
    /// [`Step::Done`].
    Done,
}

impl Body {
    /// In which step it is said.
    #[must_use]
    pub const fn step(&self) -> Step {
        match self {
            Self::Deal { .. } => Step::Deal,
            Self::Shares { .. } => Step::Shares,
            Self::Sum { .. } => Step::Sum,
            Self::Confirm { .. } | Self::Complaint { .. } => Step::Confirm,
            Self::Done => Step::Done,
        }
    }
}

/// A signed post.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Post {
    author: MemberId,
    body: Body,
    signature: IdentitySignature,
}

impl Post {
    /// The version of what is signed.
    pub const VERSION: u8 = 1;
    /// The largest post. Those of a committee of the largest size have less than 17 KiB.
    pub const MAX_BYTES: usize = 24 * 1024;

    const DOMAIN: &'static str = "GUARDIAN/ceremony/post/v1";

    /// Signs `body` as `author` of `ceremony`.
    #[must_use]
    pub fn seal(ceremony: CeremonyId, author: MemberId, body: Body, key: &IdentityKey) -> Self {
        let signature = key.sign(Self::DOMAIN, &signed_bytes(ceremony, author, &body));
        Self { author, body, signature }
    }

    /// Whether the owner of `identity` signed this for `ceremony`.
    #[must_use]
    pub fn is_genuine(&self, ceremony: CeremonyId, identity: &IdentityPublic) -> bool {
        let bytes = signed_bytes(ceremony, self.author, &self.body);
        identity.verify(Self::DOMAIN, &bytes, &self.signature).is_ok()
    }

    /// Names what is said, by whom, in which ceremony: not the signature, of which an author could make many.
    #[must_use]
    pub fn hash(&self, ceremony: CeremonyId) -> B256 {
        hash(Self::DOMAIN, &signed_bytes(ceremony, self.author, &self.body))
    }

    /// Whether it is larger than any post that an honest author makes.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        let (words, bytes) = match &self.body {
            Body::Deal { commitments, .. } => (0, commitments.len()),
            Body::Shares { echo, ciphertexts } => (echo.len().saturating_add(ciphertexts.len()), 0),
            Body::Sum { .. } | Body::Confirm { .. } | Body::Complaint { .. } | Body::Done => (0, 0),
        };
        words.saturating_mul(32).saturating_add(bytes).saturating_add(256) > Self::MAX_BYTES
    }

    /// Who says it.
    #[must_use]
    pub const fn author(&self) -> MemberId {
        self.author
    }

    /// What it says.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// In which step.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.body.step()
    }
}

/// Ceremony (32 bytes), version, author (2), body.
fn signed_bytes(ceremony: CeremonyId, author: MemberId, body: &Body) -> Vec<u8> {
    let mut bytes = ceremony.0.to_vec();
    bytes.extend(versioned::encode(Post::VERSION, &(author, body)));
    bytes
}
