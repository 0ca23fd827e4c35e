//! One digest for a duty, ever; and nothing at all while it is not known what was signed before.

use super::Table;
use crate::{
    duty::Duty,
    effects::Effects,
    sign::{
        NotSafe,
        guard::{Guard, Safe},
    },
    types::{Epoch, Slot},
};
use std::collections::BTreeMap;

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
