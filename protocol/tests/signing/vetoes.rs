//! Vetoes of proposed keys: signed when threshold operators have said so, by those whose operators have, and beside everything else.

use super::cluster::Cluster;
use alloy_primitives::B256;
use guardian_protocol::{
    Call, DutyKind, Envelope, Event, KeyProposal, MemberId, Mode, OperatorCommand, OperatorRefusal, Record,
    testing::{Message, member},
};
use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

const KIND: DutyKind = DutyKind::KeyVeto;

/// Four guardians, of which three must act together, and a key that shall replace theirs.
fn proposed(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(4, seed);
    propose(&mut cluster, 1);
    cluster
}

fn propose(cluster: &mut Cluster, number: u64) {
    let key = [B256::repeat_byte(1), B256::repeat_byte(2)];
    cluster.proposal = Some(KeyProposal { number, ready_at: 1_000_000, key, slowed: false });
    cluster.finalize();
}

fn digest(cluster: &Cluster, index: usize) -> B256 {
    let offered = cluster.processes[&index].guardian.status().offered;
    assert_eq!(offered.len(), 1, "{offered:?}");
    assert_eq!((offered[0].id.kind, &*offered[0].statements["vetoed key proposal"]), (KIND, "1"));
    offered[0].digest
}

fn ask(cluster: &mut Cluster, index: usize, digest: B256) {
    cluster.order(index, OperatorCommand::Ask { digest }).unwrap();
    cluster.deliver();
}

fn release(cluster: &mut Cluster) {
    for index in cluster.all() {
        cluster.order(index, OperatorCommand::Release { kind: DutyKind::Reserves }).unwrap();
    }
}

fn pass(cluster: &mut Cluster, seconds: u64) {
    for _ in 0..seconds {
        cluster.pass(Duration::from_secs(1));
    }
}

/// Who says something of vetoes from now on.
fn listen(cluster: &mut Cluster) -> Receiver<MemberId> {
    let (sender, said) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        let kind = match Envelope::open(&bytes, from, &committee).unwrap().message() {
            Message::Announcement(announcement) => Some(announcement.duty.kind),
            Message::Share(share) => Some(share.duty.kind),
            _ => None,
        };
        if kind == Some(KIND) {
            sender.send(from).unwrap();
        }
        Some(bytes)
    });
    said
}

fn signed(cluster: &Cluster) -> usize {
    cluster.count(|event| matches!(event, Event::Signed { id, .. } if id.kind == KIND))
}

fn paid(cluster: &Cluster, index: usize) -> usize {
    let is_veto = |call: &&Call| matches!(call, Call::Submit(signed) if signed.id().kind == KIND);
    cluster.processes[&index].calls.iter().filter(is_veto).count()
}

#[test]
fn a_key_is_vetoed_when_threshold_operators_ask_and_by_them_alone() {
    let mut cluster = proposed(300);
    let said = listen(&mut cluster);
    let digest = digest(&cluster, 0);
    assert_eq!(cluster.count(|event| matches!(event, Event::Offered { digest: of, .. } if *of == digest)), 4);
    pass(&mut cluster, 60);
    assert_eq!(said.try_iter().count(), 0, "no operator has said a word");
    ask(&mut cluster, 0, digest);
    ask(&mut cluster, 1, digest);
    pass(&mut cluster, 60);
    assert_eq!(signed(&cluster), 0, "two are too few");
    let of_third = cluster.processes[&2].guardian.status().offered;
    assert_eq!(of_third[0].votes, 2, "the third sees that others want it");
    ask(&mut cluster, 2, digest);
    pass(&mut cluster, 10);
    assert_eq!(signed(&cluster), 4, "the fourth knows, and did nothing for it");
    assert!(said.try_iter().all(|from| from != member(4)));
    // Everybody's turn to pay comes, as the contract does not move.
    cluster.pass(Duration::from_secs(600));
    assert!((0..3).all(|index| paid(&cluster, index) == 1));
    assert_eq!(paid(&cluster, 3), 0);

    (cluster.proposal, cluster.closed) = (None, 1);
    cluster.finalize();
    cluster.pass(Duration::from_secs(60));
    assert_eq!(cluster.count(|event| matches!(event, Event::Confirmed { id } if id.kind == KIND)), 4);
    assert!(cluster.all().into_iter().all(|index| cluster.processes[&index].guardian.status().offered.is_empty()));
}

