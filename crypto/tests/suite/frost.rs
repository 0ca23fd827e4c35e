//! Signing together.

use crate::{
    randomness::{Scripted, seeded},
    vectors,
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        dealer::deal,
        signing::{Commitments, Nonces, SignatureShare, SigningPackage, aggregate, commit, sign, verify_share},
    },
    member::MemberId,
    schnorr::Signature,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DIGEST: [u8; 32] = [7; 32];

pub(crate) fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

pub(crate) fn members(numbers: &[u16]) -> BTreeSet<MemberId> {
    numbers.iter().map(|number| member(*number)).collect()
}

/// One attempt of these signers, from commitments to signature.
pub(crate) fn sign_together(
    signers: &[&KeyShare],
    message: [u8; 32],
    public: &PublicShares,
) -> Result<Signature, Error> {
    Attempt::by(signers, message, 1).aggregate(public)
}

/// One attempt, up to everybody's shares.
struct Attempt {
    package: SigningPackage,
    shares: BTreeMap<MemberId, SignatureShare>,
}

impl Attempt {
    fn by(signers: &[&KeyShare], message: [u8; 32], seed: u64) -> Self {
        let mut rng = seeded(seed);
        let mut nonces: BTreeMap<MemberId, Nonces> = BTreeMap::new();
        let mut commitments = BTreeMap::new();
        for share in signers {
            let (nonce, commitment) = commit(share, &mut rng).unwrap();
            nonces.insert(share.member(), nonce);
            commitments.insert(share.member(), commitment);
        }
        let package = SigningPackage::new(message, &commitments).unwrap();
        let shares = signers
            .iter()
            .map(|share| (share.member(), sign(nonces.remove(&share.member()).unwrap(), &package, share).unwrap()))
            .collect();
        Self { package, shares }
    }

    fn aggregate(&self, public: &PublicShares) -> Result<Signature, Error> {
        aggregate(&self.package, &self.shares, public)
    }
}

/// The library's own judgement, on its own decoding.
fn library_accepts(public: &PublicShares, message: &[u8; 32], signature: &Signature) -> bool {
    let key = frost_secp256k1::VerifyingKey::deserialize(&public.group_key().to_bytes()).unwrap();
    let compressed = [&[2 | (signature.ry()[31] & 1)][..], &signature.rx(), &signature.z()].concat();
    let signature = frost_secp256k1::Signature::deserialize(&compressed).unwrap();
    key.verify(message, &signature).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_large_enough_group_makes_a_signature_that_both_verifiers_accept(
        (n, t) in (2u16..=7).prop_flat_map(|n| (Just(n), n / 2 + 1..=n)),
        order in any::<[u8; 7]>(), more in 0u16..7, message: [u8; 32], seed: u64,
    ) {
        let (shares, public) = deal(n, t, &mut seeded(seed)).unwrap();
        let mut signers: Vec<&KeyShare> = shares.iter().collect();
        signers.sort_by_key(|share| order[usize::from(share.member().get()) - 1]);
        signers.truncate(usize::from((t + more).min(n)));
        let signature = Attempt::by(&signers, message, seed).aggregate(&public).unwrap();
        prop_assert!(public.group_key().verify(&message, &signature).is_ok());
        prop_assert!(library_accepts(&public, &message, &signature));
        let mut other = message;
        other[usize::from(order[0]) % 32] ^= 1;
        prop_assert!(public.group_key().verify(&other, &signature).is_err());
        prop_assert!(!library_accepts(&public, &other, &signature));
    }
}

#[test]
fn the_commitments_of_the_published_vectors_are_reproduced() {
    let Some(file) = vectors::shared("frost/rfc9591-frost-secp256k1-sha256.json") else { return };
    let group_key = vectors::bytes(&file["inputs"]["group_public_key"]);
    for output in file["round_one_outputs"]["outputs"].as_array().unwrap() {
        let shares = file["inputs"]["participant_shares"].as_array().unwrap();
        let share = shares.iter().find(|share| share["identifier"] == output["identifier"]).unwrap();
        let number = u16::try_from(output["identifier"].as_u64().unwrap()).unwrap();
        let secret = vectors::bytes(&share["participant_share"]);
        let bytes = [&[1][..], &number.to_be_bytes(), &[0, 2], &group_key, &secret].concat();
        let mut rng = Scripted::new(&[
            &vectors::bytes(&output["hiding_nonce_randomness"]),
            &vectors::bytes(&output["binding_nonce_randomness"]),
        ]);
        let (nonces, commitments) = commit(&KeyShare::from_secret_bytes(&bytes).unwrap(), &mut rng).unwrap();
        let expected =
            [&output["hiding_nonce_commitment"], &output["binding_nonce_commitment"]].map(vectors::bytes).concat();
        assert_eq!(commitments.to_bytes().to_vec(), expected);
        assert_eq!(nonces.commitments(), commitments);
    }
}

