//! Requests by EIP-7002: on which grounds, in whose turn, for how much, and what a restart does to them.

use super::{
    follow::later,
    table::{NOW, SigningContext, Table, accepted, member},
};
use crate::{
    agree::order::{Turn, rank},
    duty::{Evidence, Rules},
    event::{Event, ExitEvent},
    exits::{Entry, ExitStage, Ledger},
    ports::{Call, ExitRequest, RequestOutcome},
    record::Record,
    sign::Signed,
    types::{Epoch, Gwei, Timestamp, ValidatorIndex, ValidatorRecord},
};
use std::time::Duration;

/// Everything that a request needs is read in `epoch`.
fn ready(order: &Signed, epoch: u64) -> Evidence {
    let mut evidence = later(order, epoch, |validator| {
        validator.withdrawal_credentials = [1; 32].into();
        validator.pending_withdrawals = Some(Gwei(0));
    });
    for rules in &mut evidence.chain.rules {
        if let Rules::Ejection(rules) = rules {
            rules.requester = Some([7; 20].into());
        }
    }
    evidence
}

/// The member that is first to pay for requests under `order`.
fn payer(table: &Table, order: &Signed) -> u16 {
    let is_first = |who: &u16| {
        rank(Turn::RequestExit, order.id(), order.digest(), &table.dealt.committee, member(*who)) == Some(0)
    };
    (1..=4).find(is_first).unwrap()
}

/// That guardian, which need not wait for anything.
fn first(table: &Table, order: &Signed) -> SigningContext {
    let mut context = table.context(payer(table, order));
    context.setup.exit_requests.after = Some(0);
    context
}

/// What is requested when this is read, and the records of that.
fn asked(context: &mut SigningContext, evidence: &Evidence) -> (Vec<ExitRequest>, Vec<Record>) {
    let evidence = evidence.clone();
    let (released, records) = context.recorded(|exits, now, setup, fx| exits.see(now, &evidence, setup, fx));
    let requests = released.calls.into_iter().filter_map(|call| match call {
        Call::RequestExit(request) => Some(*request),
        Call::Submit(_) | Call::Attest(_) | Call::PublishExit(_) => None,
    });
    (requests.collect(), records)
}

fn outcome(context: &mut SigningContext, order: &Signed, outcome: RequestOutcome) -> Vec<Record> {
    let digest = order.digest();
    let told = |exits: &mut super::super::Exits, now, setup: &_, fx: &mut _| {
        exits.requested(now, (digest, ValidatorIndex(0)), outcome, setup, fx);
    };
    context.recorded(told).1
}

fn included(fee: u128) -> RequestOutcome {
    RequestOutcome::Included { transaction: [9; 32].into(), gas: 100_000, fee }
}

#[test]
fn nothing_is_requested_that_lacks_anything() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    type Lack = (&'static str, fn(&mut Evidence));
    let lacking: [Lack; 9] = [
        ("a requester", |evidence| {
            evidence.chain.rules.iter_mut().for_each(|rules| {
                if let Rules::Ejection(rules) = rules {
                    rules.requester = None
                }
            })
        }),
        ("an account", |evidence| evidence.validators[0].withdrawal_credentials = [0; 32].into()),
        ("a proof of what is pending", |evidence| evidence.validators[0].pending_withdrawals = None),
        ("what is pending done", |evidence| evidence.validators[0].pending_withdrawals = Some(Gwei(1))),
        ("the order", |evidence| evidence.orders.clear()),
        ("unpaused keys", |evidence| evidence.chain.paused = true),
        ("a reason", |evidence| evidence.validators[0].balance = Gwei(32_000_000_000)),
        ("age", |evidence| evidence.validators[0].activation_epoch = Epoch(u64::MAX - 1)),
        ("not being requested yet", |evidence| evidence.requested = [evidence.validators[0].pubkey].into()),
    ];
    for (what, lack) in lacking {
        let mut context = first(&table, &order);
        context.open(&order);
        let mut evidence = ready(&order, 10);
        lack(&mut evidence);
        assert_eq!(asked(&mut context, &evidence).0.len(), 0, "without {what}");
        if what != "not being requested yet" {
            assert_eq!(asked(&mut context, &ready(&order, 11)).0.len(), 1, "with {what}");
        }
    }
    let mut context = first(&table, &order);
    context.open(&order);
    context.held = true;
    assert_eq!(asked(&mut context, &ready(&order, 10)).0.len(), 0, "held");
    context.held = false;
    context.setup.exit_requests.after = None;
    assert_eq!(asked(&mut context, &ready(&order, 11)).0.len(), 0, "switched off");
    assert_eq!(asked(&mut context, &ready(&order, 9 + 250)).0.len(), 0, "the order is old");
}

