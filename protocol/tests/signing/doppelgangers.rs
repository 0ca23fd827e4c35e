//! Two processes with one identity stand still and everybody knows; a restart is never taken for one.

use super::cluster::Cluster;
use guardian_protocol::{
    BootId, Envelope, Epoch, Event, Input, MemberId, Record,
    testing::{Announcement, Greeting, Message, Reminder, member},
};
use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

/// A second process of member 2 in a committee of four. Returns which it is.
fn with_doppelganger(seed: u64) -> (Cluster, usize) {
    let mut cluster = Cluster::new(4, seed);
    cluster.finalize();
    let doppelganger = cluster.start(member(2), vec![Record::Floor { epoch: Epoch(0), is_settled: true }]);
    cluster.connect(doppelganger);
    cluster.deliver();
    (cluster, doppelganger)
}

fn quarantined(cluster: &Cluster, index: usize) -> Vec<MemberId> {
    cluster.processes[&index].guardian.status().quarantined
}

#[test]
fn two_processes_with_one_identity_are_quarantined_by_everybody_and_stand_still() {
    let (mut cluster, doppelganger) = with_doppelganger(21);
    for _ in 0..5 {
        cluster.pass(Duration::from_secs(2));
    }
    for index in [0, 2, 3] {
        assert_eq!(quarantined(&cluster, index), [member(2)], "process {index}");
    }
    assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 3, "everybody is alarmed");
    for index in [1, doppelganger] {
        let reasons = cluster.processes[&index].guardian.not_ready();
        assert!(reasons.iter().any(|reason| reason.as_str() == "doppelganger"), "process {index}: {reasons:?}");
    }
    // The others sign without it; neither of the two says anything about new duties.
    let announced = heard(&mut cluster, |message| matches!(message, Message::Announcement(_) | Message::Share(_)));
    let period = cluster.finalize();
    assert!(cluster.signed(period) >= 3);
    assert!(announced.try_iter().all(|from| from != member(2)));
    for event in cluster.events() {
        if let Event::SessionOpened { id, signers, .. } = event {
            assert!(id.period < period || !signers.contains(&member(2)));
        }
    }
}

#[test]
fn a_quarantine_ends_when_only_one_process_has_lived_for_long_enough() {
    let (mut cluster, doppelganger) = with_doppelganger(22);
    for _ in 0..5 {
        cluster.pass(Duration::from_secs(2));
    }
    assert_eq!(quarantined(&cluster, 0), [member(2)]);
    for _ in 0..20 {
        cluster.pass(Duration::from_secs(60));
    }
    assert_eq!(quarantined(&cluster, 0), [member(2)], "as long as both live, it goes on");
    cluster.stop(1);
    let mut minutes = 0;
    while !quarantined(&cluster, 0).is_empty() {
        cluster.pass(Duration::from_secs(60));
        minutes += 1;
        assert!(minutes <= 15, "it must end");
    }
    assert!(minutes >= 10, "it ended after {minutes} minutes");
    cluster.pass(Duration::from_secs(60));
    assert!(
        cluster.processes[&doppelganger].guardian.not_ready().iter().all(|reason| reason.as_str() != "doppelganger")
    );
    assert_eq!(cluster.count(|event| matches!(event, Event::QuarantineLifted { .. })), 3);
    let announced = heard(&mut cluster, |message| matches!(message, Message::Announcement(_)));
    cluster.finalize();
    assert!(announced.try_iter().any(|from| from == member(2)), "it takes part again");
}

