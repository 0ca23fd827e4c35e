//! The same key in other hands.

use crate::{
    frost::{member, members, sign_together},
    randomness::{Scripted, seeded},
};
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares, SecretScalars,
        dealer::deal,
        reshare::{Dealing, Resharing},
    },
    member::MemberId,
    secret::Secret,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DIGEST: [u8; 32] = [7; 32];

// The key of RFC 9591, appendix E.5 (two of three), and the shares of its members 1 and 3.
const GROUP_KEY: [u8; 33] = hex!("02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f");
const PUBLIC_SHARES: [u8; 77] = hex!(
    "01" "0002"
    "02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f"
    "033edecb0840954631b668f2ccd1250832007486de1dbe3d08b84466b26e215eec"
    "0003" "0001" "0002" "0003"
);
const SHARES: [(u16, [u8; 32]); 2] = [
    (1, hex!("08f89ffe80ac94dcb920c26f3f46140bfc7f95b493f8310f5fc1ea2b01f4254c")),
    (3, hex!("00e95d59dd0d46b0e303e500b62b7ccb0e555d49f5b849f5e748c071da8c0dbc")),
];

pub(crate) fn rfc_public() -> PublicShares {
    PublicShares::from_bytes(&PUBLIC_SHARES).unwrap()
}

pub(crate) fn rfc_share(number: u16) -> KeyShare {
    let secret = SHARES.into_iter().find(|(owner, _)| *owner == number).unwrap().1;
    KeyShare::from_secret_bytes(&[&[1][..], &number.to_be_bytes(), &[0, 2], &GROUP_KEY, &secret].concat()).unwrap()
}

/// All dealings, and all shares by recipient and dealer.
struct Dealt {
    dealings: BTreeMap<MemberId, Dealing>,
    inboxes: BTreeMap<MemberId, SecretScalars>,
}

fn deal_all<'a>(resharing: &Resharing, shares: impl Iterator<Item = &'a KeyShare>, seed: u64) -> Dealt {
    let mut dealt = Dealt { dealings: BTreeMap::new(), inboxes: BTreeMap::new() };
    for share in shares {
        let mut rng = seeded(seed ^ u64::from(share.member().get()) << 32);
        let (dealing, secrets) = resharing.deal(share, &mut rng).unwrap();
        resharing.check(share.member(), &dealing).unwrap();
        for (to, secret) in secrets {
            resharing.check_share(&dealing, to, secret.expose()).unwrap();
            dealt.inboxes.entry(to).or_default().insert(share.member(), secret);
        }
        dealt.dealings.insert(share.member(), dealing);
    }
    dealt
}

impl Dealt {
    fn finish(&self, resharing: &Resharing) -> Vec<KeyShare> {
        self.inboxes.iter().map(|(me, inbox)| resharing.finish(*me, &self.dealings, inbox).unwrap()).collect()
    }
}

/// Four members, three sign; members 1, 2 and 4 deal to 2, 4, 7, 9 and 500, of whom four shall sign.
fn example() -> (Vec<KeyShare>, PublicShares, Resharing) {
    let (shares, public) = deal(4, 3, &mut seeded(1)).unwrap();
    let resharing = Resharing::new(public.clone(), members(&[1, 2, 4]), members(&[2, 4, 7, 9, 500]), 4).unwrap();
    (shares, public, resharing)
}

fn dealers(shares: &[KeyShare]) -> impl Iterator<Item = &KeyShare> {
    shares.iter().filter(|share| share.member() != member(3))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_committee_can_hand_the_key_to_any_other(
        (n, t) in (2u16..=6).prop_flat_map(|n| (Just(n), n / 2 + 1..=n)),
        (new, new_t) in (2u16..=7).prop_flat_map(|n| (Just(n), n / 2 + 1..=n)),
        first in 1u16..10, more in 0u16..6, seed: u64,
    ) {
        let (shares, public) = deal(n, t, &mut seeded(seed)).unwrap();
        let dealing: Vec<&KeyShare> = shares.iter().rev().take(usize::from((t + more).min(n))).collect();
        let next: BTreeSet<MemberId> = (first..first + new).map(member).collect();
        let who = dealing.iter().map(|share| share.member()).collect();
        let resharing = Resharing::new(public.clone(), who, next.clone(), new_t).unwrap();
        let dealt = deal_all(&resharing, dealing.into_iter(), seed);
        let after = resharing.public_shares(&dealt.dealings).unwrap();
        prop_assert_eq!(after.group_key(), public.group_key());
        prop_assert_eq!(after.threshold(), new_t);
        prop_assert!(after.members().eq(next));
        let renewed = dealt.finish(&resharing);
        for share in &renewed {
            prop_assert_eq!(share.belongs_to(&after), Ok(()));
            prop_assert_eq!(share.belongs_to(&public).is_ok(), false);
        }
        let signers: Vec<&KeyShare> = renewed.iter().rev().take(usize::from(new_t)).collect();
        let signature = sign_together(&signers, DIGEST, &after).unwrap();
        prop_assert_eq!(public.group_key().verify(&DIGEST, &signature), Ok(()));
        let too_few = sign_together_unchecked(&signers[1..], &after);
        prop_assert!(too_few.is_err());
    }
}

