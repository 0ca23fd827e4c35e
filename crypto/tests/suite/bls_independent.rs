//! The same mathematics by another library (`bls12_381`, which shares no code with `blst`): public shares, hashing, signing,
//! combining, verifying, and what is a point at all.

use crate::{bls::root, frost::member, randomness::seeded};
use bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Projective, Scalar,
    hash_to_curve::{ExpandMsgXmd, HashToCurve},
    pairing,
};
use bls12_381_sha2::Sha256;
use guardian_crypto::{
    bls::{
        BlsSignature, PartialSignature, PublicKey, SecretKey, ShareCommitments, VerifiedPartial,
        batch::{Exit, check},
        combine,
        dealer::split,
        exit::ExitRoot,
        partial_exit,
    },
    member::MemberId,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, num::NonZeroUsize};

const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

fn hashed(root: &[u8; 32]) -> G2Projective {
    <G2Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(root, DST)
}

fn scalar(key: &SecretKey) -> Scalar {
    let mut bytes = *key.to_secret_bytes().expose();
    bytes.reverse();
    Scalar::from_bytes(&bytes).unwrap()
}

fn number(member: MemberId) -> Scalar {
    Scalar::from(u64::from(member.get()))
}

/// A value of the committed polynomial, by Horner's rule.
fn public_share(commitments: &ShareCommitments, at: Scalar) -> G1Projective {
    let bytes = commitments.to_bytes();
    let points = bytes.as_chunks::<48>().0.iter().map(|point| G1Affine::from_compressed(point).unwrap());
    points.rev().fold(G1Projective::identity(), |value, point| value * at + point)
}

/// Lagrange's interpolation at zero.
fn interpolated(partials: &BTreeMap<MemberId, PartialSignature>) -> G2Projective {
    partials
        .iter()
        .map(|(i, partial)| {
            let others = partials.keys().filter(|j| *j != i);
            let weight = others
                .fold(Scalar::one(), |product, j| product * number(*j) * (number(*j) - number(*i)).invert().unwrap());
            G2Affine::from_compressed(&partial.to_bytes()).unwrap() * weight
        })
        .sum()
}

