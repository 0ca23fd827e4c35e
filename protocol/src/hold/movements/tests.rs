//! What is counted, against what, and what an operator's release lets through.

use super::*;
use crate::{
    duty::{
        Bounds, DutyBody,
        kinds::{Ejection, EjectionOrder, EjectionReason, ReserveReport},
    },
    testing::{any_chain_view, evidence, released, validator},
    types::{BlsPubkey, Gwei, KeyEpoch, Slot, ValidatorIndex},
};
use std::{ops::Range, time::Duration};

const NOW: Timestamp = Timestamp(1_000);
const WAIT: Duration = Duration::from_secs(60);
const DAY: u64 = 225;

fn duty(period: u64, body: DutyBody) -> Duty {
    let (key_epoch, period) = (KeyEpoch(1), Epoch(period));
    Duty { key_epoch, period, reference_slot: Slot(period.0 * 8), reference_root: B256::ZERO, body }
}

/// An order over validators with these numbers.
fn order(period: u64, validators: Range<u64>) -> Duty {
    let reason = EjectionReason::LowBalance;
    let ejection = |index| Ejection { index: ValidatorIndex(index), pubkey: BlsPubkey::default(), reason };
    duty(period, DutyBody::Ejection(EjectionOrder::new(validators.map(ejection).collect()).unwrap()))
}

fn report(period: u64, assets: u64) -> Duty {
    let none = Gwei(0);
    duty(
        period,
        DutyBody::Reserves(ReserveReport {
            sources_version: 1,
            validator_count: 0,
            validators: Gwei(assets),
            pods: none,
            vaults: none,
            pending: none,
            liabilities: none,
            supply: none,
        }),
    )
}

fn digest(duty: &Duty) -> B256 {
    alloy_primitives::keccak256(borsh::to_vec(duty).unwrap())
}

fn limits(soft: Bounds, hard: Bounds) -> Limits {
    let everywhere = |bounds| DutyKind::ALL.into_iter().map(|kind| (kind, bounds)).collect();
    Limits { soft_wait: WAIT, soft: everywhere(soft), hard: everywhere(hard) }
}

fn hard(hard: Bounds) -> Movements {
    Movements::new(limits(Bounds::default(), hard), DAY)
}

fn file(movements: &mut Movements, duty: &Duty, signed: bool) {
    movements.file(NOW, duty, digest(duty), signed, &mut Effects::default());
}

/// What `duty` is beyond, after it was decided here.
fn beyond(movements: &mut Movements, duty: &Duty) -> Option<(Measure, u64)> {
    movements.abandon();
    file(movements, duty, false);
    let of_duty = |limited: &LimitedDuty| limited.digest == digest(duty);
    movements.limited(NOW).find(of_duty).map(|limited| (limited.excess.measure, limited.excess.amount))
}

#[test]
fn a_bound_may_be_reached_and_not_passed() {
    let mut movements = hard(Bounds { per_epoch: Some(5), ..Bounds::default() });
    assert_eq!(beyond(&mut movements, &order(10, 0..5)), None);
    assert_eq!(beyond(&mut movements, &order(10, 0..6)), Some((Measure::PerEpoch, 6)));
    let hold = movements.hold_of(NOW, digest(&order(10, 0..6))).unwrap();
    assert_eq!(hold.until, None);
    assert!(hold.reason.contains(&format!("guardian release {}", digest(&order(10, 0..6)))), "{}", hold.reason);
    assert_eq!(movements.hold_of(NOW, digest(&order(10, 0..5))), None, "it is no longer open");
}

#[test]
fn what_was_signed_within_a_day_counts_once_for_each_thing() {
    let mut movements = hard(Bounds { per_day: Some(10), ..Bounds::default() });
    file(&mut movements, &order(100, 0..6), true);
    assert_eq!(beyond(&mut movements, &order(110, 6..10)), None);
    assert_eq!(beyond(&mut movements, &order(110, 6..11)), Some((Measure::PerDay, 11)));
    assert_eq!(beyond(&mut movements, &order(110, 0..10)), None, "the same again moves nothing more");
    assert_eq!(beyond(&mut movements, &order(100 + DAY - 1, 6..11)), Some((Measure::PerDay, 11)));
    assert_eq!(beyond(&mut movements, &order(100 + DAY, 6..11)), None, "another day");
}

