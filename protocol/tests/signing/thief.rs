//! Somebody holds the group key: t shares, or what an old committee never gave back. What it signs is signed, and moves nothing that can't
//! be taken back.

use super::cluster::Cluster;
use guardian_protocol::{
    Duty, DutyBody, DutyKind, Ejection, EjectionOrder, EjectionReason, Envelope, Epoch, Event, ExitEvent, KeyEpoch,
    Slot, Timing, ValidatorIndex,
    testing::{Message, SignedDuty, member, setup},
};
use std::{sync::mpsc::sync_channel, time::Duration};

const HEALTHY: u64 = 32_000_000_000;
const LOW: u64 = 31_000_000_000;

/// An order of `period` over the first validator, well made and signed with the stolen key.
fn order(cluster: &mut Cluster, period: u64) -> (Duty, Message) {
    let (index, pubkey) = (ValidatorIndex(1), cluster.pubkey(0));
    let ejection = Ejection { index, pubkey, reason: EjectionReason::LowBalance };
    let duty = Duty {
        key_epoch: KeyEpoch(1),
        period: Epoch(period),
        reference_slot: Slot(period.saturating_mul(8)),
        reference_root: [9; 32].into(),
        body: DutyBody::Ejection(EjectionOrder::new(vec![ejection]).unwrap()),
    };
    let setup = setup(cluster.dealt.committee.clone(), member(1));
    let digest = setup.domain().digest(&duty).unwrap();
    let signature = cluster.dealt.sign(digest, &mut cluster.rng);
    (duty.clone(), Message::Signed(SignedDuty { duty, signature }))
}

/// Member 4 tells everybody, and makes its part of the exit if there were one to make.
fn tell(cluster: &mut Cluster, message: &Message) {
    for index in 0..3 {
        let bytes = cluster.forge(member(4), message.clone());
        cluster.hear(index, member(4), bytes);
    }
    cluster.deliver();
}

fn learnt(cluster: &Cluster, period: u64) -> usize {
    let of = |event: &Event| matches!(event, Event::Signed { id, .. } if (id.kind, id.period) == (DutyKind::Ejection, Epoch(period)));
    cluster.count(of)
}

fn parts(cluster: &Cluster) -> usize {
    cluster.count(|event| matches!(event, Event::Exit(ExitEvent::PartReleased { .. })))
}

#[test]
fn a_stolen_key_moves_no_exit_of_a_healthy_validator_and_everybody_rings() {
    let mut cluster = Cluster::with_validators(4, 120, &[HEALTHY]);
    cluster.stop(3);
    let period = cluster.finalize();
    let (_, message) = order(&mut cluster, period.0);
    tell(&mut cluster, &message);
    assert_eq!(learnt(&cluster, period.0), 3);
    assert_eq!(cluster.count(|event| matches!(event, Event::SignedOtherwise { .. })), 3);
    // Even the contract takes it.
    cluster.accept(period);
    for _ in 0..3 {
        cluster.finalize();
    }
    assert_eq!(cluster.count(|event| matches!(event, Event::OrderUnfounded { .. })), 3);
    assert_eq!(parts(&cluster), 0);
}

#[test]
fn an_order_that_no_contract_has_moves_nothing_even_if_it_is_right() {
    let mut cluster = Cluster::with_validators(4, 121, &[LOW]);
    let period = cluster.finalize();
    assert_eq!(learnt(&cluster, period.0), 4, "they ordered it themselves");
    for _ in 0..3 {
        cluster.finalize();
    }
    assert_eq!(parts(&cluster), 0);
    cluster.accept(period);
    cluster.finalize();
    assert_eq!(parts(&cluster), 4);
    assert_eq!(cluster.count(|event| matches!(event, Event::Exit(ExitEvent::Combined { .. }))), 4);
}

#[test]
fn a_signature_for_a_period_to_come_waits_for_it_and_blocks_nothing() {
    let mut cluster = Cluster::with_validators(4, 122, &[HEALTHY]);
    let now = cluster.finalize().0;
    for period in [now + 5, u64::MAX / 32] {
        let (_, message) = order(&mut cluster, period);
        // It may say so as often as it likes.
        tell(&mut cluster, &message);
        tell(&mut cluster, &message);
        assert_eq!(learnt(&cluster, period), 0);
    }
    let told = |index| {
        let events = cluster.processes[&index].events.iter();
        events.filter(|event| matches!(event, Event::SignedAhead { .. })).count()
    };
    assert_eq!([told(0), told(1), told(2)], [2; 3]);
    // A validator fails, and is ordered out at once.
    cluster.set_balance(0, LOW);
    let period = cluster.finalize();
    assert_eq!(learnt(&cluster, period.0), 4);
    // When its time has come it is judged like any other.
    let its_time = cluster.finalize_at(now + 5);
    assert_eq!((learnt(&cluster, its_time.0), parts(&cluster)), (3, 0));
    assert_eq!(learnt(&cluster, u64::MAX / 32), 0);
}

