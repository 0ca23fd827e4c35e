//! One digest for a duty, ever; and nothing at all while it is not known what was signed before.

use super::Table;
use crate::{
    Record,
    duty::Duty,
    effects::Effects,
    sign::{
        NotSafe,
        guard::{Guard, Safe},
    },
    testing::Log,
    types::{Epoch, Slot},
};
use std::collections::BTreeMap;

#[test]
fn the_guard_lets_one_digest_through_for_a_duty_ever() {
    let table = Table::new();
    let (mut guard, mut fx) = (Guard::restore(BTreeMap::new(), Some((Epoch(0), true))), Effects::default());
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Ok(Safe::Fresh));
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Ok(Safe::Same));
    let refused = guard.check_and_insert(&table.duty, [2; 32].into(), &mut fx);
    assert!(matches!(refused, Err(NotSafe::OtherDigest { .. })), "{refused:?}");
    assert!(guard.permit(table.duty.id(), [2; 32].into()).is_err());
    assert!(guard.permit(table.duty.id(), [1; 32].into()).is_ok());
}

#[test]
fn a_new_store_signs_nothing_that_an_older_one_may_have_signed() {
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
fn a_store_that_was_set_back_lets_nothing_through_before_it_has_waited() {
    let table = Table::new();
    let id = table.duty.id();
    let (mut guard, mut fx) = (Guard::restore(BTreeMap::new(), Some((Epoch(5), true))), Effects::default());
    // What it let through before anybody told it may contradict what it has forgotten.
    guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx).unwrap();
    assert!(guard.accounts_for(id, [1; 32].into()) && !guard.accounts_for(id, [2; 32].into()));
    let below = Duty { period: Epoch(5), ..table.duty.clone() };
    assert!(guard.accounts_for(below.id(), [2; 32].into()), "what is below the floor has been waited for");
    assert!(guard.distrust(&mut fx));
    assert!(!guard.distrust(&mut fx), "once");
    assert!(guard.waits() && guard.is_set_back() && !guard.is_new());
    assert_eq!(guard.check_and_insert(&table.duty, [1; 32].into(), &mut fx), Err(NotSafe::StoreWasSetBack));
    assert_eq!(guard.permit(id, [1; 32].into()).err(), Some(NotSafe::StoreWasSetBack));
    guard.wait_below(Epoch(9), &mut fx);
    assert!(!guard.waits());
    assert_eq!(guard.permit(id, [1; 32].into()).err(), Some(NotSafe::BelowFloor { period: Epoch(9), floor: Epoch(9) }));
    let later = Duty { period: Epoch(10), reference_slot: Slot(80), ..table.duty.clone() };
    assert_eq!(guard.check_and_insert(&later, [1; 32].into(), &mut fx), Ok(Safe::Fresh));
    let mut log = Log::default();
    let Ok(_) = fx.commit(&mut log);
    let floors = log.0.iter().filter(|record| matches!(record, Record::Floor { .. }));
    let expected =
        [Record::Floor { epoch: Epoch(5), is_settled: false }, Record::Floor { epoch: Epoch(9), is_settled: true }];
    assert!(floors.eq(&expected), "both survive a restart");
}
