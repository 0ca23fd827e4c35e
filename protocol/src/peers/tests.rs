//! What answers prove about a member's starts, under any order of events; and who is answered how often.

use super::{
    Doppelgangers, Peers,
    boots::{Boots, Finding},
};
use crate::{
    duty::{DutyKind, Subject},
    effects::Effects,
    event::Event,
    testing::{Dealt, member, released},
    types::{BootId, Challenge, Epoch, Timestamp},
    wire::{Greeting, Probe, Reminder, SignedBoot},
};
use proptest::prelude::*;
use std::time::Duration;

fn boot(number: u8) -> BootId {
    BootId { number: u64::from(number), name: [number; 16] }
}

fn challenge(number: u32) -> Challenge {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Challenge(bytes)
}

/// Two starts were heard.
fn doubtful() -> Boots {
    let mut boots = Boots::default();
    boots.hear(boot(1));
    assert_eq!(boots.due(), None, "one start is no reason to ask");
    boots.hear(boot(2));
    assert_eq!(boots.current(), Some(boot(2)), "restarts are common");
    assert!(boots.due().is_some());
    boots
}

#[test]
fn what_is_repeated_of_earlier_starts_is_history() {
    let mut boots = Boots::default();
    // Whoever has just started knows nobody: the first that it hears may be old.
    boots.hear(boot(3));
    boots.hear(boot(20));
    assert_eq!(boots.current(), Some(boot(20)));
    // More than are remembered, and the living one says nothing in between.
    for number in (4..20).rev().chain(4..20) {
        boots.hear(boot(number));
        assert_eq!(boots.current(), Some(boot(20)), "{number} is repeated");
    }
    let namesake = BootId { name: [99; 16], ..boot(20) };
    boots.hear(namesake);
    assert_eq!(boots.current(), Some(boot(20)), "a start of the same number has to answer first");
    boots.probe(Timestamp(0), challenge(1));
    assert_eq!(boots.answered(namesake, challenge(1)), None);
    assert_eq!(boots.current(), Some(namesake));
}

#[test]
fn a_start_of_a_store_that_was_set_back_lives_when_it_answers() {
    let mut boots = Boots::default();
    boots.hear(boot(17));
    boots.hear(boot(12));
    boots.probe(Timestamp(0), challenge(1));
    assert_eq!(boots.answered(boot(12), challenge(1)), None);
    assert_eq!(boots.current(), Some(boot(12)));
    for number in 13..=17 {
        boots.hear(boot(number));
        assert_eq!(boots.current(), Some(boot(12)), "{number} is history, although it is a higher number");
    }
    boots.hear(boot(18));
    assert_eq!(boots.current(), Some(boot(18)));
}

#[test]
fn one_answer_settles_who_lives_and_two_prove_doppelgangers() {
    let mut boots = doubtful();
    assert_eq!(boots.probe(Timestamp(0), challenge(1)), None);
    assert_eq!(boots.open_challenge(), Some(challenge(1)), "worth repeating to the other one");
    assert_eq!(boots.answered(boot(1), challenge(1)), None);
    assert_eq!((boots.current(), boots.due(), boots.is_quarantined()), (Some(boot(1)), None, false));
    assert_eq!(boots.answered(boot(1), challenge(1)), None, "the same answer again");
    assert_eq!(boots.answered(boot(2), challenge(1)), Some(Finding::Doppelgangers(boot(1), boot(2))));
    assert!(boots.is_quarantined() && boots.open_challenge().is_none());
}

#[test]
fn processes_that_push_each_other_out_are_found_by_late_answers() {
    let mut boots = doubtful();
    boots.probe(Timestamp(0), challenge(1));
    assert_eq!(boots.answered(boot(2), challenge(1)), None);
    // The other one takes its place, is asked the same, and speaks before it answers: a reason to ask anew.
    boots.hear(boot(1));
    boots.probe(Timestamp(2_000), challenge(2));
    assert_eq!(boots.answered(boot(1), challenge(1)), Some(Finding::Doppelgangers(boot(2), boot(1))));
    // In quarantine the same, so that it is not lifted while both live: each question is answered by one, in turn.
    for number in 3..30 {
        assert_eq!(boots.probe(Timestamp(u64::from(number) * 60_000), challenge(number)), None, "question {number}");
        let by = 1 + u8::try_from(number % 2).unwrap();
        assert_eq!(boots.answered(boot(by), challenge(number)), None);
        assert_eq!(boots.answered(boot(by), challenge(number - 1)), None);
    }
    assert!(boots.is_quarantined());
}