#[test]
fn a_request_is_recorded_before_it_is_made_and_made_once() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = first(&table, &order);
    context.open(&order);
    let (requests, records) = asked(&mut context, &ready(&order, 10));
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.position, request.max_fee), (0, context.setup.exit_requests.fee_ceiling));
    assert_eq!((request.account, request.requester), ([1; 20].into(), [7; 20].into()));
    let entry = |paid| Record::ExitRequest {
        order: order.digest(),
        pubkey: table.pubkey(0),
        time: NOW,
        max_fee: request.max_fee,
        paid,
    };
    assert_eq!(records, [entry(None)]);
    assert_eq!(asked(&mut context, &ready(&order, 11)).0.len(), 0, "one at a time");
    assert_eq!(outcome(&mut context, &order, included(3)), [entry(Some(3))]);
    // A finalized block shows it: that is all, whatever comes of it.
    let mut seen = ready(&order, 12);
    seen.requested.insert(table.pubkey(0));
    for epoch in 12..40 {
        seen.checkpoint.epoch = Epoch(epoch);
        context.now = context.now.after(context.setup.network.epoch());
        assert_eq!(asked(&mut context, &seen).0.len(), 0);
    }
    assert!(context.exits.status().iter().all(|status| status.stage == ExitStage::Requested));
}

#[test]
fn others_step_in_when_their_turn_has_come() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut seen = Vec::new();
    for who in 1..=4 {
        let mut context = table.context(who);
        context.setup.exit_requests.after = Some(0);
        context.open(&order);
        if !asked(&mut context, &ready(&order, 10)).0.is_empty() {
            seen.push((who, 0));
            continue;
        }
        let wake = context.step(|_, _, _, _| {}).wake.unwrap();
        context.now = wake;
        let is_asked = |call: &Call| matches!(call, Call::RequestExit(_));
        assert!(context.step(|_, _, _, _| {}).calls.iter().any(is_asked));
        seen.push((who, wake.since(NOW).as_secs() / context.setup.timing.submit_stagger.as_secs()));
    }
    let mut turns: Vec<u64> = seen.into_iter().map(|(_, turn)| turn).collect();
    turns.sort_unstable();
    assert_eq!(turns, [0, 1, 2, 3]);
}

#[test]
fn what_guardians_sign_comes_first_unless_it_comes_to_nothing() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = first(&table, &order);
    context.setup.exit_requests.after = Some(4);
    context.open(&order);
    let asked: Vec<u64> = (10..20).filter(|epoch| !asked(&mut context, &ready(&order, *epoch)).0.is_empty()).collect();
    assert_eq!(asked, [14]);
}

#[test]
fn who_was_killed_before_it_knew_goes_on_at_once_with_the_same() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let last = (1..=4)
        .max_by_key(|who| rank(Turn::RequestExit, order.id(), order.digest(), &table.dealt.committee, member(*who)));
    let mut ledger = Ledger::default();
    let begun = Entry { time: Timestamp(7), max_fee: 5, paid: None };
    ledger.restore((order.digest(), table.pubkey(0)), begun);
    let mut context = table.context_with(last.unwrap(), ledger);
    context.setup.exit_requests.after = Some(0);
    context.open(&order);
    assert_eq!(asked(&mut context, &ready(&order, 10)).0.len(), 1, "although others come first");
    // It may have been ours: then nobody knows what it cost.
    let known = outcome(&mut context, &order, RequestOutcome::AlreadyMade);
    let Entry { time, max_fee, paid } = begun;
    assert_eq!(known, [Record::ExitRequest { order: order.digest(), pubkey: table.pubkey(0), time, max_fee, paid }]);
}