/// Signing that begins with fewer than the threshold fails where it begins.
fn sign_together_unchecked(signers: &[&KeyShare], public: &PublicShares) -> Result<(), Error> {
    let mut rng = seeded(5);
    let mut nonces = Vec::new();
    let mut commitments = BTreeMap::new();
    for share in signers {
        let (nonce, commitment) = guardian_crypto::frost::signing::commit(share, &mut rng)?;
        nonces.push((share, nonce));
        commitments.insert(share.member(), commitment);
    }
    let package = guardian_crypto::frost::signing::SigningPackage::new(DIGEST, &commitments)?;
    let mut shares = BTreeMap::new();
    for (share, nonce) in nonces {
        shares.insert(share.member(), guardian_crypto::frost::signing::sign(nonce, &package, share)?);
    }
    guardian_crypto::frost::signing::aggregate(&package, &shares, public).map(|_| ())
}

#[test]
fn refreshed_shares_are_new_shares_of_the_same_key() {
    let (shares, public) = deal(4, 3, &mut seeded(1)).unwrap();
    let all: BTreeSet<MemberId> = public.members().collect();
    let resharing = Resharing::new(public.clone(), all.clone(), all, 3).unwrap();
    let dealt = deal_all(&resharing, shares.iter(), 2);
    let after = resharing.public_shares(&dealt.dealings).unwrap();
    let renewed = dealt.finish(&resharing);
    assert_eq!(after.group_key(), public.group_key());
    for (old, new) in shares.iter().zip(&renewed) {
        assert_eq!(old.member(), new.member());
        assert_ne!(old.verifying_share(), new.verifying_share());
    }
    // Two old shares and a new one are shares of nothing.
    let mixed = [&shares[0], &shares[1], &renewed[2]];
    assert_eq!(sign_together(&mixed, DIGEST, &public).unwrap_err().culprits(), [member(3)]);
    assert_eq!(sign_together(&mixed, DIGEST, &after).unwrap_err().culprits(), [member(1), member(2)]);
}

#[test]
fn the_bytes_are_those_of_an_independent_implementation() {
    // Members 1 and 3 deal to 2, 3 and 7; member 3's polynomial has 0x2222…22 as its second coefficient.
    let resharing = Resharing::new(rfc_public(), members(&[1, 3]), members(&[2, 3, 7]), 2).unwrap();
    let (dealing, shares) = resharing.deal(&rfc_share(3), &mut Scripted::new(&[&[0x22; 32]])).unwrap();
    let expected = hex!(
        "03b1a81c91071667c5a5b0d8fa4f70ce06c1752ede9f90b8cd532714168250b37e"
        "02466d7fcae563e5cb09a0d1870bb580344804617879a14949cf22285f1bae3f27"
    );
    assert_eq!(dealing.to_bytes(), expected);
    assert_eq!(Dealing::from_bytes(&expected).unwrap(), dealing);
    let shares: Vec<(u16, [u8; 32])> = shares.iter().map(|(to, share)| (to.get(), *share.expose())).collect();
    assert_eq!(
        shares,
        [
            (2, hex!("43cf959755bda0ebd2c251c3e92e85debd19959f49681f49509fe40b56fe3d66")),
            (3, hex!("65f1b7b977dfc30df4e473e60b50a800df3bb7c16b8a416b72c2062d79205f88")),
            (7, hex!("ee7a404200684b967d6cfc6e93d9308967c44049f412c9f3fb4a8eb601a8e810")),
        ]
    );
}

#[test]
fn the_same_draws_make_the_same_dealing() {
    let (shares, _, resharing) = example();
    let made = |seed| {
        let (dealing, secrets) = resharing.deal(&shares[0], &mut seeded(seed)).unwrap();
        (dealing.to_bytes(), secrets.values().map(|secret| *secret.expose()).collect::<Vec<_>>())
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1).0, made(2).0);
}

