//! Whose word holds what, until when, and what is remembered of it.

use super::*;

use crate::testing::{Dealt, any_chain_view, evidence, member, setup, validator};

const NOW: Timestamp = Timestamp(1_000);

fn holds() -> Holds {
    Holds::restore(Words::default(), &setup(Dealt::new(3, 2, 3).committee, member(1)))
}

/// The kinds that what happens can hold.
fn kinds() -> impl Iterator<Item = DutyKind> {
    DutyKind::ALL.into_iter().filter(|kind| !kind.needs_a_word())
}

fn digest(number: u8) -> B256 {
    B256::repeat_byte(number)
}

fn hold(until: Option<u64>) -> Hold {
    Hold { until: until.map(Timestamp), reason: "looking into it".into() }
}

#[test]
fn a_hold_concerns_one_kind_until_it_is_released() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    holds.hold(DutyKind::Ejection, hold(None), &mut fx);
    assert_eq!(holds.judge(NOW, DutyKind::Ejection, digest(1)), Verdict::Hold(hold(None)));
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(1)), Verdict::Pass);
    assert!(holds.release(DutyKind::Ejection, &mut fx) && !holds.release(DutyKind::Ejection, &mut fx));
    assert_eq!(holds.judge(NOW, DutyKind::Ejection, digest(1)), Verdict::Pass);
}

#[test]
fn a_hold_with_an_end_ends_by_itself() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    holds.hold(DutyKind::Reserves, hold(Some(2_000)), &mut fx);
    holds.poll(NOW, &mut fx);
    assert_eq!(crate::testing::released(std::mem::take(&mut fx)).wake, Some(Timestamp(2_000)));
    assert!(holds.is_held(NOW, DutyKind::Reserves));
    assert!(!holds.is_held(Timestamp(2_000), DutyKind::Reserves));
    holds.poll(Timestamp(2_000), &mut fx);
    assert_eq!(holds.all().count(), 0, "even if the clock is set back");
}

#[test]
fn forbidden_digests_are_bounded_and_none_is_forgotten() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    let numbered = |number: usize| B256::from(alloy_primitives::U256::from(number));
    assert!((0..Holds::MAX_FORBIDDEN).all(|number| holds.forbid(numbered(number), &mut fx)));
    assert!(!holds.forbid(numbered(Holds::MAX_FORBIDDEN), &mut fx));
    assert!(holds.forbid(numbered(7), &mut fx), "it is known");
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, numbered(Holds::MAX_FORBIDDEN)), Verdict::Pass);
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, numbered(0)), Verdict::Refuse);
}

#[test]
fn a_refused_digest_is_refused_for_ever_and_no_other_is() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    assert!(holds.forbid(digest(7), &mut fx));
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(7)), Verdict::Refuse);
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(8)), Verdict::Pass);
    let kinds = vec![(DutyKind::Reserves, Some(hold(None))), (DutyKind::Reserves, None)];
    let words = Words { kinds, forbidden: [digest(7)].into(), ..Words::default() };
    let restored = Holds::restore(words, &setup(Dealt::new(3, 2, 3).committee, member(1)));
    assert_eq!(restored.judge(NOW, DutyKind::Reserves, digest(7)), Verdict::Refuse);
    assert!(!restored.is_held(NOW, DutyKind::Reserves), "the newest word counts");
}

/// `low` of `all` validators are below the threshold.
fn failing(low: u64, all: u64) -> Evidence {
    let balance = |index| if index < low { 1 } else { 32_000_000_000 };
    evidence(any_chain_view(100), 100, (0..all).map(|index| validator(index, balance(index))).collect())
}

#[test]
fn a_third_of_the_validators_that_fail_at_once_hold_their_kind() {
    let held = |low, all| {
        let mut holds = holds();
        holds.see(&failing(low, all), 8, &mut Effects::default());
        (holds.is_held(NOW, DutyKind::Ejection), holds.is_held(NOW, DutyKind::Reserves))
    };
    assert_eq!(held(16, 48), (true, false));
    assert_eq!(held(16, 49), (false, false), "less than a third");
    assert_eq!(held(15, 20), (false, false), "few, however many there are");
}

#[test]
fn what_was_released_while_it_lasts_is_held_when_it_comes_again() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    holds.see(&failing(20, 40), 8, &mut fx);
    assert!(holds.release(DutyKind::Ejection, &mut fx));
    holds.see(&failing(21, 40), 8, &mut fx);
    assert!(!holds.is_held(NOW, DutyKind::Ejection), "the operator knows");
    holds.see(&failing(0, 40), 8, &mut fx);
    holds.see(&failing(20, 40), 8, &mut fx);
    assert!(holds.is_held(NOW, DutyKind::Ejection));
    holds.see(&failing(0, 40), 8, &mut fx);
    assert!(holds.is_held(NOW, DutyKind::Ejection), "it ends when somebody has looked");
}

