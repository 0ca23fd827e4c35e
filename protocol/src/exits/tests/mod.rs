//! What counts, what is said of liars, and what happens to exits when jobs, orders and restarts come as they like.

mod follow;
mod requests;
mod table;

use self::table::{SigningContext, Table, accepted, bring, member, run};
use super::{Job, PARTS_AT_ONCE};
use crate::{
    duty::{
        DutyBody, Evidence, Rules,
        kinds::{Ejection, EjectionOrder, EjectionReason},
    },
    event::{Event, ExitEvent},
    sign::Signed,
    types::{Epoch, Timestamp, ValidatorIndex},
    wire::PartialExits,
    work::{self, exits::Work},
};
use guardian_crypto::bls::PartialSignature;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

#[test]
fn a_wrong_part_is_reported_and_does_not_delay_the_honest() {
    let mut table = Table::new(3);
    let order = table.order(9, &[0, 1, 2]);
    let mut context = table.context(1);
    context.start(&order);
    context.compute();
    // Ours, the liar's and one more are as many as are needed, but not as many as count.
    context.hear(2, &table.lies(2, &order));
    context.hear(3, &table.parts(3, &order));
    let seen = context.compute();
    assert_eq!(seen.combined(), BTreeSet::new());
    assert_eq!(seen.refused(), [member(2)]);
    context.hear(4, &table.parts(4, &order));
    let seen = context.compute();
    assert_eq!((seen.combined(), seen.jobs), (BTreeSet::from([0, 1, 2]), 1));
    // Everybody's turn comes within an epoch.
    let published = context.publish_for(context.setup.network.epoch() + Duration::from_secs(10));
    assert_eq!(published.len(), 3);
    assert!(published.iter().all(|(_, exit)| table.is_genuine(exit)));
}

#[test]
fn one_wrong_part_spoils_neither_its_members_others_nor_other_exits() {
    let mut table = Table::new(3);
    let order = table.order(9, &[0, 1, 2]);
    let mut context = table.context(1);
    context.start(&order);
    let mut parts = table.parts(2, &order);
    parts.exits[1].1 = table.parts(3, &order).exits[1].1;
    context.hear(2, &parts);
    context.hear(3, &table.parts(3, &order));
    let seen = context.compute();
    assert_eq!((seen.combined(), seen.refused()), (BTreeSet::from([0, 2]), vec![member(2)]));
    // It was a mistake; now it is right.
    context.hear(2, &table.parts(2, &order));
    assert_eq!(context.compute().combined(), BTreeSet::from([1]));
}

#[test]
fn parts_of_suspects_wait_for_those_of_others() {
    let mut table = Table::new(2);
    let (first, second) = (table.order(9, &[0]), table.order(10, &[1]));
    let mut context = table.context(1);
    context.start(&first);
    context.hear(2, &table.lies(2, &first));
    assert_eq!(context.compute().refused(), [member(2)]);
    context.open(&second);
    context.see(&accepted(&[&first, &second]));
    context.hear(2, &table.lies(2, &second));
    context.hear(3, &table.parts(3, &second));
    context.hear(4, &table.parts(4, &second));
    // Our parts are one job, the honest ones the next; what the suspect says is not even looked at, for it is not needed.
    let seen = context.compute();
    assert_eq!((seen.combined(), seen.jobs, seen.refused()), (BTreeSet::from([1]), 2, vec![]));
    // Where it is needed, it is heard.
    context.hear(2, &table.parts(2, &first));
    context.hear(3, &table.parts(3, &first));
    assert_eq!(context.compute().combined(), BTreeSet::from([0]));
}

#[test]
fn our_parts_are_made_after_the_order_is_known_and_told_then() {
    let mut table = Table::new(2);
    let order = table.order(9, &[0, 1]);
    let mut context = table.context(2);
    assert_eq!(context.compute().jobs, 0);
    let mut released = context.started(&order);
    assert!(released.events.is_empty() && context.exits.ours().is_empty());
    let computed = run(released.jobs.pop().unwrap(), &table);
    let mut told = None;
    let released = context.step(|exits, now, _, fx| told = bring(exits, now, computed, fx));
    let given = |event: &Event| matches!(event, Event::Exit(ExitEvent::PartReleased { .. }));
    assert_eq!(released.events.iter().filter(|event| given(event)).count(), 2);
    let told = told.unwrap();
    assert_eq!((told.duty, told.digest), (order.id(), order.digest()));
    assert!(told.exits.iter().map(|(index, _)| index.0).eq([0, 1]));
    assert_eq!(context.exits.ours(), [told]);
    assert_eq!(context.compute().jobs, 0);
}