#[test]
fn only_what_was_signed_counts() {
    let mut movements = hard(Bounds { per_day: Some(10), ..Bounds::default() });
    file(&mut movements, &order(100, 0..10), false);
    movements.abandon();
    assert_eq!(beyond(&mut movements, &order(101, 10..20)), None);
}

/// Whoever can have orders signed may sign them from the newest period to the oldest.
#[test]
fn orders_of_earlier_periods_that_come_later_count_with_those_before_them() {
    let mut movements = hard(Bounds { per_day: Some(10), ..Bounds::default() });
    file(&mut movements, &order(100, 0..8), true);
    file(&mut movements, &order(99, 8..16), true);
    let limited: Vec<B256> = movements.limited(NOW).map(|limited| limited.digest).collect();
    assert_eq!(limited, [digest(&order(99, 8..16))], "and what was within the limits stays so");
}

#[test]
fn a_share_counts_when_more_than_a_few_move() {
    let mut movements = hard(Bounds { day_share_bps: Some(1_000), module_per_day: Some(18), ..Bounds::default() });
    let mut validators: Vec<_> = (0..100).map(|index| validator(index, 1)).collect();
    movements.see(&evidence(any_chain_view(100), 100, validators.clone()));
    assert_eq!(beyond(&mut movements, &order(100, 0..16)), None, "16 of 100 are few");
    assert_eq!(beyond(&mut movements, &order(100, 0..17)), Some((Measure::DayShareBps, 1_700)));
    validators.extend((100..200).map(|index| validator(index, 1)));
    validators.iter_mut().filter(|v| v.index.0 % 2 == 0).for_each(|v| v.withdrawal_credentials = [1; 32].into());
    movements.see(&evidence(any_chain_view(100), 100, validators));
    assert_eq!(beyond(&mut movements, &order(100, 0..20)), None, "10 of each module");
    let mut movements = hard(Bounds { module_per_day: Some(18), ..Bounds::default() });
    movements.see(&evidence(any_chain_view(100), 100, (0..100).map(|index| validator(index, 1)).collect()));
    file(&mut movements, &order(99, 0..10), true);
    assert_eq!(beyond(&mut movements, &order(100, 10..19)), Some((Measure::ModulePerDay, 19)));
}

#[test]
fn a_figure_is_compared_with_the_last_confirmed_one_in_both_directions() {
    let mut movements = hard(Bounds { change_bps: Some(1_000), ..Bounds::default() });
    assert_eq!(beyond(&mut movements, &report(10, 1_000)), None, "the first");
    file(&mut movements, &report(10, 1_000), true);
    assert_eq!(beyond(&mut movements, &report(12, 5_000)), None, "a report that may never be accepted is no measure");
    movements.confirm(digest(&report(10, 1_000)));
    assert_eq!(beyond(&mut movements, &report(12, 1_100)), None);
    assert_eq!(beyond(&mut movements, &report(12, 1_101)), Some((Measure::ChangeBps, 1_010)));
    assert_eq!(beyond(&mut movements, &report(12, 899)), Some((Measure::ChangeBps, 1_010)));
    assert_eq!(beyond(&mut movements, &report(12, 0)), Some((Measure::ChangeBps, 10_000)));
    file(&mut movements, &report(12, 5_000), true);
    movements.confirm(digest(&report(12, 5_000)));
    assert_eq!(beyond(&mut movements, &report(5_000, 5_500)), None, "however long ago it was");
    assert_eq!(beyond(&mut movements, &report(5_000, 1_000)), Some((Measure::ChangeBps, 8_000)));
}

