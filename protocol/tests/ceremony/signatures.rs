//! The test signature under attack, and the old committee's signature for a rotation.

use super::{
    cast::{Held, generate, id, identity, participants, repair},
    table::{Disk, Table},
};
use alloy_primitives::B256;
use guardian_crypto::frost::signing::{Commitments, SignatureShare};
use guardian_protocol::{
    BootId, Committee, KeyEpoch, Member, MemberId, Recipient, Timestamp,
    ceremony::{
        Authorisation, Effects, Event, Evidence, Input, Rotation, authorisation,
        signing::{Commitment, Message as Signing, Misconduct, Package, Parameters, Share, Terms},
        wire::{self, Message},
    },
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What a liar needs to sign in the session of `plan`: the same that everybody computes. Learnt from an honest run,
/// which makes the same.
fn terms(plan: &guardian_protocol::ceremony::Plan, held: Option<Held>) -> Terms {
    let mut table = Table::new(plan.clone(), held);
    table.start_all();
    table.settle(3);
    let outcome = table.outcome(1).unwrap();
    let fault_free = outcome.transcript.encode();
    assert!(!fault_free.is_empty());
    let transcript = table.seats[&id(1)]
        .disk
        .records()
        .into_iter()
        .find_map(|record| match record {
            guardian_protocol::ceremony::Record::Post(post) => match post.body() {
                guardian_protocol::ceremony::Body::Confirm { transcript } => Some(*transcript),
                _ => None,
            },
            _ => None,
        })
        .unwrap();
    plan.test_session(transcript, outcome.public)
}

#[test]
fn a_wrong_part_of_the_test_signature_names_its_signer() {
    let held = || Held::deal(4, 3);
    for (plan, held) in [(generate(4, 3), None), (repair(&held(), &[1, 2, 3], 4), Some(held()))] {
        let terms = terms(&plan, held.as_ref().map(|_| Held::deal(4, 3)));
        let mut table = Table::new(plan, held).lies(3, move |_, message| match message {
            Message::Signing(Signing::Share(share)) => {
                let mut bytes = share.share.to_bytes();
                bytes[31] ^= 1;
                let wrong = SignatureShare::from_bytes(&bytes).unwrap();
                let forged = Share::seal(&terms, (id(3), share.package), wrong, share.next, &identity(3));
                vec![Message::Signing(Signing::Share(forged))]
            }
            other => vec![other],
        });
        table.start_all();
        table.settle(4);
        let fault = table.all_blame(3);
        let Evidence::Signing { misconduct: Misconduct::WrongShare { .. }, .. } = fault.evidence() else {
            panic!("{}", fault.reason());
        };
    }
}

#[test]
fn commitments_that_are_no_points_name_their_owner() {
    let plan = generate(4, 3);
    let terms = terms(&plan, None);
    let mut table = Table::new(plan, None).lies(2, move |_, message| match message {
        Message::Signing(Signing::Commitment(commitment)) => {
            let points = Commitments::from_bytes(&[9; 66]).unwrap();
            let forged = Commitment::seal(&terms, (id(2), commitment.boot, commitment.index), points, &identity(2));
            vec![Message::Signing(Signing::Commitment(forged))]
        }
        other => vec![other],
    });
    table.start_all();
    table.settle(4);
    let fault = table.all_blame(2);
    assert!(matches!(fault.evidence(), Evidence::Signing { misconduct: Misconduct::MalformedCommitment(_), .. }));
}

#[test]
fn a_coordinator_that_forges_or_leaves_out_commitments_is_named() {
    type Change = fn(&Terms, &mut Vec<Commitment>);
    let forge: Change = |terms, commitments| {
        // Member 3's nonces, chosen by the coordinator.
        let points = commitments[1].points;
        commitments[2] = Commitment::seal(terms, (id(3), BootId { number: 1, name: [1; 16] }, 0), points, &identity(1));
    };
    let leave_out: Change = |_, commitments| commitments.truncate(3);
    let repeat: Change = |_, commitments| commitments[2] = commitments[1];
    for change in [forge, leave_out, repeat] {
        let plan = generate(4, 3);
        let terms = terms(&plan, None);
        let mut table = Table::new(plan, None).lies(1, move |_, message| match message {
            Message::Signing(Signing::Package(package)) => {
                let mut commitments = package.commitments.clone();
                change(&terms, &mut commitments);
                vec![Message::Signing(Signing::Package(Package::seal(&terms, id(1), commitments, &identity(1))))]
            }
            other => vec![other],
        });
        table.start_all();
        table.settle(4);
        let fault = table.all_blame(1);
        assert!(matches!(fault.evidence(), Evidence::Signing { misconduct: Misconduct::BadPackage(_), .. }));
    }
}

#[test]
fn a_share_of_another_package_is_not_counted_and_blames_nobody() {
    let plan = generate(3, 2);
    let terms = terms(&plan, None);
    let mut first = true;
    let mut table = Table::new(plan, None).lies(2, move |_, message| match message {
        Message::Signing(Signing::Share(share)) if first => {
            first = false;
            let other = Share::seal(&terms, (id(2), B256::repeat_byte(3)), share.share, share.next, &identity(2));
            vec![Message::Signing(Signing::Share(other))]
        }
        other => vec![other],
    });
    table.start_all();
    table.finish();
    table.nobody_is_blamed();
}

#[test]
fn a_package_sent_by_somebody_else_is_not_answered() {
    let plan = generate(3, 2);
    let terms = terms(&plan, None);
    let mut table = Table::new(plan, None);
    table.start_all();
    for _ in 0..3 {
        table.trip();
    }
    // Member 2 is no coordinator: what it puts together is nobody's business.
    let points = Commitments::from_bytes(&[2; 66]).unwrap();
    let own = Commitment::seal(&terms, (id(2), BootId { number: 1, name: [1; 16] }, 0), points, &identity(2));
    let package = Package::seal(&terms, id(2), vec![own], &identity(2));
    table.inject(2, 3, &Message::Signing(Signing::Package(package.clone())));
    table.inject(1, 3, &Message::Signing(Signing::Package(package)));
    table.finish();
    table.nobody_is_blamed();
}

#[test]
fn a_false_proof_is_refused() {
    let mut table = Table::new(generate(3, 2), None);
    table.start_all();
    for _ in 0..3 {
        table.trip();
    }
    let other = {
        let mut other = Table::new(generate(4, 3), None);
        other.start_all();
        other.settle(3);
        other.outcome(1).unwrap().proof
    };
    table.inject(2, 3, &Message::Proof(other));
    table.trip();
    assert!(table.outcome(3).is_none());
    let refused =
        |event: &Event| matches!(event, Event::MessageRefused { reason, .. } if reason.contains("test signature"));
    assert!(table.seats[&id(3)].events.iter().any(refused));
    table.finish();
}

#[test]
fn what_is_signed_counts_in_its_session_only() {
    let held = Held::deal(3, 2);
    let parameters = Parameters {
        context: B256::repeat_byte(1),
        message: B256::repeat_byte(2),
        public: held.public.clone(),
        signers: participants([1, 2, 3]).into_iter().map(|p| (p.id, p.identity)).collect(),
        quorum: 2,
        coordinators: vec![id(1)],
        patience: Duration::ZERO,
    };
    let terms = Terms::new(parameters.clone());
    let points = Commitments::from_bytes(&[2; 66]).unwrap();
    let commitment = Commitment::seal(&terms, (id(2), BootId { number: 1, name: [1; 16] }, 0), points, &identity(2));
    let package = Package::seal(&terms, id(1), vec![commitment], &identity(1));
    assert!(commitment.is_genuine(&terms) && package.is_genuine(&terms));
    let same = Terms::new(Parameters { patience: Duration::from_secs(1), ..parameters.clone() });
    assert!(commitment.is_genuine(&same));
    for other in [
        Parameters { context: B256::repeat_byte(9), ..parameters.clone() },
        Parameters { message: B256::repeat_byte(9), ..parameters.clone() },
        Parameters { public: Held::deal(3, 3).public, ..parameters.clone() },
        Parameters { quorum: 3, ..parameters.clone() },
        Parameters { coordinators: vec![id(1), id(2)], ..parameters },
    ] {
        let other = Terms::new(other);
        assert!(!commitment.is_genuine(&other) && !package.is_genuine(&other));
    }
    type Change = fn(&mut Commitment);
    let changes: [Change; 3] = [|c| c.owner = id(3), |c| c.index = 1, |c| c.boot = BootId { number: 2, name: [2; 16] }];
    for change in changes {
        let mut changed = commitment;
        change(&mut changed);
        assert!(!changed.is_genuine(&terms));
    }
}

/// The old committee: 3 of 5.
struct Old {
    committee: Committee,
    members: BTreeMap<MemberId, Authorisation>,
    digest: B256,
    bag: Vec<(MemberId, MemberId, Vec<u8>)>,
    events: Vec<(MemberId, Event)>,
    now: Timestamp,
    rng: ChaCha20Rng,
    down: BTreeSet<MemberId>,
}

impl Old {
    fn new(down: &[u16]) -> Self {
        let held = Held::deal(5, 3);
        let members = participants(1..=5).into_iter().map(Member::from);
        let committee = Committee::new(members, held.public.clone(), KeyEpoch(1)).unwrap();
        let rotation = Rotation { chain_id: 1, guardian_keys: [7; 20].into() };
        let digest = rotation.digest(KeyEpoch(2), Held::deal(3, 2).public.group_key());
        let (mut rng, now) = (ChaCha20Rng::seed_from_u64(4), Timestamp(1_000));
        let members = MemberId::first(5)
            .map(|me| {
                let (key, share) = (identity(me.get()), held.share(me).unwrap());
                (me, Authorisation::new(now, committee.clone(), digest, me, key, share, &mut rng).unwrap())
            })
            .collect();
        let down = down.iter().copied().map(id).collect();
        Self { committee, members, digest, bag: Vec::new(), events: Vec::new(), now, rng, down }
    }

    fn step(&mut self, member: MemberId, input: Input) {
        let mut fx = Effects::default();
        self.members.get_mut(&member).unwrap().step(self.now, input, &mut self.rng, &mut fx);
        let released = fx.commit(&mut Disk::default()).unwrap();
        self.events.extend(released.events.into_iter().map(|event| (member, event)));
        for outgoing in released.messages {
            for to in MemberId::first(5).filter(|to| *to != member) {
                if outgoing.to == Recipient::All || outgoing.to == Recipient::One(to) {
                    self.bag.push((member, to, outgoing.bytes.clone()));
                }
            }
        }
    }

    fn run(&mut self, mut tamper: impl FnMut(&mut Self, MemberId, Vec<u8>) -> Vec<u8>) {
        let up: Vec<MemberId> = MemberId::first(5).filter(|member| !self.down.contains(member)).collect();
        for member in &up {
            self.step(*member, Input::Woke);
            for other in up.iter().filter(|other| *other != member) {
                self.step(*member, Input::PeerUp(*other));
            }
        }
        for _ in 0..200 {
            for (from, to, bytes) in std::mem::take(&mut self.bag) {
                if !self.down.contains(&from) && !self.down.contains(&to) {
                    let bytes = tamper(self, from, bytes);
                    self.step(to, Input::Heard { from, bytes });
                }
            }
            if self.bag.is_empty() {
                self.now = self.now.after(Duration::from_millis(500));
                up.iter().for_each(|member| self.step(*member, Input::Woke));
            }
            if up.iter().all(|member| self.members[member].signature().is_some()) {
                break;
            }
        }
        for member in up {
            let signature = self.members[&member].signature().unwrap();
            self.committee.group_key().verify(&self.digest.0, &signature).unwrap();
            assert!(self.members[&member].waiting_for(self.now).is_empty());
        }
    }
}

#[test]
fn any_quorum_of_the_old_committee_signs_for_a_new_key() {
    for down in [&[][..], &[5], &[1], &[1, 2], &[2, 4]] {
        Old::new(down).run(|_, _, bytes| bytes);
    }
}

#[test]
fn a_coordinator_that_never_answers_is_overtaken() {
    let mut old = Old::new(&[]);
    // Member 1 is connected and listens, and nothing it says arrives whole.
    old.run(|_, from, bytes| if from == id(1) { Vec::new() } else { bytes });
}

#[test]
fn wrong_parts_for_a_rotation_leave_their_signer_out() {
    let mut old = Old::new(&[]);
    let ceremony = Authorisation::id_of(&old.committee, old.digest);
    let terms = Terms::new(Parameters {
        context: ceremony.0,
        message: old.digest,
        public: old.committee.public_shares().clone(),
        signers: old.committee.iter().map(|member| (member.id, member.identity)).collect(),
        quorum: 3,
        coordinators: MemberId::first(5).collect(),
        patience: Duration::from_secs(2),
    });
    old.run(move |_, from, bytes| match wire::decode(ceremony, &bytes) {
        Ok(authorisation::Message::Signing(Signing::Share(share))) if from == id(2) => {
            let mut wrong = share.share.to_bytes();
            wrong[30] ^= 1;
            let wrong = SignatureShare::from_bytes(&wrong).unwrap();
            let forged = Share::seal(&terms, (id(2), share.package), wrong, share.next, &identity(2));
            wire::encode(ceremony, &authorisation::Message::Signing(Signing::Share(forged)))
        }
        _ => bytes,
    });
    let excluded: Vec<&Event> =
        old.events.iter().map(|(_, event)| event).filter(|event| matches!(event, Event::Excluded { .. })).collect();
    assert!(!excluded.is_empty());
    assert!(excluded.iter().all(|event| **event == Event::Excluded { member: id(2) }));
}

#[test]
fn only_a_member_with_its_share_signs_for_a_rotation() {
    let old = Old::new(&[]);
    let held = Held::deal(5, 3);
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut start = |me: u16, who: u16, of: u16| {
        let (committee, share) = (old.committee.clone(), held.share(id(of)).unwrap());
        Authorisation::new(old.now, committee, old.digest, id(me), identity(who), share, &mut rng).map(drop)
    };
    assert!(start(2, 2, 2).is_ok());
    assert!(start(2, 3, 2).is_err());
    assert!(start(9, 9, 2).is_err());
    assert!(start(2, 2, 3).is_err());
}