#[test]
fn while_ejections_are_held_no_part_is_made_and_others_are_checked() {
    let mut table = Table::new(2);
    let order = table.order(9, &[0, 1]);
    let mut context = table.context(1);
    context.held = true;
    context.start(&order);
    let seen = context.compute();
    assert_eq!((seen.jobs, seen.told, context.exits.ours()), (0, vec![], vec![]));
    context.hear(2, &table.parts(2, &order));
    context.hear(3, &table.parts(3, &order));
    let seen = context.compute();
    assert_eq!((seen.combined(), seen.told), (BTreeSet::new(), vec![]), "two of three, and ours is not one of them");
    assert!(seen.jobs > 0 && seen.events.is_empty());
    context.held = false;
    context.act(|_, _, _, _| {});
    let seen = context.compute();
    assert_eq!(seen.told, context.exits.ours());
    assert_eq!((seen.told[0].exits.len(), seen.combined()), (2, BTreeSet::from([0, 1])));
}

#[test]
fn the_status_says_how_many_parts_each_exit_has() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    let status = |context: &SigningContext| {
        let all = context.exits.status();
        (all.len(), all[0].parts, all[0].needed, all[0].is_given, all[0].is_held, all[0].is_complete)
    };
    context.held = true;
    context.start(&order);
    context.hear(2, &table.parts(2, &order));
    context.compute();
    assert_eq!(status(&context), (1, 1, 3, false, true, false));
    context.held = false;
    context.hear(3, &table.parts(3, &order));
    context.compute();
    assert_eq!(status(&context), (1, 3, 3, true, false, true));
}

#[test]
fn parts_that_were_being_made_when_the_hold_came_are_not_told() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    let mut released = context.started(&order);
    let computed = run(released.jobs.pop().unwrap(), &table);
    context.held = true;
    context.act(|_, _, _, _| {});
    let mut told = None;
    context.act(|exits, now, _, fx| told = bring(exits, now, computed, fx));
    let seen = context.compute();
    assert_eq!((told, seen.events.len(), seen.jobs, context.exits.ours()), (None, 0, 0, vec![]));
    context.held = false;
    context.act(|_, _, _, _| {});
    assert_eq!(context.compute().told.len(), 1);
}

#[test]
fn parts_that_overtake_their_order_are_kept() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    context.hear(2, &table.parts(2, &order));
    context.hear(3, &table.parts(3, &order));
    assert_eq!(context.compute().jobs, 0);
    context.start(&order);
    assert_eq!(context.compute().combined(), BTreeSet::from([0]));
}

#[test]
fn more_parts_than_an_order_holds_are_refused() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    context.start(&order);
    context.compute();
    let mut parts = table.parts(2, &order);
    parts.exits = vec![parts.exits[0]; EjectionOrder::MAX + 1];
    context.hear(2, &parts);
    let seen = context.compute();
    assert_eq!((seen.refused(), seen.jobs), (vec![member(2)], 0));
}

#[test]
fn a_job_that_does_not_come_back_is_done_again() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    let lost = context.started(&order);
    assert_eq!(lost.jobs.len(), 1);
    assert!(context.step(|_, _, _, _| {}).jobs.is_empty());
    assert_eq!(lost.wake, Some(context.now.after(context.setup.timing.query_timeout)));
    context.now = context.now.after(context.setup.timing.query_timeout);
    let again = context.step(|_, _, _, _| {});
    assert_eq!(again.jobs.len(), 1);
    // Should the first come back now, it is too late: nobody waits for it any more.
    let late = lost.jobs.into_iter().next().map(|job| run(job, &table)).unwrap();
    let mut told = None;
    context.step(|exits, now, _, fx| told = bring(exits, now, late, fx));
    assert_eq!(told, None);
    let computed = again.jobs.into_iter().next().map(|job| run(job, &table)).unwrap();
    context.step(|exits, now, _, fx| told = bring(exits, now, computed, fx));
    assert_eq!(told.unwrap().exits.len(), 1);
}

#[test]
fn what_a_job_brings_of_an_order_that_was_replaced_is_dropped() {
    let mut table = Table::new(1);
    let (old, new) = (table.order(9, &[0]), table.order(300, &[0]));
    let mut context = table.context(1);
    let mut released = context.started(&old);
    let computed = run(released.jobs.pop().unwrap(), &table);
    context.start(&new);
    let mut told = None;
    context.act(|exits, now, _, fx| told = bring(exits, now, computed, fx));
    assert_eq!(told, None);
    context.hear(2, &table.parts(2, &new));
    context.hear(3, &table.parts(3, &new));
    assert_eq!(context.compute().combined(), BTreeSet::from([0]));
    assert!(context.publish_for(Duration::from_secs(10)).iter().all(|(_, exit)| exit.epoch == Epoch(300)));
}