#[test]
fn a_pause_holds_every_kind_until_it_ends_and_a_proposal_until_released() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    let see = |holds: &mut Holds, paused, proposal: Option<u64>, fx: &mut Effects| {
        let mut chain = any_chain_view(100);
        let key = [digest(1), digest(2)];
        (chain.paused, chain.proposal) =
            (paused, proposal.map(|number| KeyProposal { number, ready_at: 7, key, slowed: false }));
        holds.see(&evidence(chain, 100, Vec::new()), 8, fx);
        holds.all().count()
    };
    let all = kinds().count();
    assert!(all >= 3);
    assert_eq!(see(&mut holds, true, None, &mut fx), all);
    assert_eq!(see(&mut holds, false, None, &mut fx), 0, "nobody had to say so");
    assert_eq!(see(&mut holds, false, Some(3), &mut fx), all);
    assert_eq!(see(&mut holds, false, None, &mut fx), all, "somebody has to look");
    kinds().for_each(|kind| assert!(holds.release(kind, &mut fx)));
    assert_eq!(see(&mut holds, false, Some(4), &mut fx), all);
    kinds().for_each(|kind| assert!(holds.release(kind, &mut fx)));
    assert_eq!(see(&mut holds, false, Some(4), &mut fx), 0, "it was looked at");
    assert_eq!(see(&mut holds, false, Some(5), &mut fx), all, "another key");
    assert_eq!(holds.keys().1.map(|proposal| proposal.number), Some(5));
}

#[test]
fn finality_that_returns_holds_every_kind_once_for_each_gap() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    let setup = setup(Dealt::new(3, 2, 3).committee, member(1));
    holds.finality_returned(Epoch(7), &setup, &mut fx);
    assert!(kinds().all(|kind| holds.is_held(NOW, kind)));
    kinds().for_each(|kind| assert!(holds.release(kind, &mut fx)));
    holds.finality_returned(Epoch(7), &setup, &mut fx);
    assert_eq!(holds.all().count(), 0, "asked and answered");
    holds.finality_returned(Epoch(8), &setup, &mut fx);
    assert_eq!(holds.all().count(), kinds().count());
}

#[test]
fn what_needs_a_word_waits_for_that_and_only_the_operator_s_own_words_stop_it() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    let kind = DutyKind::KeyVeto;
    assert_eq!(holds.judge(NOW, kind, digest(1)), Verdict::Unasked);
    assert!(holds.keeps_from(NOW, kind, digest(1)), "and nobody pays for what it did not ask for");
    holds.ask_for(digest(1), &mut fx);
    assert_eq!(holds.judge(NOW, kind, digest(1)), Verdict::Pass);
    assert_eq!(holds.judge(NOW, kind, digest(2)), Verdict::Unasked, "no other");
    holds.signed_otherwise(kind, digest(9), &mut fx);
    assert_eq!(holds.judge(NOW, kind, digest(1)), Verdict::Pass);
    holds.hold(kind, hold(None), &mut fx);
    assert_eq!(holds.judge(NOW, kind, digest(1)), Verdict::Hold(hold(None)));
    holds.forbid(digest(1), &mut fx);
    assert_eq!(holds.judge(NOW, kind, digest(1)), Verdict::Refuse);
    let words = Words { asked_for: [digest(1)].into(), ..Words::default() };
    let restored = Holds::restore(words, &setup(Dealt::new(3, 2, 3).committee, member(1)));
    assert_eq!(restored.judge(NOW, kind, digest(1)), Verdict::Pass);
}

#[test]
fn an_automatic_hold_outlives_an_operator_s_that_ends() {
    let (mut holds, mut fx) = (holds(), Effects::default());
    holds.hold(DutyKind::Reserves, hold(Some(2_000)), &mut fx);
    holds.signed_otherwise(DutyKind::Reserves, digest(1), &mut fx);
    assert!(matches!(holds.judge(NOW, DutyKind::Reserves, digest(2)), Verdict::Hold(Hold { until: None, .. })));
    holds.poll(Timestamp(2_000), &mut fx);
    assert!(holds.is_held(Timestamp(2_000), DutyKind::Reserves));
    assert!(holds.keeps_from(NOW, DutyKind::Reserves, digest(1)));
    assert!(holds.release(DutyKind::Reserves, &mut fx) && holds.all().count() == 0);
}

#[test]
fn whoever_observes_keeps_from_everything() {
    let observing = Setup { mode: Mode::Observe, ..setup(Dealt::new(3, 2, 3).committee, member(1)) };
    let holds = Holds::restore(Words::default(), &observing);
    assert!(holds.keeps_from(NOW, DutyKind::Reserves, digest(1)));
    assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(1)), Verdict::Pass, "nothing is held");
}
