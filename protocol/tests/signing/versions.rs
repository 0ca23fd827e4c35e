//! Members of different versions: each tells which program it runs, they are updated one after the other while reports go on, and what was
//! decided by other rules is neither mixed with ours nor held against anybody.

use super::cluster::Cluster;
use guardian_protocol::{
    BootId, Envelope, Epoch, Event, MemberId, Program, ProgramVersion, Reading, Reason, RuleSchedule, RuleVersion,
    Setup, VersionEvent,
    testing::{Introduction, Message, member, program},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

const ETHER: u64 = 1_000_000_000;
/// The first epoch of the later rules, where there are any.
const SWITCH: u64 = 12;

fn later() -> Program {
    let rules = RuleSchedule::new(vec![(Epoch(0), RuleVersion::FIRST), (Epoch(SWITCH), RuleVersion(2))]).unwrap();
    Program { version: ProgramVersion { numbers: [0, 2, 0], commit: Some([7; 6]) }, rules }
}

fn with_later_rules(setup: &mut Setup) {
    setup.program = later();
}

/// What members tell when somebody misbehaves, or seems to.
fn is_accusation(event: &Event) -> bool {
    matches!(
        event,
        Event::Culprit { .. }
            | Event::Quarantined { .. }
            | Event::DigestsDiffer { .. }
            | Event::EvidenceDiffers { .. }
            | Event::EvidenceAlike { .. }
            | Event::SignedOtherwise { .. }
            | Event::MessageRefused { .. }
    )
}

fn programs(cluster: &Cluster, index: usize) -> Vec<(MemberId, Program)> {
    let status = cluster.processes[&index].guardian.status();
    status.programs.into_iter().map(|of| (of.member, of.program)).collect()
}

/// These members run a release from before introductions: they make none, and take none for a message.
fn of_an_earlier_release(cluster: &mut Cluster, members: &Arc<Mutex<BTreeSet<MemberId>>>) {
    let (members, committee) = (Arc::clone(members), cluster.dealt.committee.clone());
    cluster.tamper(move |from, to, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        let is_unknown = matches!(envelope.message(), Message::Introduction(_));
        let members = members.lock().unwrap();
        (!is_unknown || !members.contains(&from) && !members.contains(&to)).then_some(bytes)
    });
}

#[test]
fn members_learn_which_programs_the_others_run() {
    let mut cluster = Cluster::new(4, 61);
    let again = cluster.restart_as(1, with_later_rules);
    let expected = [(member(2), later()), (member(3), program()), (member(4), program())];
    assert_eq!(programs(&cluster, 0), expected);
    assert_eq!(cluster.processes[&again].guardian.status().program, later());
    let told = |event: &Event| matches!(event, Event::Version(VersionEvent::Introduced { member: of, parts_from: Some(epoch), .. }) if (*of, epoch.0) == (member(2), SWITCH));
    assert_eq!(cluster.count(told), 3, "each is warned of the switch before it comes");
}

#[test]
fn members_are_updated_one_after_the_other_and_reports_go_on() {
    let mut cluster = Cluster::unconnected(4, 62, &[32 * ETHER; 2]);
    let earlier = Arc::new(Mutex::new(MemberId::first(4).collect::<BTreeSet<_>>()));
    of_an_earlier_release(&mut cluster, &earlier);
    for index in cluster.all() {
        cluster.connect(index);
    }
    cluster.deliver();
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
    for (index, who) in (0..).zip(MemberId::first(4)) {
        let records = cluster.stop(index);
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 3, "while {who} is down");
        earlier.lock().unwrap().remove(&who);
        let again = cluster.start(who, records);
        cluster.connect(again);
        cluster.deliver();
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 4, "after {who} was updated");
    }
    for index in cluster.all() {
        assert_eq!(programs(&cluster, index).len(), 3);
        assert_eq!(cluster.processes[&index].guardian.status().not_ready, []);
    }
    let is_unusual =
        |event: &Event| is_accusation(event) || matches!(event, Event::Version(VersionEvent::OtherRules { .. }));
    assert!(cluster.events().all(|event| !is_unusual(event)));
}

#[test]
fn a_member_that_goes_back_to_an_earlier_release_is_taken_for_that() {
    let mut cluster = Cluster::new(4, 63);
    let again = cluster.restart_as(1, with_later_rules);
    assert_eq!(programs(&cluster, 0).len(), 3);
    of_an_earlier_release(&mut cluster, &Arc::new(Mutex::new(BTreeSet::from([member(2)]))));
    cluster.restart(again);
    assert_eq!(programs(&cluster, 0), [(member(3), program()), (member(4), program())]);
    assert_eq!(
        cluster.count(
            |event| matches!(event, Event::Version(VersionEvent::NotIntroduced { member: of }) if *of == member(2))
        ),
        3
    );
}