#[test]
fn orders_that_follow_each_other_are_all_taken_up_after_a_restart() {
    let mut table = Table::new(3);
    let orders = [table.order(9, &[0, 1]), table.order(10, &[2]), table.order(11, &[1])];
    let mut context = table.context(1);
    for order in &orders {
        context.exits.remember(order);
    }
    let resume = |context: &mut SigningContext, epoch: u64, left: u64| {
        context.act(|exits, now, setup, fx| exits.resume(now, Epoch(epoch), |index| index.0 != left, setup, fx));
        context.see(&accepted(&orders.iter().collect::<Vec<_>>()));
        context.compute();
        let ours = context.exits.ours().into_iter();
        ours.map(|parts| (parts.duty.period.0, parts.exits.iter().map(|it| it.0.0).collect())).collect()
    };
    // Validator 0 has left; validator 1 is in two orders, of which the newer counts.
    let told: BTreeMap<u64, Vec<u64>> = resume(&mut context, 12, 0);
    assert_eq!(told, BTreeMap::from([(10, vec![2]), (11, vec![1])]));
    assert_eq!(resume(&mut context, 13, 0), told);
    let mut late = table.context(1);
    orders.iter().for_each(|order| late.exits.remember(order));
    let told: BTreeMap<u64, Vec<u64>> = resume(&mut late, 267, 0);
    assert_eq!(told, BTreeMap::from([(11, vec![1])]), "the life of the others is over");
}

#[test]
fn complete_exits_are_published_in_turn_and_again_until_seen() {
    let count = 40;
    let mut table = Table::new(count);
    let order = table.order(9, &(0..count).collect::<Vec<_>>());
    let [first, others @ ..] = table.turns(&order);
    let mut context = table.context(first);
    context.start(&order);
    for who in others {
        context.hear(who, &table.parts(who, &order));
    }
    let seen = context.compute();
    assert_eq!(seen.combined().len(), 40);
    let mut calls: Vec<_> = seen.calls.into_iter().map(|exit| (context.now, exit)).collect();
    calls.extend(context.publish_for(Duration::from_secs(120)));
    let mut at_once: BTreeMap<Timestamp, usize> = BTreeMap::new();
    let mut times: BTreeMap<ValidatorIndex, usize> = BTreeMap::new();
    for (at, exit) in calls {
        assert!(table.is_genuine(&exit));
        *at_once.entry(at).or_default() += 1;
        *times.entry(exit.index).or_default() += 1;
    }
    assert!(at_once.values().all(|count| *count <= 16));
    assert!(times.len() == 40 && times.values().all(|count| (2..=3).contains(count)), "{times:?}");
}

#[test]
fn jobs_are_bounded() {
    let mut table = Table::new(1);
    let mut context = table.context(1);
    // One key for all: what is counted is the work, not the validators.
    let pubkey = table.pubkey(0);
    let reason = EjectionReason::LowBalance;
    let orders: Vec<Signed> = (0..3)
        .map(|period| {
            let indices = (period * 256..(period + 1) * 256).map(ValidatorIndex);
            let ejections = indices.map(|index| Ejection { index, pubkey, reason }).collect();
            table.signed(period, EjectionOrder::new(ejections).unwrap())
        })
        .collect();
    orders.iter().for_each(|order| context.open(order));
    context.see(&accepted(&orders.iter().collect::<Vec<_>>()));
    assert!(context.compute().told.iter().all(|told| told.exits.len() == 256));
    let garbage = PartialSignature::from_bytes(&[1; 96]).unwrap();
    for order in &orders {
        let DutyBody::Ejection(body) = &order.duty().body else { unreachable!() };
        let exits = body.ejections().iter().map(|ejection| (ejection.index, garbage)).collect();
        let parts = PartialExits { duty: order.id(), digest: order.digest(), exits };
        context.hear(2, &parts);
        context.hear(3, &parts);
    }
    let parts = |job: &Job| {
        let work::Work::Exits(Work::Check(exits)) = &job.work else { unreachable!() };
        exits.iter().map(|exit| exit.fresh.len()).sum::<usize>()
    };
    // The first message was the first job; all others wait for it.
    assert_eq!(parts(context.running.as_ref().unwrap()), 256);
    context.now = context.now.after(context.setup.timing.query_timeout);
    let released = context.step(|_, _, _, _| {});
    assert_eq!(parts(&released.jobs[0]), PARTS_AT_ONCE);
}

/// What nobody could be made to do by a group signature alone.
#[test]
fn no_part_is_made_before_the_registry_has_the_order_finally() {
    let mut table = Table::new(2);
    let (order, other) = (table.order(9, &[0, 1]), table.order(8, &[0, 1]));
    let mut context = table.context(1);
    context.open(&order);
    assert_eq!(context.compute().jobs, 0, "only signed");
    // Both are low, but the registry has another order for them.
    let mut evidence = accepted(&[&other]);
    context.see(&evidence);
    assert_eq!(context.compute().jobs, 0, "not this one");
    evidence.orders.clear();
    context.see(&evidence);
    assert_eq!(context.compute().jobs, 0, "none");
    context.see(&accepted(&[&order]));
    assert_eq!(context.compute().told[0].exits.len(), 2);
}

