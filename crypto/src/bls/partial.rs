//! Partial exits and what `t` of them make. Deterministic and without rounds: any `t` partials of the same root combine to the
//! same signature, the one that the whole key would make.
//!
//! What a member sends is a [`PartialSignature`]: any 96 bytes. Only a [`VerifiedPartial`] counts, and there are three ways to
//! one: [`verify_partial`], [`super::batch`] for many, and [`partial_exit`] with one's own share.

use super::{
    BlsSignature, ExitShare, PublicKey, ShareCommitments, claims::Claim, exit::ExitRoot, keys::signature_point,
    lagrange::Weights,
};
use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    member::MemberId,
};
use blst::min_pk;
use std::{collections::BTreeMap, fmt};

/// One member's partial signature as it was received: any 96 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialSignature([u8; 96]);

impl PartialSignature {
    /// Reads 96 bytes; see the type for what is not yet checked.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 96.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        exact("partial signature", bytes).map(Self)
    }

    /// The compressed point, if it is one.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 96] {
        self.0
    }

    /// The point; `None` unless it is canonical, in the subgroup, and not the identity.
    pub(super) fn point(&self) -> Option<min_pk::Signature> {
        signature_point(&self.0).ok()
    }
}

public_bytes!(PartialSignature, 96);

/// A partial signature that is right: it was verified, or made here with a share that was checked. It can't be built in another
/// way, so that what counts towards a threshold has been verified by construction.
///
/// ```compile_fail
/// fn believe(partial: guardian_crypto::bls::PartialSignature) -> guardian_crypto::bls::VerifiedPartial {
///     partial.into()
/// }
/// ```
#[derive(Clone)]
pub struct VerifiedPartial {
    member: MemberId,
    validator: PublicKey,
    root: ExitRoot,
    point: min_pk::Signature,
}

impl VerifiedPartial {
    /// Whose it is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// What is sent to others.
    #[must_use]
    pub fn signature(&self) -> PartialSignature {
        PartialSignature(self.point.compress())
    }

    /// What a claim that was checked says.
    pub(super) fn of(claim: &Claim<'_>, member: MemberId) -> Self {
        Self { member, validator: claim.commitments.public_key(), root: claim.root, point: claim.point }
    }

    /// The point, if it is of this exit of this validator.
    pub(super) fn point_for(&self, validator: PublicKey, root: ExitRoot) -> Option<min_pk::Signature> {
        (self.validator == validator && self.root == root).then_some(self.point)
    }
}

impl PartialEq for VerifiedPartial {
    fn eq(&self, other: &Self) -> bool {
        (self.member, self.validator, self.root) == (other.member, other.validator, other.root)
            && self.point == other.point
    }
}

impl Eq for VerifiedPartial {}

impl fmt::Debug for VerifiedPartial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedPartial")
            .field("member", &self.member)
            .field("validator", &self.validator)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// This member's partial signature of an exit. Releasing it cannot be undone.
#[must_use]
pub fn partial_exit(share: &ExitShare, root: &ExitRoot) -> VerifiedPartial {
    VerifiedPartial { member: share.member(), validator: share.validator(), root: *root, point: share.sign(root) }
}

/// Checks one member's partial signature. For many, [`super::batch::check`] is several times as fast.
///
/// # Errors
/// [`Error::InvalidPartials`] if it is wrong.
pub fn verify_partial(
    commitments: &ShareCommitments,
    member: MemberId,
    root: &ExitRoot,
    partial: &PartialSignature,
) -> Result<VerifiedPartial, Error> {
    let invalid = || Error::InvalidPartials { culprits: vec![member] };
    let claim = Claim { commitments, member: Some(member), root: *root, point: partial.point().ok_or_else(invalid)? };
    if claim.holds() { Ok(VerifiedPartial::of(&claim, member)) } else { Err(invalid()) }
}

/// Makes the validator's signature of the exit of `root` from the first `t` of `partials`, by member number. The result has been
/// verified with the validator's key.
///
/// # Errors
/// [`Error::TooFewSigners`] for fewer than `t` of this exit; [`Error::InvalidSignature`] if the result does not verify, which
/// correct partials and commitments can't bring about.
pub fn combine(
    partials: &BTreeMap<MemberId, VerifiedPartial>,
    commitments: &ShareCommitments,
    root: &ExitRoot,
) -> Result<BlsSignature, Error> {
    let need = commitments.threshold();
    let (members, points): (Vec<MemberId>, Vec<min_pk::Signature>) = partials
        .values()
        .filter_map(|partial| Some((partial.member, partial.point_for(commitments.public_key(), *root)?)))
        .take(usize::from(need))
        .unzip();
    if members.len() < usize::from(need) {
        return Err(Error::TooFewSigners { have: members.len(), need });
    }
    let weights = Weights::at_zero(&members).ok_or(Error::InvalidSignature)?;
    let point = weights.interpolate(&points).ok_or(Error::InvalidSignature)?;
    let claim = Claim { commitments, member: None, root: *root, point };
    if claim.holds() { Ok(BlsSignature::from_verified(&point)) } else { Err(Error::InvalidSignature) }
}
