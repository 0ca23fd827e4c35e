//! Alarms: told once, shown for as long as what they are about lasts.

use super::cluster::Cluster;
use guardian_protocol::{
    BlockRef, BootId, Effects, Event, EventPage, Input, KeyEpoch, Layer, Reading, Reason, Timing,
    testing::{Announcement, Eyes, Message, Trouble, chain_spec, member, setup},
};
use std::time::Duration;

/// The contracts have the key of another epoch.
fn an_earlier_key(reading: &mut Reading) {
    if let Reading::Chain(view) = reading {
        view.key_epoch = KeyEpoch(0);
    }
}

#[test]
fn another_key_on_chain_is_told_once_and_shown_until_it_passes() {
    let mut cluster = Cluster::new(4, 60);
    cluster.deceive(member(2), an_earlier_key);
    let mismatch = Event::KeyMismatch { onchain: KeyEpoch(0), ours: KeyEpoch(1) };
    let not_ready = |cluster: &Cluster| cluster.processes[&1].guardian.status().not_ready;
    for _ in 0..5 {
        cluster.finalize();
        assert_eq!(not_ready(&cluster), [Reason::KeyMismatch]);
        cluster.pass(Duration::from_secs(30));
    }
    let told = |cluster: &Cluster| cluster.processes[&1].events.iter().filter(|event| **event == mismatch).count();
    assert_eq!(told(&cluster), 1);

    // Providers are left in peace: nobody but an operator or a rotation ends it.
    let poll = Timing::default().poll;
    cluster.pass(poll * 2);
    let asked = cluster.processes[&1].asked;
    for _ in 0..3 {
        cluster.pass(poll.mul_f64(0.3));
    }
    assert_eq!(cluster.processes[&1].asked, asked);
    cluster.pass(poll.mul_f64(0.2));
    assert!(cluster.processes[&1].asked > asked);

    cluster.deceive(member(2), |_| ());
    cluster.finalize();
    assert_eq!(not_ready(&cluster), []);
    cluster.deceive(member(2), an_earlier_key);
    cluster.finalize();
    assert_eq!(told(&cluster), 2, "it has come again");
}

/// The contracts' progress is not known to the provider.
fn no_progress(reading: &mut Reading) {
    if let Reading::Progress(progress) = reading {
        progress.clear();
    }
}

#[test]
fn finality_that_stands_still_is_not_ready_and_passes() {
    let mut cluster = Cluster::new(4, 61);
    cluster.finalize();
    let not_ready = |cluster: &Cluster| cluster.processes[&1].guardian.status().not_ready;
    assert_eq!(not_ready(&cluster), []);
    let epoch = Duration::from_secs(chain_spec().seconds_per_slot * chain_spec().slots_per_epoch);
    cluster.pass(epoch * 8);
    assert_eq!(not_ready(&cluster), [Reason::FinalityOld]);
    for _ in 0..8 {
        cluster.finalize();
    }
    assert_eq!(not_ready(&cluster), []);
}

#[test]
fn a_contract_that_nobody_can_see_is_not_ready() {
    let mut cluster = Cluster::new(4, 62);
    cluster.finalize();
    let ready = |cluster: &Cluster| !cluster.processes[&1].guardian.not_ready().contains(&Reason::ExecutionQuorum);
    cluster.pass(Timing::default().poll * 2);
    assert!(ready(&cluster));
    cluster.deceive(member(2), no_progress);
    cluster.pass(Timing::default().poll * 2);
    assert!(!ready(&cluster));
    cluster.deceive(member(2), |_| ());
    cluster.pass(Timing::default().poll * 2);
    assert!(ready(&cluster));
    // An answer to another question is none.
    cluster.deceive(member(2), |reading| {
        if matches!(reading, Reading::Progress(_)) {
            *reading = Reading::Finalized(None);
        }
    });
    cluster.pass(Timing::default().poll * 2);
    assert!(!ready(&cluster));
}

#[test]
fn a_question_that_nobody_answers_is_trouble() {
    let cluster = Cluster::new(4, 63);
    let upto = BlockRef { number: 0, hash: [3; 32].into(), timestamp: 0 };
    let past = EventPage { from: 0, upto, events: Vec::new() };
    let mut eyes = Eyes::new(setup(cluster.dealt.committee.clone(), member(1)), past);
    eyes.look(cluster.now, &mut Effects::default());
    assert_eq!(eyes.trouble(), None);
    eyes.look(cluster.now.after(Timing::default().query_timeout), &mut Effects::default());
    assert_eq!(eyes.trouble(), Some(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[test]
fn everybody_knows_which_validators_can_still_be_let_go() {
    let mut cluster = Cluster::with_validators(4, 62, &[32_000_000_000; 2]);
    cluster.finalize();
    let exitable = |cluster: &Cluster, index: usize| cluster.processes[&index].guardian.status().exitable;
    assert_eq!((0..4).map(|index| exitable(&cluster, index)).collect::<Vec<_>>(), [2; 4]);
    assert_eq!(cluster.processes[&0].guardian.status().weak_exit_shares, 0);
    for (gone, left) in [(member(4), 2), (member(3), 0)] {
        cluster.step(0, Input::PeerDown(gone));
        assert_eq!(exitable(&cluster, 0), left, "three shares are needed");
    }
}

#[test]
fn a_member_that_announces_something_else_all_the_time_is_told_of_a_few_times() {
    let mut cluster = Cluster::new(4, 61);
    // Nobody hears anybody, so that the duty stays open.
    cluster.tamper(|_, _, _| None);
    cluster.finalize();
    let duty = cluster.processes[&0].guardian.status().open[0].id;
    let told = |cluster: &Cluster, by: u16| {
        let is_told = |event: &&Event| matches!(event, Event::DigestsDiffer { member: who, .. } if *who == member(by));
        cluster.processes[&0].events.iter().filter(is_told).count()
    };
    let announce = |cluster: &mut Cluster, by: u16, digest: u8, round: u32| {
        let (boot, commitments) = (BootId { number: 1, name: [by.to_le_bytes()[0]; 16] }, Vec::new());
        let announcement = Announcement { duty, digest: [digest; 32].into(), boot, round, commitments };
        let bytes = cluster.forge(member(by), Message::Announcement(announcement));
        cluster.step(0, Input::Heard { from: member(by), bytes });
    };
    for round in 1..200 {
        announce(&mut cluster, 2, 7, round);
        announce(&mut cluster, 3, u8::try_from(round).unwrap(), round);
    }
    assert_eq!(told(&cluster, 2), 1, "each digest once");
    assert!((1..=3).contains(&told(&cluster, 3)), "and a few of one member");
    announce(&mut cluster, 4, 7, 1);
    assert_eq!(told(&cluster, 4), 1, "which takes nothing from another");
}