#[test]
fn too_few_accusers_do_not_silence_a_guardian() {
    let mut cluster = Cluster::new(4, 23);
    let greeting = |cluster: &Cluster, from: MemberId| {
        let message = Message::Greeting(Greeting {
            start: cluster.start_of(from, BootId { number: 7, name: [7; 16] }),
            highest: None,
            signed: Vec::new(),
            excluded: Vec::new(),
            doppelganger: true,
            yours: Reminder::default(),
            asks: false,
        });
        cluster.forge(from, message)
    };
    let (one, two) = (greeting(&cluster, member(2)), greeting(&cluster, member(3)));
    for _ in 0..3 {
        cluster.step(0, Input::Heard { from: member(2), bytes: one.clone() });
    }
    assert!(cluster.processes[&0].guardian.not_ready().is_empty(), "one member of four may be faulty");
    cluster.step(0, Input::Heard { from: member(3), bytes: two });
    assert!(!cluster.processes[&0].guardian.not_ready().is_empty(), "two of four can't both be");
}

#[test]
fn commitments_of_a_dead_process_are_not_used() {
    // Member 2 announces, dies before anybody has t announcements, and comes back with another boot id.
    let mut cluster = Cluster::new(4, 24);
    let (sender, announced) = sync_channel(100_000);
    cluster.tamper(move |from, _, bytes| {
        let passes = from == member(2);
        if passes {
            sender.send(bytes.clone()).unwrap();
        }
        passes.then_some(bytes)
    });
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 0);
    let first = announced.try_iter().next().map(|bytes| opened(&cluster, &bytes));
    let Some(Message::Announcement(Announcement { boot: dead, .. })) = first else { panic!("member 2 has announced") };
    let records = cluster.stop(1);
    let packages = boots_in_packages(&mut cluster);
    let again = cluster.start(member(2), records);
    cluster.connect(again);
    cluster.deliver();
    for _ in 0..30 {
        if cluster.signed(period) >= 3 {
            break;
        }
        cluster.pass(Duration::from_secs(1));
    }
    assert!(cluster.signed(period) >= 3);
    let seen: Vec<Vec<BootId>> = packages.try_iter().collect();
    assert!(!seen.is_empty(), "somebody coordinated");
    assert!(seen.iter().flatten().all(|boot| *boot != dead), "nobody was asked to sign with dead nonces");
}

#[test]
fn a_dead_processs_words_do_not_replace_the_living_ones() {
    // Member 2 announces, dies and comes back; until it has announced anew, nobody else is heard.
    let mut cluster = Cluster::new(4, 25);
    let (sender, announced) = sync_channel(100_000);
    cluster.tamper(move |from, _, bytes| {
        let passes = from == member(2);
        if passes {
            sender.send(bytes.clone()).unwrap();
        }
        passes.then_some(bytes)
    });
    let period = cluster.finalize();
    let replayed = announced.try_iter().next().unwrap();
    let Message::Announcement(announcement) = opened(&cluster, &replayed) else { panic!("member 2 has announced") };
    let records = cluster.stop(1);
    let again = cluster.start(member(2), records);
    cluster.connect(again);
    cluster.deliver();
    // Somebody repeats what the dead process announced, and, were it possible, with a round that is higher than any.
    let dead = announcement.boot;
    let higher = cluster.forge(member(2), Message::Announcement(Announcement { round: 99, ..announcement }));
    for bytes in [replayed, higher] {
        for index in [0, 2, 3] {
            cluster.step(index, Input::Heard { from: member(2), bytes: bytes.clone() });
        }
    }
    let packages = boots_in_packages(&mut cluster);
    for _ in 0..30 {
        if cluster.signed(period) >= 3 {
            break;
        }
        cluster.pass(Duration::from_secs(1));
    }
    assert!(cluster.signed(period) >= 3);
    assert!(packages.try_iter().flatten().all(|boot| boot != dead));
    assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 0);
}

