//! Committees of every size sign, and keep signing with as many members gone as may be.

use super::cluster::Cluster;
use guardian_crypto::{frost::reshare::Resharing, member::default_threshold};
use guardian_protocol::{
    Committee, CommitteeError, Envelope, Event, Guardian, KeyEpoch, MemberId, RestoreError, Timestamp,
    testing::{Announcement, Dealt, EnvelopeError, member, setup},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{collections::BTreeSet, time::Duration};

#[test]
fn committees_of_three_to_thirty_one_sign_in_one_session() {
    for size in [3, 4, 7, 31] {
        let mut cluster = Cluster::new(size, u64::from(size));
        for _ in 0..2 {
            let period = cluster.finalize();
            assert_eq!(cluster.signed(period), usize::from(size), "{size} guardians, period {period}");
        }
        let sessions = cluster.events().filter(|event| matches!(event, Event::SessionOpened { .. })).count();
        assert_eq!(sessions, 2, "{size} guardians");
        assert_eq!(cluster.count(|event| matches!(event, Event::Culprit { .. } | Event::MessageRefused { .. })), 0);
    }
}

#[test]
fn sixty_seven_of_a_hundred_sign() {
    let mut cluster = Cluster::new(100, 1);
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 100);
    assert_eq!(cluster.events().filter(|event| matches!(event, Event::SessionOpened { .. })).count(), 1);
}

#[test]
fn with_the_faulty_third_gone_the_others_sign() {
    for size in [4, 7, 31] {
        let mut cluster = Cluster::new(size, 40 + u64::from(size));
        let faulty = size - default_threshold(size);
        // Not known to be gone: they are still taken for connected, also those whose turn comes first.
        for index in cluster.all().into_iter().take(usize::from(faulty)) {
            cluster.stop(index);
        }
        let period = cluster.finalize();
        for _ in 0..60 {
            if cluster.signed(period) > 0 {
                break;
            }
            cluster.pass(Duration::from_secs(1));
        }
        assert_eq!(cluster.signed(period), usize::from(size - faulty), "{size} guardians, {faulty} gone");
    }
}

#[test]
fn one_more_gone_and_nothing_is_signed() {
    let mut cluster = Cluster::new(4, 9);
    cluster.stop(0);
    cluster.stop(1);
    let period = cluster.finalize();
    for _ in 0..30 {
        cluster.pass(Duration::from_secs(1));
    }
    assert_eq!(cluster.signed(period), 0);
    assert_eq!(cluster.count(|event| matches!(event, Event::Agreed { .. })), 0);
}

#[test]
fn no_committee_signs_with_half() {
    let dealt = Dealt::new(4, 3, 1);
    let others = Dealt::new(3, 3, 2);
    let foreign =
        Committee::new(others.committee.iter().cloned(), dealt.committee.public_shares().clone(), KeyEpoch(1));
    assert!(matches!(foreign, Err(CommitteeError::NotTheShareHolders)));
    assert!(guardian_crypto::frost::dealer::deal(4, 2, &mut ChaCha20Rng::seed_from_u64(1)).is_err());
    for size in 3..=100 {
        assert!(guardian_crypto::member::check_majority(size / 2, usize::from(size)).is_err());
        assert!(guardian_crypto::member::check_majority(default_threshold(size), usize::from(size)).is_ok());
    }
}

/// The committee after all members dealt the key again among themselves: the same people, the same group key, other shares.
fn refreshed(dealt: &Dealt, rng: &mut ChaCha20Rng) -> Committee {
    let public = dealt.committee.public_shares();
    let members: BTreeSet<MemberId> = public.members().collect();
    let resharing = Resharing::new(public.clone(), members.clone(), members.clone(), public.threshold()).unwrap();
    let dealings = members.iter().map(|member| (*member, resharing.deal(&dealt.share(*member), rng).unwrap().0));
    let public = resharing.public_shares(&dealings.collect()).unwrap();
    assert_eq!(public.group_key(), dealt.committee.group_key());
    Committee::new(dealt.committee.iter().cloned(), public, KeyEpoch(1)).unwrap()
}

#[test]
fn a_share_from_before_a_resharing_is_refused_at_the_start() {
    // Its owner would be convicted of giving wrong shares: the key and the member are the same.
    let mut dealt = Dealt::new(3, 2, 1);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let restore = |dealt: &Dealt, rng: &mut ChaCha20Rng| {
        let (me, setup) = (member(1), setup(dealt.committee.clone(), member(1)));
        Guardian::restore(Timestamp(0), setup, dealt.secrets(me), Vec::new(), rng)
    };
    assert!(restore(&dealt, &mut rng).is_ok());
    dealt.committee = refreshed(&dealt, &mut rng);
    let refused = restore(&dealt, &mut rng);
    assert!(matches!(refused, Err(RestoreError::ForeignShare { .. })));
}

#[test]
fn what_is_said_before_a_resharing_is_not_heard_after_it() {
    let mut cluster = Cluster::new(4, 5);
    let after = refreshed(&cluster.dealt, &mut ChaCha20Rng::seed_from_u64(2));
    let before = cluster.dealt.committee.clone();
    assert_ne!(before.id(), after.id());
    let (sender, said) = std::sync::mpsc::sync_channel(100_000);
    cluster.tamper(move |from, _, bytes| {
        sender.send((from, bytes.clone())).unwrap();
        Some(bytes)
    });
    cluster.finalize();
    cluster.tamper(|_, _, bytes| Some(bytes));
    let mut kinds = BTreeSet::new();
    for (from, bytes) in said.try_iter() {
        kinds.insert(Envelope::open(&bytes, from, &before).unwrap().message().as_str());
        assert_eq!(Envelope::open(&bytes, from, &after), Err(EnvelopeError::BadSignature));
    }
    assert!(["announcement", "package", "share", "signed"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[test]
fn an_announcement_in_the_largest_committee_is_about_a_kilobyte() {
    let mut cluster = Cluster::new(31, 3);
    let (sender, largest) = std::sync::mpsc::sync_channel(100_000);
    cluster.tamper(move |_, _, bytes| {
        sender.send(bytes.len()).unwrap();
        Some(bytes)
    });
    let members: Vec<MemberId> = cluster.processes.values().map(|process| process.member).collect();
    assert_eq!(members.len(), 31);
    cluster.finalize();
    cluster.tamper(|_, _, bytes| Some(bytes));
    let announcement = Announcement::MAX_COMMITMENTS * 160 + 256;
    assert!(largest.try_iter().next().unwrap() <= announcement, "the first message is an announcement");
}
