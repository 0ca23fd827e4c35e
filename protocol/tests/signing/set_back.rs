//! A store that was set back is noticed, by what the others remember or by a mark outside of it, and waits like one that was lost; and
//! nobody can make a guardian believe it of a store that was not, or hold up signing with what was said under earlier starts.

use super::cluster::Cluster;
use guardian_protocol::{
    BootId, Envelope, Epoch, Event, Forgotten, Input, MemberId, Reading, Reason, Record,
    testing::{Announcement, Greeting, Message, Reminder, member},
};
use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

/// A store in which something was decided once.
fn used() -> Vec<Record> {
    vec![Record::Floor { epoch: Epoch(0), is_settled: true }]
}

/// Everything that is said from now on and that `passes` lets through, by whom.
fn tap(
    cluster: &mut Cluster,
    mut passes: impl FnMut(MemberId, &Message) -> bool + 'static,
) -> Receiver<(MemberId, Vec<u8>)> {
    let (sender, said) = sync_channel(1_000_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        sender.send((from, bytes.clone())).unwrap();
        passes(from, envelope.message()).then_some(bytes)
    });
    said
}

/// The votes of `who` among them.
fn votes_of(cluster: &Cluster, who: MemberId, said: &Receiver<(MemberId, Vec<u8>)>) -> Vec<Announcement> {
    said.try_iter()
        .filter(|(from, _)| *from == who)
        .filter_map(|(_, bytes)| match Envelope::read(&bytes, &cluster.dealt.committee).unwrap().into_message() {
            Message::Announcement(announcement) => Some(announcement),
            _ => None,
        })
        .collect()
}

fn set_back(cluster: &Cluster, index: usize) -> Vec<(Option<MemberId>, Forgotten)> {
    let events = cluster.processes[&index].events.iter();
    events
        .filter_map(|event| match event {
            Event::StoreSetBack { by, forgotten } => Some((*by, *forgotten)),
            _ => None,
        })
        .collect()
}

fn floors(cluster: &Cluster, index: usize) -> Vec<Epoch> {
    let events = cluster.processes[&index].events.iter();
    events
        .filter_map(|event| match event {
            Event::FloorRaised { after } => Some(*after),
            _ => None,
        })
        .collect()
}

fn waits(cluster: &Cluster, index: usize) -> bool {
    cluster.processes[&index].guardian.not_ready().contains(&Reason::StoreSetBack)
}

/// Ends the process of member 2 and starts it again from `records`.
fn restart(cluster: &mut Cluster, index: usize, records: Vec<Record>) -> usize {
    cluster.stop(index);
    let again = cluster.start(member(2), records);
    cluster.connect(again);
    cluster.deliver();
    again
}

/// Reads another balance than there is.
fn otherwise(reading: &mut Reading) {
    if let Reading::Chain(chain) = reading {
        let rules = guardian_protocol::testing::reserve_rules(chain);
        rules.vaults = vec![([9; 20].into(), 2_000_000_000_000)];
    }
}