#[test]
fn every_cheater_is_named_and_nobody_else() {
    let (shares, public) = deal(5, 4, &mut seeded(1)).unwrap();
    let signers: Vec<&KeyShare> = shares.iter().collect();
    let mut attempt = Attempt::by(&signers, DIGEST, 2);
    let honest = attempt.shares.clone();
    attempt.shares.insert(member(2), honest[&member(3)]);
    attempt.shares.insert(member(5), SignatureShare::from_bytes(&[1; 32]).unwrap());
    let error = attempt.aggregate(&public).unwrap_err();
    assert_eq!(error, Error::InvalidShares { culprits: vec![member(2), member(5)] });
    assert_eq!(error.culprits(), [member(2), member(5)]);
    // Also when one of them is no scalar at all.
    attempt.shares.insert(member(5), SignatureShare::from_bytes(&[0xff; 32]).unwrap());
    assert_eq!(attempt.aggregate(&public).unwrap_err().culprits(), [member(2), member(5)]);
    for (member, share) in &honest {
        assert_eq!(verify_share(&attempt.package, *member, share, &public), Ok(()));
    }
}

#[test]
fn two_wrong_shares_that_cancel_out_still_make_a_valid_signature() {
    // Nobody is harmed: what counts is the sum, and the signature is checked before it is returned.
    let (shares, public) = deal(3, 2, &mut seeded(3)).unwrap();
    let attempt = Attempt::by(&[&shares[0], &shares[1]], DIGEST, 4);
    let exchanged = attempt.shares.keys().rev().copied().zip(attempt.shares.values().copied()).collect();
    let signature = aggregate(&attempt.package, &exchanged, &public).unwrap();
    assert_eq!(public.group_key().verify(&DIGEST, &signature), Ok(()));
}

#[test]
fn a_share_is_for_one_message_only() {
    let (shares, public) = deal(3, 2, &mut seeded(5)).unwrap();
    let signers = [&shares[0], &shares[2]];
    let (one, other) = (Attempt::by(&signers, DIGEST, 6), Attempt::by(&signers, [8; 32], 6));
    let error = aggregate(&one.package, &other.shares, &public).unwrap_err();
    assert_eq!(error.culprits(), [member(1), member(3)]);
}

#[test]
fn package_shares_and_committee_must_fit_together() {
    let (shares, public) = deal(4, 3, &mut seeded(7)).unwrap();
    let (_, other_public) = deal(3, 2, &mut seeded(8)).unwrap();
    let attempt = Attempt::by(&[&shares[0], &shares[1], &shares[3]], DIGEST, 9);
    let mut missing = attempt.shares.clone();
    missing.remove(&member(2));
    assert_eq!(aggregate(&attempt.package, &missing, &public), Err(Error::MissingFrom(member(2))));
    let mut extra = attempt.shares.clone();
    extra.insert(member(3), attempt.shares[&member(1)]);
    assert_eq!(aggregate(&attempt.package, &extra, &public), Err(Error::NotASigner(member(3))));
    assert_eq!(aggregate(&attempt.package, &BTreeMap::new(), &public), Err(Error::MissingFrom(member(1))));
    assert_eq!(attempt.aggregate(&other_public), Err(Error::UnknownMember(member(4))));
    let share = attempt.shares[&member(1)];
    assert_eq!(verify_share(&attempt.package, member(9), &share, &public), Err(Error::UnknownMember(member(9))));
    assert_eq!(verify_share(&attempt.package, member(3), &share, &public), Err(Error::NotASigner(member(3))));
}

