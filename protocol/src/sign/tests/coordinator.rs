//! What a coordinator does with members that are slow, lie, or repeat themselves.

use super::{NOW, Table, member};
use crate::{
    duty::Duty,
    sign::{
        Signed,
        coordinator::{Coordinator, Progress},
    },
    types::{MemberId, Timestamp},
    wire::{Commitment, Envelope, Message, Package, Share},
};
use guardian_crypto::{frost::signing::SignatureShare, schnorr::Signature};
use std::time::Duration;

/// Member 1 coordinates.
struct Chair {
    table: Table,
    coordinator: Coordinator,
}

impl Chair {
    fn new(table: Table) -> Self {
        let coordinator = Coordinator::new(table.duty.id(), table.digest);
        Self { table, coordinator }
    }

    fn offer_of(&mut self, members: impl IntoIterator<Item = usize>) -> Vec<Commitment> {
        members
            .into_iter()
            .map(|member| {
                let commitment = self.table.commit(member, 1);
                self.coordinator.offer(commitment);
                commitment
            })
            .collect()
    }

    fn ready(&self, now: Timestamp) -> bool {
        self.coordinator.should_open(now, &self.table.setups[0], |_| true)
    }

    fn open(&mut self, now: Timestamp, connected: impl Fn(MemberId) -> bool) -> Option<Package> {
        let (committee, key) = (self.table.committee().clone(), &self.table.identities[0]);
        let seal = |package| Envelope::seal(member(1), Message::Package(package), &committee, key);
        let opened = self.coordinator.open(now, &self.table.setups[0], |_| true, connected, seal);
        opened.map(|(package, _, _)| package)
    }

    fn take(&mut self, from: usize, share: Share) -> Progress {
        let envelope = (from > 0).then(|| self.table.seal(from, Message::Share(share)));
        let from = self.table.setups[from].me;
        self.coordinator.take(NOW, from, &share, envelope, &self.table.setups[0])
    }

    /// Everybody in the package answers honestly.
    fn answer(&mut self, package: &Package) -> Option<Signature> {
        let mut signature = None;
        for owner in owners(package) {
            let share = self.table.sign(usize::from(owner) - 1, package, 1).unwrap();
            if let Progress::Complete(complete) = self.take(usize::from(owner) - 1, share) {
                signature = Some(complete);
            }
        }
        signature
    }
}

fn owners(package: &Package) -> Vec<u16> {
    package.owners().map(MemberId::get).collect()
}

#[test]
fn two_of_three_sign_and_everybody_can_check_it() {
    let mut chair = Chair::new(Table::new());
    chair.offer_of([0, 1]);
    assert!(chair.ready(NOW));
    let package = chair.open(NOW, |_| true).unwrap();
    assert!(!chair.ready(NOW), "one session at a time");
    let signature = chair.answer(&package).unwrap();
    assert!(Signed::verify(chair.table.duty.clone(), signature, &chair.table.setups[2]).is_ok());
    let other = Duty { reference_root: [6; 32].into(), ..chair.table.duty.clone() };
    assert!(Signed::verify(other, signature, &chair.table.setups[2]).is_err());
}

#[test]
fn a_wrong_share_is_proven_and_the_others_sign_without_its_author() {
    let mut chair = Chair::new(Table::new());
    chair.offer_of([0, 1, 2]);
    let package = chair.open(NOW, |other| other != member(3)).unwrap();
    let ours = chair.table.sign(0, &package, 1).unwrap();
    chair.take(0, ours);
    let wrong =
        Share { share: SignatureShare::from_bytes(&[1; 32]).unwrap(), ..chair.table.sign(1, &package, 1).unwrap() };
    let Progress::Faults(faults) = chair.take(1, wrong) else { panic!("a wrong share must be noticed") };
    let [fault] = faults.as_slice() else { panic!("one wrong share, {} faults", faults.len()) };
    assert_eq!(fault.verify(chair.table.committee()), Ok((member(2), chair.table.duty.id())));
    // The third member takes its place.
    chair.coordinator.offer(ours.next);
    let setup = chair.table.setups[0].clone();
    let is_usable = |c: &Commitment| c.owner != member(2);
    assert!(chair.coordinator.should_open(NOW, &setup, is_usable));
    let (committee, key) = (setup.committee.clone(), &chair.table.identities[0]);
    let seal = |package| Envelope::seal(member(1), Message::Package(package), &committee, key);
    let (package, _, attempt) = chair.coordinator.open(NOW, &setup, is_usable, |_| true, seal).unwrap();
    assert_eq!((attempt, owners(&package)), (2, vec![1, 3]));
    assert!(chair.answer(&package).is_some());
}

#[test]
fn a_share_that_nobody_asked_for_changes_nothing() {
    let mut chair = Chair::new(Table::new());
    chair.offer_of([0, 1]);
    let package = chair.open(NOW, |_| true).unwrap();
    let share = chair.table.sign(1, &package, 1).unwrap();
    assert!(matches!(chair.take(2, share), Progress::Waiting), "not asked");
    let elsewhere = Share { package: [1; 32].into(), ..share };
    assert!(matches!(chair.take(1, elsewhere), Progress::Waiting), "another package");
    assert!(chair.coordinator.awaits(member(2), &share) && !chair.coordinator.awaits(member(3), &share));
    assert!(matches!(chair.take(1, share), Progress::Waiting));
    assert!(matches!(chair.take(1, share), Progress::Waiting), "the same again");
    let ours = chair.table.sign(0, &package, 1).unwrap();
    assert!(matches!(chair.take(0, ours), Progress::Complete(_)));
}

