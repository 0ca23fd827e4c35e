//! The rules, case by case.

use super::{ORDER_LIFE, Stay, Verdict, decide, judge};
use crate::{
    duty::{ChainView, DutyBody, DutyKind, EjectionReason, Evidence},
    setup::{Contracts, ProviderQuorum, Setup, Timing},
    types::{
        BlockRef, BlsPubkey, ChainSpec, Checkpoint, Committee, Epoch, Gwei, KeyEpoch, Member, MemberId, Proof,
        ProtocolEvent, Registry, Slot, ValidatorIndex, ValidatorRecord,
    },
};
use guardian_crypto::{frost::dealer, identity::IdentityKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const THRESHOLD: Gwei = Gwei(31_750_000_000);

pub(crate) fn setup() -> Setup {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (_, public) = dealer::deal(3, 2, &mut rng).unwrap();
    let members = MemberId::first(3).map(|id| Member {
        id,
        name: id.to_string(),
        identity: IdentityKey::generate(&mut rng).public(),
    });
    let members: Vec<Member> = members.collect();
    Setup {
        me: MemberId::new(1).unwrap(),
        committee: Committee::new(members, public, KeyEpoch(1)).unwrap(),
        network: ChainSpec {
            chain_id: 1,
            genesis_validators_root: [0; 32].into(),
            genesis_time: 0,
            seconds_per_slot: 12,
            slots_per_epoch: 32,
            forks: Vec::new(),
            capella_fork_version: None,
            deneb_fork_epoch: None,
        },
        contracts: Contracts {
            guardian_keys: [1; 20].into(),
            ejection_registry: [2; 20].into(),
            reserve_feed: [3; 20].into(),
            protocol: [4; 20].into(),
        },
        quorum: ProviderQuorum { beacon: 1, execution: 1 },
        timing: Timing::default(),
        start_block: 0,
    }
}

pub(crate) fn validator(index: u64, balance: u64) -> ValidatorRecord {
    ValidatorRecord {
        index: ValidatorIndex(index),
        pubkey: BlsPubkey::repeat_byte(u8::try_from(index).unwrap()),
        balance: Gwei(balance),
        slashed: false,
        activation_epoch: Epoch(0),
        exit_epoch: Epoch::FAR_FUTURE,
    }
}

const SLOTS: u64 = 32;

pub(crate) fn evidence(setup: &Setup, epoch: u64, accepted: Accepted, validators: Vec<ValidatorRecord>) -> Evidence {
    evidence_with(setup, epoch, accepted, validators, &Registry::default())
}

/// The protocol's validators are those of `registry` and `validators` alike.
pub(crate) fn evidence_with(
    setup: &Setup,
    epoch: u64,
    accepted: Accepted,
    validators: Vec<ValidatorRecord>,
    registry: &Registry,
) -> Evidence {
    let checkpoint = Checkpoint {
        epoch: Epoch(epoch),
        root: [1; 32].into(),
        block_slot: Slot(epoch * 32),
        state_root: [2; 32].into(),
        execution: None,
    };
    let chain = ChainView {
        block: BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 },
        policy: Policy {
            ejection_threshold: THRESHOLD.to_wei(),
            report_period: 10,
            vaults: vec![([8; 20].into(), 7_000_000_000), ([9; 20].into(), 5_999_999_999)],
            pods: vec![([7; 20].into(), 3_000_000_000)],
            liabilities: 4_000_000_001,
        },
        accepted,
        key_epoch: KeyEpoch(1),
        group_key: setup.committee.group_key(),
    };
    Evidence::new(checkpoint, Slot(epoch * 32), chain, (validators, Proof::Quorum), registry)
}

fn ejected(validators: Vec<ValidatorRecord>, registry: &Registry, epoch: u64) -> Vec<(u64, EjectionReason)> {
    let setup = setup();
    let evidence = evidence_with(&setup, epoch, Accepted::default(), validators, registry);
    let duties = decide(&evidence, |kind| kind == DutyKind::Reserves, SLOTS);
    duties
        .iter()
        .flat_map(|duty| match &duty.body {
            DutyBody::Ejection(order) => order.ejections().iter().map(|e| (e.index.0, e.reason)).collect(),
            DutyBody::Reserves(_) => Vec::new(),
        })
        .collect()
}

#[test]
fn a_balance_below_the_threshold_is_ejected_and_one_at_it_is_not() {
    let validators = vec![validator(1, THRESHOLD.0), validator(2, THRESHOLD.0 - 1), validator(3, 32_000_000_000)];
    assert_eq!(ejected(validators, &Registry::default(), 100), vec![(2, EjectionReason::LowBalance)]);
}

#[test]
fn a_validator_that_is_leaving_or_not_active_yet_is_left_alone() {
    let leaving = ValidatorRecord { exit_epoch: Epoch(120), ..validator(1, 1) };
    let pending = ValidatorRecord { activation_epoch: Epoch(101), ..validator(2, 1) };
    assert_eq!(ejected(vec![leaving, pending], &Registry::default(), 100), Vec::new());
}

#[test]
fn a_slashed_validator_is_noticed_once_although_it_is_leaving() {
    let slashed = ValidatorRecord { slashed: true, exit_epoch: Epoch(120), ..validator(1, 32_000_000_000) };
    let mut registry = Registry::default();
    assert_eq!(ejected(vec![slashed], &registry, 100), vec![(1, EjectionReason::Slashed)]);
    order(&mut registry, slashed.pubkey, 100);
    assert_eq!(ejected(vec![slashed], &registry, 100 + ORDER_LIFE + 1), Vec::new());
}

