//! Members that sign wrong things are found out, excluded by everybody, and stay so; the others sign without them.

use super::cluster::Cluster;
use guardian_crypto::frost::signing::SignatureShare;
use guardian_protocol::{
    BootId, Envelope, Epoch, Event, Fault, Input, MemberId, OperatorCommand, OperatorRefusal, Record,
    testing::{Announcement, Commitment, CommitmentLabel, Dealt, Message, Package, Share, member},
};
use std::time::Duration;

/// Makes `cheat` sign wrong shares whenever it is asked for one.
fn give_wrong_shares(cluster: &mut Cluster, cheat: MemberId) {
    let (committee, key) = (cluster.dealt.committee.clone(), cluster.dealt.identity(cheat));
    cluster.tamper(move |from, _, bytes| {
        if from != cheat {
            return Some(bytes);
        }
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        let Message::Share(share) = envelope.message() else { return Some(bytes) };
        let wrong = Share { share: SignatureShare::from_bytes(&[1; 32]).unwrap(), ..*share };
        Some(Envelope::seal(from, Message::Share(wrong), &committee, &key).encode())
    });
}

fn convicted(cluster: &Cluster) -> Vec<(MemberId, Fault)> {
    let culprit = |event: &Event| match event {
        Event::Culprit { member, fault, .. } => Some((*member, fault.clone())),
        _ => None,
    };
    cluster.events().filter_map(culprit).collect()
}

/// Lets periods pass until `cheat` was asked and gave a wrong share.
fn until_convicted(cluster: &mut Cluster, cheat: MemberId) -> Fault {
    for _ in 0..10 {
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), cluster.processes.len(), "one cheat of four changes nothing");
        if let Some((culprit, fault)) = convicted(cluster).into_iter().next() {
            assert_eq!(culprit, cheat);
            return fault;
        }
    }
    panic!("in ten periods the cheat was never asked");
}

#[test]
fn a_member_that_gives_wrong_shares_is_excluded_by_everybody_with_proof() {
    let mut cluster = Cluster::new(4, 11);
    give_wrong_shares(&mut cluster, member(3));
    let fault = until_convicted(&mut cluster, member(3));
    assert_eq!(fault.verify(&cluster.dealt.committee).map(|(culprit, _)| culprit), Ok(member(3)));
    assert_eq!(Fault::decode(&fault.encode()), Ok(fault));
    // Everybody, the culprit included, knows and says so, once.
    assert_eq!(convicted(&cluster).len(), 4);
    for process in cluster.processes.values() {
        assert_eq!(process.guardian.status().excluded, [member(3)]);
    }
    let culprit = &cluster.processes[&2].guardian;
    assert!(culprit.not_ready().iter().any(|reason| reason.as_str() == "excluded"));
    // It is never asked again.
    let before = cluster.events().count();
    for _ in 0..5 {
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 4);
    }
    assert!(cluster.events().count() > before);
    for event in cluster.events() {
        if let Event::SessionOpened { id, signers, .. } = event {
            let late = id.period > Epoch(18);
            assert!(!(late && signers.contains(&member(3))), "asked in {id}");
        }
    }
    assert_eq!(convicted(&cluster).len(), 4);
}

#[test]
fn who_was_caught_in_a_session_is_not_in_the_next_one() {
    for seed in 0..5 {
        let mut cluster = Cluster::new(10, 60 + seed);
        let cheats = [member(2), member(5), member(9)];
        let (committee, keys) = (cluster.dealt.committee.clone(), cheats.map(|cheat| cluster.dealt.identity(cheat)));
        cluster.tamper(move |from, _, bytes| {
            let Some(at) = cheats.iter().position(|cheat| *cheat == from) else { return Some(bytes) };
            let envelope = Envelope::open(&bytes, from, &committee).unwrap();
            let Message::Share(share) = envelope.message() else { return Some(bytes) };
            let wrong = Share { share: SignatureShare::from_bytes(&[1; 32]).unwrap(), ..*share };
            Some(Envelope::seal(from, Message::Share(wrong), &committee, &keys[at]).encode())
        });
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 10);
        for process in cluster.processes.values() {
            for cheat in cheats {
                let asked =
                    |event: &&Event| matches!(event, Event::SessionOpened { signers, .. } if signers.contains(&cheat));
                let times = process.events.iter().filter(asked).count();
                assert!(times <= 1, "{} asked {cheat} {times} times", process.member);
            }
        }
    }
}

