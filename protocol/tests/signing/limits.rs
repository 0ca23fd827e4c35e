//! Limits: beyond them a guardian takes no part, whatever the others do; its operator alone lets it go on.

use super::cluster::Cluster;
use alloy_primitives::B256;
use guardian_protocol::{
    Bounds, Call, Cause, DutyKind, Envelope, Epoch, Event, LimitedDuty, Limits, MemberId, OperatorCommand,
    OperatorRefusal, PerKind, Reading, Setup, Severity,
    testing::{Message, member},
};
use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

const KIND: DutyKind = DutyKind::Ejection;
const WAIT: Duration = Duration::from_secs(60);
/// Of the test network: 8 slots of 12 seconds an epoch.
const EPOCHS_OF_A_DAY: u64 = 24 * 60 * 60 / (8 * 12);

fn limit(severity: Severity, validators: u64) -> impl Fn(&mut Setup) + Copy {
    move |setup| {
        let bounds = Bounds { per_epoch: Some(validators), ..Bounds::default() };
        let bounds: PerKind<Bounds> = [(KIND, bounds)].into_iter().collect();
        match severity {
            Severity::Soft => setup.limits = Limits { soft_wait: WAIT, soft: bounds, ..setup.limits }.or_usual(),
            Severity::Hard => setup.limits = Limits { hard: bounds, ..setup.limits }.or_usual(),
        }
    }
}

/// Who says what about duties of the kind, from now on.
fn listen(cluster: &mut Cluster) -> Receiver<(MemberId, &'static str)> {
    let (sender, said) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        let kind = match envelope.message() {
            Message::Announcement(announcement) => Some(announcement.duty.kind),
            Message::Package(package) => Some(package.duty.kind),
            Message::Share(share) => Some(share.duty.kind),
            Message::PartialExits(parts) => Some(parts.duty.kind),
            _ => None,
        };
        if kind == Some(KIND) {
            sender.send((from, envelope.message().as_str())).unwrap();
        }
        Some(bytes)
    });
    said
}

fn pass(cluster: &mut Cluster, seconds: u64) {
    (0..seconds).for_each(|_| cluster.pass(Duration::from_secs(1)));
}

fn signed(cluster: &Cluster, period: Epoch) -> usize {
    cluster.count(|event| matches!(event, Event::Signed { id, .. } if (id.kind, id.period) == (KIND, period)))
}

fn limited(cluster: &Cluster, index: usize) -> Vec<LimitedDuty> {
    cluster.processes[&index].guardian.status().limited
}

fn digest(cluster: &Cluster, index: usize) -> B256 {
    let open = cluster.processes[&index].guardian.status().open;
    open.iter().find(|duty| duty.id.kind == KIND).unwrap().digest
}

fn paid(cluster: &Cluster, index: usize) -> usize {
    let is_order = |call: &&Call| matches!(call, Call::Submit(signed) if signed.id().kind == KIND);
    cluster.processes[&index].calls.iter().filter(is_order).count()
}

#[test]
fn beyond_a_hard_limit_nothing_is_said_signed_paid_or_given() {
    let mut cluster = Cluster::with_validators(4, 120, &[1]);
    let limit = limit(Severity::Hard, 0);
    let one = cluster.restart_as(0, limit);
    let said = listen(&mut cluster);
    let period = cluster.finalize();
    let alarm = |event: &Event| matches!(event, Event::LimitExceeded { id, until: None, .. } if id.period == period);
    assert_eq!(cluster.count(alarm), 1);
    pass(&mut cluster, 10);
    assert_eq!(signed(&cluster, period), 4, "three are enough");
    cluster.pass(Duration::from_secs(600));
    let is_ours = |(from, _): &(MemberId, &str)| *from == member(1);
    assert!(!said.try_iter().any(|said| is_ours(&said)));
    let waits = limited(&cluster, one);
    assert_eq!(waits.iter().map(|duty| (duty.id.period, duty.signed)).collect::<Vec<_>>(), [(period, true)]);
    assert_eq!(paid(&cluster, one), 0);

    let one = cluster.restart_as(one, limit);
    cluster.pass(Duration::from_secs(600));
    assert!(!said.try_iter().any(|said| is_ours(&said)), "a restart does not forget what was signed");
    assert_eq!(limited(&cluster, one).len(), 1);
    assert_eq!(
        cluster.order(one, OperatorCommand::ReleaseDuty { digest: [7; 32].into() }),
        Err(OperatorRefusal::UnknownDigest)
    );
    cluster.order(one, OperatorCommand::ReleaseDuty { digest: waits[0].digest }).unwrap();
    cluster.deliver();
    pass(&mut cluster, 600);
    assert_eq!((limited(&cluster, one), paid(&cluster, one)), (Vec::new(), 1), "the contract still lacks it");
}

