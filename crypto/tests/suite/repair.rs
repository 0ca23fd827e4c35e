//! A lost share, given back by the others.

use crate::{
    frost::{member, members, sign_together},
    randomness::{Scripted, seeded},
    reshare::{rfc_public, rfc_share},
    vectors,
};
use alloy_primitives::hex;
use frost_secp256k1::keys::repairable::{Delta, repair_share_part2};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares, SecretScalars,
        dealer::deal,
        repair::{Contribution, Repair},
    },
    member::MemberId,
    secret::Secret,
};
use std::collections::BTreeMap;

/// Everybody's contributions, and everybody's summands by recipient and sender.
struct Dealt {
    contributions: BTreeMap<MemberId, Contribution>,
    inboxes: BTreeMap<MemberId, SecretScalars>,
}

fn deal_all<'a>(repair: &Repair, helpers: impl IntoIterator<Item = &'a KeyShare>) -> Dealt {
    let mut dealt = Dealt { contributions: BTreeMap::new(), inboxes: BTreeMap::new() };
    for share in helpers {
        let (contribution, summands) = repair.deal(share, &mut seeded(u64::from(share.member().get()))).unwrap();
        repair.check(share.member(), &contribution).unwrap();
        for (to, summand) in summands {
            repair.check_delta(&contribution, to, summand.expose()).unwrap();
            dealt.inboxes.entry(to).or_default().insert(share.member(), summand);
        }
        dealt.contributions.insert(share.member(), contribution);
    }
    dealt
}

impl Dealt {
    fn sums(&self, repair: &Repair) -> SecretScalars {
        let sums: SecretScalars =
            self.inboxes.iter().map(|(helper, inbox)| (*helper, repair.sum(inbox).unwrap())).collect();
        for (helper, sum) in &sums {
            repair.check_sum(&self.contributions, *helper, sum.expose()).unwrap();
        }
        sums
    }
}

/// Five members, three sign; 1, 3 and 5 help 2.
fn example() -> (Vec<KeyShare>, PublicShares, Repair) {
    let (shares, public) = deal(5, 3, &mut seeded(1)).unwrap();
    let repair = Repair::new(public.clone(), members(&[1, 3, 5]), member(2)).unwrap();
    (shares, public, repair)
}

fn helpers(shares: &[KeyShare]) -> [&KeyShare; 3] {
    [&shares[0], &shares[2], &shares[4]]
}

#[test]
fn every_member_gets_exactly_its_share_back() {
    for (n, t) in [(3, 2), (4, 3), (7, 5)] {
        let (shares, public) = deal(n, t, &mut seeded(u64::from(n))).unwrap();
        for lost in &shares {
            for count in t..n {
                let others = || shares.iter().filter(|share| share.member() != lost.member());
                let helping: Vec<&KeyShare> = others().rev().take(usize::from(count)).collect();
                let who = helping.iter().map(|share| share.member()).collect();
                let repair = Repair::new(public.clone(), who, lost.member()).unwrap();
                let repaired = repair.finish(&deal_all(&repair, helping).sums(&repair)).unwrap();
                assert_eq!(repaired.to_secret_bytes().expose(), lost.to_secret_bytes().expose());
            }
        }
    }
    let (shares, public, repair) = example();
    let repaired = repair.finish(&deal_all(&repair, helpers(&shares)).sums(&repair)).unwrap();
    assert!(sign_together(&[&repaired, &shares[3], &shares[4]], [1; 32], &public).is_ok());
}

#[test]
fn the_bytes_are_those_of_an_independent_implementation() {
    // Members 1 and 3 help 2; member 3 draws 0x3333…33 for member 1.
    let repair = Repair::new(rfc_public(), members(&[1, 3]), member(2)).unwrap();
    let (contribution, summands) = repair.deal(&rfc_share(3), &mut Scripted::new(&[&[0x33; 32]])).unwrap();
    let expected = hex!(
        "023c72addb4fdf09af94f0c94d7fe92a386a7e70cf8a1d85916386bb2535c7b1b1"
        "039905ce77c6cb501c248a63c140fc6912e3a277801be7271acbd41addc05d6199"
    );
    assert_eq!(contribution.to_bytes(), expected);
    assert_eq!(Contribution::from_bytes(&expected).unwrap(), contribution);
    assert_eq!(summands[&member(1)].expose(), &[0x33; 32]);
    let last = hex!("cd417b79bb5370253e4ebf4d27e28b310ea6585876f1920380438b928a4914ec");
    assert_eq!(summands[&member(3)].expose(), &last);
    let dealt = deal_all(&repair, &[rfc_share(1), rfc_share(3)]);
    let repaired = repair.finish(&dealt.sums(&repair)).unwrap();
    let share = hex!("04f0feac2edcedc6ce1253b7fab8c86b856a797f44d83d82a385554e6e401984");
    assert_eq!(repaired.to_secret_bytes().expose()[38..], share);
}

