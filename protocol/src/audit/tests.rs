//! Searches find every difference and nothing else; a changed input of a dossier is noticed.

use super::{tree::Tree, *};
use crate::{
    decide::of_kind,
    duty::{DutyKind, Evidence},
    testing::{Dealt, any_chain_view, evidence, member, reserve_rules, setup, validator},
    types::{Census, Epoch, Gwei, Level, MemberId, Participation, ValidatorRecord},
    wire::Finding,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const EPOCH: u64 = 100;

fn peer() -> MemberId {
    member(2)
}

fn observed(validators: Vec<ValidatorRecord>) -> Evidence {
    evidence(any_chain_view(EPOCH), EPOCH, validators)
}

/// Many validators, by index; public keys repeat after 256 of `validator`, so they are made here.
fn many(count: u64) -> Vec<ValidatorRecord> {
    (0..count)
        .map(|index| {
            let mut record =
                ValidatorRecord { index: crate::types::ValidatorIndex(index), ..validator(0, 32_000_000_000) };
            record.pubkey[..8].copy_from_slice(&index.to_be_bytes());
            record
        })
        .collect()
}

fn keeping(evidence: Evidence) -> Comparisons {
    let mut comparisons = Comparisons::default();
    comparisons.keep(Arc::new(evidence));
    comparisons
}

/// One side asks the other until it has no more questions. Returns what it found, and how often it asked.
fn search(ours: &mut Comparisons, theirs: &mut Comparisons) -> (Vec<Found>, usize) {
    let mut open: Vec<_> = ours.begin(peer(), Epoch(EPOCH)).into_iter().collect();
    let (mut found, mut asked) = (Vec::new(), 0);
    while let Some(inquiry) = open.pop() {
        asked += 1;
        let (new, further) = ours.take(peer(), theirs.answer(&inquiry).unwrap());
        found.extend(new);
        open.extend(further);
    }
    (found, asked)
}

fn names(found: &[Found]) -> BTreeSet<String> {
    let differences = found.iter().filter_map(|found| if let Found::Differences(d) = found { Some(d) } else { None });
    differences.flatten().map(|difference| difference.fact.clone()).collect()
}

#[test]
fn one_wrong_balance_among_thousands_is_found_in_a_few_questions() {
    let ours = many(5_000);
    let mut theirs = ours.clone();
    theirs[4_321].balance = Gwei(1);
    let (found, asked) = search(&mut keeping(observed(ours.clone())), &mut keeping(observed(theirs)));
    assert_eq!(names(&found), BTreeSet::from([format!("validator {}", ours[4_321].pubkey)]));
    assert!(asked <= 5, "{asked}");
}

#[test]
fn equal_evidence_takes_one_question_and_says_so() {
    let (found, asked) = search(&mut keeping(observed(many(1_000))), &mut keeping(observed(many(1_000))));
    assert_eq!((found, asked), (vec![Found::Nothing], 1));
}

#[test]
fn a_finished_search_is_begun_again_only_after_something_new() {
    let (mut ours, mut theirs) = (keeping(observed(many(9))), keeping(observed(many(8))));
    let (found, _) = search(&mut ours, &mut theirs);
    assert_eq!(names(&found).len(), 1);
    assert_eq!(ours.begin(peer(), Epoch(EPOCH)), None);
    assert_eq!(ours.found().count(), 1);
    ours.keep(Arc::new(observed(many(9))));
    assert_eq!(ours.found().count(), 0);
    assert!(ours.begin(peer(), Epoch(EPOCH)).is_some());
}

#[test]
fn nonsense_is_called_so_and_changes_nothing() {
    let fact = |name: &str| Fact { name: name.to_owned(), value: "x".to_owned() };
    let nonsense = [
        Node::Facts(vec![fact("red\u{1b}[31m")]),
        Node::Facts(vec![fact(&"long".repeat(100))]),
        Node::Facts((0..=Node::MAX_FACTS).map(|i| fact(&i.to_string())).collect()),
    ];
    for node in nonsense {
        let mut ours = keeping(observed(many(9)));
        let inquiry = ours.begin(peer(), Epoch(EPOCH)).unwrap();
        let finding = Finding { period: inquiry.period, place: inquiry.place, node };
        assert_eq!(ours.take(peer(), finding.clone()), (Some(Found::Nonsense), Vec::new()));
        assert_eq!(ours.take(peer(), finding), (Some(Found::Nonsense), Vec::new()), "it was answered already");
        assert_eq!(ours.found().count(), 0);
    }
}

#[test]
fn who_differs_in_everything_is_asked_a_bounded_number_of_questions() {
    let theirs = many(3_000).into_iter().map(|record| ValidatorRecord { balance: Gwei(1), ..record }).collect();
    let (found, asked) = search(&mut keeping(observed(many(3_000))), &mut keeping(observed(theirs)));
    assert!(names(&found).len() <= 16, "{}", names(&found).len());
    assert!(!names(&found).is_empty());
    assert!(asked <= 64, "{asked}");
}

#[test]
fn every_fact_of_ours_can_be_shown() {
    let participation = Some(Participation { previous: 7, current: 7, inactivity: u64::MAX });
    let longest = ValidatorRecord { participation, slashed: true, exit_epoch: Epoch(1), ..many(1)[0] };
    let (active_balance, active_effective_balance) = (u128::MAX, u128::MAX);
    let census = Census { validators: u64::MAX, active: u64::MAX, active_balance, active_effective_balance };
    let mut evidence = observed(vec![longest]);
    evidence.census = Some(census);
    for (name, value) in facts(&evidence) {
        let fact = Fact { name, value };
        assert!(fact.is_presentable(), "{fact:?}");
    }
}

proptest! {
    #[test]
    fn a_search_finds_all_of_a_few_differences_and_no_others(
        count in 0u64..400,
        changed in proptest::collection::btree_set(0u64..400, 0..5),
        missing in proptest::collection::btree_set(0u64..400, 0..5),
    ) {
        let all = many(count);
        let of = |index: &u64| format!("validator {}", many(index + 1).pop().unwrap().pubkey);
        let theirs: Vec<ValidatorRecord> = all
            .iter()
            .filter(|record| !missing.contains(&record.index.0))
            .map(|record| {
                let balance = if changed.contains(&record.index.0) { Gwei(1) } else { record.balance };
                ValidatorRecord { balance, ..*record }
            })
            .collect();
        let expected: BTreeSet<String> =
            changed.union(&missing).filter(|index| **index < count).map(of).collect();
        let (found, _) = search(&mut keeping(observed(all.clone())), &mut keeping(observed(theirs.clone())));
        prop_assert_eq!(names(&found), expected.clone());
        let (found, _) = search(&mut keeping(observed(theirs)), &mut keeping(observed(all)));
        prop_assert_eq!(names(&found), expected);
    }

    #[test]
    fn a_tree_depends_on_its_facts_alone(facts in proptest::collection::btree_map("[a-z]{1,6}", "[a-z]{0,3}", 0..200)) {
        let tree = Tree::new(facts.clone());
        prop_assert_eq!(tree.below(&[]).unwrap().count(), facts.len());
        let mut other = facts.clone();
        if let Some(value) = other.values_mut().next() {
            value.push('!');
            prop_assert_ne!(Tree::new(other).root(), tree.root());
        }
        prop_assert_eq!(Tree::new(facts).root(), tree.root());
    }
}

/// A dossier of the report that `validators` demand.
fn dossier(validators: Vec<ValidatorRecord>) -> Dossier {
    let setup = setup(Dealt::new(3, 2, 3).committee, member(1));
    let evidence = Arc::new(observed(validators));
    let duty = of_kind(DutyKind::Reserves, &evidence, setup.network.slots_per_epoch).pop().unwrap();
    let digest = setup.domain().digest(&duty).unwrap();
    let root = Tree::new(facts(&evidence)).root();
    Dossier::new(&setup, duty, digest, None, (evidence, root))
}

#[test]
fn a_dossier_decides_its_duty_again() {
    let dossier = dossier(many(3));
    let replay = dossier.replay();
    assert!(replay.holds(), "{replay:?}");
    assert_eq!((replay.digest, replay.signature_holds), (Some(dossier.digest), None));
}

#[test]
fn a_changed_input_is_noticed_by_name() {
    let honest = dossier(many(3));
    let changed = |change: fn(&mut Evidence)| {
        let mut dossier = honest.clone();
        change(Arc::make_mut(&mut dossier.evidence));
        let replay = dossier.replay();
        assert!(!replay.holds());
        (replay.differences.into_iter().map(|difference| difference.fact).collect::<Vec<_>>(), replay.intact)
    };
    let balance = changed(|evidence| evidence.validators[1].balance.0 += 1);
    assert_eq!(balance, (vec!["balance of validators".to_owned()], false));
    let vault = changed(|evidence| reserve_rules(&mut evidence.chain).vaults[0].1 += 5_000_000_000);
    assert_eq!(vault, (vec!["ether in vaults".to_owned()], false));
    let removed = changed(|evidence| evidence.validators.truncate(2));
    assert_eq!(removed, (vec!["balance of validators".to_owned(), "validators".to_owned()], false));
    // What does not change the duty is noticed all the same.
    assert_eq!(changed(|evidence| evidence.validators[1].activation_epoch = Epoch(3)), (vec![], false));
    // A report that was not due has no digest at all.
    let (differences, _) = changed(|evidence| {
        evidence.chain.accepted.insert(DutyKind::Reserves, Level(evidence.slot.0));
    });
    assert!(differences.contains(&"kind".to_owned()), "{differences:?}");
}

#[test]
fn a_changed_statement_or_digest_is_noticed() {
    let mut other = dossier(many(3));
    other.digest = [9; 32].into();
    assert!(!other.replay().holds());
    let mut other = dossier(many(3));
    other.duty = dossier(many(2)).duty;
    let named: BTreeMap<String, Option<String>> =
        other.replay().differences.into_iter().map(|d| (d.fact, d.theirs)).collect();
    assert_eq!(named["validators"], Some("2".to_owned()));
}