#[test]
fn what_the_transport_met_is_quarantined_until_only_one_has_answered() {
    let mut boots = Boots::default();
    boots.hear(boot(1));
    assert_eq!(boots.met_doppelgangers(), Some(Finding::Met));
    assert_eq!(boots.met_doppelgangers(), None, "told once");
    let mut now = Timestamp(0);
    let mut questions = 0;
    while boots.is_quarantined() {
        questions += 1;
        now = now.after(Boots::LONGEST);
        let found = boots.probe(now, challenge(questions));
        assert_eq!(found, (!boots.is_quarantined()).then_some(Finding::Lifted));
        boots.answered(boot(1), challenge(questions));
        if questions == 5 {
            // The other one tries once more: it all begins again.
            assert_eq!(boots.met_doppelgangers(), None);
        }
    }
    assert!(now.since(Timestamp(0)) >= Boots::QUARANTINE + Boots::LONGEST * 5, "lifted after {questions} questions");
}

#[test]
fn an_answer_proves_nothing_of_who_was_not_heard_before() {
    let mut boots = doubtful();
    boots.probe(Timestamp(0), challenge(1));
    assert_eq!(boots.answered(boot(2), challenge(1)), None);
    // It restarts, and the question reaches the new process too.
    boots.hear(boot(3));
    assert_eq!(boots.answered(boot(3), challenge(1)), None);
    // An answer to an earlier question is none to this one.
    boots.probe(Timestamp(9_000), challenge(2));
    assert_eq!(boots.answered(boot(2), challenge(1)), None);
    assert_eq!(boots.answered(boot(3), challenge(2)), None);
    assert_eq!(boots.current(), Some(boot(3)));
    assert!(!boots.is_quarantined());
}

#[test]
fn who_does_not_answer_is_asked_ever_less_and_then_no_more() {
    let mut boots = doubtful();
    let (mut now, mut asked, mut pauses) = (Timestamp(0), 0, Vec::new());
    while let Some(due) = boots.due() {
        pauses.push(due.since(now).as_secs());
        now = now.max(due);
        boots.probe(now, challenge(asked));
        asked += 1;
        assert!(asked < 20);
    }
    assert_eq!(pauses, [0, 2, 4, 8, 16]);
}

#[test]
fn a_quarantine_ends_after_ten_minutes_with_one_answer_to_each_question() {
    let mut boots = doubtful();
    boots.probe(Timestamp(0), challenge(0));
    boots.answered(boot(1), challenge(0));
    boots.answered(boot(2), challenge(0));
    let mut now = Timestamp(0);
    let mut ask = |boots: &mut Boots, number: u32, answers: &[u8]| {
        now = now.after(Duration::from_secs(60));
        let finding = boots.probe(now, challenge(number));
        answers.iter().for_each(|answer| assert_eq!(boots.answered(boot(*answer), challenge(number)), None));
        finding
    };
    for number in 1..10 {
        assert_eq!(ask(&mut boots, number, &[1]), None);
    }
    assert_eq!(ask(&mut boots, 10, &[1, 2]), None, "both again: it begins anew");
    for number in 11..16 {
        assert_eq!(ask(&mut boots, number, &[1]), None);
    }
    assert_eq!(ask(&mut boots, 16, &[]), None, "silence is no sign of being alone");
    for number in 17..28 {
        assert_eq!(ask(&mut boots, number, &[1]), None, "question {number}");
    }
    assert_eq!(ask(&mut boots, 28, &[1]), Some(Finding::Lifted));
    assert!(!boots.is_quarantined());
}

#[test]
fn many_old_starts_cost_no_memory_and_hide_no_living_ones() {
    let mut boots = doubtful();
    for number in 3..250 {
        boots.hear(boot(number));
    }
    // Both speak again.
    boots.hear(boot(1));
    boots.hear(boot(2));
    boots.probe(Timestamp(0), challenge(1));
    boots.answered(boot(1), challenge(1));
    assert!(matches!(boots.answered(boot(2), challenge(1)), Some(Finding::Doppelgangers(..))));
}

