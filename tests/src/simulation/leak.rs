//! Why the oracle guards nonces: what several shares of a signature under one nonce give away.
//!
//! A share is `z = d + e * rho + lambda * c * s`: the nonce is the pair `(d, e)`, `s` is the share of the key, and everybody knows the
//! rest, which follows from the package (RFC 9591, sections 4.4 to 4.6 and 5.2). Each further package under one nonce is another equation in
//! the same three unknowns. Three are a system with one solution. So the second package is the last warning: nobody knows
//! how many nonces an attacker needs if he may choose his packages, and the third costs the key for sure.

use alloy::signers::k256::{
    AffinePoint, EncodedPoint, FieldBytes, ProjectivePoint, Scalar, U256,
    elliptic_curve::{PrimeField, ops::Reduce, sec1::FromEncodedPoint},
    sha2::{Digest, Sha256},
};
use guardian_crypto::{
    frost::signing::{Commitments, SignatureShare},
    schnorr::GroupKey,
};
use guardian_protocol::MemberId;
use std::collections::BTreeMap;

/// The suite of RFC 9591, section 6.5.
const CONTEXT: &[u8] = b"FROST-secp256k1-SHA256-v1";

/// What one share was given for.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What was to be signed.
    pub digest: [u8; 32],
    /// With whose commitments.
    pub commitments: BTreeMap<MemberId, Commitments>,
    /// The share.
    pub share: SignatureShare,
}

/// The coefficients of one equation, and its right side.
struct Equation([Scalar; 3], Scalar);

/// The key share of `member`, big-endian, from three shares that it gave under one nonce. `None` if the three are not independent,
/// or are not what they should be.
#[must_use]
pub fn key_share(member: MemberId, key: GroupKey, answered: &[Answered; 3]) -> Option<[u8; 32]> {
    let [one, two, three] = answered;
    let [a, b, c] = [equation(member, key, one)?, equation(member, key, two)?, equation(member, key, three)?];
    // The coefficient of d is 1 in all of them: differences leave two equations in e and s.
    let less = |Equation(x, z): &Equation, Equation(y, w): &Equation| (x[1] - y[1], x[2] - y[2], *z - w);
    let ((e1, s1, z1), (e2, s2, z2)) = (less(&b, &a), less(&c, &a));
    let determinant = Option::<Scalar>::from((e1 * s2 - e2 * s1).invert())?;
    let share = (e1 * z2 - e2 * z1) * determinant;
    Some(share.to_repr().into())
}

fn equation(member: MemberId, key: GroupKey, answered: &Answered) -> Option<Equation> {
    let key = key.to_bytes();
    let mut encoded = Vec::new();
    for (owner, commitments) in &answered.commitments {
        encoded.extend_from_slice(&number(*owner).to_repr());
        encoded.extend_from_slice(&commitments.to_bytes());
    }
    let mut prefix = key.to_vec();
    prefix.extend(hash(b"msg", &answered.digest));
    prefix.extend(hash(b"com", &encoded));
    let rho = |owner: MemberId| to_scalar(b"rho", &[prefix.as_slice(), &number(owner).to_repr()].concat());
    let mut together = ProjectivePoint::IDENTITY;
    for (owner, commitments) in &answered.commitments {
        let bytes = commitments.to_bytes();
        let (hiding, binding) = bytes.split_at_checked(33)?;
        together += ProjectivePoint::from(point(hiding)?) + ProjectivePoint::from(point(binding)?) * rho(*owner);
    }
    let together = EncodedPoint::from(together.to_affine()).compress();
    let challenge = to_scalar(b"chal", &[together.as_bytes(), &key, &answered.digest].concat());
    let mut lambda = Scalar::ONE;
    for other in answered.commitments.keys().filter(|other| **other != member) {
        lambda *= number(*other) * Option::<Scalar>::from((number(*other) - number(member)).invert())?;
    }
    let share = Option::<Scalar>::from(Scalar::from_repr(answered.share.to_bytes().into()))?;
    Some(Equation([Scalar::ONE, rho(member), lambda * challenge], share))
}

fn number(member: MemberId) -> Scalar {
    Scalar::from(u64::from(member.get()))
}

fn point(bytes: &[u8]) -> Option<AffinePoint> {
    AffinePoint::from_encoded_point(&EncodedPoint::from_bytes(bytes).ok()?).into()
}

/// H4 and H5.
fn hash(tag: &[u8], message: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(CONTEXT).chain_update(tag).chain_update(message).finalize().into()
}

/// H1 and H2: `hash_to_field` of RFC 9380 with `expand_message_xmd`, SHA-256 and 48 bytes.
fn to_scalar(tag: &[u8], message: &[u8]) -> Scalar {
    let mut tag = [CONTEXT, tag].concat();
    tag.push(u8::try_from(tag.len()).unwrap_or(u8::MAX));
    let sha =
        |parts: &[&[u8]]| -> [u8; 32] { parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into() };
    let first = sha(&[&[0; 64], message, &[0, 48, 0], &tag]);
    let high = sha(&[&first, &[1], &tag]);
    let mut mixed = first;
    mixed.iter_mut().zip(high).for_each(|(a, b)| *a ^= b);
    let low = sha(&[&mixed, &[2], &tag]);
    // 48 bytes, big-endian: 32 of the first block, 16 of the second.
    let mut rest = [0; 32];
    rest.iter_mut().skip(16).zip(low).for_each(|(to, from)| *to = from);
    let reduce = |bytes: [u8; 32]| <Scalar as Reduce<U256>>::reduce_bytes(&FieldBytes::from(bytes));
    let shift = Scalar::from(1u64 << 32).square().square();
    reduce(high) * shift + reduce(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_crypto::frost::{
        dealer,
        signing::{self, SigningPackage},
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn member(number: u16) -> MemberId {
        MemberId::new(number).unwrap()
    }

    /// Chance that repeats: the first member answers each of `digests` under the same nonce.
    fn answers(digests: [[u8; 32]; 3]) -> (Vec<u8>, GroupKey, [Answered; 3]) {
        let (shares, public) = dealer::deal(4, 3, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
        let mut fresh = ChaCha20Rng::seed_from_u64(2);
        let answered = digests.map(|digest| {
            let (nonces, ours) = signing::commit(&shares[0], &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
            let mut commitments = BTreeMap::from([(member(1), ours)]);
            for share in &shares[1..3] {
                commitments.insert(share.member(), signing::commit(share, &mut fresh).unwrap().1);
            }
            let package = SigningPackage::new(digest, &commitments).unwrap();
            let share = signing::sign(nonces, &package, &shares[0]).unwrap();
            signing::verify_share(&package, member(1), &share, &public).unwrap();
            Answered { digest, commitments, share }
        });
        let secret = shares[0].to_secret_bytes();
        (secret.expose()[secret.expose().len() - 32..].to_vec(), public.group_key(), answered)
    }

    #[test]
    fn three_packages_under_one_nonce_cost_the_key_share() {
        let (secret, key, answered) = answers([[1; 32], [2; 32], [3; 32]]);
        assert_eq!(key_share(member(1), key, &answered).unwrap().to_vec(), secret);
    }

    #[test]
    fn one_and_the_same_digest_is_no_protection() {
        let (secret, key, answered) = answers([[1; 32]; 3]);
        assert_eq!(key_share(member(1), key, &answered).unwrap().to_vec(), secret);
    }

    #[test]
    fn the_same_package_again_gives_nothing_away() {
        let (_, key, [one, two, _]) = answers([[1; 32], [2; 32], [3; 32]]);
        assert_eq!(key_share(member(1), key, &[one.clone(), two, one]), None);
    }
}
