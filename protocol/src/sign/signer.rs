//! The signer's side: nonces of one duty, each spent at most once, each for one coordinator.
//!
//! Nonces live here and nowhere else: in memory, until they are signed with or the duty ends. A commitment is only ever made for
//! one named coordinator, so that two coordinators can't be made to fight over it, and a share takes its nonces by value.

use crate::{
    setup::Setup,
    sign::guard::Permit,
    types::{BootId, DutyId, MemberId},
    wire::{Commitment, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::{
        KeyShare,
        signing::{self, Nonces, SigningPackage},
    },
    identity::IdentityKey,
};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

/// The secrets that signing needs, borrowed for one step.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The long-term identity.
    pub identity: &'a IdentityKey,
    /// This guardian's share of the group key.
    pub share: &'a KeyShare,
}

/// Nonces of one duty. Dropped with it.
#[derive(Debug)]
pub struct Signer {
    id: DutyId,
    digest: B256,
    boot: BootId,
    next_index: u32,
    unspent: BTreeMap<u32, Slot>,
    /// The last share given to each coordinator, so that a repeated package gets the same answer and no second nonce.
    given: BTreeMap<MemberId, Share>,
}

#[derive(Debug)]
struct Slot {
    nonces: Nonces,
    commitment: Commitment,
    coordinator: MemberId,
}

/// Why a package was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// It asks for another digest than ours.
    #[error("the package is for another digest")]
    OtherDigest,
    /// Not exactly threshold commitments, or not strictly increasing by owner.
    #[error("the package does not hold exactly threshold commitments in order")]
    WrongSigners,
    /// A commitment in it was not made by its owner.
    #[error("the commitment of member {0} is not genuine")]
    ForeignCommitment(MemberId),
    /// Our own commitment in it is spent, dead, or was made for another coordinator.
    #[error("our commitment in the package is spent, dead, or another coordinator's")]
    NotOurs,
    /// The mathematics refused.
    #[error("the package can't be signed")]
    Unsignable,
}

impl Signer {
    /// No nonces yet.
    #[must_use]
    pub fn new(id: DutyId, digest: B256, boot: BootId) -> Self {
        Self { id, digest, boot, next_index: 0, unspent: BTreeMap::new(), given: BTreeMap::new() }
    }

    /// A fresh commitment for `coordinator`, who is the only one it can be used by. `None` if chance failed us (it does not).
    pub fn commit(
        &mut self,
        coordinator: MemberId,
        setup: &Setup,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Commitment> {
        let (nonces, points) = signing::commit(keys.share, rng).ok()?;
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        let commitment = Commitment::seal(
            (self.id, self.digest),
            (setup.me, self.boot, index),
            points,
            &setup.committee,
            keys.identity,
        );
        self.unspent.insert(index, Slot { nonces, commitment, coordinator });
        Some(commitment)
    }

    /// Forgets commitments of earlier announcements; called when new ones are made.
    pub fn forget_unspent(&mut self) {
        self.unspent.clear();
    }

    /// Signs `package` for `coordinator`, consuming the permit and the nonces behind our commitment in it.
    ///
    /// # Errors
    /// [`PackageError`]; no nonce was spent unless it is [`PackageError::Unsignable`].
    pub fn sign(
        &mut self,
        permit: Permit,
        package: &Package,
        coordinator: MemberId,
        setup: &Setup,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Share, PackageError> {
        if package.digest != self.digest || permit.digest() != self.digest || permit.id() != self.id {
            return Err(PackageError::OtherDigest);
        }
        let hash = package.hash();
        if let Some(given) = self.given.get(&coordinator)
            && given.package == hash
        {
            return Ok(*given);
        }
        let ours = self.check(package, coordinator, setup)?;
        let slot = self.unspent.remove(&ours).ok_or(PackageError::NotOurs)?;
        let signing_package = signing_package(package).ok_or(PackageError::Unsignable)?;
        let share = signing::sign(slot.nonces, &signing_package, keys.share).map_err(|_| PackageError::Unsignable)?;
        let next = self.commit(coordinator, setup, keys, rng).ok_or(PackageError::Unsignable)?;
        let share = Share { duty: self.id, package: hash, share, next };
        self.given.insert(coordinator, share);
        Ok(share)
    }

    /// The index of our commitment in `package`, if everything about it is right.
    fn check(&self, package: &Package, coordinator: MemberId, setup: &Setup) -> Result<u32, PackageError> {
        let in_order = package.commitments.is_sorted_by(|a, b| a.owner < b.owner);
        if package.commitments.len() != setup.committee.threshold() || !in_order {
            return Err(PackageError::WrongSigners);
        }
        let mut ours = None;
        for commitment in &package.commitments {
            if commitment.owner == setup.me {
                ours = Some(commitment);
            } else if !commitment.is_genuine(self.id, self.digest, &setup.committee) {
                return Err(PackageError::ForeignCommitment(commitment.owner));
            }
        }
        let ours = ours.ok_or(PackageError::NotOurs)?;
        match self.unspent.get(&ours.index) {
            Some(slot) if slot.commitment == *ours && slot.coordinator == coordinator => Ok(ours.index),
            _ => Err(PackageError::NotOurs),
        }
    }
}

/// The package in the form that FROST wants.
pub(super) fn signing_package(package: &Package) -> Option<SigningPackage> {
    let commitments = package.commitments.iter().map(|c| (c.owner, c.points)).collect();
    SigningPackage::new(package.digest.0, &commitments).ok()
}