#[test]
fn a_store_that_was_set_back_gives_no_second_vote_and_waits() {
    let mut cluster = Cluster::new(4, 41);
    let before = cluster.processes[&1].log.0.clone();
    // Member 2 votes; nothing is signed.
    let said = tap(&mut cluster, |from, message| from == member(2) && matches!(message, Message::Announcement(_)));
    let period = cluster.finalize();
    let first = votes_of(&cluster, member(2), &said);
    let digests: BTreeSet<_> = first.iter().map(|vote| (vote.duty, vote.digest)).collect();
    assert!(first.iter().any(|vote| vote.duty.period == period));
    // It comes back from a store of before, and its provider tells it something else now.
    cluster.deceive(member(2), otherwise);
    let said = tap(&mut cluster, |_, _| true);
    let again = restart(&mut cluster, 1, before);
    cluster.step(again, Input::Nudged);
    cluster.deliver();
    for _ in 0..30 {
        cluster.pass(Duration::from_secs(1));
    }
    let told = set_back(&cluster, again);
    assert_eq!(told.len(), 1, "told once: {told:?}");
    assert!(told[0].0.is_some());
    let second = votes_of(&cluster, member(2), &said);
    assert!(second.iter().all(|vote| digests.contains(&(vote.duty, vote.digest))), "a second vote: {second:?}");
    assert_eq!(floors(&cluster, again), [period], "nothing is signed up to the period in which it voted");
    // The next period it takes part in.
    cluster.deceive(member(1), |_| ());
    let next = cluster.finalize();
    assert!(!waits(&cluster, again));
    let takes_part = |event: &Event| matches!(event, Event::Decided { id, .. } if id.period == next);
    assert!(cluster.processes[&again].events.iter().any(takes_part));
    // Whose turn it is to coordinate may hold the kind, because it was deceived.
    for _ in 0..30 {
        cluster.pass(Duration::from_secs(1));
    }
    assert!(cluster.signed(next) >= 3);
}

#[test]
fn what_is_open_ends_when_a_store_is_found_to_be_set_back() {
    // Nobody's memory reaches member 2 before it has decided anew; its vote then is not given either.
    let mut cluster = Cluster::new(4, 42);
    let before = cluster.processes[&1].log.0.clone();
    let _said = tap(&mut cluster, |from, message| from == member(2) && matches!(message, Message::Announcement(_)));
    let period = cluster.finalize();
    cluster.stop(1);
    let again = cluster.start(member(2), before);
    cluster.deceive(member(2), otherwise);
    cluster.step(again, Input::Nudged);
    let open = &cluster.processes[&again].guardian.status().open;
    assert!(open.iter().any(|open| open.id.period == period), "it has decided: {open:?}");
    let said = tap(&mut cluster, |_, _| true);
    cluster.connect(again);
    cluster.deliver();
    cluster.pass(Duration::from_secs(1));
    assert!(votes_of(&cluster, member(2), &said).is_empty());
    assert_eq!(set_back(&cluster, again).len(), 1);
}

#[test]
fn a_start_that_the_store_has_forgotten_is_enough() {
    // Nothing was voted for, and the others have only ever been greeted.
    let mut cluster = Cluster::new(4, 43);
    let again = restart(&mut cluster, 1, used());
    let told = set_back(&cluster, again);
    assert!(matches!(told.as_slice(), [(Some(_), Forgotten::Start { number: 1 })]), "{told:?}");
    assert_eq!(floors(&cluster, again), [Epoch(8)], "it has waited for what was final");
    // Once it has waited, it is a guardian like any other, and the next start has a number of its own.
    let records = cluster.processes[&again].log.0.clone();
    let later = restart(&mut cluster, again, records);
    assert_eq!(cluster.processes[&later].guardian.boot().number, 2);
    assert!(set_back(&cluster, later).is_empty() && floors(&cluster, later).is_empty());
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
}

#[test]
fn a_store_that_was_set_back_waits_over_restarts_until_members_and_chain_have_said_how_far() {
    let mut cluster = Cluster::new(4, 49);
    cluster.stop(1);
    let mut index = cluster.start_after(member(2), 17, used());
    for _ in 0..3 {
        cluster.step(index, Input::Nudged);
        assert!(waits(&cluster, index) && floors(&cluster, index).is_empty());
        let records = cluster.stop(index);
        index = cluster.start(member(2), records);
    }
    cluster.connect(index);
    cluster.deliver();
    assert!(!waits(&cluster, index));
    assert_eq!(floors(&cluster, index), [Epoch(8)]);
}