#[test]
fn what_was_released_in_one_epoch_needs_no_second_word_in_the_next() {
    let mut cluster = Cluster::with_validators(4, 121, &[1, 1]);
    let limit = limit(Severity::Hard, 1);
    let limited = [cluster.restart_as(0, limit), cluster.restart_as(1, limit)];
    let period = cluster.finalize();
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster, period), 0, "two of four wait, and three are needed");
    let digest = digest(&cluster, limited[0]);
    cluster.order(limited[0], OperatorCommand::ReleaseDuty { digest }).unwrap();
    cluster.restart_as(limited[0], limit);
    let period = cluster.finalize();
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster, period), 4);
}

#[test]
fn beyond_a_soft_limit_a_duty_waits_its_time_over_epochs_and_goes_on() {
    let mut cluster = Cluster::with_validators(4, 122, &[1]);
    for index in 0..4 {
        cluster.restart_as(index, limit(Severity::Soft, 0));
    }
    let first = cluster.finalize();
    pass(&mut cluster, 40);
    assert_eq!(signed(&cluster, first), 0);
    let second = cluster.finalize();
    pass(&mut cluster, 15);
    assert_eq!(signed(&cluster, second), 0);
    pass(&mut cluster, 20);
    assert_eq!(signed(&cluster, second), 4, "60 seconds after the first");
    cluster.pass(Duration::from_secs(600));
    let all_pay = cluster.all().into_iter().all(|index| paid(&cluster, index) > 0);
    assert!(all_pay, "what was waited for once is not waited for again");
}

#[test]
fn a_hold_during_the_wait_of_a_soft_limit_keeps_the_duty_back() {
    let mut cluster = Cluster::with_validators(4, 123, &[1]);
    let two = [0, 1].map(|index| cluster.restart_as(index, limit(Severity::Soft, 0)));
    let period = cluster.finalize();
    for index in two {
        cluster.order(index, OperatorCommand::Hold { kind: KIND, until: None, reason: String::new() }).unwrap();
    }
    pass(&mut cluster, 120);
    assert_eq!(signed(&cluster, period), 0);
}

#[test]
fn other_limits_are_in_force_at_once() {
    let mut cluster = Cluster::with_validators(4, 124, &[1]);
    let strict = limit(Severity::Hard, 0);
    let two = [0, 1].map(|index| cluster.restart_as(index, strict));
    let period = cluster.finalize();
    pass(&mut cluster, 5);
    assert_eq!(signed(&cluster, period), 0);
    cluster.order(two[0], OperatorCommand::Limit { limits: Box::default() }).unwrap();
    pass(&mut cluster, 20);
    assert_eq!(signed(&cluster, period), 4);
}

/// Every balance is higher than it is.
fn richer(reading: &mut Reading) {
    if let Reading::Chain(chain) = reading {
        guardian_protocol::testing::reserve_rules(chain).vaults[0].1 += 1_000_000_000;
    }
}

#[test]
fn whoever_computes_otherwise_than_was_signed_holds_the_kind_until_released() {
    let kind = DutyKind::Reserves;
    let mut cluster = Cluster::new(4, 125);
    cluster.deceive(member(4), richer);
    let period = cluster.finalize();
    pass(&mut cluster, 10);
    assert_eq!(cluster.signed(period), 4);
    let held = cluster.processes[&3].guardian.status().holds;
    assert_eq!(
        held.iter().map(|held| (held.kind, held.cause)).collect::<Vec<_>>(),
        [(kind, Some(Cause::SignedOtherwise))]
    );
    let placed = |event: &Event| matches!(event, Event::AutomaticHold { cause: Cause::SignedOtherwise, .. });
    assert_eq!(cluster.count(placed), 1);
    cluster.deceive(member(4), |_| ());
    let again = cluster.restart(3);
    cluster.stop(0);
    let period = cluster.finalize();
    pass(&mut cluster, 60);
    assert_eq!(cluster.signed(period), 0, "it takes no part, and is needed");
    cluster.order(again, OperatorCommand::Release { kind }).unwrap();
    pass(&mut cluster, 60);
    assert_eq!(cluster.signed(period), 3);
}

#[test]
fn finality_that_comes_back_after_more_than_a_day_holds_every_kind() {
    let mut cluster = Cluster::new(4, 126);
    let before = cluster.finalize();
    cluster.pass(Duration::from_secs(25 * 60 * 60));
    let held = |cluster: &Cluster, index: usize| cluster.processes[&index].guardian.status().holds.len();
    assert_eq!(held(&cluster, 0), 0, "there is nothing to hold while nothing is final");
    let all = DutyKind::ALL.into_iter().filter(|kind| !kind.needs_a_word()).count();
    // Whoever is restarted meanwhile sees at once how old the newest epoch is.
    let again = cluster.restart(0);
    cluster.pass(Duration::from_secs(60));
    let period = cluster.finalize_at(before.0 + EPOCHS_OF_A_DAY + 2);
    pass(&mut cluster, 20);
    assert_eq!(cluster.signed(period), 0, "everybody waits for people");
    for index in [again, 1, 2, 3] {
        assert_eq!(held(&cluster, index), all);
    }
    let restarted = cluster.restart(again);
    assert_eq!(held(&cluster, restarted), all);
}