#[test]
fn only_holders_deal_enough_of_them_to_a_committee() {
    let (_, public, _) = example();
    let new = |dealers: &[u16], next: &[u16], threshold| {
        Resharing::new(public.clone(), members(dealers), members(next), threshold).unwrap_err()
    };
    assert_eq!(new(&[1, 2, 5], &[1, 2, 3], 2), Error::UnknownMember(member(5)));
    assert_eq!(new(&[1, 2], &[1, 2, 3], 2), Error::TooFewSigners { have: 2, need: 3 });
    assert_eq!(new(&[], &[1, 2, 3], 2), Error::TooFewSigners { have: 0, need: 3 });
    for (next, threshold) in [(&[1, 2, 3, 4][..], 2), (&[1, 2, 3], 4), (&[1, 2, 3], 1), (&[1], 1), (&[], 0)] {
        let error = Error::Threshold { threshold, members: next.len() };
        assert_eq!(new(&[1, 2, 3], next, threshold), error);
    }
}

#[test]
fn only_a_dealer_deals_and_only_its_share_of_this_key() {
    let (shares, _, resharing) = example();
    let deal_with = |share: &KeyShare| resharing.deal(share, &mut seeded(1)).map(|_| ()).unwrap_err();
    assert_eq!(deal_with(&shares[2]), Error::UnknownMember(member(3)));
    let (others, _) = deal(4, 3, &mut seeded(2)).unwrap();
    assert_eq!(deal_with(&others[0]), Error::ShareMismatch);
}

#[test]
fn whoever_deals_something_else_is_named() {
    let (shares, public, resharing) = example();
    let (dealing, _) = resharing.deal(&shares[0], &mut seeded(1)).unwrap();
    let blamed = |dealing: &Dealing| {
        let error = resharing.check(member(1), dealing).unwrap_err();
        assert_eq!(error.culprits(), [member(1)]);
        error.to_string()
    };
    let as_dealer = |dealers: &[u16], next: &[u16], threshold, share: &KeyShare| {
        let other = Resharing::new(public.clone(), members(dealers), members(next), threshold).unwrap();
        other.deal(share, &mut seeded(1)).unwrap().0
    };
    // A lying constant term: another dealer's, or the weight of another set of dealers.
    let (others_part, _) = resharing.deal(&shares[1], &mut seeded(1)).unwrap();
    assert!(blamed(&others_part).contains("does not share what the dealer holds"));
    assert!(blamed(&as_dealer(&[1, 2, 3], &[2, 4, 7, 9, 500], 4, &shares[0])).contains("does not share"));
    assert!(blamed(&as_dealer(&[1, 2, 3, 4], &[2, 4, 7, 9, 500], 4, &shares[0])).contains("does not share"));
    let mut negated = dealing.to_bytes();
    negated[0] ^= 1;
    assert!(blamed(&Dealing::from_bytes(&negated).unwrap()).contains("does not share"));
    // Another threshold than agreed.
    for threshold in [3, 5] {
        let dealing = as_dealer(&[1, 2, 4], &[2, 4, 7, 9, 500], threshold, &shares[0]);
        assert!(blamed(&dealing).contains("another threshold"));
    }
    assert_eq!(resharing.check(member(3), &dealing), Err(Error::UnknownMember(member(3))));
    assert_eq!(resharing.check(member(7), &dealing), Err(Error::UnknownMember(member(7))));
}

#[test]
fn a_share_belongs_to_one_member_and_one_dealing() {
    let (shares, _, resharing) = example();
    let (dealing, secrets) = resharing.deal(&shares[0], &mut seeded(1)).unwrap();
    let (another, _) = resharing.deal(&shares[1], &mut seeded(1)).unwrap();
    let share = *secrets[&member(7)].expose();
    assert_eq!(resharing.check_share(&dealing, member(7), &share), Ok(()));
    assert_eq!(resharing.check_share(&dealing, member(9), &share), Err(Error::ShareMismatch));
    assert_eq!(resharing.check_share(&another, member(7), &share), Err(Error::ShareMismatch));
    assert_eq!(resharing.check_share(&dealing, member(1), &share), Err(Error::UnknownMember(member(1))));
    for bit in 0..256 {
        let mut changed = share;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(resharing.check_share(&dealing, member(7), &changed), Err(Error::ShareMismatch), "bit {bit}");
    }
    for wrong in [[0; 32], [0xff; 32]] {
        assert_eq!(resharing.check_share(&dealing, member(7), &wrong), Err(Error::ShareMismatch));
    }
}