#[test]
fn restarts_from_the_same_store_and_lost_stores_are_no_alarm() {
    let mut cluster = Cluster::new(4, 44);
    let mut index = 1;
    for number in 2..6 {
        cluster.finalize();
        let records = cluster.processes[&index].log.0.clone();
        index = restart(&mut cluster, index, records);
        assert_eq!(cluster.processes[&index].guardian.boot().number, number);
        assert!(set_back(&cluster, index).is_empty());
    }
    // Lost on purpose, as after `guardian restore`: it waits for that reason alone, and goes on from the starts of before.
    let lost = restart(&mut cluster, index, Vec::new());
    assert!(set_back(&cluster, lost).is_empty());
    assert_eq!(floors(&cluster, lost).len(), 1);
    cluster.finalize();
    let records = cluster.processes[&lost].log.0.clone();
    let next = restart(&mut cluster, lost, records);
    assert_eq!(cluster.processes[&next].guardian.boot().number, 6);
    assert!(set_back(&cluster, next).is_empty());
}

#[test]
fn nobody_can_make_a_guardian_believe_that_its_store_was_set_back() {
    let mut cluster = Cluster::new(4, 45);
    let mine = tap(&mut cluster, |_, _| true);
    cluster.finalize();
    let vote = votes_of(&cluster, member(1), &mine).remove(0);
    let later = BootId { number: 99, name: [9; 16] };
    // Its own start and vote, which it knows; and what only others have signed, in its name and in theirs.
    let own = cluster.processes[&0].guardian.boot();
    let other = Announcement { digest: [7; 32].into(), ..vote.clone() };
    let of_another = cluster.forge(member(3), Message::Announcement(other.clone()));
    let mut misattributed = cluster.forge(member(3), Message::Announcement(other));
    misattributed[1..3].copy_from_slice(&1u16.to_le_bytes());
    let reminders = [
        Reminder { start: Some(cluster.start_of(member(1), own)), announcement: None },
        Reminder { start: Some(cluster.start_of(member(3), later)), announcement: None },
        Reminder { start: None, announcement: Some(cluster.forge(member(1), Message::Announcement(vote))) },
        Reminder { start: None, announcement: Some(of_another) },
        Reminder { start: None, announcement: Some(misattributed) },
        Reminder { start: None, announcement: Some(vec![1, 2, 3]) },
    ];
    for yours in reminders {
        let greeting = greeting(&cluster, member(3), yours);
        cluster.step(0, Input::Heard { from: member(3), bytes: greeting });
        assert_eq!(set_back(&cluster, 0), []);
    }
    // What it did sign itself it believes, from a liar too, and only once.
    let truly = Reminder { start: Some(cluster.start_of(member(1), later)), announcement: None };
    for _ in 0..3 {
        let greeting = greeting(&cluster, member(3), truly.clone());
        cluster.step(0, Input::Heard { from: member(3), bytes: greeting });
    }
    assert_eq!(set_back(&cluster, 0), [(Some(member(3)), Forgotten::Start { number: 99 })]);
    cluster.finalize();
    let greeting = greeting(&cluster, member(3), truly);
    cluster.step(0, Input::Heard { from: member(3), bytes: greeting });
    assert!(!waits(&cluster, 0), "what was waited for is not waited for again");
}

fn greeting(cluster: &Cluster, from: MemberId, yours: Reminder) -> Vec<u8> {
    let start = cluster.start_of(from, BootId { number: 1, name: [3; 16] });
    let (signed, excluded) = (Vec::new(), Vec::new());
    let greeting = Greeting { start, highest: None, signed, excluded, doppelganger: false, yours, asks: false };
    cluster.forge(from, Message::Greeting(greeting))
}