#[test]
fn fees_are_bounded_for_each_request_and_for_a_day() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut ledger = Ledger::default();
    let spent = |time, paid| Entry { time: Timestamp(time), max_fee: 60, paid };
    let key = |byte: u8| ([byte; 32].into(), table.pubkey(0));
    ledger.restore(key(1), spent(NOW.0 - 1_000, Some(30)));
    ledger.restore(key(2), spent(NOW.0 - 1_000, None));
    let mut context = table.context_with(payer(&table, &order), ledger);
    (context.setup.exit_requests.fee_ceiling, context.setup.exit_requests.fees_per_day) = (50, 100);
    context.setup.exit_requests.after = Some(0);
    context.open(&order);
    let ask = |context: &mut SigningContext, epoch| asked(context, &ready(&order, epoch)).0.pop();
    assert_eq!(ask(&mut context, 11).map(|request| request.max_fee), Some(10), "what the day leaves");
    outcome(&mut context, &order, RequestOutcome::TooDear { fee: 11 });
    let tried = context.exits.status()[0].request.clone().unwrap();
    assert_eq!(tried, "asked for by EIP-7002 1 times: its fee of 11 wei is above the 10 that may be paid");
    // A day later all of it may be spent again.
    context.now = context.now.after(Duration::from_secs(90_000));
    assert_eq!(ask(&mut context, 12).map(|request| request.max_fee), Some(50), "what one may cost");
    outcome(&mut context, &order, RequestOutcome::Failed("no connection".to_owned()));
    context.setup.exit_requests.fees_per_day = 0;
    context.now = context.now.after(Duration::from_secs(3_000));
    assert_eq!(ask(&mut context, 13).map(|request| request.max_fee), None);
    assert!(context.exits.status()[0].request.as_ref().unwrap().contains("used up"));
}

#[test]
fn a_refusal_is_told_and_tried_again_ever_more_rarely() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = first(&table, &order);
    context.open(&order);
    let mut times = 0;
    for epoch in 10..40 {
        times += asked(&mut context, &ready(&order, epoch)).0.len();
        outcome(&mut context, &order, RequestOutcome::Refused("NoRight".to_owned()));
        context.now = context.now.after(context.setup.network.epoch());
    }
    assert!((10..=30).contains(&times), "{times}");
    let stuck = |event: &Event| {
        if let Event::Exit(ExitEvent::Stuck { tried, .. }) = event { Some(tried.clone()) } else { None }
    };
    let told: Vec<String> = context.compute().events.iter().filter_map(stuck).collect();
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.contains("asked for by EIP-7002") && told.ends_with("refused: NoRight"), "{told}");
}

#[test]
fn a_validator_without_a_share_of_its_key_is_requested() {
    let mut table = Table::new(1);
    let order = table.order(9, &[0]);
    let mut context = table.context_without_shares(payer(&table, &order));
    context.setup.exit_requests.after = Some(0);
    context.open(&order);
    let (requests, _) = asked(&mut context, &ready(&order, 11));
    let is_here = |validator: &ValidatorRecord| validator.index == ValidatorIndex(0);
    assert!(accepted(&[&order]).validators.iter().any(is_here));
    assert_eq!((requests.len(), context.exits.status()[0].has_share), (1, false));
}

#[test]
fn what_another_order_may_have_requested_is_final_before_a_request() {
    let mut table = Table::new(1);
    let (older, order) = (table.order(8, &[0]), table.order(9, &[0]));
    let mut context = first(&table, &order);
    context.open(&older);
    context.open(&order);
    let requests: Vec<(u64, usize)> = (10..20)
        .flat_map(|epoch| {
            asked(&mut context, &ready(&order, epoch)).0.into_iter().map(move |it| (epoch, it.orders.len()))
        })
        .collect();
    assert_eq!(requests, [(17, 2)], "and at the head both are asked about");
}