#[test]
fn votes_by_other_rules_are_never_counted_with_ours() {
    let mut cluster = Cluster::new(4, 64);
    let mut newer = vec![cluster.restart_as(0, with_later_rules), cluster.restart_as(1, with_later_rules)];
    for _ in cluster.finalize().0..SWITCH - 1 {
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 4, "before the switch all decide by the same rules");
    }
    assert_eq!(cluster.finalize(), Epoch(SWITCH));
    assert_eq!(cluster.signed(Epoch(SWITCH)), 0, "two and two, of three that are needed, be their digests equal");
    for (index, process) in &cluster.processes {
        let status = process.guardian.status();
        let rules = RuleVersion(if newer.contains(index) { 2 } else { 1 });
        assert!(status.open.iter().all(|duty| (duty.votes, duty.rules) == (2, rules)), "{:?}", status.open);
        assert!(!status.open.is_empty() && status.other_rules.len() == 2, "{:?}", status.other_rules);
        assert!(status.not_ready.contains(&Reason::OtherRules));
        let told = |of: &&Event| matches!(of, Event::Version(VersionEvent::OtherRules { ours, theirs, .. }) if *ours == rules && theirs != ours);
        assert_eq!(process.events.iter().filter(told).count(), 2, "once for each member and period");
    }

    newer.push(cluster.restart_as(2, with_later_rules));
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4, "three by the later rules are enough, and tell the fourth");
    for (index, process) in &cluster.processes {
        let is_ready = !process.guardian.status().not_ready.contains(&Reason::OtherRules);
        assert_eq!(is_ready, newer.contains(index));
    }
    assert!(cluster.events().all(|event| !is_accusation(event)));
}

#[test]
fn another_digest_by_other_rules_is_no_disagreement() {
    let differs = |event: &Event| matches!(event, Event::DigestsDiffer { .. });
    for (same_rules, told) in [(true, 3), (false, 0)] {
        let mut cluster = Cluster::new(4, 65);
        if !same_rules {
            cluster.restart_as(1, with_later_rules);
        }
        cluster.deceive(member(2), |reading| {
            if let Reading::Chain(view) = reading {
                guardian_protocol::testing::reserve_rules(view).supply += 1;
            }
        });
        cluster.finalize_at(SWITCH);
        assert!(cluster.signed(Epoch(SWITCH)) >= 3, "the three others sign");
        let others = cluster.processes.values().filter(|process| process.member != member(2));
        assert_eq!(others.filter(|process| process.events.iter().any(differs)).count(), told);
    }
}

#[test]
fn a_vote_that_came_before_its_rules_were_known_is_forgotten() {
    let mut cluster = Cluster::new(4, 66);
    cluster.stop(2);
    cluster.stop(3);
    cluster.finalize_at(SWITCH);
    let votes = |cluster: &Cluster| cluster.processes[&0].guardian.status().open[0].votes;
    assert_eq!(votes(&cluster), 2);
    let boot = cluster.processes[&1].guardian.boot();
    let introduce = |boot| Message::Introduction(Introduction { boot, program: later() });
    let bytes = cluster.forge(member(2), introduce(BootId { number: 0, name: [1; 16] }));
    cluster.hear(0, member(2), bytes);
    assert_eq!(votes(&cluster), 2, "an earlier start has nothing to say");
    let bytes = cluster.forge(member(2), introduce(boot));
    cluster.hear(0, member(2), bytes);
    assert_eq!(votes(&cluster), 1);
}

#[test]
fn what_only_a_later_release_understands_is_ignored_and_told() {
    let mut cluster = Cluster::new(4, 67);
    let introduction = Introduction { boot: cluster.processes[&1].guardian.boot(), program: later() };
    let known = cluster.forge(member(2), Message::Introduction(introduction));
    for (place, value) in [(0, 9), (3, 200)] {
        let mut bytes = known.clone();
        bytes[place] = value;
        cluster.hear(0, member(2), bytes);
    }
    let events = &cluster.processes[&0].events;
    let unknown = |event: &&Event| matches!(event, Event::Version(VersionEvent::MessageUnknown { member: of, .. }) if *of == member(2));
    assert_eq!(events.iter().filter(unknown).count(), 2);
    assert!(cluster.events().all(|event| !is_accusation(event)));
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
}
