//! What makes a package sound. Signers ask before they sign, and so does whoever judges a [`Fault`](super::Fault): a share can only be
//! blamed on its author if the package that it answers is beyond reproach.

use crate::{
    types::{Committee, MemberId},
    wire::{Commitment, Package},
};
use guardian_crypto::frost::signing::SigningPackage;
use std::collections::BTreeMap;

/// Why a package was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// It asks for another digest than ours.
    #[error("the package is for another digest")]
    OtherDigest,
    /// Our own commitment is not in it, or is spent, dead, or was made for another coordinator. An honest coordinator that is a
    /// little behind does this too.
    #[error("our commitment is not in the package, or is spent, dead, or another coordinator's")]
    NotOurs,
    /// Not exactly threshold commitments, or not strictly increasing by owner. No honest coordinator does this.
    #[error("the package does not hold exactly threshold commitments in order")]
    WrongSigners,
    /// A commitment in it was not made by its owner for this coordinator, duty and digest. No honest coordinator does this.
    #[error("the commitment of member {0} is not genuine")]
    ForeignCommitment(MemberId),
    /// A commitment in it is not two points of the curve. No honest coordinator does this.
    #[error("the package holds a malformed commitment")]
    Malformed,
    /// The mathematics refused.
    #[error("the package can't be signed")]
    Unsignable,
}

impl PackageError {
    /// Whether the coordinator's signature under the package proves that it cheats.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::WrongSigners | Self::ForeignCommitment(_) | Self::Malformed)
    }
}

/// The package in the form that FROST wants, if everything is right about it that can be judged without secrets. Commitments for which
/// `known` holds have been found genuine before.
///
/// # Errors
/// A [`PackageError`] that [`PackageError::is_fault`].
pub(crate) fn check(
    package: &Package,
    coordinator: MemberId,
    committee: &Committee,
    known: impl Fn(&Commitment) -> bool,
) -> Result<SigningPackage, PackageError> {
    let in_order = package.commitments.is_sorted_by(|a, b| a.owner < b.owner);
    if package.commitments.len() != committee.threshold() || !in_order {
        return Err(PackageError::WrongSigners);
    }
    for commitment in &package.commitments {
        let genuine = commitment.coordinator == coordinator
            && (known(commitment) || commitment.is_genuine(package.duty, package.digest, committee));
        if !genuine {
            return Err(PackageError::ForeignCommitment(commitment.owner));
        }
    }
    prepare(package).ok_or(PackageError::Malformed)
}

/// The package in the form that FROST wants; `None` if a commitment is malformed.
pub(super) fn prepare(package: &Package) -> Option<SigningPackage> {
    let commitments: BTreeMap<_, _> = package.commitments.iter().map(|c| (c.owner, c.points)).collect();
    SigningPackage::new(package.digest.0, &commitments).ok()
}