#[test]
fn a_soft_limit_is_a_wait_that_the_next_epoch_does_not_begin_again() {
    let mut movements =
        Movements::new(limits(Bounds { per_epoch: Some(1), ..Bounds::default() }, Bounds::default()), DAY);
    let (first, second) = (order(10, 0..2), order(11, 0..3));
    let mut fx = Effects::default();
    movements.file(NOW, &first, digest(&first), false, &mut fx);
    movements.decided();
    let end = NOW.after(WAIT);
    assert!(
        matches!(released(fx).events.as_slice(), [Event::LimitExceeded { until: Some(until), .. }] if *until == end)
    );
    assert_eq!(movements.hold_of(NOW, digest(&first)).unwrap().until, Some(end));
    movements.abandon();
    let later = NOW.after(WAIT / 2);
    movements.file(later, &second, digest(&second), false, &mut Effects::default());
    movements.decided();
    assert_eq!(movements.hold_of(later, digest(&second)).unwrap().until, Some(end));
    assert_eq!(movements.ends(later).collect::<Vec<_>>(), [end]);
    assert_eq!(movements.hold_of(end, digest(&second)), None, "it goes on");
    assert_eq!(movements.limited(end).count(), 0);
    movements.file(end, &second, digest(&second), true, &mut Effects::default());
    let third = order(12, 3..5);
    movements.file(end, &third, digest(&third), false, &mut Effects::default());
    assert_eq!(movements.hold_of(end, digest(&third)).unwrap().until, Some(end.after(WAIT)), "another matter");
    movements.abandon();
    movements.decided();
    let fourth = order(13, 3..5);
    movements.file(end.after(WAIT), &fourth, digest(&fourth), false, &mut Effects::default());
    let until = movements.hold_of(end.after(WAIT), digest(&fourth)).unwrap().until;
    assert_eq!(until, Some(end.after(WAIT * 2)), "in between, nothing waited");
}

#[test]
fn what_was_released_is_free_for_a_day_and_nothing_else_is() {
    let bounds = Bounds { per_day: Some(4), change_bps: Some(100), ..Bounds::default() };
    let (mut movements, mut fx) = (hard(bounds), Effects::default());
    let large = order(100, 0..10);
    file(&mut movements, &large, false);
    assert!(!movements.release(B256::ZERO, &mut fx), "it was never seen here");
    assert!(movements.release(digest(&large), &mut fx));
    assert!(movements.release(digest(&large), &mut fx), "again, because the answer was lost");
    assert_eq!(movements.hold_of(NOW, digest(&large)), None);
    assert_eq!(beyond(&mut movements, &order(101, 0..10)), None, "the same in the next epoch has another digest");
    assert_eq!(beyond(&mut movements, &order(101, 0..14)), None, "four more are within the limit");
    assert_eq!(beyond(&mut movements, &order(101, 0..15)), Some((Measure::PerDay, 5)));
    assert_eq!(beyond(&mut movements, &order(100 + DAY, 0..10)), Some((Measure::PerDay, 10)));

    file(&mut movements, &report(100, 1_000), true);
    movements.confirm(digest(&report(100, 1_000)));
    file(&mut movements, &report(101, 2_000), false);
    assert!(movements.release(digest(&report(101, 2_000)), &mut fx));
    assert_eq!(beyond(&mut movements, &report(102, 2_010)), None, "as near to what was released");
    assert_eq!(beyond(&mut movements, &report(102, 3_000)), Some((Measure::ChangeBps, 5_000)));

    let mut again = hard(bounds);
    let records = crate::testing::recorded(fx);
    assert_eq!(records.len(), 2);
    for record in records {
        if let Record::Released { duty } = record {
            again.restore_release(&duty);
        }
    }
    assert_eq!(beyond(&mut again, &order(102, 0..10)), None, "after a restart too");
}

#[test]
fn other_limits_count_at_once() {
    let mut movements = hard(Bounds { per_epoch: Some(5), ..Bounds::default() });
    let large = order(10, 0..6);
    file(&mut movements, &large, true);
    assert!(movements.hold_of(NOW, digest(&large)).is_some());
    movements.limit(limits(Bounds::default(), Bounds { per_epoch: Some(6), ..Bounds::default() }));
    assert_eq!(movements.hold_of(NOW, digest(&large)), None);
}

#[test]
fn what_was_signed_long_ago_is_forgotten_but_not_the_last_confirmed_figure() {
    let mut movements = hard(Bounds { change_bps: Some(100), ..Bounds::default() });
    file(&mut movements, &report(1, 1_000), true);
    movements.confirm(digest(&report(1, 1_000)));
    for period in 1..20 {
        file(&mut movements, &order(period * DAY, period..period + 1), true);
        file(&mut movements, &report(period * DAY, 1_000 + period), true);
    }
    assert!(movements.filed.len() < 10, "{}", movements.filed.len());
    assert_eq!(beyond(&mut movements, &report(20 * DAY, 2_000)), Some((Measure::ChangeBps, 10_000)));
}

#[test]
fn shares_are_rounded_up_and_never_overflow() {
    assert_eq!([bps(0, 0), bps(0, 7), bps(1, 3), bps(3, 3), bps(7, 0)], [0, 0, 3_334, 10_000, u64::MAX]);
    assert_eq!(bps(u128::MAX, 1), u64::MAX);
}
