//! Sharing a validator's key and signing with the shares.

use crate::{frost::member, randomness::seeded};
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    bls::{
        ExitShare, PartialSignature, PublicKey, SecretKey, ShareCommitments, VerifiedPartial, combine,
        dealer::split,
        exit::{ExitDomain, ExitRoot, VoluntaryExit},
        partial_exit, verify_partial,
    },
    member::MemberId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The order of BLS12-381's groups.
const ORDER: [u8; 32] = hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

/// What the exit of a validator signs.
pub(crate) fn root(validator_index: u64) -> ExitRoot {
    let domain = ExitDomain::new([3, 0, 0, 0], &[7; 32]);
    VoluntaryExit { epoch: 9, validator_index }.signing_root(&domain)
}

pub(crate) fn partials(shares: &[ExitShare], root: &ExitRoot) -> BTreeMap<MemberId, VerifiedPartial> {
    shares.iter().map(|share| (share.member(), partial_exit(share, root))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_threshold_of_shares_makes_the_signature_of_the_whole_key(
        (n, t) in (2u16..=9).prop_flat_map(|n| (Just(n), n / 2 + 1..=n)),
        order in any::<[u8; 9]>(), index: u64, seed: u64,
    ) {
        let (key, root) = (SecretKey::interop(seed).unwrap(), root(index));
        let (mut shares, commitments) = split(&key, n, t, &mut seeded(seed)).unwrap();
        prop_assert_eq!(commitments.public_key(), key.public_key());
        prop_assert_eq!(commitments.threshold(), t);
        shares.sort_by_key(|share| order[usize::from(share.member().get()) - 1]);
        shares.truncate(usize::from(t));
        let signature = combine(&partials(&shares, &root), &commitments, &root).unwrap();
        prop_assert_eq!(signature, key.sign(root.as_bytes()));
        prop_assert!(key.public_key().verify(root.as_bytes(), &signature).is_ok());
    }
}

#[test]
fn a_large_committee_combines_too() {
    // More than 32 points take another path through the library.
    let key = SecretKey::interop(1).unwrap();
    let (shares, commitments) = split(&key, 50, 34, &mut seeded(1)).unwrap();
    assert_eq!(combine(&partials(&shares[16..], &root(1)), &commitments, &root(1)), Ok(key.sign(root(1).as_bytes())));
}

#[test]
fn interop_keys_are_those_of_the_consensus_specs() {
    let known = [
        (
            0,
            hex!("25295f0d1d592a90b333e26e85149708208e9f8e8bc18f6c77bd62f8ad7a6866"),
            hex!("a99a76ed7796f7be22d5b7e85deeb7c5677e88e511e0b337618f8c4eb61349b4bf2d153f649f7b53359fe8b94a38e44c"),
        ),
        (
            1,
            hex!("51d0b65185db6989ab0b560d6deed19c7ead0e24b9b6372cbecb1f26bdfad000"),
            hex!("b89bebc699769726a318c8e9971bd3171297c61aea4a6578a7a4f94b547dcba5bac16a89108b6b6a1fe3695d1a874a0b"),
        ),
    ];
    for (index, secret, public) in known {
        let key = SecretKey::interop(index).unwrap();
        assert_eq!(key.to_secret_bytes().expose(), &secret);
        assert_eq!(key.public_key().to_bytes(), public);
    }
}

#[test]
fn only_ones_own_share_of_this_key_is_imported() {
    let key = SecretKey::interop(2).unwrap();
    let (shares, commitments) = split(&key, 3, 2, &mut seeded(2)).unwrap();
    let (_, others) = split(&key, 3, 2, &mut seeded(3)).unwrap();
    let bytes = *shares[0].to_secret_bytes().expose();
    assert_eq!(ExitShare::import(member(1), &bytes, &commitments).unwrap().member(), member(1));
    let refused = |member, bytes: &[u8], commitments| ExitShare::import(member, bytes, commitments).unwrap_err();
    assert_eq!(refused(member(2), &bytes, &commitments), Error::ShareMismatch);
    assert_eq!(refused(member(1), &bytes, &others), Error::ShareMismatch);
    for length in [0, 1, 31, 33, 64] {
        assert!(
            matches!(refused(member(1), &vec![1; length], &commitments), Error::Malformed { .. }),
            "length {length}"
        );
    }
    // It is a share, whatever it is made of.
    let named = refused(member(1), &[1; 31], &commitments).to_string();
    assert_eq!(named, "exit share is malformed: it is not 32 bytes of 1 to the group's order");
    assert_eq!(ExitShare::locate(&[1; 31], &commitments).unwrap_err().to_string(), named);
    let mut last = ORDER;
    last[31] = 0;
    assert_eq!(refused(member(1), &last, &commitments), Error::ShareMismatch);
    for bytes in [[0; 32], ORDER, [0xff; 32]] {
        assert!(matches!(refused(member(1), &bytes, &commitments), Error::Malformed { .. }));
    }
}

#[test]
fn whose_share_it_is_follows_from_the_share() {
    let (shares, commitments) = split(&SecretKey::interop(3).unwrap(), 200, 101, &mut seeded(3)).unwrap();
    for share in [&shares[0], &shares[1], &shares[199]] {
        let located = ExitShare::locate(share.to_secret_bytes().expose(), &commitments).unwrap();
        assert_eq!((located.member(), located.validator()), (share.member(), commitments.public_key()));
    }
    let (_, others) = split(&SecretKey::interop(3).unwrap(), 200, 101, &mut seeded(4)).unwrap();
    let bytes = *shares[0].to_secret_bytes().expose();
    assert_eq!(ExitShare::locate(&bytes, &others).unwrap_err(), Error::ShareMismatch);
    assert!(matches!(ExitShare::locate(&[0; 32], &commitments), Err(Error::Malformed { .. })));
    assert!(matches!(ExitShare::locate(&bytes[1..], &commitments), Err(Error::Malformed { .. })));
}

#[test]
fn partials_of_another_exit_or_validator_do_not_count() {
    let (shares, commitments) = split(&SecretKey::interop(4).unwrap(), 3, 2, &mut seeded(4)).unwrap();
    let (others, _) = split(&SecretKey::interop(5).unwrap(), 3, 2, &mut seeded(5)).unwrap();
    let good = partial_exit(&shares[0], &root(4));
    for foreign in [partial_exit(&shares[1], &root(5)), partial_exit(&others[1], &root(4))] {
        let collected = BTreeMap::from([(member(1), good.clone()), (member(2), foreign)]);
        assert_eq!(combine(&collected, &commitments, &root(4)), Err(Error::TooFewSigners { have: 1, need: 2 }));
    }
    // The same partial under another name is still one.
    let twice = BTreeMap::from([(member(1), good.clone()), (member(2), good)]);
    assert!(combine(&twice, &commitments, &root(4)).is_err());
}

#[test]
fn what_is_no_point_of_the_subgroup_is_no_partial_signature() {
    let (_, commitments) = split(&SecretKey::interop(6).unwrap(), 2, 2, &mut seeded(6)).unwrap();
    let mut identity = [0; 96];
    identity[0] = 0xc0;
    for bytes in [identity, [0; 96], [0xff; 96]] {
        let partial = PartialSignature::from_bytes(&bytes).unwrap();
        let error = verify_partial(&commitments, member(1), &root(6), &partial).unwrap_err();
        assert_eq!(error.culprits(), [member(1)]);
    }
}

#[test]
fn partials_below_the_threshold_make_nothing() {
    let (shares, commitments) = split(&SecretKey::interop(7).unwrap(), 5, 3, &mut seeded(7)).unwrap();
    for have in 0..3 {
        let collected = partials(&shares[..have], &root(7));
        assert_eq!(combine(&collected, &commitments, &root(7)), Err(Error::TooFewSigners { have, need: 3 }));
    }
}

#[test]
fn a_partial_counts_for_its_member_and_root_only() {
    let (shares, commitments) = split(&SecretKey::interop(8).unwrap(), 3, 2, &mut seeded(8)).unwrap();
    let partial = partial_exit(&shares[0], &root(8));
    let verify = |number, root: ExitRoot| verify_partial(&commitments, member(number), &root, &partial.signature());
    assert_eq!(verify(1, root(8)), Ok(partial.clone()));
    assert_eq!(verify(2, root(8)).unwrap_err().culprits(), [member(2)]);
    assert_eq!(verify(1, root(9)).unwrap_err().culprits(), [member(1)]);
}

#[test]
fn commitments_hold_one_to_256_points_of_the_subgroup() {
    let (_, commitments) = split(&SecretKey::interop(9).unwrap(), 3, 2, &mut seeded(9)).unwrap();
    let bytes = commitments.to_bytes();
    assert_eq!(bytes[..48], commitments.public_key().to_bytes());
    assert_eq!(ShareCommitments::from_bytes(&bytes).unwrap(), commitments);
    assert_eq!(ShareCommitments::from_bytes(&bytes[..48]).unwrap().threshold(), 1);
    for length in (0..bytes.len()).chain([bytes.len() + 1]).filter(|length| *length != 48) {
        let cut: Vec<u8> = bytes.iter().copied().chain([0]).take(length).collect();
        assert!(ShareCommitments::from_bytes(&cut).is_err(), "length {length}");
    }
    assert!(ShareCommitments::from_bytes(&bytes[..48].repeat(257)).is_err());
    let mut identity = [0; 48];
    identity[0] = 0xc0;
    assert!(ShareCommitments::from_bytes(&[&bytes[..48], &identity].concat()).is_err());
    // On the curve, but of another order (from the official deserialization vectors).
    let outside =
        hex!("8123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert!(ShareCommitments::from_bytes(&[&bytes[..48], &outside].concat()).is_err());
}

#[test]
fn a_share_that_a_dealer_made_the_identity_is_refused() {
    // A_0 + 1 * A_1 is the identity if A_1 = -A_0.
    let point = SecretKey::interop(10).unwrap().public_key().to_bytes();
    let mut negated = point;
    negated[0] ^= 0x20;
    let commitments = ShareCommitments::from_bytes(&[point, negated].concat()).unwrap();
    assert!(commitments.public_share(member(1)).is_err());
    assert!(commitments.public_share(member(2)).is_ok());
}

#[test]
fn a_key_is_split_for_one_member_at_least_and_all_at_most() {
    let key = SecretKey::interop(11).unwrap();
    for (n, t) in [(0, 0), (1, 0), (4, 0), (2, 3), (300, 200)] {
        let error = split(&key, n, t, &mut seeded(10)).map(|_| ()).unwrap_err();
        assert_eq!(error, Error::Threshold { threshold: t, members: usize::from(n) });
    }
    // With one, every share is the key, and what one member signs is the validator's signature.
    let (shares, commitments) = split(&key, 4, 1, &mut seeded(10)).unwrap();
    for share in &shares {
        assert_eq!(share.to_secret_bytes().expose(), key.to_secret_bytes().expose());
        let one = partials(std::slice::from_ref(share), &root(11));
        assert_eq!(combine(&one, &commitments, &root(11)), Ok(key.sign(root(11).as_bytes())));
    }
}

#[test]
fn no_public_key_is_the_identity() {
    let mut identity = [0; 48];
    identity[0] = 0xc0;
    assert!(PublicKey::from_bytes(&identity).is_err());
}
