//! Holds, and digests that are forbidden: an operator keeps its own guardian from taking part, says for how long, and stops nobody else.

use super::cluster::Cluster;
use alloy_primitives::B256;
use guardian_protocol::{
    Call, DutyKind, Envelope, Epoch, Event, ExitEvent, HeldKind, Hold, MemberId, OperatorCommand, OperatorRefusal,
    Record, Timestamp, ValidatorIndex,
    testing::{Message, member},
};
use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

const KIND: DutyKind = DutyKind::Reserves;
const REASON: &str = "looking into it";

fn hold(until: Option<Timestamp>) -> OperatorCommand {
    OperatorCommand::Hold { kind: KIND, until, reason: REASON.to_owned() }
}

const RELEASE: OperatorCommand = OperatorCommand::Release { kind: KIND };

/// Author, recipient and kind of message.
type Said = (MemberId, MemberId, &'static str);

/// What is said about duties of the held kind, from now on.
fn listen(cluster: &mut Cluster) -> Receiver<Said> {
    let (sender, said) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, to, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        if kind_of(envelope.message()) == Some(KIND) {
            sender.send((from, to, envelope.message().as_str())).unwrap();
        }
        Some(bytes)
    });
    said
}

fn kind_of(message: &Message) -> Option<DutyKind> {
    match message {
        Message::Announcement(announcement) => Some(announcement.duty.kind),
        Message::Package(package) => Some(package.duty.kind),
        Message::Share(share) => Some(share.duty.kind),
        Message::Signed(signed) => Some(signed.duty.kind()),
        _ => None,
    }
}

/// From now on, no coordinator is heard.
fn without_packages(cluster: &mut Cluster) {
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        (!matches!(envelope.message(), Message::Package(_))).then_some(bytes)
    });
}

fn pass(cluster: &mut Cluster, seconds: u64) {
    for _ in 0..seconds {
        cluster.pass(Duration::from_secs(1));
    }
}

/// The next period, and time enough for the others to sign, whoever's turn it is to coordinate.
fn until_signed(cluster: &mut Cluster) -> Epoch {
    let period = cluster.finalize();
    pass(cluster, 10);
    period
}

/// How many processes know the signature for the duty of `kind`.
fn signed(cluster: &Cluster, kind: DutyKind, period: Epoch) -> usize {
    cluster.count(|event| matches!(event, Event::Signed { id, .. } if (id.kind, id.period) == (kind, period)))
}

fn submitted(cluster: &Cluster, index: usize) -> usize {
    cluster.processes[&index].calls.iter().filter(|call| matches!(call, Call::Submit(_))).count()
}

fn told(cluster: &Cluster, index: usize, matches: impl Fn(&Event) -> bool) -> usize {
    cluster.processes[&index].events.iter().filter(|event| matches(event)).count()
}

#[test]
fn a_held_kind_is_not_announced_not_answered_and_not_submitted() {
    let mut cluster = Cluster::new(4, 80);
    cluster.order(0, hold(None)).unwrap();
    let said = listen(&mut cluster);
    let period = until_signed(&mut cluster);
    assert_eq!(signed(&cluster, KIND, period), 4, "three are enough, and tell the fourth");
    let said: Vec<Said> = said.try_iter().collect();
    assert!(said.iter().any(|(from, ..)| *from == member(2)));
    assert!(said.iter().all(|(from, ..)| *from != member(1)), "{said:?}");
    let is_held =
        |event: &Event| matches!(event, Event::Held { id, reason, .. } if id.period == period && reason == REASON);
    assert_eq!(told(&cluster, 0, is_held), 1);
    assert!(cluster.processes[&0].guardian.not_ready().is_empty(), "a hold is no trouble");
    // Everybody's turn to pay comes.
    cluster.pass(Duration::from_secs(600));
    assert!((1..4).all(|index| submitted(&cluster, index) == 1));
    assert_eq!(submitted(&cluster, 0), 0);
    cluster.order(0, RELEASE).unwrap();
    assert_eq!(submitted(&cluster, 0), 1, "the contract still does not have it");
}

#[test]
fn a_hold_after_the_announcement_stops_everything_until_release() {
    let mut cluster = Cluster::new(4, 81);
    without_packages(&mut cluster);
    let period = cluster.finalize();
    assert_eq!(cluster.processes[&0].guardian.status().open[0].votes, 4);
    // Three are left, and all of them are needed.
    cluster.stop(3);
    cluster.order(0, hold(None)).unwrap();
    let status = cluster.processes[&0].guardian.status();
    assert_eq!(status.open[0].held, Some(Hold { until: None, reason: REASON.to_owned() }));
    let said = listen(&mut cluster);
    pass(&mut cluster, 40);
    // Who comes late is not told either.
    cluster.connect(1);
    cluster.deliver();
    let said: Vec<Said> = said.try_iter().collect();
    assert!(said.iter().any(|(_, to, what)| (*to, *what) == (member(1), "package")), "it was asked");
    assert!(said.iter().all(|(from, ..)| *from != member(1)), "{said:?}");
    assert_eq!(signed(&cluster, KIND, period), 0);

    cluster.order(0, RELEASE).unwrap();
    assert_eq!(cluster.processes[&0].guardian.status().open[0].held, None);
    assert_eq!(told(&cluster, 0, |event| matches!(event, Event::WaitOver { id } if id.period == period)), 1);
    pass(&mut cluster, 40);
    assert_eq!(signed(&cluster, KIND, period), 3, "in the same period");
    // Packages of before may have grown stale, which is nobody's fault.
    assert_eq!(cluster.count(|event| matches!(event, Event::Culprit { .. })), 0);
}