#[test]
fn operators_that_ask_in_different_epochs_meet() {
    let mut cluster = proposed(301);
    let digest = digest(&cluster, 0);
    for index in 0..3 {
        ask(&mut cluster, index, digest);
        pass(&mut cluster, 10);
        assert_eq!(signed(&cluster), if index == 2 { 4 } else { 0 });
        cluster.finalize();
    }
    let told = |event: &Event| matches!(event, Event::Offered { .. });
    assert_eq!(cluster.processes[&3].events.iter().filter(|event| told(event)).count(), 1, "once is enough");
}

#[test]
fn a_word_is_durable_before_anything_is_said_and_survives_a_restart() {
    let mut cluster = proposed(302);
    let digest = digest(&cluster, 0);
    ask(&mut cluster, 0, digest);
    assert!(cluster.processes[&0].log.0.contains(&Record::AskedFor { digest }));
    assert_eq!(cluster.order(0, OperatorCommand::Ask { digest }), Ok(()), "an answer may be lost");
    let again = cluster.restart(0);
    ask(&mut cluster, 1, digest);
    ask(&mut cluster, 2, digest);
    cluster.finalize();
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster), 4);
    assert!(cluster.processes[&again].guardian.status().offered.is_empty());
}

#[test]
fn a_veto_is_signed_while_everything_else_is_held_and_holds_nothing_up() {
    let mut cluster = proposed(303);
    let digest = digest(&cluster, 0);
    let reserves = |cluster: &Cluster, period| {
        cluster.count(
            |event| matches!(event, Event::Signed { id, .. } if (id.kind, id.period) == (DutyKind::Reserves, period)),
        )
    };
    (0..3).for_each(|index| ask(&mut cluster, index, digest));
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster), 4);
    let held = cluster.processes[&0].guardian.status().holds;
    assert!(!held.is_empty() && held.iter().all(|held| held.kind != KIND), "{held:?}");
    let period = cluster.finalize();
    pass(&mut cluster, 30);
    assert_eq!(reserves(&cluster, period), 0);

    // Another proposal, of which nobody says anything, while everything else goes on.
    (cluster.closed, cluster.proposal) = (1, None);
    cluster.finalize();
    release(&mut cluster);
    propose(&mut cluster, 2);
    release(&mut cluster);
    let period = cluster.finalize();
    pass(&mut cluster, 30);
    assert_eq!(reserves(&cluster, period), 4);
    assert_eq!(cluster.processes[&0].guardian.status().offered.len(), 1, "the word was for the first one");
}

#[test]
fn only_what_is_due_can_be_asked_for_and_not_what_was_forbidden() {
    let mut cluster = proposed(304);
    let digest = digest(&cluster, 0);
    let other = OperatorCommand::Ask { digest: [9; 32].into() };
    assert_eq!(cluster.order(0, other), Err(OperatorRefusal::NotOffered));
    let report = cluster.processes[&0].guardian.status().open[0].digest;
    let report = OperatorCommand::Ask { digest: report };
    assert_eq!(cluster.order(0, report), Err(OperatorRefusal::NotOffered), "what needs no word gets none");
    cluster.order(1, OperatorCommand::Forbid { digest }).unwrap();
    assert_eq!(cluster.order(1, OperatorCommand::Ask { digest }), Err(OperatorRefusal::Forbidden));
    // Who has thought better of it takes no part any more.
    ask(&mut cluster, 0, digest);
    cluster.order(0, OperatorCommand::Forbid { digest }).unwrap();
    ask(&mut cluster, 2, digest);
    ask(&mut cluster, 3, digest);
    pass(&mut cluster, 60);
    assert_eq!(signed(&cluster), 0);
    cluster.finalize();
    pass(&mut cluster, 60);
    assert_eq!(signed(&cluster), 0);
}

#[test]
fn a_guardian_that_observes_can_t_be_asked_to_sign() {
    let mut cluster = proposed(305);
    let records = cluster.stop(3);
    let observer = cluster.start_as(member(4), records, |setup| setup.mode = Mode::Observe);
    cluster.connect(observer);
    cluster.finalize();
    let digest = digest(&cluster, observer);
    assert_eq!(cluster.order(observer, OperatorCommand::Ask { digest }), Err(OperatorRefusal::Observing));
}
