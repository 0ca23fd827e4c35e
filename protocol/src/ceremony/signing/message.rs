//! What signers and coordinators send to each other. Everything is signed by its author for one session, so that a
//! wrong part can be shown to others, and so that no coordinator can make a signer look guilty.

use super::Terms;
use crate::{
    ceremony::hash,
    types::{BootId, MemberId},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    frost::signing::{Commitments, SignatureShare, SigningPackage},
    identity::{IdentityKey, IdentitySignature},
};

/// A message of a signing session.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// To a coordinator: sign with this. Round one.
    Commitment(Commitment),
    /// To the chosen signers: sign together. Round two's question.
    Package(Package),
    /// To that coordinator: my part. Round two's answer.
    Share(Share),
}

/// A pair of nonce commitments, signed by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// The owner.
    pub owner: MemberId,
    /// The owner's start: nonces do not outlive it.
    pub boot: BootId,
    /// Unique among the owner's commitments since that start.
    pub index: u32,
    /// FROST round one: hiding and binding commitment.
    pub points: Commitments,
    signature: IdentitySignature,
}

/// A coordinator's choice of commitments, strictly increasing by owner.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Package {
    /// Who puts the shares together.
    pub coordinator: MemberId,
    /// Whose commitments the signature will be made of.
    pub commitments: Vec<Commitment>,
    signature: IdentitySignature,
}

/// A signer's part of the signature of one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// Whose.
    pub signer: MemberId,
    /// [`Package::hash`] of what was signed.
    pub package: B256,
    /// FROST round two.
    pub share: SignatureShare,
    /// A fresh commitment, should this coordinator have to try again.
    pub next: Commitment,
    signature: IdentitySignature,
}

impl Commitment {
    const DOMAIN: &'static str = "GUARDIAN/ceremony/commitment/v1";

    /// Signs `points` as `owner`'s commitment number `index` since `boot`.
    #[must_use]
    pub fn seal(
        terms: &Terms,
        (owner, boot, index): (MemberId, BootId, u32),
        points: Commitments,
        key: &IdentityKey,
    ) -> Self {
        let signature = key.sign(Self::DOMAIN, &terms.bind(&(owner, boot, index, points)));
        Self { owner, boot, index, points, signature }
    }

    /// Whether its owner is a signer here and made it.
    #[must_use]
    pub fn is_genuine(&self, terms: &Terms) -> bool {
        let bytes = terms.bind(&(self.owner, self.boot, self.index, self.points));
        terms.is_by(self.owner, Self::DOMAIN, &bytes, &self.signature)
    }
}

impl Package {
    const DOMAIN: &'static str = "GUARDIAN/ceremony/package/v1";

    /// Signs a choice of commitments as `coordinator`.
    #[must_use]
    pub fn seal(terms: &Terms, coordinator: MemberId, commitments: Vec<Commitment>, key: &IdentityKey) -> Self {
        let signature = key.sign(Self::DOMAIN, &terms.bind(&(coordinator, &commitments)));
        Self { coordinator, commitments, signature }
    }

    /// Whether a coordinator here made it.
    #[must_use]
    pub fn is_genuine(&self, terms: &Terms) -> bool {
        let bytes = terms.bind(&(self.coordinator, &self.commitments));
        terms.coordinators().contains(&self.coordinator)
            && terms.is_by(self.coordinator, Self::DOMAIN, &bytes, &self.signature)
    }

    /// Whether it is one that an honest coordinator makes: of exactly a quorum of signers in order, each with a
    /// commitment that it made itself.
    #[must_use]
    pub fn is_well_made(&self, terms: &Terms) -> bool {
        self.commitments.len() == terms.quorum()
            && self.commitments.is_sorted_by(|a, b| a.owner < b.owner)
            && self.commitments.iter().all(|c| c.is_genuine(terms) && c.points.is_well_formed())
    }

    /// Names this package: shares are bound to it.
    #[must_use]
    pub fn hash(&self, terms: &Terms) -> B256 {
        hash(Self::DOMAIN, &terms.bind(&(self.coordinator, &self.commitments)))
    }

    /// The package in the form that FROST wants.
    pub(super) fn prepare(&self, terms: &Terms) -> Option<SigningPackage> {
        let commitments = self.commitments.iter().map(|c| (c.owner, c.points)).collect();
        SigningPackage::new(terms.message().0, &commitments).ok()
    }

    pub(super) fn of(&self, owner: MemberId) -> Option<&Commitment> {
        self.commitments.iter().find(|commitment| commitment.owner == owner)
    }
}

impl Share {
    const DOMAIN: &'static str = "GUARDIAN/ceremony/signature-share/v1";

    /// Signs `share` as `signer`'s part of `package`.
    #[must_use]
    pub fn seal(
        terms: &Terms,
        (signer, package): (MemberId, B256),
        share: SignatureShare,
        next: Commitment,
        key: &IdentityKey,
    ) -> Self {
        let signature = key.sign(Self::DOMAIN, &terms.bind(&(signer, package, share)));
        Self { signer, package, share, next, signature }
    }

    /// Whether its signer made it.
    #[must_use]
    pub fn is_genuine(&self, terms: &Terms) -> bool {
        let bytes = terms.bind(&(self.signer, self.package, self.share));
        terms.is_by(self.signer, Self::DOMAIN, &bytes, &self.signature)
    }
}
