//! The little arithmetic of secp256k1 that the FROST library keeps to itself: Lagrange coefficients, sums, multiples of the
//! generator. Points travel as their 33 compressed bytes; the group's identity has none and is refused.

use crate::{error::Error, member::MemberId, schnorr::has_compressed_tag, secret::Secret};
use k256::{
    AffinePoint, EncodedPoint, ProjectivePoint, Scalar,
    elliptic_curve::{
        PrimeField,
        sec1::{FromEncodedPoint, ToEncodedPoint},
    },
};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// The Lagrange coefficient of `of` among `set`: the weight of its value in the sum that gives the polynomial's value at `at`
/// (zero is the secret itself; RFC 9591, section 4.2).
///
/// # Errors
/// [`Error::UnknownMember`] if `of` is not in the set.
pub(super) fn lagrange(set: &BTreeSet<MemberId>, of: MemberId, at: u16) -> Result<Scalar, Error> {
    if !set.contains(&of) {
        return Err(Error::UnknownMember(of));
    }
    let x = |number: u16| Scalar::from(u32::from(number));
    let mut numerator = Scalar::ONE;
    let mut denominator = Scalar::ONE;
    for other in set.iter().filter(|other| **other != of) {
        numerator *= x(at) - x(other.get());
        denominator *= x(of.get()) - x(other.get());
    }
    // Numbers of a set differ and are small, so no factor is zero.
    let inverse = Option::<Scalar>::from(denominator.invert()).ok_or(Error::UnknownMember(of))?;
    Ok(numerator * inverse)
}

/// The scalar with these big-endian bytes, if they are below the group's order.
pub(super) fn scalar(bytes: &[u8; 32]) -> Option<Zeroizing<Scalar>> {
    Option::<Scalar>::from(Scalar::from_repr((*bytes).into())).map(Zeroizing::new)
}

/// The scalar's 32 bytes, big-endian.
pub(super) fn secret_bytes(scalar: &Scalar) -> Secret<[u8; 32]> {
    Secret::new(scalar.to_bytes().into())
}

/// The sum of secret scalars.
///
/// # Errors
/// [`Error::ShareMismatch`] if one is not below the group's order.
pub(super) fn sum_scalars<'a>(scalars: impl Iterator<Item = &'a Secret<[u8; 32]>>) -> Result<Zeroizing<Scalar>, Error> {
    let mut sum = Zeroizing::new(Scalar::ZERO);
    for bytes in scalars {
        *sum += *scalar(bytes.expose()).ok_or(Error::ShareMismatch)?;
    }
    Ok(sum)
}

/// The generator times this.
pub(super) fn times_generator(scalar: &Scalar) -> ProjectivePoint {
    ProjectivePoint::GENERATOR * *scalar
}

/// Reads a compressed point.
pub(super) fn point(bytes: &[u8; 33]) -> Option<ProjectivePoint> {
    if !has_compressed_tag(bytes) {
        return None;
    }
    let encoded = EncodedPoint::from_bytes(bytes).ok()?;
    Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded)).map(ProjectivePoint::from)
}

/// The compressed point; `None` for the identity.
pub(super) fn point_bytes(point: &ProjectivePoint) -> Option<[u8; 33]> {
    point.to_affine().to_encoded_point(true).as_bytes().try_into().ok()
}

/// Checks that a map has an entry of exactly these members.
///
/// # Errors
/// [`Error::UnknownMember`] for one too many, [`Error::MissingFrom`] for one too few.
pub(super) fn exactly<T>(members: &BTreeSet<MemberId>, messages: &BTreeMap<MemberId, T>) -> Result<(), Error> {
    if let Some(stranger) = messages.keys().find(|member| !members.contains(member)) {
        return Err(Error::UnknownMember(*stranger));
    }
    match members.iter().find(|member| !messages.contains_key(member)) {
        Some(silent) => Err(Error::MissingFrom(*silent)),
        None => Ok(()),
    }
}