#[test]
fn the_published_vectors_are_reproduced() {
    let Some(file) = vectors::shared("frost/repair-share.json") else { return };
    for (group, item, count) in [("scalar_generation", "random_scalar", 3), ("sigma_generation", "sigma", 4)] {
        let (_, public) = deal(5, 3, &mut seeded(1)).unwrap();
        let who = MemberId::first(count).collect();
        let repair = Repair::new(public, who, member(5)).unwrap();
        let values = |number| vectors::word(&file[group][format!("{item}_{number}")]);
        let summands: SecretScalars = (1..=count).map(|number| (member(number), Secret::new(values(number)))).collect();
        assert_eq!(repair.sum(&summands).unwrap().expose(), &vectors::word(&file[group][format!("{item}_sum")]));
        let library: Vec<Delta> = (1..=count).map(|number| Delta::deserialize(&values(number)).unwrap()).collect();
        assert_eq!(repair_share_part2(&library).serialize(), repair.sum(&summands).unwrap().expose());
    }
}

#[test]
fn the_same_draws_make_the_same_contribution() {
    let (shares, _, repair) = example();
    let made = |seed| {
        let (contribution, summands) = repair.deal(&shares[0], &mut seeded(seed)).unwrap();
        (contribution.to_bytes(), summands.values().map(|secret| *secret.expose()).collect::<Vec<_>>())
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1).0, made(2).0);
}

#[test]
fn only_holders_help_enough_of_them_and_not_themselves() {
    let (_, public, _) = example();
    let new = |helpers: &[u16], lost| Repair::new(public.clone(), members(helpers), member(lost)).unwrap_err();
    assert_eq!(new(&[1, 2, 6], 3), Error::UnknownMember(member(6)));
    assert_eq!(new(&[1, 2], 3), Error::TooFewSigners { have: 2, need: 3 });
    assert_eq!(new(&[1, 2, 3], 3), Error::UnknownMember(member(3)));
    assert_eq!(new(&[1, 2, 3], 6), Error::UnknownMember(member(6)));
}

#[test]
fn only_a_helper_contributes_and_only_its_share_of_this_key() {
    let (shares, _, repair) = example();
    let deal_with = |share: &KeyShare| repair.deal(share, &mut seeded(1)).map(|_| ()).unwrap_err();
    assert_eq!(deal_with(&shares[1]), Error::UnknownMember(member(2)));
    assert_eq!(deal_with(&shares[3]), Error::UnknownMember(member(4)));
    let (others, _) = deal(5, 3, &mut seeded(2)).unwrap();
    assert_eq!(deal_with(&others[0]), Error::ShareMismatch);
}

#[test]
fn whoever_contributes_something_else_is_named() {
    let (shares, public, repair) = example();
    let (contribution, _) = repair.deal(&shares[0], &mut seeded(1)).unwrap();
    let blamed = |contribution: &Contribution| {
        let error = repair.check(member(1), contribution).unwrap_err();
        assert_eq!(error.culprits(), [member(1)]);
        error.to_string()
    };
    let instead = |helpers: &[u16], lost, share: &KeyShare| {
        let other = Repair::new(public.clone(), members(helpers), member(lost)).unwrap();
        other.deal(share, &mut seeded(1)).unwrap().0
    };
    assert!(blamed(&instead(&[1, 3, 5], 2, &shares[2])).contains("what the helper holds"), "another's share");
    assert!(blamed(&instead(&[1, 3, 5], 4, &shares[0])).contains("what the helper holds"), "for another member");
    assert!(blamed(&instead(&[1, 3, 4], 2, &shares[0])).contains("what the helper holds"), "with other helpers");
    assert!(blamed(&instead(&[1, 3, 4, 5], 2, &shares[0])).contains("one point for every helper"));
    for at in 0..3 {
        let mut negated = contribution.to_bytes();
        negated[at * 33] ^= 1;
        assert!(blamed(&Contribution::from_bytes(&negated).unwrap()).contains("what the helper holds"));
    }
    assert_eq!(repair.check(member(2), &contribution), Err(Error::UnknownMember(member(2))));
    assert_eq!(repair.check(member(4), &contribution), Err(Error::UnknownMember(member(4))));
}