#[test]
fn a_commitment_is_never_put_into_two_packages() {
    let mut chair = Chair::new(Table::new());
    let offered = chair.offer_of([0, 1]);
    let first = chair.open(NOW, |_| true).unwrap();
    // Announcements are repeated to whoever connects: what they hold is spent.
    offered.iter().for_each(|commitment| chair.coordinator.offer(*commitment));
    let late = NOW.after(chair.table.setups[0].timing.share_timeout);
    assert!(!chair.ready(late));
    chair.offer_of([0, 1]);
    assert!(chair.ready(late));
    let second = chair.open(late, |_| true).unwrap();
    assert!(second.commitments.iter().all(|commitment| !first.commitments.contains(commitment)));
}

#[test]
fn a_late_share_completes_its_session_while_the_next_is_running() {
    let mut chair = Chair::new(Table::of(4, 3, 6));
    chair.offer_of([0, 1, 2, 3]);
    let first = chair.open(NOW, |_| true).unwrap();
    let shares: Vec<Share> = [0, 1, 2].map(|owner| chair.table.sign(owner, &first, 1).unwrap()).into();
    for owner in [0, 2] {
        chair.take(owner, shares[owner]);
        chair.coordinator.offer(shares[owner].next);
    }
    let late = NOW.after(chair.table.setups[0].timing.share_timeout);
    let second = chair.open(late, |_| true).unwrap();
    assert_eq!(owners(&second), [1, 3, 4]);
    assert!(matches!(chair.take(1, shares[1]), Progress::Complete(_)));
}

#[test]
fn an_announcement_overtaken_by_a_share_revives_nothing() {
    let mut chair = Chair::new(Table::new());
    chair.offer_of([0, 1]);
    let package = chair.open(NOW, |_| true).unwrap();
    let announced = chair.table.commit(1, 1);
    let share = chair.table.sign(1, &package, 1).unwrap();
    chair.coordinator.offer(share.next);
    chair.coordinator.offer(announced);
    assert!(chair.coordinator.holds(&share.next) && !chair.coordinator.holds(&announced));
}

#[test]
fn who_lets_a_session_wait_is_asked_again_and_comes_last_next() {
    let mut chair = Chair::new(Table::of(4, 3, 5));
    chair.offer_of([0, 1, 2, 3]);
    let first = chair.open(NOW, |_| true).unwrap();
    assert_eq!(owners(&first), [1, 2, 3]);
    assert!(chair.coordinator.overdue(NOW).is_empty(), "not yet");
    // Members 1 and 3 answer, 2 does not.
    for owner in [0, 2] {
        let share = chair.table.sign(owner, &first, 1).unwrap();
        chair.take(owner, share);
        chair.coordinator.offer(share.next);
    }
    let late = NOW.after(chair.table.setups[0].timing.share_timeout);
    let again = chair.coordinator.overdue(late);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].1, [member(2)]);
    assert_eq!(again[0].0.message(), &Message::Package(first.clone()));
    assert!(chair.coordinator.overdue(late).is_empty(), "once");
    // Even if it announces again and is the first to do so.
    chair.offer_of([1]);
    let second = chair.open(late, |_| true).unwrap();
    assert_eq!(owners(&second), [1, 3, 4]);
    assert!(chair.answer(&second).is_some());
}

#[test]
fn once_half_have_answered_the_others_get_three_times_as_long() {
    let mut chair = Chair::new(Table::of(7, 4, 9));
    chair.offer_of(0..7);
    let first = chair.open(NOW, |_| true).unwrap();
    let patience = chair.table.setups[0].timing.share_timeout;
    let answered = NOW.after(patience / 10);
    for owner in [0, 1] {
        assert!(!chair.ready(NOW.after(patience / 10 * 3)));
        let share = chair.table.sign(owner, &first, 1).unwrap();
        let envelope = (owner > 0).then(|| chair.table.seal(owner, Message::Share(share)));
        let (from, setup) = (chair.table.setups[owner].me, &chair.table.setups[0]);
        assert!(matches!(chair.coordinator.take(answered, from, &share, envelope, setup), Progress::Waiting));
        chair.coordinator.offer(share.next);
    }
    assert!(!chair.ready(NOW.after(patience / 10 * 3 - Duration::from_millis(1))));
    assert!(chair.ready(NOW.after(patience / 10 * 3)), "five of seven are responsive");
}

#[test]
fn with_t_honest_members_n_minus_t_plus_one_sessions_are_enough() {
    let (size, threshold) = (7, 5);
    let mut chair = Chair::new(Table::of(size, threshold, 8));
    chair.offer_of(0..7);
    let silent = [1, 2];
    let mut now = NOW;
    for session in 1..=3 {
        let package = chair.open(now, |_| true).unwrap();
        let mut honest = true;
        for owner in owners(&package).into_iter().map(|owner| usize::from(owner) - 1) {
            if silent.contains(&owner) {
                honest = false;
                continue;
            }
            let share = chair.table.sign(owner, &package, 1).unwrap();
            if matches!(chair.take(owner, share), Progress::Complete(_)) {
                assert!(honest);
                return;
            }
            chair.coordinator.offer(share.next);
        }
        now = now.after(chair.table.setups[0].timing.share_timeout);
        chair.coordinator.overdue(now);
        assert!(session < 3, "three sessions and no signature");
    }
}