#[test]
fn a_hold_survives_a_restart_and_so_does_its_release() {
    let mut cluster = Cluster::new(4, 82);
    cluster.order(0, hold(None)).unwrap();
    let again = cluster.restart(0);
    let held = HeldKind { kind: KIND, cause: None, hold: Hold { until: None, reason: REASON.to_owned() } };
    assert_eq!(cluster.processes[&again].guardian.status().holds, [held]);
    let said = listen(&mut cluster);
    let period = until_signed(&mut cluster);
    assert_eq!(signed(&cluster, KIND, period), 4);
    assert!(said.try_iter().all(|(from, ..)| from != member(1)));

    cluster.order(again, RELEASE).unwrap();
    let again = cluster.restart(again);
    assert_eq!(cluster.processes[&again].guardian.status().holds, []);
    let said = listen(&mut cluster);
    cluster.finalize();
    assert!(said.try_iter().any(|(from, ..)| from == member(1)));
}

#[test]
fn a_hold_with_an_end_ends_in_time_and_for_ever() {
    let mut cluster = Cluster::new(4, 83);
    cluster.stop(3);
    let end = cluster.now.after(Duration::from_secs(60));
    cluster.order(0, hold(Some(end))).unwrap();
    let period = cluster.finalize();
    pass(&mut cluster, 59);
    assert_eq!((signed(&cluster, KIND, period), told(&cluster, 0, is_release)), (0, 0));
    pass(&mut cluster, 30);
    assert_eq!((signed(&cluster, KIND, period), told(&cluster, 0, is_release)), (3, 1));
    cluster.now = Timestamp(1_000_000);
    let again = cluster.restart(0);
    assert_eq!(cluster.processes[&again].guardian.status().holds, [], "even if the clock is set back");
}

fn is_release(event: &Event) -> bool {
    matches!(event, Event::HoldReleased { kind: KIND })
}

#[test]
fn more_holds_than_are_tolerated_stop_one_kind_and_no_other() {
    let mut cluster = Cluster::with_validators(4, 84, &[1]);
    cluster.order(0, hold(None)).unwrap();
    cluster.order(1, hold(None)).unwrap();
    let period = cluster.finalize();
    pass(&mut cluster, 60);
    assert_eq!((signed(&cluster, KIND, period), signed(&cluster, DutyKind::Ejection, period)), (0, 4));
    assert_eq!(cluster.count(|event| matches!(event, Event::Agreed { id } if id.kind == KIND)), 0);
    cluster.order(1, RELEASE).unwrap();
    pass(&mut cluster, 60);
    assert_eq!(signed(&cluster, KIND, period), 4);
}

#[test]
fn with_ejections_held_no_part_of_an_exit_is_given() {
    let mut cluster = Cluster::with_validators(4, 88, &[1]);
    let kind = DutyKind::Ejection;
    cluster.order(0, OperatorCommand::Hold { kind, until: None, reason: String::new() }).unwrap();
    let (sender, gave) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        if let Message::PartialExits(_) = Envelope::open(&bytes, from, &committee).unwrap().message() {
            sender.send(from).unwrap();
        }
        Some(bytes)
    });
    let period = cluster.finalize();
    pass(&mut cluster, 10);
    assert_eq!(signed(&cluster, kind, period), 4);
    cluster.accept(period);
    cluster.finalize();
    let is_given =
        |event: &Event| matches!(event, Event::Exit(ExitEvent::PartReleased { index: ValidatorIndex(1), .. }));
    assert_eq!((0..4).map(|index| told(&cluster, index, is_given)).collect::<Vec<_>>(), [0, 1, 1, 1]);
    assert_eq!(
        cluster.count(|event| matches!(event, Event::Exit(ExitEvent::Combined { .. }))),
        4,
        "three parts are enough"
    );
    cluster.finalize();
    assert!(gave.try_iter().all(|from| from != member(1)));
    cluster.order(0, OperatorCommand::Release { kind }).unwrap();
    cluster.deliver();
    assert_eq!(told(&cluster, 0, is_given), 1);
    assert!(gave.try_iter().any(|from| from == member(1)));
}

