//! Accounts: every duty leaves a dossier that decides it again, and members that decide otherwise find out why.

use super::cluster::Cluster;
use guardian_protocol::{
    Dossier, Envelope, Epoch, Event, Input, Reading,
    testing::{Fact, Finding, Inquiry, Message, Node, member, reserve_rules},
};
use std::{fs, path::Path};

/// A vault's ether is read wrong: another digest comes out.
fn a_poorer_vault(reading: &mut Reading) {
    if let Reading::Chain(view) = reading {
        reserve_rules(view).vaults[0].1 -= 1_000_000_000;
    }
}

#[test]
fn every_guardians_dossier_of_a_signed_duty_decides_it_again() {
    let mut cluster = Cluster::new(4, 41);
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
    for process in cluster.processes.values() {
        let last = process.dossiers.last().unwrap();
        assert_eq!((last.duty.period, last.signature.is_some()), (period, true));
        let text = serde_json::to_string(last).unwrap();
        let read: Dossier = serde_json::from_str(&text).unwrap();
        assert_eq!(read, *last);
        let replay = read.replay();
        assert!(replay.holds(), "{replay:?}");
        assert_eq!((replay.digest, replay.signature_holds), (Some(last.digest), Some(true)));
    }
}

/// What auditors have been given stays readable, says the same and decides the same, whatever kinds of duty come later: a
/// changed file is a decision. `UPDATE_VECTORS=1` writes it anew.
#[test]
fn a_dossier_is_what_it_was() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/dossier.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let mut cluster = Cluster::new(4, 41);
        cluster.finalize();
        let dossier = cluster.processes[&0].dossiers.last().unwrap();
        fs::write(&path, serde_json::to_string_pretty(dossier).unwrap() + "\n").unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let dossier: Dossier = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string_pretty(&dossier).unwrap() + "\n", text, "{} no longer holds", path.display());
    let replay = dossier.replay();
    assert!(replay.holds(), "{replay:?}");
    assert_eq!((replay.digest, replay.signature_holds), (Some(dossier.digest), Some(true)));
}

#[test]
fn everybody_is_told_which_fact_the_deceived_one_has_otherwise() {
    let mut cluster = Cluster::new(4, 42);
    cluster.deceive(member(4), a_poorer_vault);
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4, "three are enough, and tell the fourth");
    let mut told = 0;
    for process in cluster.processes.values() {
        for event in &process.events {
            let Event::EvidenceDiffers { period: of, member: other, difference } = event else { continue };
            assert_eq!(*of, period);
            assert!(difference.fact.starts_with("vault 0x0909"), "{difference}");
            let (rich, poor) = (Some("1000000000000 wei".to_owned()), Some("999000000000 wei".to_owned()));
            if process.member == member(4) {
                assert_eq!((&difference.ours, &difference.theirs), (&poor, &rich), "{difference}");
            } else {
                assert_eq!((*other, &difference.ours, &difference.theirs), (member(4), &rich, &poor), "{difference}");
            }
            told += 1;
        }
    }
    assert!(told >= 3, "{told}");
    let status = cluster.processes[&3].guardian.status();
    assert!(!status.differences.is_empty());
    assert!(
        cluster.processes[&3].events.iter().any(|event| matches!(event, Event::SignedOtherwise { .. })),
        "the deceived one sees that the others have signed something else"
    );
    let honest = cluster.processes.values().filter(|process| process.member != member(4));
    assert!(honest.flat_map(|process| &process.events).all(|event| !matches!(event, Event::SignedOtherwise { .. })));
}

#[test]
fn who_reads_the_same_and_says_otherwise_is_told_from_the_deceived() {
    let mut cluster = Cluster::new(4, 43);
    let liar = member(4);
    let (committee, identity) = (cluster.dealt.committee.clone(), cluster.dealt.identity(liar));
    cluster.tamper(move |from, _, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        let Message::Announcement(mut announcement) = envelope.into_message() else { return Some(bytes) };
        if from != liar {
            return Some(bytes);
        }
        announcement.digest = [1; 32].into();
        announcement.commitments.clear();
        Some(Envelope::seal(liar, Message::Announcement(announcement), &committee, &identity).encode())
    });
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
    let alike = |event: &Event| matches!(event, Event::EvidenceAlike { member, .. } if *member == liar);
    assert!(cluster.count(alike) >= 1);
    assert_eq!(cluster.count(|event| matches!(event, Event::EvidenceDiffers { .. })), 0);
}

#[test]
fn unasked_findings_are_refused_and_inquiries_beyond_knowledge_left_unanswered() {
    let mut cluster = Cluster::new(4, 44);
    let period = cluster.finalize();
    let fact = |name: &str| Fact { name: name.to_owned(), value: String::new() };
    for node in [Node::Facts(vec![fact("a")]), Node::Branch(Box::new([[0; 32].into(); 16]))] {
        let finding = cluster.forge(member(2), Message::Finding(Finding { period, place: Vec::new(), node }));
        cluster.step(0, Input::Heard { from: member(2), bytes: finding });
    }
    let refused = |event: &Event| matches!(event, Event::MessageRefused { member: of, .. } if *of == member(2));
    assert_eq!(cluster.processes[&0].events.iter().filter(|event| refused(event)).count(), 2);
    for (period, place) in [(Epoch(period.0 + 9), Vec::new()), (period, vec![16]), (period, vec![0; 65])] {
        let inquiry = cluster.forge(member(2), Message::Inquiry(Inquiry { period, place }));
        cluster.step(0, Input::Heard { from: member(2), bytes: inquiry });
    }
    cluster.deliver();
    assert_eq!(cluster.count(|event| matches!(event, Event::EvidenceDiffers { .. })), 0);
}