#[test]
fn old_messages_make_nobody_ask_without_end() {
    let mut cluster = Cluster::new(4, 26);
    let old = sent_by(&mut cluster, member(2));
    let records = cluster.stop(1);
    let again = cluster.start(member(2), records);
    cluster.connect(again);
    cluster.deliver();
    let probes = heard(&mut cluster, |message| matches!(message, Message::Probe(_)));
    // Ten minutes of replays, ten in a second.
    for _ in 0..600 {
        for bytes in old.iter().cycle().take(10) {
            cluster.step(0, Input::Heard { from: member(2), bytes: bytes.clone() });
        }
        cluster.deliver();
        cluster.pass(Duration::from_secs(1));
    }
    let asked = probes.try_iter().filter(|from| *from == member(1)).count();
    assert!((1..=25).contains(&asked), "asked {asked} times");
    assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 0);
}

/// What `from` sends while a period is signed.
fn sent_by(cluster: &mut Cluster, from: MemberId) -> Vec<Vec<u8>> {
    let (sender, sent) = sync_channel(100_000);
    cluster.tamper(move |author, _, bytes| {
        if author == from {
            sender.send(bytes.clone()).unwrap();
        }
        Some(bytes)
    });
    cluster.finalize();
    cluster.tamper(|_, _, bytes| Some(bytes));
    sent.try_iter().collect()
}

/// The authors of messages that `matches`, from now on.
fn heard(cluster: &mut Cluster, matches: impl Fn(&Message) -> bool + 'static) -> Receiver<MemberId> {
    let (sender, authors) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        if matches(Envelope::open(&bytes, from, &committee).unwrap().message()) {
            sender.send(from).unwrap();
        }
        Some(bytes)
    });
    authors
}

/// The starts of member 2 whose commitments are in packages, from now on.
fn boots_in_packages(cluster: &mut Cluster) -> Receiver<Vec<BootId>> {
    let (sender, boots) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        if let Message::Package(package) = Envelope::open(&bytes, from, &committee).unwrap().message() {
            let boots = package.commitments.iter().filter(|c| c.owner == member(2)).map(|c| c.boot).collect();
            sender.send(boots).unwrap();
        }
        Some(bytes)
    });
    boots
}

fn opened(cluster: &Cluster, bytes: &[u8]) -> Message {
    Envelope::read(bytes, &cluster.dealt.committee).unwrap().into_message()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Members that restart whenever they like, on a network that loses, doubles, delays and reorders as it likes, are never taken for doppelgangers.
    #[test]
    fn an_honest_restart_is_never_taken_for_a_doppelganger(seed in any::<u64>()) {
        let mut cluster = Cluster::new(4, seed % 1_000_000);
        let (hold, held) = sync_channel(1_000_000);
        let mut chance = seed;
        cluster.tamper(move |from, to, bytes| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let dice = (chance >> 33) % 8;
            if dice < 5 {
                hold.send((from, to, bytes.clone())).unwrap();
            }
            (dice > 1).then_some(bytes)
        });
        let mut late: Vec<(MemberId, MemberId, Vec<u8>)> = Vec::new();
        for _ in 0..60 {
            match cluster.rng.next_u32() % 8 {
                0 => {
                    let all = cluster.all();
                    let index = all[usize::try_from(cluster.rng.next_u32()).unwrap() % all.len()];
                    let who = cluster.processes[&index].member;
                    let records = cluster.stop(index);
                    let again = cluster.start(who, records);
                    cluster.connect(again);
                }
                1 => drop(cluster.finalize()),
                2 => cluster.pass(Duration::from_secs(61)),
                _ => cluster.pass(Duration::from_secs(1)),
            }
            late.extend(held.try_iter());
            for _ in 0..late.len().min(12) {
                let (from, to, bytes) = late[usize::try_from(cluster.rng.next_u32()).unwrap() % late.len()].clone();
                if let Some(index) = cluster.all().into_iter().find(|index| cluster.processes[index].member == to) {
                    cluster.step(index, Input::Heard { from, bytes });
                }
            }
            cluster.deliver();
            late.extend(held.try_iter());
        }
        prop_assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 0);
        prop_assert_eq!(cluster.count(|event| matches!(event, Event::Culprit { .. })), 0);
    }
}