#[test]
fn no_part_is_made_for_a_validator_that_need_not_leave_and_an_alarm_says_so_once() {
    let mut table = Table::new(3);
    let order = table.order(9, &[0, 1, 2]);
    let mut context = table.context(1);
    context.open(&order);
    let mut evidence = accepted(&[&order]);
    // One is healthy; of one the order names another's index. (Its key is not that of the validator there.)
    evidence.validators[0].balance = crate::types::Gwei(32_000_000_000);
    evidence.validators[1].pubkey = table.pubkey(2);
    for _ in 0..3 {
        context.see(&evidence);
    }
    let seen = context.compute();
    assert_eq!(seen.told[0].exits.iter().map(|(index, _)| index.0).collect::<Vec<_>>(), [2]);
    let unfounded = |event: &Event| if let Event::OrderUnfounded { index, .. } = event { Some(index.0) } else { None };
    assert_eq!(seen.events.iter().filter_map(unfounded).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_was_read_before_the_order_says_nothing_about_it() {
    let mut table = Table::new(1);
    let (earlier, order) = (table.order(9, &[0]), table.order(300, &[0]));
    let mut context = table.context(1);
    context.open(&order);
    let mut evidence = accepted(&[&earlier]);
    evidence.validators[0].balance = crate::types::Gwei(32_000_000_000);
    context.see(&evidence);
    let seen = context.compute();
    assert_eq!((seen.jobs, seen.events.len()), (0, 0));
}

#[test]
fn a_pause_stops_parts_that_are_not_given_yet_and_publishing() {
    let mut table = Table::new(2);
    let order = table.order(9, &[0, 1]);
    for stop in [
        |evidence: &mut Evidence| evidence.chain.paused = true,
        |evidence: &mut Evidence| {
            let Some(Rules::Ejection(rules)) = evidence.chain.rules.first_mut() else { unreachable!() };
            rules.exits_stopped = true;
        },
    ] {
        let mut stopped = accepted(&[&order]);
        stop(&mut stopped);
        let mut context = table.context(1);
        // The job is under way when it comes.
        let mut released = context.started(&order);
        let computed = run(released.jobs.pop().unwrap(), &table);
        context.see(&stopped);
        let mut told = None;
        context.act(|exits, now, _, fx| told = bring(exits, now, computed, fx));
        let seen = context.compute();
        assert_eq!((told, seen.events.len(), context.exits.ours()), (None, 0, vec![]));
        // Others gave theirs all the same; that makes it whole, and it is still not published by us.
        for who in [2, 3, 4] {
            context.hear(who, &table.parts(who, &order));
        }
        assert_eq!(context.compute().combined(), BTreeSet::from([0, 1]));
        assert_eq!(context.publish_for(Duration::from_secs(150)), []);
        context.see(&accepted(&[&order]));
        context.compute();
        assert_eq!(context.publish_for(Duration::from_secs(150)).len(), 2);
    }
}

#[test]
fn what_was_read_long_ago_speaks_for_nothing() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    context.held = true;
    context.start(&order);
    context.held = false;
    context.now = context.now.after(context.setup.network.epoch() * 2);
    context.act(|_, _, _, _| {});
    assert_eq!(context.compute().jobs, 0);
    context.see(&accepted(&[&order]));
    assert_eq!(context.compute().told.len(), 1);
}

#[test]
fn an_old_message_that_is_repeated_does_not_cost_a_member_its_new_parts() {
    let mut table = Table::new(1);
    let (old, new) = (table.order(9, &[0]), table.order(10, &[0]));
    let mut context = table.context(1);
    for who in [2, 3] {
        context.hear(who, &table.parts(who, &new));
        context.hear(who, &table.parts(who, &old));
    }
    context.start(&new);
    assert_eq!(context.compute().combined(), BTreeSet::from([0]));
}

#[test]
fn an_exit_that_waits_for_its_place_is_published_ever_more_rarely_and_never_given_up() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let [first, others @ ..] = table.turns(&order);
    let mut context = table.context(first);
    context.start(&order);
    for who in others {
        context.hear(who, &table.parts(who, &order));
    }
    let mut times = vec![];
    for _ in 0..20 {
        times.extend(context.compute().calls.iter().map(|_| context.now));
        times.extend(context.publish_for(context.setup.network.epoch()).into_iter().map(|(at, _)| at));
        context.see(&accepted(&[&order]));
    }
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(pauses.is_sorted() && pauses.len() >= 8, "{pauses:?}");
    assert!(*pauses.last().unwrap() >= context.setup.network.epoch());
}
