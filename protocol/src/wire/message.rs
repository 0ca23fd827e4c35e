//! The messages. Six kinds; each says in one sentence what it is for.

use crate::types::{BootId, Committee, Duty, DutyId, DutyKind, Epoch, MemberId, ValidatorIndex};
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    bls::PartialSignature,
    frost::signing::{Commitments, SignatureShare},
    identity::{IdentityKey, IdentitySignature},
    schnorr::Signature,
};

/// Anything that a guardian says to another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// To a peer that has just connected: where I stand.
    Greeting(Greeting),
    /// To all: I computed this digest, and here are nonce commitments to sign it with. Vote and round one in one message.
    Announcement(Announcement),
    /// Of a coordinator to its chosen signers: sign with these commitments. Round two's question.
    Package(Package),
    /// To that coordinator: my share. Round two's answer.
    Share(Share),
    /// To all, or to one that missed it: the committee signed this.
    Signed(SignedDuty),
    /// To all: my part of the exits that a signed order demands.
    PartialExits(PartialExits),
}

impl Message {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Greeting(_) => "greeting",
            Self::Announcement(_) => "announcement",
            Self::Package(_) => "package",
            Self::Share(_) => "share",
            Self::Signed(_) => "signed",
            Self::PartialExits(_) => "partial_exits",
        }
    }
}

/// Where a guardian stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Greeting {
    /// Drawn at its start.
    pub boot: BootId,
    /// The highest period that it decided or heard the receiver announce: what a receiver with a new store must wait past.
    pub highest: Option<Epoch>,
    /// The newest signed duty of each kind that it knows. The receiver answers with newer ones.
    pub signed: Vec<(DutyKind, Epoch)>,
}

/// A vote with round one attached.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Announcement {
    /// The duty.
    pub duty: DutyId,
    /// What the sender computed.
    pub digest: B256,
    /// The sender's start.
    pub boot: BootId,
    /// Counts announcements of this duty since then; a higher round replaces a lower.
    pub round: u32,
    /// One for each coordinator, in rank order. At most the size of the committee.
    pub commitments: Vec<Commitment>,
}

/// One pair of nonce commitments, signed by its owner: no coordinator can make it look like another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// The owner.
    pub owner: MemberId,
    /// The owner's start; nonces do not outlive it.
    pub boot: BootId,
    /// Unique among the owner's commitments for this duty since that start.
    pub index: u32,
    /// FROST round one: hiding and binding commitment.
    pub points: Commitments,
    /// The owner's signature over all this, the duty, the digest and the committee.
    pub signature: IdentitySignature,
}

impl Commitment {
    const DOMAIN: &'static str = "GUARDIAN/commitment/v1";

    /// Signs `points` as `owner`'s commitment number `index` for `digest` of `duty`.
    #[must_use]
    pub fn seal(
        (duty, digest): (DutyId, B256),
        (owner, boot, index): (MemberId, BootId, u32),
        points: Commitments,
        committee: &Committee,
        key: &IdentityKey,
    ) -> Self {
        let bytes = Self::signed_bytes(&(duty, digest), &(owner, boot, index), &points, committee);
        Self { owner, boot, index, points, signature: key.sign(Self::DOMAIN, &bytes) }
    }

    /// Whether its owner made it, for this digest of this duty.
    #[must_use]
    pub fn is_genuine(&self, duty: DutyId, digest: B256, committee: &Committee) -> bool {
        let bytes = Self::signed_bytes(&(duty, digest), &(self.owner, self.boot, self.index), &self.points, committee);
        committee
            .get(self.owner)
            .is_some_and(|owner| owner.identity.verify(Self::DOMAIN, &bytes, &self.signature).is_ok())
    }

    fn signed_bytes(
        duty: &(DutyId, B256),
        owner: &(MemberId, BootId, u32),
        points: &Commitments,
        committee: &Committee,
    ) -> Vec<u8> {
        let mut bytes = committee.group_key().to_bytes().to_vec();
        bytes.extend(super::encode_versioned(1, &(duty, owner, points)));
        bytes
    }
}

/// Round two's question: exactly threshold commitments, strictly increasing by owner.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Package {
    /// The duty.
    pub duty: DutyId,
    /// The digest to sign; the receiver signs only if it computed the same.
    pub digest: B256,
    /// Whose commitments the signature will be made of.
    pub commitments: Vec<Commitment>,
}

impl Package {
    /// Names this package: shares are bound to it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(super::encode_versioned(1, self))
    }
}

/// Round two's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// The duty.
    pub duty: DutyId,
    /// [`Package::hash`] of the package that was signed.
    pub package: B256,
    /// The share.
    pub share: SignatureShare,
    /// A fresh commitment, should this coordinator have to try again (ROAST's rule).
    pub next: Commitment,
}

/// A duty and the committee's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedDuty {
    /// What was signed.
    pub duty: Duty,
    /// By the group key.
    pub signature: Signature,
}

/// Partial BLS signatures of the exits that one signed order demands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PartialExits {
    /// The order.
    pub duty: DutyId,
    /// Its digest.
    pub digest: B256,
    /// At most as many as an order holds.
    pub exits: Vec<(ValidatorIndex, PartialSignature)>,
}