#[test]
fn exclusion_survives_a_restart_and_reaches_who_was_not_there() {
    let mut cluster = Cluster::new(4, 11);
    give_wrong_shares(&mut cluster, member(3));
    // Member 4 hears of no proof.
    until_convicted(&mut cluster, member(3));
    let records = cluster.stop(0);
    assert!(records.iter().any(|record| matches!(record, Record::Fault { culprit, .. } if *culprit == member(3))));
    let again = cluster.start(member(1), records);
    assert_eq!(cluster.processes[&again].guardian.status().excluded, [member(3)]);
    // A guardian with an older store does not know, until it meets the others.
    let newcomer = cluster.start(member(4), vec![Record::Floor { epoch: Epoch(0), is_settled: true }]);
    cluster.stop(3);
    assert!(cluster.processes[&newcomer].guardian.status().excluded.is_empty());
    cluster.connect(newcomer);
    cluster.deliver();
    assert_eq!(cluster.processes[&newcomer].guardian.status().excluded, [member(3)]);
    let told = cluster.processes[&newcomer].events.iter().filter(|e| matches!(e, Event::Culprit { .. })).count();
    assert_eq!(told, 1);
}

#[test]
fn a_pardon_readmits_and_is_not_undone_by_others() {
    let mut cluster = Cluster::new(4, 11);
    give_wrong_shares(&mut cluster, member(3));
    until_convicted(&mut cluster, member(3));
    let mut records = cluster.stop(0);
    let committee = cluster.dealt.committee.id();
    records.push(Record::Pardon { committee, member: member(3), upto: Epoch(1_000) });
    let pardoner = cluster.start(member(1), records);
    cluster.connect(pardoner);
    cluster.deliver();
    assert!(cluster.processes[&pardoner].guardian.status().excluded.is_empty());
}

#[test]
fn the_operators_pardon_readmits_at_once_and_survives_a_restart() {
    let mut cluster = Cluster::new(4, 11);
    give_wrong_shares(&mut cluster, member(3));
    let fault = until_convicted(&mut cluster, member(3));
    let (_, upto) = fault.verify(&cluster.dealt.committee).map(|(culprit, id)| (culprit, id.period)).unwrap();
    let pardon = OperatorCommand::Pardon { member: member(3) };
    assert_eq!(cluster.order(0, pardon.clone()), Ok(()));
    assert!(cluster.processes[&0].guardian.status().excluded.is_empty());
    let pardoned = Event::Pardoned { member: member(3), upto };
    assert_eq!(cluster.count(|event| *event == pardoned), 1);
    assert_eq!(cluster.order(0, pardon), Err(OperatorRefusal::NotConvicted), "it is forgiven already");
    let records = cluster.stop(0);
    let again = cluster.start(member(1), records);
    assert!(cluster.processes[&again].guardian.status().excluded.is_empty());
    // What comes after is another matter. The culprit's own operator has let it take part again, too.
    assert_eq!(cluster.order(2, OperatorCommand::Pardon { member: member(3) }), Ok(()));
    cluster.connect(again);
    cluster.deliver();
    for _ in 0..10 {
        cluster.finalize();
    }
    assert_eq!(cluster.processes[&again].guardian.status().excluded, [member(3)]);
}

#[test]
fn an_accusation_without_proof_excludes_nobody() {
    let mut cluster = Cluster::new(4, 12);
    cluster.finalize();
    let fault = Fault::Share { package: vec![1; 200], share: vec![1; 200] };
    let bytes = cluster.forge(member(2), Message::Fault(fault));
    cluster.step(0, Input::Heard { from: member(2), bytes });
    assert!(cluster.processes[&0].guardian.status().excluded.is_empty());
}

/// Forges what member 2 sends to member 1, and returns what became of it: how many messages member 1 refused, and whom it convicted.
fn with_forged(seed: u64, mut forge: impl FnMut(Message) -> Option<Message> + 'static) -> (Cluster, usize) {
    let mut cluster = Cluster::new(4, seed);
    let (committee, key) = (cluster.dealt.committee.clone(), cluster.dealt.identity(member(2)));
    cluster.tamper(move |from, _, bytes| {
        if from != member(2) {
            return Some(bytes);
        }
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        let message = forge(envelope.into_message())?;
        Some(Envelope::seal(from, message, &committee, &key).encode())
    });
    // Enough for everybody's turn to coordinate to come.
    for _ in 0..20 {
        let period = cluster.finalize();
        for _ in 0..40 {
            if cluster.signed(period) >= 3 {
                break;
            }
            cluster.pass(Duration::from_secs(1));
        }
        assert!(cluster.signed(period) >= 3, "one faulty member of four can't stop the others");
    }
    let refused = cluster.events().filter(|event| matches!(event, Event::MessageRefused { .. })).count();
    (cluster, refused)
}

