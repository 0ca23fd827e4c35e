//! Partial exits and what `t` of them make. Deterministic and without rounds: any `t` partials of the same root combine to the
//! same signature, the one that the whole key would make.

use super::{
    BlsSignature, ExitShare, ShareCommitments,
    keys::{signature_point, verify},
    scalar::Scalar,
    share_commitments::weighted_sum,
};
use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    member::MemberId,
};
use blst::min_pk;
use std::collections::BTreeMap;

/// One member's partial signature. Any 96 bytes until [`verify_partial`] or [`combine`] judges them.
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

    /// The compressed point.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 96] {
        self.0
    }
}

public_bytes!(PartialSignature, 96);

/// This member's partial signature over `signing_root`. Releasing it cannot be undone.
#[must_use]
pub fn partial_exit(share: &ExitShare, signing_root: &[u8; 32]) -> PartialSignature {
    PartialSignature(share.secret().sign(signing_root).to_bytes())
}

/// Checks one member's partial signature.
///
/// # Errors
/// [`Error::InvalidPartials`] if it is wrong.
pub fn verify_partial(
    commitments: &ShareCommitments,
    member: MemberId,
    signing_root: &[u8; 32],
    partial: &PartialSignature,
) -> Result<(), Error> {
    let key = commitments.public_share(member)?.point()?;
    let invalid = || Error::InvalidPartials { culprits: vec![member] };
    let point = signature_point(&partial.0).map_err(|_| invalid())?;
    verify(&key, signing_root, &point).map_err(|_| invalid())
}

/// Makes the validator's signature over `signing_root` of the first `t` of `partials`, by member number. Wrong ones are looked
/// for only when the result does not verify, and then all of them, also beyond the first `t`, are named: leave them out and
/// combine again. What is returned has been verified with the validator's key.
///
/// # Errors
/// [`Error::TooFewSigners`] for fewer than `t`; [`Error::InvalidPartials`].
pub fn combine(
    partials: &BTreeMap<MemberId, PartialSignature>,
    commitments: &ShareCommitments,
    signing_root: &[u8; 32],
) -> Result<BlsSignature, Error> {
    let need = commitments.threshold();
    if partials.len() < usize::from(need) {
        return Err(Error::TooFewSigners { have: partials.len(), need });
    }
    if let Some(signature) = interpolate(partials, usize::from(need))
        && verify(&commitments.public_key().point()?, signing_root, &signature).is_ok()
    {
        return BlsSignature::from_bytes(&signature.compress());
    }
    let mut culprits = Vec::new();
    for (member, partial) in partials {
        match verify_partial(commitments, *member, signing_root, partial) {
            Ok(()) => {}
            Err(Error::InvalidPartials { .. }) => culprits.push(*member),
            Err(other) => return Err(other),
        }
    }
    // Correct partials always combine; if nobody is to blame, the commitments are.
    if culprits.is_empty() { Err(Error::InvalidSignature) } else { Err(Error::InvalidPartials { culprits }) }
}

/// The value at zero of the polynomial through the first `count` partials; `None` if one of them is no point.
fn interpolate(partials: &BTreeMap<MemberId, PartialSignature>, count: usize) -> Option<min_pk::Signature> {
    let members: Vec<MemberId> = partials.keys().copied().take(count).collect();
    let weighted = partials
        .iter()
        .take(count)
        .map(|(member, partial)| Some((lagrange_at_zero(*member, &members)?, signature_point(&partial.0).ok()?)))
        .collect::<Option<Vec<_>>>()?;
    weighted_sum(&weighted)
}

/// `product of j / (j - i)` over all other members `j`; `None` if `i` is listed twice under different names, which cannot be.
fn lagrange_at_zero(member: MemberId, members: &[MemberId]) -> Option<Scalar> {
    let i = Scalar::of_member(member);
    let others = members.iter().filter(|other| **other != member).map(|other| Scalar::of_member(*other));
    let (numerator, denominator) = others
        .fold((Scalar::ONE, Scalar::ONE), |(numerator, denominator), j| (numerator.mul(j), denominator.mul(j.sub(i))));
    Some(numerator.mul(denominator.invert()?))
}