fn verifies(key: &G1Projective, root: &[u8; 32], signature: &[u8; 96]) -> bool {
    let Some(signature) = Option::<G2Affine>::from(G2Affine::from_compressed(signature)) else { return false };
    pairing(&key.into(), &hashed(root).into()) == pairing(&G1Affine::generator(), &signature)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn public_shares_agree(seed: u64, t in 2u16..40, numbers in prop::collection::vec(1u16.., 4)) {
        let (_, commitments) = split(&SecretKey::interop(seed).unwrap(), t, t, &mut seeded(seed)).unwrap();
        for number_of in numbers.into_iter().chain([1, 2, 255, 256, 257, u16::MAX]) {
            let expected = G1Affine::from(public_share(&commitments, Scalar::from(u64::from(number_of))));
            let ours = commitments.public_share(member(number_of)).unwrap();
            prop_assert_eq!(ours.to_bytes(), expected.to_compressed(), "member {}", number_of);
        }
        prop_assert_eq!(
            commitments.public_key().to_bytes(),
            G1Affine::from(public_share(&commitments, Scalar::zero())).to_compressed()
        );
    }

    #[test]
    fn signatures_agree(seed: u64, index: u64) {
        let (key, root) = (SecretKey::interop(seed).unwrap(), root(index));
        let expected = G2Affine::from(hashed(root.as_bytes()) * scalar(&key));
        prop_assert_eq!(key.sign(root.as_bytes()).to_bytes(), expected.to_compressed());
        let public = G1Affine::from(G1Affine::generator() * scalar(&key));
        prop_assert_eq!(key.public_key().to_bytes(), public.to_compressed());
    }

    #[test]
    fn any_threshold_combines_to_the_same_in_both(
        (n, t, skip) in (2u16..=10).prop_flat_map(|n| (Just(n), n / 2 + 1..=n)).prop_flat_map(|(n, t)| (Just(n), Just(t), 0..=n - t)),
        seed: u64, index: u64,
    ) {
        let key = SecretKey::interop(seed).unwrap();
        let (shares, commitments) = split(&key, n, t, &mut seeded(seed)).unwrap();
        let of_signers = &shares[usize::from(skip)..][..usize::from(t)];
        let partials: BTreeMap<MemberId, VerifiedPartial> =
            of_signers.iter().map(|share| (share.member(), partial_exit(share, &root(index)))).collect();
        let sent: BTreeMap<MemberId, PartialSignature> =
            partials.iter().map(|(member, partial)| (*member, partial.signature())).collect();
        let expected = G2Affine::from(interpolated(&sent)).to_compressed();
        prop_assert_eq!(combine(&partials, &commitments, &root(index)).unwrap().to_bytes(), expected);
        let nothing = BTreeMap::new();
        let exit = Exit { commitments: &commitments, root: root(index), verified: &nothing, fresh: &sent };
        let checked = check(&[exit], NonZeroUsize::MIN, &mut seeded(seed)).pop().unwrap();
        prop_assert_eq!(checked.signature.unwrap().to_bytes(), expected);
        prop_assert!(verifies(&public_share(&commitments, Scalar::zero()), root(index).as_bytes(), &expected));
    }

    #[test]
    fn both_judge_partials_alike(seed: u64, sent_by in 1u16..=4, said_by in 1u16..=4, sent in 0u64..2, said in 0u64..2) {
        let (shares, commitments) = split(&SecretKey::interop(seed).unwrap(), 4, 3, &mut seeded(seed)).unwrap();
        let sent = partial_exit(&shares[usize::from(sent_by) - 1], &root(sent)).signature();
        let (said, said_by): (ExitRoot, _) = (root(said), member(said_by));
        let key = public_share(&commitments, number(said_by));
        let expected = verifies(&key, said.as_bytes(), &sent.to_bytes());
        let (nothing, fresh) = (BTreeMap::new(), BTreeMap::from([(said_by, sent)]));
        let exit = Exit { commitments: &commitments, root: said, verified: &nothing, fresh: &fresh };
        let checked = check(&[exit], NonZeroUsize::MIN, &mut seeded(seed)).pop().unwrap();
        prop_assert_eq!(checked.verified.len() == 1, expected);
        prop_assert_eq!(checked.wrong.is_empty(), expected);
    }

    #[test]
    fn both_take_the_same_bytes_for_points(seed: u64, at in 0usize..96, bit in 0u32..8, flags in 0u8..8, noise: [u8; 32]) {
        let key = SecretKey::interop(seed).unwrap();
        let same_key = |bytes: [u8; 48]| {
            let theirs = Option::<G1Affine>::from(G1Affine::from_compressed(&bytes));
            PublicKey::from_bytes(&bytes).is_ok() == theirs.is_some_and(|point| !bool::from(point.is_identity()))
        };
        let same_signature = |bytes: [u8; 96]| {
            let theirs = Option::<G2Affine>::from(G2Affine::from_compressed(&bytes));
            BlsSignature::from_bytes(&bytes).is_ok() == theirs.is_some_and(|point| !bool::from(point.is_identity()))
        };
        let (public, signature) = (key.public_key().to_bytes(), key.sign(&noise).to_bytes());
        prop_assert!(same_key(public) && same_signature(signature));
        let (mut changed_key, mut changed_signature) = (public, signature);
        changed_key[at % 48] ^= 1 << bit;
        changed_signature[at] ^= 1 << bit;
        prop_assert!(same_key(changed_key) && same_signature(changed_signature));
        changed_key = [0; 48];
        changed_signature = [0; 96];
        changed_key[16..].copy_from_slice(&noise);
        changed_signature[64..].copy_from_slice(&noise);
        changed_key[0] = flags << 5;
        changed_signature[0] = flags << 5;
        prop_assert!(same_key(changed_key) && same_signature(changed_signature));
    }
}

#[test]
fn a_committee_of_256_combines_to_the_same_in_both() {
    let (shares, commitments) = split(&SecretKey::interop(3).unwrap(), 256, 171, &mut seeded(3)).unwrap();
    let partials: BTreeMap<MemberId, VerifiedPartial> =
        shares[85..].iter().map(|share| (share.member(), partial_exit(share, &root(3)))).collect();
    let sent = partials.iter().map(|(member, partial)| (*member, partial.signature())).collect();
    let expected = G2Affine::from(interpolated(&sent)).to_compressed();
    assert_eq!(combine(&partials, &commitments, &root(3)).unwrap().to_bytes(), expected);
}