#[test]
fn nothing_is_said_before_threshold_members_have_greeted() {
    let mut cluster = Cluster::new(4, 46);
    let records = cluster.stop(1);
    let again = cluster.start(member(2), records);
    // All connect; every greeting to member 2 is lost.
    let committee = cluster.dealt.committee.clone();
    let (sender, voted) = sync_channel(100_000);
    cluster.tamper(move |from, to, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        if from == member(2) && matches!(envelope.message(), Message::Announcement(_) | Message::Share(_)) {
            sender.send(()).unwrap();
        }
        (to != member(2) || !matches!(envelope.message(), Message::Greeting(_))).then_some(bytes)
    });
    cluster.connect(again);
    cluster.deliver();
    let period = cluster.finalize();
    assert_eq!(voted.try_iter().count(), 0);
    assert_eq!(cluster.processes[&again].guardian.not_ready(), [Reason::TooFewGreetings]);
    assert!(cluster.processes[&again].guardian.status().open.iter().all(|open| open.id.period == period));
    // Greetings that were lost are asked for again; what was decided meanwhile is then announced.
    cluster.tamper(|_, _, bytes| Some(bytes));
    for _ in 0..3 {
        cluster.pass(Duration::from_secs(10));
    }
    assert_eq!(cluster.processes[&again].guardian.not_ready(), []);
    let next = cluster.finalize();
    assert!(cluster.signed(next) >= 3);
}

#[test]
fn a_mark_outside_of_the_store_shows_that_it_was_set_back_without_anybodys_help() {
    let mut cluster = Cluster::unconnected(4, 47, &[]);
    let records = || vec![Record::Floor { epoch: Epoch(3), is_settled: true }, Record::Boot { number: 12 }];
    let found = |cluster: &mut Cluster, last: u64, records: Vec<Record>| {
        let index = cluster.start_after(member(2), last, records);
        cluster.step(index, Input::Woke);
        (set_back(cluster, index), cluster.processes[&index].guardian.boot().number)
    };
    assert_eq!(found(&mut cluster, 17, records()), (vec![(None, Forgotten::Start { number: 17 })], 18));
    // A crash between the two leaves the mark behind; and a new store is known to be one.
    assert_eq!(found(&mut cluster, 12, records()), (Vec::new(), 13));
    assert_eq!(found(&mut cluster, 11, records()), (Vec::new(), 13));
    assert_eq!(found(&mut cluster, 17, Vec::new()), (Vec::new(), 18));
}

#[test]
fn replayed_gossip_does_not_hold_up_signing() {
    // Member 2 has started a dozen times, and somebody has kept a message of each.
    let mut cluster = Cluster::new(4, 48);
    let (mut index, mut old) = (1, Vec::new());
    for _ in 0..12 {
        let said = tap(&mut cluster, |_, _| true);
        cluster.finalize();
        let is_vote = |bytes: &Vec<u8>| {
            let message = Envelope::read(bytes, &cluster.dealt.committee).unwrap().into_message();
            matches!(message, Message::Announcement(_))
        };
        old.extend(said.try_iter().filter(|(from, _)| *from == member(2)).map(|(_, bytes)| bytes).find(is_vote));
        let records = cluster.processes[&index].log.0.clone();
        index = restart(&mut cluster, index, records);
    }
    assert_eq!(old.len(), 12);
    // The others restart, and know of none of them. Member 4 stays away: three of four are left.
    for (index, who) in [(0, member(1)), (2, member(3)), (3, member(4))] {
        let records = cluster.stop(index);
        if who != member(4) {
            let again = cluster.start(who, records);
            cluster.connect(again);
        }
    }
    cluster.tamper(|_, _, bytes| Some(bytes));
    cluster.deliver();
    // It repeats them all the time, with pauses as it likes; nothing waits for an answer from member 2.
    for round in 0..40 {
        let mut period = Epoch(0);
        for second in 0..5 {
            for bytes in old.iter().cycle().skip(round + second).take(old.len()) {
                for listener in cluster.all() {
                    if cluster.processes[&listener].member != member(2) {
                        cluster.step(listener, Input::Heard { from: member(2), bytes: bytes.clone() });
                    }
                }
            }
            if second == 0 {
                period = cluster.finalize();
            }
            cluster.pass(Duration::from_secs(1));
        }
        assert_eq!(cluster.signed(period), 3, "round {round}");
    }
    assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 0);
}