#[test]
fn fewer_than_the_threshold_neither_sign_nor_aggregate() {
    let (shares, public) = deal(5, 3, &mut seeded(10)).unwrap();
    let mut rng = seeded(11);
    let (nonces, mine) = commit(&shares[0], &mut rng).unwrap();
    let (_, theirs) = commit(&shares[1], &mut rng).unwrap();
    let package = SigningPackage::new(DIGEST, &BTreeMap::from([(member(1), mine), (member(2), theirs)])).unwrap();
    let too_few = Error::TooFewSigners { have: 2, need: 3 };
    assert_eq!(sign(nonces, &package, &shares[0]), Err(too_few.clone()));
    let some = SignatureShare::from_bytes(&[1; 32]).unwrap();
    assert_eq!(aggregate(&package, &BTreeMap::from([(member(1), some), (member(2), some)]), &public), Err(too_few));
    let alone = SigningPackage::new(DIGEST, &BTreeMap::from([(member(1), mine)]));
    assert_eq!(alone, Err(Error::TooFewSigners { have: 1, need: 2 }));
    assert_eq!(SigningPackage::new(DIGEST, &BTreeMap::new()), Err(Error::TooFewSigners { have: 0, need: 2 }));
}

#[test]
fn nonces_sign_only_a_package_that_contains_their_commitments() {
    let (shares, _) = deal(2, 2, &mut seeded(12)).unwrap();
    let mut rng = seeded(13);
    let (old, _) = commit(&shares[0], &mut rng).unwrap();
    let (strangers, _) = commit(&shares[0], &mut rng).unwrap();
    let (_, mine) = commit(&shares[0], &mut rng).unwrap();
    let (_, theirs) = commit(&shares[1], &mut rng).unwrap();
    let package = SigningPackage::new(DIGEST, &BTreeMap::from([(member(1), mine), (member(2), theirs)])).unwrap();
    assert_eq!(sign(old, &package, &shares[0]), Err(Error::ForeignNonces));
    let without = SigningPackage::new(DIGEST, &BTreeMap::from([(member(2), theirs), (member(3), mine)])).unwrap();
    assert_eq!(sign(strangers, &without, &shares[0]), Err(Error::NotASigner(member(1))));
}

#[test]
fn commitments_that_are_no_points_are_blamed_on_their_owners() {
    let (shares, _) = deal(3, 2, &mut seeded(14)).unwrap();
    let (_, good) = commit(&shares[0], &mut seeded(15)).unwrap();
    let with = |change: &dyn Fn(&mut [u8; 66])| {
        let mut bytes = good.to_bytes();
        change(&mut bytes);
        Commitments::from_bytes(&bytes).unwrap()
    };
    let bad = [
        Commitments::from_bytes(&[0; 66]).unwrap(),
        with(&|bytes| bytes[0] = 4),
        with(&|bytes| bytes[33] = 0),
        // SEC 1's "compact" tag, which the library would read as a second encoding of a point.
        with(&|bytes| bytes[0] = 5),
        with(&|bytes| bytes[33] = 5),
        with(&|bytes| bytes[1..33].fill(0xff)),
        with(&|bytes| bytes[34..].fill(0)),
    ];
    for (case, bad) in bad.into_iter().enumerate() {
        let commitments = BTreeMap::from([(member(1), good), (member(2), bad), (member(3), bad)]);
        let error = SigningPackage::new(DIGEST, &commitments).unwrap_err();
        assert_eq!(error, Error::MalformedCommitments { culprits: vec![member(2), member(3)] }, "case {case}");
    }
}

#[test]
fn a_dealer_deals_only_to_a_majority() {
    for (n, t) in [(0, 0), (1, 1), (3, 1), (4, 2), (3, 4), (257, 200)] {
        let error = deal(n, t, &mut seeded(16)).unwrap_err();
        assert_eq!(error, Error::Threshold { threshold: t, members: usize::from(n) });
    }
    let (shares, public) = deal(2, 2, &mut seeded(16)).unwrap();
    assert_eq!(shares.iter().map(KeyShare::member).collect::<Vec<_>>(), [member(1), member(2)]);
    assert!(public.members().eq([member(1), member(2)]));
    assert_eq!((public.threshold(), shares[0].threshold()), (2, 2));
}

#[test]
fn a_share_belongs_to_its_own_key_only() {
    let (shares, public) = deal(3, 2, &mut seeded(17)).unwrap();
    let (others, other_public) = deal(3, 2, &mut seeded(18)).unwrap();
    let (larger, _) = deal(4, 3, &mut seeded(19)).unwrap();
    for share in &shares {
        assert_eq!(share.belongs_to(&public), Ok(()));
        assert_eq!(share.belongs_to(&other_public), Err(Error::ShareMismatch));
    }
    assert_eq!(others[0].belongs_to(&public), Err(Error::ShareMismatch));
    assert_eq!(larger[3].belongs_to(&public), Err(Error::UnknownMember(member(4))));
}
