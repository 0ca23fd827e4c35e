//! Splits a validator's key among guardians: the node operator's side, also used by development networks and tests.

use super::{ExitShare, PublicKey, SecretKey, ShareCommitments, scalar::Scalar};
use crate::{
    error::Error,
    member::{MAX_MEMBERS, MemberId},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// Splits `key` among members `1..=n`, of whom `t` must sign. Shares are in the order of their members. How many must sign is the
/// protocol's to say, and may be one: then every member gets the whole key.
///
/// # Errors
/// [`Error::Threshold`] unless `1 <= t <= n <= 256`.
pub fn split(
    key: &SecretKey,
    n: u16,
    t: u16,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Vec<ExitShare>, ShareCommitments), Error> {
    if !(1..=n).contains(&t) || n > MAX_MEMBERS {
        return Err(Error::Threshold { threshold: t, members: usize::from(n) });
    }
    let constant = Scalar::from_be_bytes(key.to_secret_bytes().expose())
        .ok_or(Error::Malformed { what: "BLS secret key", why: "it is not below the group's order" })?;
    let mut coefficients = Zeroizing::new(Vec::with_capacity(usize::from(t)));
    coefficients.push(constant);
    for _ in 1..t {
        coefficients.push(Scalar::random(rng));
    }
    let points = coefficients
        .iter()
        .map(|coefficient| PublicKey::decode(&SecretKey::from_scalar(*coefficient)?.public_key().to_bytes()))
        .collect::<Result<_, Error>>()?;
    let commitments = ShareCommitments::new(points)?;
    let shares = MemberId::first(n)
        .map(|member| {
            let value = Zeroizing::new(Zeroizing::new(evaluate(&coefficients, member)).to_be_bytes());
            ExitShare::import(member, value.as_ref(), &commitments)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((shares, commitments))
}

/// The polynomial at a member's number (Horner).
fn evaluate(coefficients: &[Scalar], member: MemberId) -> Scalar {
    let x = Scalar::of_member(member);
    coefficients.iter().rev().fold(Scalar::ZERO, |value, coefficient| value.mul(x).add(*coefficient))
}
