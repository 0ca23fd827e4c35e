//! Ceremonies that succeed: every purpose, many sizes.

use super::{
    cast::{Held, generate, id, identity, repair, reshare},
    table::Table,
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        signing::{SigningPackage, aggregate, commit, sign},
    },
};
use guardian_protocol::{
    KeyEpoch, MemberId,
    ceremony::{Event, Outcome, RecoverError, Rotation, Step, Transcript, recover},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

/// A signature of these holders over something new.
pub(crate) fn signs(shares: &[&KeyShare], public: &PublicShares) -> Result<(), Error> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut nonces = BTreeMap::new();
    let mut commitments = BTreeMap::new();
    for share in shares {
        let (nonce, commitment) = commit(share, &mut rng)?;
        nonces.insert(share.member(), nonce);
        commitments.insert(share.member(), commitment);
    }
    let package = SigningPackage::new([8; 32], &commitments)?;
    let mut parts = BTreeMap::new();
    for share in shares {
        parts.insert(share.member(), sign(nonces.remove(&share.member()).unwrap(), &package, share)?);
    }
    let signature = aggregate(&package, &parts, public)?;
    public.group_key().verify(&[8; 32], &signature)
}

fn outcomes(table: &Table) -> BTreeMap<MemberId, Outcome> {
    table.running().map(|member| (member, table.outcome(member.get()).unwrap())).collect()
}

/// Everybody has the same, and everybody could get its share back.
fn check(table: &Table) -> PublicShares {
    let outcomes = outcomes(table);
    let first = outcomes.values().next().unwrap();
    let receivers = table.plan.receivers();
    let stored = Transcript::decode(&first.transcript.encode()).unwrap();
    assert_eq!(stored.verify(&table.plan).unwrap(), first.public);
    for (member, outcome) in &outcomes {
        assert_eq!(outcome.public, first.public);
        assert_eq!(outcome.transcript, stored);
        assert_eq!(outcome.share.is_some(), receivers.contains(member));
        if let Some(share) = &outcome.share {
            share.belongs_to(&first.public).unwrap();
        }
    }
    // Reading a transcript of many takes a moment in a test.
    for (member, outcome) in outcomes.iter().take(7) {
        let recovered = recover(&table.plan, &identity(member.get()), &stored);
        match &outcome.share {
            Some(share) => {
                assert_eq!(recovered.unwrap().to_secret_bytes().expose(), share.to_secret_bytes().expose());
            }
            None => assert_eq!(recovered.unwrap_err(), RecoverError::NoReceiver),
        }
    }
    first.public.clone()
}

fn quorum_signs(table: &Table) {
    let outcomes = outcomes(table);
    let shares: Vec<&KeyShare> = outcomes.values().filter_map(|outcome| outcome.share.as_ref()).collect();
    let public = &outcomes.values().next().unwrap().public;
    let t = usize::from(public.threshold());
    signs(&shares[..t], public).unwrap();
    signs(&shares[shares.len() - t..], public).unwrap();
    assert!(signs(&shares[1..t], public).is_err());
}

#[test]
fn a_new_key_is_made_by_3_to_7_members() {
    for (n, t) in [(3, 2), (4, 3), (5, 3), (6, 5), (7, 5)] {
        let mut table = Table::new(generate(n, t), None);
        table.start_all();
        table.finish();
        let public = check(&table);
        assert_eq!((public.threshold(), public.members().len()), (t, usize::from(n)));
        quorum_signs(&table);
    }
}

#[test]
fn a_new_key_is_made_by_20_members() {
    let mut table = Table::new(generate(20, 14), None);
    table.start_all();
    table.finish();
    check(&table);
    quorum_signs(&table);
}

#[test]
fn a_new_key_takes_three_trips_to_certify_and_six_to_prove() {
    let mut table = Table::new(generate(7, 5), None);
    table.start_all();
    let certified = |table: &Table| {
        table.seats.values().all(|seat| seat.events.iter().any(|event| matches!(event, Event::Certified { .. })))
    };
    while !certified(&table) {
        assert!(table.trip());
    }
    assert_eq!(table.trips, 3);
    while table.running().any(|member| table.outcome(member.get()).is_none()) {
        assert!(table.trip(), "without any timer");
    }
    assert_eq!(table.trips, 6);
}

#[test]
fn a_key_is_dealt_to_another_committee_with_another_threshold() {
    for (dealers, members, t) in [
        (&[1, 2, 3][..], &[1, 2, 3, 4, 5][..], 3),
        (&[1, 3, 5], &[6, 7, 8, 9], 3),
        (&[2, 3, 4, 5], &[2, 3, 9], 2),
        (&[1, 2, 3, 4, 5], &[1, 4, 5, 6, 7, 8, 9], 5),
    ] {
        let held = Held::deal(5, 3);
        let key = held.public.group_key();
        let mut table = Table::new(reshare(&held, dealers, members, t), Some(held));
        table.start_all();
        table.finish();
        let public = check(&table);
        assert_eq!(public.group_key(), key);
        assert_eq!(public.threshold(), t);
        assert!(public.members().eq(members.iter().copied().map(id)));
        quorum_signs(&table);
    }
}