#[test]
fn a_new_committee_needs_exactly_the_dealers_dealings() {
    let (shares, _, resharing) = example();
    let Dealt { dealings, .. } = deal_all(&resharing, dealers(&shares), 1);
    let public = |change: &dyn Fn(&mut BTreeMap<MemberId, Dealing>)| {
        let mut dealings = dealings.clone();
        change(&mut dealings);
        resharing.public_shares(&dealings).unwrap_err()
    };
    let first = dealings[&member(1)].clone();
    assert_eq!(public(&|all| drop(all.remove(&member(2)))), Error::MissingFrom(member(2)));
    assert_eq!(public(&BTreeMap::clear), Error::MissingFrom(member(1)));
    for stranger in [3, 7] {
        let error = public(&|all| drop(all.insert(member(stranger), first.clone())));
        assert_eq!(error, Error::UnknownMember(member(stranger)));
    }
    assert_eq!(public(&|all| drop(all.insert(member(4), first.clone()))).culprits(), [member(4)]);
}

#[test]
fn a_new_member_needs_every_dealers_share_and_names_who_sent_a_wrong_one() {
    let (shares, _, resharing) = example();
    let finish = |me: MemberId, change: &dyn Fn(&mut SecretScalars)| {
        let Dealt { dealings, mut inboxes } = deal_all(&resharing, dealers(&shares), 1);
        let mut inbox = inboxes.remove(&member(7)).unwrap();
        change(&mut inbox);
        resharing.finish(me, &dealings, &inbox).map(|share| share.member())
    };
    assert_eq!(finish(member(7), &|_| ()), Ok(member(7)));
    let error = finish(member(7), &|inbox| drop(inbox.insert(member(4), Secret::new([1; 32])))).unwrap_err();
    assert_eq!(error.culprits(), [member(4)]);
    let error = finish(member(7), &|inbox| drop(inbox.insert(member(2), Secret::new([0xff; 32])))).unwrap_err();
    assert_eq!(error.culprits(), [member(2)]);
    assert_eq!(finish(member(7), &|inbox| drop(inbox.remove(&member(2)))), Err(Error::MissingFrom(member(2))));
    let stranger = finish(member(7), &|inbox| drop(inbox.insert(member(3), Secret::new([1; 32]))));
    assert_eq!(stranger, Err(Error::UnknownMember(member(3))));
    assert_eq!(finish(member(9), &|_| ()).unwrap_err().culprits(), [member(1)], "another member's shares");
    assert_eq!(finish(member(1), &|_| ()), Err(Error::UnknownMember(member(1))));
}

#[test]
fn dealings_in_which_a_member_would_hold_zero_are_refused() {
    // The polynomials' sum is s + (c1 + c3) * x; with c1 + c3 = -s it is zero at 1.
    let resharing = Resharing::new(rfc_public(), members(&[1, 3]), members(&[1, 2]), 2).unwrap();
    let one = [&[0; 31][..], &[1]].concat();
    let rest = hex!("f2ffbeaf2d83c40d5bd0ced97c2ca052471a2afccc307b9fa3d3df853a8e102c");
    let (mut dealings, mut inbox) = (BTreeMap::new(), BTreeMap::new());
    for (number, coefficient) in [(1, &one[..]), (3, &rest[..])] {
        let (dealing, mut shares) = resharing.deal(&rfc_share(number), &mut Scripted::new(&[coefficient])).unwrap();
        assert_eq!(resharing.check(member(number), &dealing), Ok(()), "by itself it is fine");
        dealings.insert(member(number), dealing);
        inbox.insert(member(number), shares.remove(&member(1)).unwrap());
    }
    assert!(resharing.public_shares(&dealings).is_err());
    assert!(resharing.finish(member(1), &dealings, &inbox).is_err());
}

#[test]
fn a_dealing_has_one_encoding() {
    let (shares, _, resharing) = example();
    let bytes = resharing.deal(&shares[0], &mut seeded(1)).unwrap().0.to_bytes();
    assert_eq!(bytes.len(), 4 * 33);
    for length in (0..bytes.len()).filter(|length| !matches!(length, 66 | 99)) {
        assert!(Dealing::from_bytes(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Dealing::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Dealing::from_bytes(&bytes.repeat(65)).is_err(), "260 commitments");
    for at in 0..4 {
        let with = |tag_and_x: &[u8]| {
            let mut changed = bytes.clone();
            changed[at * 33..at * 33 + tag_and_x.len()].copy_from_slice(tag_and_x);
            Dealing::from_bytes(&changed)
        };
        assert!(with(&[5]).is_err(), "compact form");
        assert!(with(&[4]).is_err(), "uncompressed form");
        assert!(with(&[0; 33]).is_err(), "the identity");
        assert!(with(&[0xff; 33]).is_err(), "no coordinate");
    }
}
