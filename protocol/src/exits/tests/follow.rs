//! A validator is followed from its order to the withdrawal of its stake, and what does not come about is told.

use super::table::{SigningContext, Table, accepted};
use crate::{
    duty::Evidence,
    event::{Event, ExitEvent},
    exits::{ExitStage, STUCK_AFTER, Wait},
    sign::Signed,
    testing::{any_chain_view, evidence},
    types::{Epoch, Gwei, Proof, ProviderId, ValidatorIndex, ValidatorRecord},
};
use std::{collections::BTreeSet, time::Duration};

/// What is said of the other way.
const UNASKED: &str = "not requested by EIP-7002: the protocol offers no requester";

/// What is read in `epoch` of the validators of `order`, changed by `change`.
pub(super) fn later(order: &Signed, epoch: u64, change: impl Fn(&mut ValidatorRecord)) -> Evidence {
    let mut evidence = accepted(&[order]);
    evidence.checkpoint.epoch = Epoch(epoch);
    evidence.validators.iter_mut().for_each(change);
    evidence
}

fn stages(context: &SigningContext) -> Vec<ExitStage> {
    context.exits.status().into_iter().map(|status| status.stage).collect()
}

#[test]
fn a_validator_is_followed_from_its_order_to_its_settlement() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(table.turns(&order)[0]);
    let others: Vec<u16> = table.turns(&order)[1..3].to_vec();
    context.open(&order);
    assert_eq!(stages(&context), [ExitStage::Ordered]);
    context.see(&accepted(&[&order]));
    assert_eq!(stages(&context), [ExitStage::Accepted]);
    context.compute();
    assert_eq!(stages(&context), [ExitStage::Parts]);
    others.iter().for_each(|other| context.hear(*other, &table.parts(*other, &order)));
    context.compute();
    assert!(matches!(stages(&context)[..], [ExitStage::Combined | ExitStage::Broadcast]));
    context.publish_for(Duration::from_millis(1));
    assert_eq!(stages(&context), [ExitStage::Broadcast]);

    let leaving = |validator: &mut ValidatorRecord| {
        (validator.exit_epoch, validator.withdrawable_epoch) = (Epoch(15), Epoch(20));
    };
    let gone = |validator: &mut ValidatorRecord| {
        leaving(validator);
        validator.balance = Gwei(0);
    };
    context.see(&later(&order, 11, leaving));
    assert_eq!(stages(&context), [ExitStage::InBlock]);
    assert_eq!(context.exits.status()[0].exit_epoch, Some(Epoch(15)));
    context.see(&later(&order, 15, leaving));
    assert_eq!(stages(&context), [ExitStage::Exited]);
    context.see(&later(&order, 20, leaving));
    assert_eq!(stages(&context), [ExitStage::Withdrawable]);
    context.see(&later(&order, 21, gone));
    assert_eq!(stages(&context), [ExitStage::Swept]);
    let told: Vec<Event> = std::mem::take(&mut context.seen).events;
    let told = told.iter().filter_map(|event| if let Event::Exit(event) = event { Some(event) } else { None });
    let index = ValidatorIndex(0);
    assert!(told.skip_while(|event| !matches!(event, ExitEvent::Seen { .. })).eq(&[
        ExitEvent::Seen { index, exit_epoch: Epoch(15) },
        ExitEvent::Moved { index, stage: ExitStage::Exited },
        ExitEvent::Moved { index, stage: ExitStage::Withdrawable },
        ExitEvent::Moved { index, stage: ExitStage::Swept },
    ]));

    // After a restart, all of it is read again, and nothing is told twice.
    let mut again = table.context(1);
    again.see(&later(&order, 21, gone));
    assert_eq!((stages(&again), again.compute().events.len()), (vec![ExitStage::Swept], 0));

    // The protocol's contract says that it is settled.
    context.see(&evidence(any_chain_view(22), 22, vec![]));
    assert_eq!(stages(&context), []);
    assert!(context.compute().events.contains(&Event::Exit(ExitEvent::Settled { index })));
}

#[test]
fn what_is_not_told_or_not_proved_moves_no_stage() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(1);
    context.start(&order);
    context.compute();
    let leaves = |epoch: u64| later(&order, epoch, |validator| validator.exit_epoch = Epoch(15));
    // By words alone, where a state could be proved.
    let mut downgraded = leaves(11);
    downgraded.proof = Proof::Downgraded;
    context.see(&downgraded);
    assert_eq!(stages(&context), [ExitStage::Parts]);
    assert!(!context.exits.status()[0].is_cleared, "and nothing irrevocable follows");
    context.see(&leaves(12));
    assert_eq!(stages(&context), [ExitStage::InBlock]);
    // The beacon state does not know the validator; it is still the protocol's.
    let mut unknown = leaves(16);
    unknown.unknown = unknown.validators.drain(..).map(|validator| validator.pubkey).collect();
    context.see(&unknown);
    assert_eq!(stages(&context), [ExitStage::InBlock]);
    context.see(&leaves(16));
    assert_eq!(stages(&context), [ExitStage::Exited]);
}

#[test]
fn an_exit_that_no_block_has_is_published_again_and_told_once_when_it_is_stuck() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(table.turns(&order)[0]);
    context.start(&order);
    for other in &table.turns(&order)[1..3] {
        context.hear(*other, &table.parts(*other, &order));
    }
    context.compute();
    for epoch in 10..10 + STUCK_AFTER {
        context.see(&later(&order, epoch, |_| {}));
        context.publish_for(context.setup.network.epoch());
    }
    let said = [(ProviderId(0), None), (ProviderId(1), Some("not now".to_owned()))];
    context.act(|exits, _, _, _| exits.published(ValidatorIndex(0), &said));
    let stuck = |event: &Event| {
        if let Event::Exit(ExitEvent::Stuck { tried, .. }) = event { Some(tried.clone()) } else { None }
    };
    assert_eq!(context.compute().events.iter().filter_map(stuck).count(), 0);
    for epoch in 10 + STUCK_AFTER..30 + STUCK_AFTER {
        context.see(&later(&order, epoch, |_| {}));
    }
    let published = context.exits.status()[0].published;
    assert!((8..20).contains(&published), "{published} times in {STUCK_AFTER} epochs");
    let told: Vec<String> = context.compute().events.iter().filter_map(stuck).collect();
    assert_eq!(
        told,
        [format!("published {published} times, taken by 1 of 2 beacon nodes, refused: 1: not now; {UNASKED}")]
    );
    assert!(context.exits.status()[0].is_stuck);
    context.see(&later(&order, 60, |validator| validator.exit_epoch = Epoch(70)));
    assert!(!context.exits.status()[0].is_stuck);
}

#[test]
fn a_validator_that_is_too_young_to_leave_waits_and_is_not_stuck() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context(table.turns(&order)[0]);
    context.setup.network.shard_committee_period = 64;
    let young = |validator: &mut ValidatorRecord| validator.activation_epoch = Epoch(5);
    context.open(&order);
    context.see(&later(&order, 10, young));
    for other in &table.turns(&order)[1..3] {
        context.hear(*other, &table.parts(*other, &order));
    }
    assert_eq!(context.compute().combined(), BTreeSet::from([0]));
    for epoch in 11..69 {
        context.see(&later(&order, epoch, young));
        assert_eq!(context.publish_for(context.setup.network.epoch()), []);
    }
    assert_eq!(context.exits.status()[0].waits, Some(Wait::Young(Epoch(69))));
    assert!(!context.exits.status()[0].is_stuck);
    context.see(&later(&order, 69, young));
    assert!(!context.publish_for(context.setup.network.epoch()).is_empty());
}