#[test]
fn a_coordinator_that_sends_unsound_packages_is_convicted() {
    let (cluster, refused) = with_forged(13, |message| match message {
        Message::Package(package) => {
            let first = package.commitments[0];
            let commitments = package.commitments.iter().map(|c| {
                if c.owner == member(2) { *c } else { Commitment { boot: BootId { number: 9, name: [9; 16] }, ..*c } }
            });
            // The receiver's own commitment must be right, or it would not look further.
            let commitments: Vec<Commitment> = match first.owner.get() {
                1 => std::iter::once(first).chain(commitments.skip(1)).collect(),
                _ => commitments.collect(),
            };
            Some(Message::Package(Package { commitments, ..package }))
        }
        other => Some(other),
    });
    assert!(refused > 0);
    assert!(convicted(&cluster).iter().all(|(culprit, _)| *culprit == member(2)));
    assert!(!convicted(&cluster).is_empty(), "it coordinated at least once in twenty periods");
}

#[test]
fn a_member_with_malformed_commitments_is_convicted_and_stops_nobody() {
    let committee = Dealt::new(4, 3, 14);
    let key = committee.identity(member(2));
    let committee = committee.committee;
    let (cluster, _) = with_forged(14, move |message| match message {
        Message::Announcement(announcement) => {
            let points = guardian_crypto::frost::signing::Commitments::from_bytes(&[0; 66]).unwrap();
            let reseal = |c: &Commitment| {
                let label =
                    CommitmentLabel { owner: c.owner, coordinator: c.coordinator, boot: c.boot, index: c.index };
                Commitment::seal((announcement.duty, announcement.digest), label, points, &committee, &key)
            };
            let commitments = announcement.commitments.iter().map(reseal).collect();
            Some(Message::Announcement(Announcement { commitments, ..announcement }))
        }
        other => Some(other),
    });
    let convicted = convicted(&cluster);
    assert!(!convicted.is_empty() && convicted.iter().all(|(culprit, _)| *culprit == member(2)));
}

#[test]
fn announcements_with_anothers_commitments_or_of_another_key_are_refused() {
    let (cluster, refused) = with_forged(15, |message| match message {
        Message::Announcement(announcement) => {
            let commitments = announcement.commitments.iter().map(|c| Commitment { owner: member(3), ..*c }).collect();
            Some(Message::Announcement(Announcement { commitments, ..announcement }))
        }
        other => Some(other),
    });
    assert!(refused > 0 && convicted(&cluster).is_empty());
    let (cluster, refused) = with_forged(16, |message| match message {
        Message::Announcement(mut announcement) => {
            announcement.duty.key_epoch.0 += 1;
            Some(Message::Announcement(announcement))
        }
        other => Some(other),
    });
    assert!(refused > 0 && convicted(&cluster).is_empty());
}

#[test]
fn a_silent_member_costs_time_and_nothing_else() {
    let (cluster, _) = with_forged(17, |message| match message {
        Message::Share(_) | Message::Package(_) => None,
        other => Some(other),
    });
    assert!(convicted(&cluster).is_empty(), "silence is no proof");
}

#[test]
fn repeated_and_reordered_messages_convict_nobody() {
    let mut cluster = Cluster::new(4, 18);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for _ in 0..4 {
        let (sender, sent) = std::sync::mpsc::sync_channel(100_000);
        cluster.tamper(move |from, _, bytes| {
            sender.send((from, bytes.clone())).unwrap();
            Some(bytes)
        });
        let period = cluster.finalize();
        assert_eq!(cluster.signed(period), 4);
        cluster.tamper(|_, _, bytes| Some(bytes));
        let all: Vec<(MemberId, Vec<u8>)> = sent.try_iter().collect();
        // Everything again, to everybody, in the other order, at once and a while later.
        for (from, bytes) in all.iter().rev() {
            for index in cluster.all() {
                cluster.step(index, Input::Heard { from: *from, bytes: bytes.clone() });
            }
        }
        cluster.deliver();
        cluster.pass(Duration::from_secs(3));
        kept.extend(all.into_iter().map(|(_, bytes)| bytes));
    }
    assert!(kept.len() > 40);
    assert!(convicted(&cluster).is_empty());
    assert_eq!(cluster.count(|event| matches!(event, Event::Quarantined { .. })), 0);
}