/// What everybody says that the committee has signed while it orders the first validator out, and in which period.
fn rightly_signed(seed: u64) -> (Epoch, Message) {
    let mut cluster = Cluster::with_validators(4, seed, &[LOW]);
    let (sender, said) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        sender.send(Envelope::open(&bytes, from, &committee).unwrap().into_message()).unwrap();
        Some(bytes)
    });
    let period = cluster.finalize();
    let is_order =
        |message: &Message| matches!(message, Message::Signed(signed) if signed.duty.kind() == DutyKind::Ejection);
    (period, said.try_iter().find(is_order).unwrap())
}

#[test]
fn what_is_signed_already_when_it_is_decided_is_not_signed_again_and_again() {
    // The same cluster lives twice: what it will sign is known before it decides it, and the registry has it already.
    let (period, message) = rightly_signed(125);
    let mut cluster = Cluster::with_validators(4, 125, &[LOW]);
    tell(&mut cluster, &message);
    cluster.accept_unseen(period);
    let (sender, packages) = sync_channel(1_000);
    let committee = cluster.dealt.committee.clone();
    // No more than that, so that it ends.
    cluster.tamper(move |from, _, bytes| {
        let is_package = matches!(Envelope::open(&bytes, from, &committee).unwrap().message(), Message::Package(_));
        (!is_package || sender.try_send(()).is_ok()).then_some(bytes)
    });
    assert_eq!(cluster.finalize(), period);
    for _ in 0..30 {
        cluster.pass(Duration::from_secs(1));
    }
    assert_eq!(learnt(&cluster, period.0), 4);
    assert!(cluster.processes.values().all(|process| process.guardian.status().open.is_empty()));
    // A session or two of each duty, of three members.
    assert!(packages.try_iter().count() < 30);
}

#[test]
fn an_order_of_long_ago_is_history_for_a_guardian_with_a_new_store() {
    let mut cluster = Cluster::with_validators(4, 123, &[HEALTHY]);
    let (_, message) = order(&mut cluster, 3);
    cluster.finalize_at(3 + 257);
    tell(&mut cluster, &message);
    assert_eq!(learnt(&cluster, 3), 0);
    let (_, message) = order(&mut cluster, 4);
    tell(&mut cluster, &message);
    assert_eq!(learnt(&cluster, 4), 3, "within its life");
}

#[test]
fn what_is_told_before_anything_is_observed_counts_afterwards() {
    let mut cluster = Cluster::with_validators(4, 124, &[LOW]);
    let period = cluster.finalize();
    let records = cluster.stop(3);
    assert!(!records.is_empty());
    cluster.pass(Duration::from_secs(2));
    // It starts anew without a memory, and hears of the order before it has looked at the chains.
    let new = cluster.start(member(4), Vec::new());
    cluster.blindfold(new, true);
    cluster.connect(new);
    cluster.deliver();
    let is_signed = |cluster: &Cluster| {
        let known = cluster.processes[&new].guardian.status().signed;
        known.iter().any(|signed| signed.id.kind == DutyKind::Ejection && signed.id.period == period)
    };
    assert!(!is_signed(&cluster));
    cluster.blindfold(new, false);
    // Its open question is given up.
    cluster.pass(Timing::default().query_timeout);
    cluster.pass(Duration::from_secs(12));
    assert!(is_signed(&cluster));
}

#[test]
fn a_guardian_that_comes_back_gives_its_part_of_an_order_that_is_not_the_newest() {
    let mut cluster = Cluster::with_validators(4, 125, &[LOW, HEALTHY]);
    let away = cluster.stop(3);
    let before: Vec<_> =
        away.into_iter().filter(|record| !matches!(record, guardian_protocol::Record::Signed { .. })).collect();
    let first = cluster.finalize();
    cluster.accept_of(first, &[0]);
    cluster.set_balance(1, LOW);
    let second = cluster.finalize();
    assert_eq!((learnt(&cluster, first.0), learnt(&cluster, second.0)), (3, 3));
    cluster.accept_of(second, &[1]);
    // Long enough that a greeting is answered again.
    cluster.pass(Duration::from_secs(2));
    let again = cluster.start(member(4), before);
    cluster.connect(again);
    cluster.deliver();
    cluster.finalize();
    cluster.finalize();
    let given = cluster.processes[&again].events.iter().filter_map(|event| {
        if let Event::Exit(ExitEvent::PartReleased { index, .. }) = event { Some(index.0) } else { None }
    });
    let mut given: Vec<u64> = given.collect();
    given.sort_unstable();
    assert_eq!(given, [1, 2]);
}