#[test]
fn refreshed_shares_do_not_mix_with_old_ones() {
    let held = Held::deal(4, 3);
    let old: Vec<KeyShare> = (1..=4).map(|n| held.share(id(n)).unwrap()).collect();
    let before = held.public.clone();
    let mut table = Table::new(reshare(&held, &[1, 2, 3, 4], &[1, 2, 3, 4], 3), Some(held));
    table.start_all();
    table.finish();
    let public = check(&table);
    quorum_signs(&table);
    assert_eq!(public.group_key(), before.group_key());
    let new = table.outcome(1).unwrap().share.unwrap();
    assert!(new.belongs_to(&before).is_err());
    signs(&[&old[0], &old[1], &old[2]], &before).unwrap();
    assert!(signs(&[&new, &old[1], &old[2]], &public).is_err());
}

#[test]
fn a_lost_share_is_repaired() {
    for (helpers, lost) in [(&[1, 2, 3][..], 5), (&[2, 3, 4, 5], 1), (&[1, 3, 5], 2)] {
        let held = Held::deal(5, 3);
        let expected = held.share(id(lost)).unwrap();
        let public = held.public.clone();
        let mut table = Table::new(repair(&held, helpers, lost), Some(held));
        table.start_all();
        table.finish();
        assert_eq!(check(&table), public);
        let repaired = table.outcome(lost).unwrap().share.unwrap();
        assert_eq!(repaired.to_secret_bytes().expose(), expected.to_secret_bytes().expose());
    }
}

#[test]
fn who_lost_its_identity_too_gets_its_share_under_another() {
    let held = Held::deal(4, 3);
    let mut plan = repair(&held, &[1, 2, 3], 4);
    plan.members[3].identity = identity(44).public();
    plan.check().unwrap();
    assert_eq!(plan.participants()[&id(4)].identity, identity(44).public());
}

#[test]
fn a_rehearsal_goes_through_everything_and_leaves_no_share() {
    let mut plan = generate(4, 3);
    plan.rehearse = true;
    let mut table = Table::new(plan, None);
    table.start_all();
    table.finish();
    for member in 1..=4 {
        let outcome = table.outcome(member).unwrap();
        assert!(outcome.share.is_none());
        outcome.transcript.verify(&table.plan).unwrap();
        let recovered = recover(&table.plan, &identity(member), &outcome.transcript);
        assert_eq!(recovered.unwrap_err(), RecoverError::Rehearsal);
    }
}

#[test]
fn a_rotations_proof_of_a_key_is_the_contracts_proof_of_possession() {
    let rotation = Rotation { chain_id: 31337, guardian_keys: [5; 20].into() };
    let mut plan = generate(4, 3);
    plan.key_epoch = KeyEpoch(2);
    plan.proof_of_possession_for = Some(rotation);
    let mut table = Table::new(plan, None);
    table.start_all();
    table.finish();
    let outcome = table.outcome(3).unwrap();
    let key = outcome.public.group_key();
    key.verify(&rotation.digest(KeyEpoch(2), key).0, &outcome.proof).unwrap();
    let elsewhere = Rotation { chain_id: 1, ..rotation };
    assert!(key.verify(&elsewhere.digest(KeyEpoch(2), key).0, &outcome.proof).is_err());
    assert!(key.verify(&rotation.digest(KeyEpoch(3), key).0, &outcome.proof).is_err());
}

#[test]
fn keys_of_different_plans_have_nothing_in_common() {
    let key_of = |change: fn(&mut guardian_protocol::ceremony::Plan)| {
        let mut plan = generate(3, 2);
        change(&mut plan);
        let mut table = Table::new(plan, None);
        table.start_all();
        table.finish();
        table.outcome(1).unwrap().public.group_key()
    };
    let same = key_of(|_| {});
    assert_eq!(same, key_of(|_| {}), "the same plan makes the same key: that is why plans must differ");
    assert_ne!(same, key_of(|plan| plan.attempt = 2));
    assert_ne!(same, key_of(|plan| plan.label = "elsewhere".to_owned()));
    assert_ne!(same, key_of(|plan| plan.rehearse = true));
    assert_ne!(same, key_of(|plan| plan.key_epoch = KeyEpoch(2)));
}

#[test]
fn nobody_has_an_outcome_before_all_signed() {
    let held = Held::deal(4, 3);
    let mut table = Table::new(reshare(&held, &[1, 2, 3], &[2, 3, 4], 2), Some(held));
    table.start_all();
    let proven = |table: &Table| table.seats.values().any(|seat| seat.events.contains(&Event::Proven));
    while !proven(&table) {
        assert!(table.running().all(|member| table.outcome(member.get()).is_none()));
        assert!(table.trip());
    }
    assert!(
        table
            .seats
            .values()
            .all(|seat| seat.events.iter().any(|e| matches!(e, Event::Complete { step: Step::Confirm })))
    );
}