#[test]
fn we_run_twice_when_more_say_so_than_can_be_faulty() {
    let (mut doppelgangers, mut fx) = (Doppelgangers::new(boot(1), 2), Effects::default());
    doppelgangers.told(member(2), true, &mut fx);
    doppelgangers.told(member(2), true, &mut fx);
    assert!(!doppelgangers.has_own());
    doppelgangers.told(member(3), true, &mut fx);
    assert!(doppelgangers.has_own());
    doppelgangers.told(member(4), true, &mut fx);
    doppelgangers.told(member(2), false, &mut fx);
    assert!(doppelgangers.has_own());
    doppelgangers.told(member(3), false, &mut fx);
    assert!(!doppelgangers.has_own());
    let events = released(fx).events;
    assert_eq!(events, [Event::OwnDoppelgangerFound { by: vec![member(2), member(3)] }, Event::OwnDoppelgangerGone]);
}

#[test]
fn who_asks_all_the_time_is_not_answered_all_the_time() {
    let mut doppelgangers = Doppelgangers::new(boot(1), 2);
    let probe = Probe { boot: boot(2), member: member(1), challenge: challenge(1) };
    let mut peers = Peers::default();
    let dealt = Dealt::new(3, 2, 72);
    let greeting = |boot| Greeting {
        start: SignedBoot::seal(boot, &dealt.committee, &dealt.identity(member(2))),
        highest: Some(Epoch(3)),
        signed: Vec::new(),
        excluded: Vec::new(),
        doppelganger: false,
        yours: Reminder::default(),
        asks: false,
    };
    let mut counts = [0; 3];
    for ms in 0..5_000 {
        let now = Timestamp(ms);
        counts[0] += usize::from(doppelgangers.answer(now, member(2), &probe).is_some());
        // A new start each time: it says so itself, so it earns nothing by it.
        counts[1] += usize::from(peers.greeted(now, member(2), &greeting(boot(u8::try_from(ms % 250).unwrap()))));
        counts[2] += usize::from(peers.may_tell(now, member(2), (DutyKind::Reserves, Subject::Whole)));
    }
    assert_eq!(counts, [5, 5, 5]);
    let now = Timestamp(5_000);
    assert!(doppelgangers.answer(now, member(3), &probe).is_some(), "another asker");
    assert!(peers.greeted(now, member(3), &greeting(boot(3))), "another member");
    assert!(peers.may_tell(now, member(2), (DutyKind::Ejection, Subject::Whole)), "another kind");
    assert!(peers.may_tell(now, member(2), (DutyKind::Reserves, Subject::Batch([1; 32].into()))), "another subject");
}

/// What an asker may see of a member, in the order in which it happens at the asker.
#[derive(Clone, Debug)]
enum Step {
    /// The member ends its process and starts another.
    Restart,
    /// Something of the member arrives that was said by any process so far.
    Speak(prop::sample::Index),
    /// The asker asks.
    Ask,
    /// A question of any time reaches the process that lives now, which signs it.
    Sign(prop::sample::Index),
    /// An answer of any time arrives, perhaps not for the first time.
    Answer(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_of = any::<prop::sample::Index>;
    let step = prop_oneof![
        Just(Step::Restart),
        any_of().prop_map(Step::Speak),
        Just(Step::Ask),
        any_of().prop_map(Step::Sign),
        any_of().prop_map(Step::Answer),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn one_process_at_a_time_is_never_taken_for_two(steps in steps()) {
        let mut boots = Boots::default();
        let (mut alive, mut asked) = (1u8, 0u32);
        let mut answers: Vec<(u8, u32)> = Vec::new();
        for (time, step) in steps.into_iter().enumerate() {
            match step {
                Step::Restart => alive = alive.saturating_add(1),
                Step::Speak(index) => boots.hear(boot(1 + u8::try_from(index.index(usize::from(alive))).unwrap())),
                Step::Ask => {
                    asked += 1;
                    boots.probe(Timestamp(time as u64 * 1_000), challenge(asked));
                }
                Step::Sign(index) if asked > 0 => answers.push((alive, 1 + u32::try_from(index.index(asked as usize)).unwrap())),
                Step::Answer(index) if !answers.is_empty() => {
                    let (by, to) = *index.get(&answers);
                    boots.hear(boot(by));
                    prop_assert_eq!(boots.answered(boot(by), challenge(to)), None);
                }
                Step::Sign(_) | Step::Answer(_) => {}
            }
            prop_assert!(!boots.is_quarantined());
        }
    }
}