/// The digest of the next report of a committee of four from `seed`.
fn next_digest(seed: u64) -> B256 {
    let mut twin = Cluster::new(4, seed);
    twin.finalize();
    let digest = |event: &Event| if let Event::Decided { digest, .. } = event { Some(*digest) } else { None };
    twin.events().find_map(digest).unwrap()
}

#[test]
fn a_forbidden_digest_is_never_signed_and_the_next_one_is() {
    let digest = next_digest(85);
    let mut cluster = Cluster::new(4, 85);
    cluster.order(0, OperatorCommand::Forbid { digest }).unwrap();
    let again = cluster.restart(0);
    let said = listen(&mut cluster);
    let period = until_signed(&mut cluster);
    assert_eq!(signed(&cluster, KIND, period), 4);
    assert!(said.try_iter().all(|(from, ..)| from != member(1)));
    let alarm = |event: &Event| matches!(event, Event::ForbiddenDuty { id, digest: of } if (id.period, *of) == (period, digest));
    assert_eq!(told(&cluster, again, alarm), 1);
    let records = &cluster.processes[&again].log.0;
    assert!(!records.iter().any(|record| matches!(record, Record::Decided { id, .. } if id.period == period)));
    let pays = |call: &Call| matches!(call, Call::Submit(signed) if signed.digest() == digest);
    pass(&mut cluster, 400);
    assert!(!cluster.processes[&again].calls.iter().any(pays), "nor is it paid for");
    // Another digest is another matter.
    let said = listen(&mut cluster);
    let period = until_signed(&mut cluster);
    assert_eq!(signed(&cluster, KIND, period), 4);
    assert!(said.try_iter().any(|(from, ..)| from == member(1)));
}

#[test]
fn forbidding_takes_back_what_was_announced_already() {
    let mut cluster = Cluster::new(4, 86);
    without_packages(&mut cluster);
    let period = cluster.finalize();
    cluster.stop(3);
    let digest = cluster.processes[&0].guardian.status().open[0].digest;
    cluster.order(0, OperatorCommand::Forbid { digest }).unwrap();
    assert_eq!(cluster.processes[&0].guardian.status().open, []);
    let said = listen(&mut cluster);
    pass(&mut cluster, 40);
    assert_eq!(cluster.order(0, RELEASE), Err(OperatorRefusal::NotHeld), "there is no way back");
    let again = cluster.restart(0);
    pass(&mut cluster, 40);
    let said: Vec<Said> = said.try_iter().collect();
    assert!(said.iter().any(|(_, to, what)| (*to, *what) == (member(1), "package")), "it was asked");
    assert!(said.iter().all(|(from, ..)| *from != member(1)), "{said:?}");
    assert_eq!(signed(&cluster, KIND, period), 0);
    let alarm = |event: &Event| matches!(event, Event::ForbiddenDuty { digest: of, .. } if *of == digest);
    assert_eq!(told(&cluster, again, alarm), 1, "and it is told again after a restart");
}

#[test]
fn every_command_has_one_reply_and_refused_ones_leave_no_trace() {
    let mut cluster = Cluster::new(4, 87);
    let now = cluster.now;
    let long = |length| OperatorCommand::Hold { kind: KIND, until: None, reason: "x".repeat(length) };
    let refused = [
        (RELEASE, OperatorRefusal::NotHeld),
        (OperatorCommand::Pardon { member: member(2) }, OperatorRefusal::NotConvicted),
        (OperatorCommand::Pardon { member: member(99) }, OperatorRefusal::NotConvicted),
        (long(513), OperatorRefusal::ReasonTooLong),
        (hold(Some(now)), OperatorRefusal::EndsInThePast),
        (hold(Some(Timestamp(0))), OperatorRefusal::EndsInThePast),
    ];
    let (records, events) = (cluster.processes[&0].log.0.len(), cluster.processes[&0].events.len());
    for (command, refusal) in refused {
        assert_eq!(cluster.order(0, command), Err(refusal));
    }
    assert_eq!((cluster.processes[&0].log.0.len(), cluster.processes[&0].events.len()), (records, events));
    assert_eq!(cluster.processes[&0].guardian.status().holds, []);
    let forbid = OperatorCommand::Forbid { digest: [7; 32].into() };
    let in_time = hold(Some(now.after(Duration::from_millis(1))));
    for command in [long(512), hold(None), in_time, RELEASE, forbid.clone(), forbid] {
        assert_eq!(cluster.order(0, command), Ok(()));
    }
    assert_eq!(cluster.processes[&0].log.0.len(), records + 5, "what is known is not recorded twice");
    let replies = cluster.processes[&0].replies.len();
    cluster.finalize();
    cluster.pass(Duration::from_secs(60));
    assert_eq!(cluster.processes[&0].replies.len(), replies, "nobody else is replied to");
    assert!((1..4).all(|index| cluster.processes[&index].replies.is_empty()));
}