#[test]
fn an_order_is_given_time_and_then_given_again() {
    let low = validator(1, 1);
    let mut registry = Registry::default();
    order(&mut registry, low.pubkey, 100);
    assert_eq!(ejected(vec![low], &registry, 100 + ORDER_LIFE), Vec::new());
    assert_eq!(ejected(vec![low], &registry, 100 + ORDER_LIFE + 1), vec![(1, EjectionReason::LowBalance)]);
}

#[test]
fn more_validators_than_an_order_holds_are_ejected_in_order_of_their_index() {
    let mut many: Vec<ValidatorRecord> = (0..200).map(|i| validator(i, 1)).collect();
    many.extend((200..400).map(|i| ValidatorRecord { index: ValidatorIndex(i), ..validator(0, 1) }));
    let ejected = ejected(many, &Registry::default(), 100);
    assert_eq!(ejected.len(), 256);
    assert!(ejected.is_sorted_by_key(|(index, _)| *index));
}

#[test]
fn reserves_are_the_sums_of_validators_pods_and_vaults_in_gwei() {
    let setup = setup();
    let validators = vec![validator(1, 2), validator(2, 3)];
    let evidence = evidence(&setup, 100, Accepted::default(), validators);
    let duties = decide(&evidence, |kind| kind == DutyKind::Ejection, SLOTS);
    let DutyBody::Reserves(report) = &duties[0].body else { panic!("a report is due") };
    assert_eq!((report.validator_count, report.validators), (2, Gwei(5)));
    assert_eq!((report.pods, report.vaults, report.pending), (Gwei(3), Gwei(12), Gwei(0)), "assets are rounded down");
    assert_eq!(report.liabilities, Gwei(5), "liabilities are rounded up");
    assert_eq!(report.assets(), 20_000_000_000);
}

#[test]
fn a_report_is_due_once_in_every_period_of_epochs() {
    let setup = setup();
    let due = |epoch: u64, last: u64| {
        let accepted = Accepted { reserves: Slot(last * 32), ..Accepted::default() };
        let evidence = evidence(&setup, epoch, accepted, vec![validator(1, 32_000_000_000)]);
        !decide(&evidence, |_| false, SLOTS).is_empty()
    };
    assert!(due(100, 99));
    assert!(!due(105, 100));
    assert!(due(110, 105));
    assert!(due(113, 100), "a period without a report is made up for in the next epoch");
}

#[test]
fn a_report_of_nothing_is_not_made() {
    let setup = setup();
    let mut evidence = evidence(&setup, 100, Accepted::default(), Vec::new());
    evidence.chain.policy.vaults.clear();
    evidence.chain.policy.pods.clear();
    assert!(decide(&evidence, |_| false, SLOTS).is_empty());
}

#[test]
fn what_is_in_flight_is_not_decided_again() {
    let setup = setup();
    let evidence = evidence(&setup, 100, Accepted::default(), vec![validator(1, 1)]);
    assert_eq!(decide(&evidence, |_| false, SLOTS).len(), 2);
    assert!(decide(&evidence, |_| true, SLOTS).is_empty());
}

fn order(registry: &mut Registry, pubkey: BlsPubkey, epoch: u64) {
    let ordered = ProtocolEvent::Ordered { pubkey, reference_slot: Slot(epoch * 32) };
    let events = [ProtocolEvent::Provisioned(pubkey), ordered];
    registry.advance(BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 }, &events);
}

#[test]
fn every_verdict_has_its_reason() {
    let setup = setup();
    let healthy = validator(1, THRESHOLD.0);
    let low = validator(2, 1);
    let pending = ValidatorRecord { activation_epoch: Epoch(101), ..validator(3, 1) };
    let leaving = ValidatorRecord { exit_epoch: Epoch(120), ..validator(4, 1) };
    let slashed = ValidatorRecord { slashed: true, ..validator(5, THRESHOLD.0) };
    let ordered = validator(6, 1);
    let mut registry = Registry::default();
    order(&mut registry, ordered.pubkey, 90);
    let all = vec![healthy, low, pending, leaving, slashed, ordered];
    let evidence = evidence_with(&setup, 100, Accepted::default(), all, &registry);
    let verdicts: Vec<Verdict> = evidence.validators.iter().map(|v| judge(v, &evidence, SLOTS)).collect();
    let expected = [
        Verdict::Stay(Stay::Healthy),
        Verdict::Eject(EjectionReason::LowBalance),
        Verdict::Stay(Stay::NotActive),
        Verdict::Stay(Stay::Leaving),
        Verdict::Eject(EjectionReason::Slashed),
        Verdict::Stay(Stay::Ordered(Slot(90 * 32))),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn evidence_names_validators_that_the_beacon_chain_does_not_know() {
    let mut registry = Registry::default();
    let pubkeys = [validator(1, 1).pubkey, validator(2, 1).pubkey];
    let block = BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 };
    registry.advance(block, &pubkeys.map(ProtocolEvent::Provisioned));
    let evidence = evidence_with(&setup(), 100, Accepted::default(), vec![validator(1, 1)], &registry);
    assert_eq!(evidence.unknown, vec![pubkeys[1]]);
    assert!(evidence.orders.is_empty());
}
