//! The guard, the nonces and the coordinator, each against what must never happen.

use super::{
    Signed,
    coordinator::{Coordinator, Progress},
    guard::{Guard, NotSafe, Safe},
    signer::{Keys, PackageError, Signer},
};
use crate::{
    effects::Effects,
    setup::{ProviderQuorum, Setup, Timing},
    types::{
        BootId, Committee, Contracts, Duty, DutyBody, Epoch, KeyEpoch, Member, MemberId, Network, ReserveReport, Slot,
        Timestamp,
    },
    wire::{Commitment, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::{KeyShare, dealer, signing::SignatureShare},
    identity::IdentityKey,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_000);

/// Two of three, one report, everybody's signer.
struct Table {
    setups: Vec<Setup>,
    identities: Vec<IdentityKey>,
    shares: Vec<KeyShare>,
    signers: Vec<Signer>,
    duty: Duty,
    digest: B256,
    rng: ChaCha20Rng,
}

impl Table {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let (shares, public) = dealer::deal(3, 2, &mut rng).unwrap();
        let identities: Vec<IdentityKey> = (0..3).map(|_| IdentityKey::generate(&mut rng)).collect();
        let members = MemberId::first(3).zip(&identities).map(|(id, key)| Member {
            id,
            name: id.to_string(),
            identity: key.public(),
        });
        let committee = Committee::new(members, public, KeyEpoch(1)).unwrap();
        let setups: Vec<Setup> = MemberId::first(3).map(|me| setup(me, committee.clone())).collect();
        let report = ReserveReport { validator_count: 1, validator_balance: 32, vault_balance: 0 };
        let duty = Duty {
            key_epoch: KeyEpoch(1),
            period: Epoch(9),
            reference_slot: Slot(72),
            reference_root: [5; 32].into(),
            body: DutyBody::Reserves(report),
        };
        let digest = setups[0].domain().digest(&duty);
        let signers = (0u8..3).map(|boot| Signer::new(duty.id(), digest, BootId([boot; 16]))).collect();
        Self { setups, identities, shares, signers, duty, digest, rng }
    }

    fn commit(&mut self, owner: usize, coordinator: u16) -> Commitment {
        let keys = Keys { identity: &self.identities[owner], share: &self.shares[owner] };
        self.signers[owner].commit(member(coordinator), &self.setups[owner], keys, &mut self.rng).unwrap()
    }

    fn sign(&mut self, owner: usize, package: &Package, coordinator: u16) -> Result<Share, PackageError> {
        let mut guard = Guard::restore(BTreeMap::new(), Some(Epoch(0)));
        guard.check_and_insert(&self.duty, self.digest, &mut Effects::default()).unwrap();
        let permit = guard.permit(self.duty.id(), self.digest).unwrap();
        let keys = Keys { identity: &self.identities[owner], share: &self.shares[owner] };
        self.signers[owner].sign(permit, package, member(coordinator), &self.setups[owner], keys, &mut self.rng)
    }

    fn package(&self, commitments: &[Commitment]) -> Package {
        Package { duty: self.duty.id(), digest: self.digest, commitments: commitments.to_vec() }
    }
}

fn setup(me: MemberId, committee: Committee) -> Setup {
    let contracts = Contracts {
        guardian_keys: [1; 20].into(),
        ejection_registry: [2; 20].into(),
        reserve_feed: [3; 20].into(),
        protocol: [4; 20].into(),
    };
    let network = Network {
        chain_id: 1,
        genesis_validators_root: [0; 32].into(),
        genesis_time: 0,
        seconds_per_slot: 12,
        slots_per_epoch: 8,
        forks: Vec::new(),
        capella_fork_version: None,
        deneb_fork_epoch: None,
    };
    let quorum = ProviderQuorum { beacon: 1, execution: 1 };
    Setup { me, committee, network, contracts, quorum, timing: Timing::default(), start_block: 0 }
}

fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

#[test]
fn the_guard_lets_one_digest_through_for_a_duty_ever() {
    let table = Table::new();
    let (mut guard, mut fx) = (Guard::restore(BTreeMap::new(), Some(Epoch(0))), Effects::default());
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Ok(Safe::Fresh));
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Ok(Safe::Same));
    let refused = guard.check_and_insert(&table.duty, [2; 32].into(), &mut fx);
    assert!(matches!(refused, Err(NotSafe::OtherDigest { .. })), "{refused:?}");
    assert!(guard.permit(table.duty.id(), [2; 32].into()).is_err());
    assert!(guard.permit(table.duty.id(), [1; 32].into()).is_ok());
}

#[test]
fn a_new_store_signs_nothing_until_it_knows_what_an_older_one_may_have_signed() {
    let table = Table::new();
    let (mut guard, mut fx) = (Guard::restore(BTreeMap::new(), None), Effects::default());
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Err(NotSafe::StoreIsNew));
    guard.wait_below(Epoch(9), &mut fx);
    let refused = guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx);
    assert_eq!(refused, Err(NotSafe::BelowFloor { period: Epoch(9), floor: Epoch(9) }));
    guard.wait_below(Epoch(3), &mut fx);
    let later = Duty { period: Epoch(10), reference_slot: Slot(80), ..table.duty.clone() };
    assert_eq!(guard.check_and_insert(&later, [1; 32].into(), &mut fx), Ok(Safe::Fresh));
    assert!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx).is_err(), "the floor never falls");
}

