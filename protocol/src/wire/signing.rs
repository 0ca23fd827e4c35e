//! What is said on the way to one signature: announcement, package, share; and the commitments that all three carry.
//!
//! Everything here travels in an [`Envelope`](super::Envelope), so its author and its committee are fixed. Commitments are signed by
//! their owners besides, because others carry them on.

use crate::{
    duty::DutyId,
    types::{BootId, Committee, MemberId, versioned},
};
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    frost::signing::{Commitments, SignatureShare},
    identity::{IdentityKey, IdentitySignature},
};

/// A vote with round one attached.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Announcement {
    /// The duty.
    pub duty: DutyId,
    /// What the sender computed.
    pub digest: B256,
    /// The sender's start.
    pub boot: BootId,
    /// Counts announcements of this duty since then, from 1; a higher round replaces a lower.
    pub round: u32,
    /// One for each coordinator whose turn may come in this round. At most [`Announcement::MAX_COMMITMENTS`].
    pub commitments: Vec<Commitment>,
}

impl Announcement {
    /// How many coordinators one round provides for. Every member may coordinate, and the first is nearly always enough; to give each
    /// of a hundred a commitment in every round would cost everybody a hundred pairs of nonces and 15 kilobytes. So each round serves
    /// the next eight in the order of turns, and what a coordinator was given stays good until it is replaced. With f faulty
    /// members, an honest one is served after f / 8 more rounds at the latest.
    pub const MAX_COMMITMENTS: usize = 8;

    /// Whether everything in it is of `sender` and of one start, and no more than it may hold. The commitments' own signatures are
    /// checked by whoever uses them.
    #[must_use]
    pub fn is_of(&self, sender: MemberId) -> bool {
        self.round > 0
            && self.commitments.len() <= Self::MAX_COMMITMENTS
            && self.commitments.iter().all(|c| c.owner == sender && c.boot == self.boot)
    }

    /// The commitment for `coordinator`.
    #[must_use]
    pub fn commitment_for(&self, coordinator: MemberId) -> Option<&Commitment> {
        self.commitments.iter().find(|commitment| commitment.coordinator == coordinator)
    }
}

/// One pair of nonce commitments, for one coordinator, signed by its owner: nobody can make it look like another's, and nobody but
/// that coordinator can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// The owner.
    pub owner: MemberId,
    /// The only member that may put it into a package.
    pub coordinator: MemberId,
    /// The owner's start; nonces do not outlive it.
    pub boot: BootId,
    /// Increases with every commitment of the owner for this duty since that start.
    pub index: u32,
    /// FROST round one: hiding and binding commitment.
    pub points: Commitments,
    /// The owner's signature over all this, the duty, the digest and the committee.
    pub signature: IdentitySignature,
}

/// What a commitment is, apart from its points and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize)]
pub struct CommitmentLabel {
    /// The owner.
    pub owner: MemberId,
    /// The only member that may use it.
    pub coordinator: MemberId,
    /// The owner's start.
    pub boot: BootId,
    /// Its number.
    pub index: u32,
}

impl Commitment {
    const DOMAIN: &'static str = "GUARDIAN/commitment/v1";

    /// Signs `points` as the commitment `label` for `digest` of `duty`.
    #[must_use]
    pub fn seal(
        (duty, digest): (DutyId, B256),
        label: CommitmentLabel,
        points: Commitments,
        committee: &Committee,
        key: &IdentityKey,
    ) -> Self {
        let bytes = signed_bytes(&(duty, digest), &label, &points, committee);
        let CommitmentLabel { owner, coordinator, boot, index } = label;
        Self { owner, coordinator, boot, index, points, signature: key.sign(Self::DOMAIN, &bytes) }
    }

    /// Whether its owner made it, for this digest of this duty in this committee.
    #[must_use]
    pub fn is_genuine(&self, duty: DutyId, digest: B256, committee: &Committee) -> bool {
        let Self { owner, coordinator, boot, index, points, signature } = self;
        let label = CommitmentLabel { owner: *owner, coordinator: *coordinator, boot: *boot, index: *index };
        let bytes = signed_bytes(&(duty, digest), &label, points, committee);
        committee.get(*owner).is_some_and(|owner| owner.identity.verify(Self::DOMAIN, &bytes, signature).is_ok())
    }
}

fn signed_bytes(
    duty: &(DutyId, B256),
    label: &CommitmentLabel,
    points: &Commitments,
    committee: &Committee,
) -> Vec<u8> {
    let mut bytes = committee.id().to_vec();
    bytes.extend(versioned::encode(1, &(duty, label, points)));
    bytes
}

/// Round two's question: exactly threshold commitments for its sender, strictly increasing by owner.
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
        keccak256(versioned::encode(1, self))
    }

    /// Who is to sign, in order.
    pub fn owners(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.commitments.iter().map(|commitment| commitment.owner)
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
