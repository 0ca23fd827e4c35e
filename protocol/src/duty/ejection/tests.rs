//! Who must leave, case by case.

use super::{EjectionReason, ORDER_LIFE, rules::Stay, rules::Verdict, rules::judge};
use crate::{
    decide::of_kind,
    duty::{DutyBody, DutyKind, Evidence, Rules},
    testing::{any_chain_view, chain_spec, evidence, evidence_with, validator},
    types::{BlockRef, BlsPubkey, Epoch, Gwei, Proof, ProtocolEvent, Registry, Slot, ValidatorRecord},
};

const THRESHOLD: Gwei = Gwei(31_750_000_000);
const HEALTHY: u64 = 32_000_000_000;

fn slots() -> u64 {
    chain_spec().slots_per_epoch
}

fn ordered_by(evidence: &Evidence) -> Vec<(u64, EjectionReason)> {
    let duties = of_kind(DutyKind::Ejection, evidence, slots());
    let all = duties.iter().flat_map(|duty| match &duty.body {
        DutyBody::Ejection(order) => order.ejections(),
        _ => panic!("another kind"),
    });
    all.map(|ejection| (ejection.index.0, ejection.reason)).collect()
}

fn ejected(validators: Vec<ValidatorRecord>, registry: &Registry, epoch: u64) -> Vec<(u64, EjectionReason)> {
    ordered_by(&evidence_with(any_chain_view(epoch), epoch, validators, registry))
}

fn order(registry: &mut Registry, pubkey: BlsPubkey, epoch: u64) {
    let ordered = ProtocolEvent::Ordered { pubkey, reference_slot: Slot(epoch * slots()) };
    let events = [ProtocolEvent::Provisioned(pubkey), ordered];
    registry.advance(BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 }, &events);
}

#[test]
fn a_balance_below_the_threshold_is_ejected_one_at_it_not() {
    let validators = vec![validator(1, THRESHOLD.0), validator(2, THRESHOLD.0 - 1), validator(3, HEALTHY)];
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
    let slashed = ValidatorRecord { slashed: true, exit_epoch: Epoch(120), ..validator(1, HEALTHY) };
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
fn more_validators_than_fit_are_ejected_in_order_of_index() {
    let ejected = ejected((0..400).map(|index| validator(index, 1)).collect(), &Registry::default(), 100);
    assert_eq!(ejected.len(), 256);
    assert!(ejected.is_sorted_by_key(|(index, _)| *index));
}

#[test]
fn every_verdict_has_its_reason() {
    let healthy = validator(1, THRESHOLD.0);
    let low = validator(2, 1);
    let pending = ValidatorRecord { activation_epoch: Epoch(101), ..validator(3, 1) };
    let leaving = ValidatorRecord { exit_epoch: Epoch(120), ..validator(4, 1) };
    let slashed = ValidatorRecord { slashed: true, ..validator(5, THRESHOLD.0) };
    let ordered = validator(6, 1);
    let mut registry = Registry::default();
    order(&mut registry, ordered.pubkey, 90);
    let all = vec![healthy, low, pending, leaving, slashed, ordered];
    let evidence = evidence_with(any_chain_view(100), 100, all, &registry);
    let verdicts: Vec<Verdict> = evidence.validators.iter().map(|v| judge(v, &evidence, slots())).collect();
    let expected = [
        Verdict::Stay(Stay::Healthy),
        Verdict::Eject(EjectionReason::LowBalance),
        Verdict::Stay(Stay::NotActive),
        Verdict::Stay(Stay::Leaving),
        Verdict::Eject(EjectionReason::Slashed),
        Verdict::Stay(Stay::Ordered(Slot(90 * slots()))),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn nobody_is_ordered_out_by_words_where_states_could_be_proved() {
    let slashed = ValidatorRecord { slashed: true, ..validator(5, THRESHOLD.0) };
    let mut evidence = evidence(any_chain_view(100), 100, vec![validator(1, THRESHOLD.0), validator(2, 1), slashed]);
    let root = evidence.checkpoint.state_root;
    for (proof, ordered) in
        [(Proof::Quorum, 2), (Proof::State { root }, 2), (Proof::AdvancedState { root }, 2), (Proof::Downgraded, 0)]
    {
        evidence.proof = proof;
        assert_eq!(ordered_by(&evidence).len(), ordered, "{proof:?}");
    }
    let verdicts: Vec<Verdict> = evidence.validators.iter().map(|v| judge(v, &evidence, slots())).collect();
    let unproved = Verdict::Stay(Stay::Unproved);
    assert_eq!(verdicts, [Verdict::Stay(Stay::Healthy), unproved, unproved]);
}

#[test]
fn without_a_contract_nobody_is_ordered_out() {
    let mut chain = any_chain_view(100);
    chain.rules.retain(|rules| !matches!(rules, Rules::Ejection(_)));
    assert_eq!(ordered_by(&evidence(chain, 100, vec![validator(1, 1)])), Vec::new());
}