#[test]
fn two_of_three_sign_and_everybody_can_check_it() {
    let mut table = Table::new();
    let (one, two) = (table.commit(0, 1), table.commit(1, 1));
    let package = table.package(&[one, two]);
    let mut coordinator = Coordinator::new(table.duty.id(), table.digest);
    coordinator.offer(one);
    coordinator.offer(two);
    assert!(coordinator.should_open(NOW, &table.setups[0]));
    let (opened, _) = coordinator.open(NOW, &table.setups[0], |_| true).unwrap();
    assert_eq!(opened, package);
    let first = table.sign(0, &package, 1).unwrap();
    assert!(matches!(coordinator.take(member(1), &first, &table.setups[0]), Progress::Waiting));
    let second = table.sign(1, &package, 1).unwrap();
    let Progress::Complete(signature) = coordinator.take(member(2), &second, &table.setups[0]) else {
        panic!("two shares make the signature");
    };
    assert!(Signed::verify(table.duty.clone(), signature, &table.setups[2]).is_ok());
    let other = Duty { reference_root: [6; 32].into(), ..table.duty.clone() };
    assert!(Signed::verify(other, signature, &table.setups[2]).is_err());
}

#[test]
fn nonces_are_never_used_for_a_second_package() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let package = table.package(&[one, two]);
    let share = table.sign(1, &package, 1).unwrap();
    // The same package again, a lost answer: the same answer, and no second nonce.
    assert_eq!(table.sign(1, &package, 1), Ok(share));
    // Another package with the same commitment of ours: never.
    let second = table.package(&[two, three]);
    assert_eq!(table.sign(1, &second, 1), Err(PackageError::NotOurs));
}

#[test]
fn a_commitment_serves_the_coordinator_it_was_made_for_and_no_other() {
    let mut table = Table::new();
    let (one, two) = (table.commit(0, 3), table.commit(1, 3));
    let package = table.package(&[one, two]);
    assert_eq!(table.sign(1, &package, 1), Err(PackageError::NotOurs));
    assert!(table.sign(1, &package, 3).is_ok());
}

#[test]
fn a_package_that_is_not_exactly_right_is_not_signed() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let wrong_count = table.package(&[one, two, three]);
    assert_eq!(table.sign(1, &wrong_count, 1), Err(PackageError::WrongSigners));
    let wrong_order = table.package(&[two, one]);
    assert_eq!(table.sign(1, &wrong_order, 1), Err(PackageError::WrongSigners));
    let twice = table.package(&[two, two]);
    assert_eq!(table.sign(1, &twice, 1), Err(PackageError::WrongSigners));
    let without_us = table.package(&[one, three]);
    assert_eq!(table.sign(1, &without_us, 1), Err(PackageError::NotOurs));
    let forged = table.package(&[Commitment { points: two.points, ..one }, two]);
    assert_eq!(table.sign(1, &forged, 1), Err(PackageError::ForeignCommitment(member(1))));
    let other = Package { digest: [9; 32].into(), ..table.package(&[one, two]) };
    assert_eq!(table.sign(1, &other, 1), Err(PackageError::OtherDigest));
    // None of all these has cost a nonce.
    let package = table.package(&[one, two]);
    assert!(table.sign(1, &package, 1).is_ok());
}

#[test]
fn a_wrong_share_names_its_author_and_the_others_sign_without_it() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let mut coordinator = Coordinator::new(table.duty.id(), table.digest);
    for commitment in [one, two, three] {
        coordinator.offer(commitment);
    }
    let connected = |other: MemberId| other != member(3);
    let (package, _) = coordinator.open(NOW, &table.setups[0], connected).unwrap();
    let ours = table.sign(0, &package, 1).unwrap();
    coordinator.take(member(1), &ours, &table.setups[0]);
    let mut wrong = table.sign(1, &package, 1).unwrap();
    wrong.share = SignatureShare::from_bytes(&[1; 32]).unwrap();
    let Progress::Culprits(culprits) = coordinator.take(member(2), &wrong, &table.setups[0]) else {
        panic!("a wrong share must be noticed");
    };
    assert_eq!(culprits, vec![member(2)]);
    // The culprit offers again in vain; the third member takes its place.
    coordinator.offer(two);
    let (package, attempt) = coordinator.open(NOW, &table.setups[0], |_| true).unwrap();
    assert_eq!((attempt, package.commitments.iter().map(|c| c.owner.get()).collect::<Vec<_>>()), (2, vec![1, 3]));
    let ours = table.sign(0, &package, 1).unwrap();
    coordinator.take(member(1), &ours, &table.setups[0]);
    let theirs = table.sign(2, &package, 1).unwrap();
    assert!(matches!(coordinator.take(member(3), &theirs, &table.setups[0]), Progress::Complete(_)));
}

#[test]
fn a_share_of_somebody_who_was_not_asked_changes_nothing() {
    let mut table = Table::new();
    let (one, two) = (table.commit(0, 1), table.commit(1, 1));
    let mut coordinator = Coordinator::new(table.duty.id(), table.digest);
    coordinator.offer(one);
    coordinator.offer(two);
    let (package, _) = coordinator.open(NOW, &table.setups[0], |_| true).unwrap();
    let share = table.sign(1, &package, 1).unwrap();
    assert!(matches!(coordinator.take(member(3), &share, &table.setups[0]), Progress::Waiting));
    let elsewhere = Share { package: [1; 32].into(), ..share };
    assert!(matches!(coordinator.take(member(2), &elsewhere, &table.setups[0]), Progress::Waiting));
    let ours = table.sign(0, &package, 1).unwrap();
    coordinator.take(member(1), &ours, &table.setups[0]);
    assert!(matches!(coordinator.take(member(2), &share, &table.setups[0]), Progress::Complete(_)));
}