#[test]
fn a_summand_belongs_to_one_helper_and_one_contribution() {
    let (shares, public, repair) = example();
    let (contribution, summands) = repair.deal(&shares[0], &mut seeded(1)).unwrap();
    let (another, _) = repair.deal(&shares[2], &mut seeded(1)).unwrap();
    let summand = *summands[&member(3)].expose();
    let check =
        |contribution: &Contribution, to, summand: &[u8; 32]| repair.check_delta(contribution, member(to), summand);
    assert_eq!(check(&contribution, 3, &summand), Ok(()));
    assert_eq!(check(&contribution, 5, &summand), Err(Error::ShareMismatch));
    assert_eq!(check(&another, 5, &summand), Err(Error::ShareMismatch));
    assert_eq!(check(&contribution, 2, &summand), Err(Error::UnknownMember(member(2))));
    for bit in 0..256 {
        let mut changed = summand;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check(&contribution, 3, &changed), Err(Error::ShareMismatch), "bit {bit}");
    }
    for wrong in [[0; 32], [0xff; 32]] {
        assert_eq!(check(&contribution, 3, &wrong), Err(Error::ShareMismatch));
    }
    let wider = Repair::new(public, members(&[1, 3, 4, 5]), member(2)).unwrap();
    let (wide, summands) = wider.deal(&shares[0], &mut seeded(1)).unwrap();
    assert_eq!(check(&wide, 3, summands[&member(3)].expose()), Err(Error::ShareMismatch), "of another length");
}

#[test]
fn whoever_adds_up_wrong_is_found() {
    let (shares, _, repair) = example();
    let dealt = deal_all(&repair, helpers(&shares));
    let sums = dealt.sums(&repair);
    let check = |helper, sum: &[u8; 32]| repair.check_sum(&dealt.contributions, member(helper), sum);
    let sum = *sums[&member(3)].expose();
    assert_eq!(check(3, &sum), Ok(()));
    assert_eq!(check(5, &sum), Err(Error::ShareMismatch), "another helper's");
    assert_eq!(check(2, &sum), Err(Error::UnknownMember(member(2))));
    for wrong in [[0; 32], [1; 32], [0xff; 32]] {
        assert_eq!(check(3, &wrong), Err(Error::ShareMismatch));
    }
    let mut contributions = dealt.contributions.clone();
    let one = contributions.remove(&member(1)).unwrap();
    assert_eq!(repair.check_sum(&contributions, member(3), &sum), Err(Error::MissingFrom(member(1))));
    contributions.insert(member(1), one.clone());
    contributions.insert(member(4), one);
    assert_eq!(repair.check_sum(&contributions, member(3), &sum), Err(Error::UnknownMember(member(4))));
}

#[test]
fn a_share_that_is_not_the_lost_one_is_refused() {
    let (shares, _, repair) = example();
    let finish = |change: &dyn Fn(&mut SecretScalars)| {
        let mut sums = deal_all(&repair, helpers(&shares)).sums(&repair);
        change(&mut sums);
        repair.finish(&sums).map(|share| share.member())
    };
    assert_eq!(finish(&|_| ()), Ok(member(2)));
    for wrong in [[0; 32], [1; 32], [0xff; 32]] {
        let lie = |sums: &mut SecretScalars| drop(sums.insert(member(5), Secret::new(wrong)));
        assert_eq!(finish(&lie), Err(Error::ShareMismatch));
    }
    assert_eq!(
        finish(&|sums| sums.values_mut().for_each(|sum| *sum = Secret::new([0; 32]))),
        Err(Error::ShareMismatch)
    );
    assert_eq!(finish(&|sums| drop(sums.remove(&member(3)))), Err(Error::MissingFrom(member(3))));
    let extra = |sums: &mut SecretScalars| drop(sums.insert(member(4), Secret::new([0; 32])));
    assert_eq!(finish(&extra), Err(Error::UnknownMember(member(4))));
    // A helper adds up only what all helpers sent.
    let mut inbox = deal_all(&repair, helpers(&shares)).inboxes.remove(&member(1)).unwrap();
    inbox.remove(&member(1));
    assert_eq!(repair.sum(&inbox).map(|_| ()), Err(Error::MissingFrom(member(1))));
    inbox.insert(member(1), Secret::new([0xff; 32]));
    assert_eq!(repair.sum(&inbox).map(|_| ()), Err(Error::ShareMismatch));
}

#[test]
fn a_contribution_has_one_encoding() {
    let (shares, _, repair) = example();
    let bytes = repair.deal(&shares[0], &mut seeded(1)).unwrap().0.to_bytes();
    assert_eq!(bytes.len(), 3 * 33);
    for length in (0..bytes.len()).filter(|length| *length != 66) {
        assert!(Contribution::from_bytes(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Contribution::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Contribution::from_bytes(&bytes.repeat(86)).is_err(), "258 points");
    for at in 0..3 {
        let with = |tag_and_x: &[u8]| {
            let mut changed = bytes.clone();
            changed[at * 33..at * 33 + tag_and_x.len()].copy_from_slice(tag_and_x);
            Contribution::from_bytes(&changed)
        };
        assert!(with(&[5]).is_err(), "compact form");
        assert!(with(&[4]).is_err(), "uncompressed form");
        assert!(with(&[0; 33]).is_err(), "the identity");
        assert!(with(&[0xff; 33]).is_err(), "no coordinate");
    }
}
