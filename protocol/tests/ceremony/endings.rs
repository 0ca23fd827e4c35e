//! The end of a ceremony: who can be missed, who is waited for, and when all fall silent.

use super::{
    cast::{generate, id},
    table::Table,
};
use guardian_protocol::{Timestamp, ceremony::Input};

#[test]
fn whoever_ends_first_can_be_missed() {
    // The proof and all records are with everybody when the first process ends, so that the others can finish among
    // themselves but for its word.
    let mut table = Table::new(generate(3, 2), None);
    table.start_all();
    table.settle(4);
    table.step(id(1), Input::Activated);
    table.settle(2);
    table.crash(1);
    for member in [2, 3] {
        table.step(id(member), Input::Activated);
    }
    table.settle(2);
    assert!(table.status(2).done && table.status(3).done);
    table.start(1);
    table.settle(2);
    assert!(table.status(1).done);
}

#[test]
fn everybody_learns_that_everybody_has_everything_and_then_falls_silent() {
    let mut table = Table::new(generate(4, 3), None);
    table.start_all();
    table.finish();
    for member in 1..=4 {
        assert_eq!(table.status(member).lacking, []);
    }
    table.now = Timestamp(table.now.0 + 60_000);
    (1..=4).for_each(|member| table.step(id(member), Input::Woke));
    assert!(!table.trip(), "nothing is said any more");
}

#[test]
fn who_missed_the_last_posts_is_named_and_gets_them_later() {
    let mut table = Table::new(generate(4, 3), None);
    table.start_all();
    table.settle(6);
    // Its last post goes out, and nothing comes in any more.
    table.step(id(4), Input::Activated);
    table.trip();
    table.cut(4);
    (1..=3).for_each(|member| table.step(id(member), Input::Activated));
    table.settle(4);
    for member in 1..=3 {
        let status = table.status(member);
        assert!(status.done);
        assert_eq!(status.lacking.iter().map(|lacking| lacking.name.as_str()).collect::<Vec<_>>(), ["guardian-4"]);
    }
    assert!(!table.status(4).done);
    table.connect(4);
    table.settle(4);
    for member in 1..=4 {
        assert!(table.status(member).done && table.status(member).lacking.is_empty(), "{:?}", table.status(member));
    }
}

#[test]
fn who_comes_when_all_have_gone_gets_everything_from_anybody_back() {
    let mut table = Table::new(generate(4, 3), None);
    table.start_all();
    table.settle(6);
    table.step(id(4), Input::Activated);
    table.trip();
    table.crash(4);
    (1..=3).for_each(|member| table.step(id(member), Input::Activated));
    table.settle(4);
    (1..=3).for_each(|member| table.crash(member));
    table.start(4);
    table.settle(2);
    assert!(!table.status(4).done);
    table.start(2);
    table.settle(2);
    assert!(table.status(4).done);
    let lacking = |member| table.status(member).lacking.into_iter().map(|lacking| lacking.member).collect::<Vec<_>>();
    assert_eq!((lacking(2), lacking(4)), (vec![id(1), id(3)], vec![id(1), id(3)]), "these have not been heard of");
}
