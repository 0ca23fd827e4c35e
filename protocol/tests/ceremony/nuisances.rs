//! What nobody can be blamed for: it costs nothing but time, and who causes it is named.

use super::{
    cast::{Held, generate, id, identity, reshare},
    liars::another_deal,
    table::Table,
};
use alloy_primitives::B256;
use guardian_protocol::ceremony::{
    Body, Event, Input, Post, Reason, Step, wire,
    wire::{Have, Message},
};

#[test]
fn a_complaint_about_posts_that_nobody_has_blocks_and_blames_nobody() {
    let mut table = Table::new(generate(4, 3), None).lies_in_posts(3, |_, body| {
        let complaint = Body::Complaint {
            dealer: id(1),
            deal: B256::repeat_byte(1),
            opened: B256::repeat_byte(2),
            disclosure: [3; 96],
        };
        (body.step() == Step::Confirm).then_some(complaint)
    });
    table.start_all();
    table.settle(4);
    table.nobody_is_blamed();
    for member in [1, 2, 4] {
        assert_eq!(table.waits(member), [(3, Reason::ShowsNoPost)]);
    }
}

#[test]
fn a_false_echo_blocks_under_its_authors_name() {
    let mut table = Table::new(generate(4, 3), None).lies_in_posts(2, |_, body| match body {
        Body::Shares { echo, ciphertexts } => {
            let mut echo = echo.clone();
            echo[3] = B256::repeat_byte(9);
            Some(Body::Shares { echo, ciphertexts: ciphertexts.clone() })
        }
        _ => None,
    });
    table.start_all();
    table.settle(6);
    table.nobody_is_blamed();
    for member in [1, 3, 4] {
        assert_eq!(table.waits(member), [(2, Reason::ShowsNoPost)]);
        assert!(table.outcome(member).is_none());
    }
}

#[test]
fn different_echoes_to_different_members_block_under_their_authors_name() {
    let mut table = Table::new(generate(4, 3), None).lies_in_posts(2, |to, body| match body {
        Body::Shares { echo, ciphertexts } if to == id(4) => {
            let mut echo = echo.clone();
            echo[0] = B256::repeat_byte(9);
            Some(Body::Shares { echo, ciphertexts: ciphertexts.clone() })
        }
        _ => None,
    });
    table.start_all();
    table.settle(6);
    table.nobody_is_blamed();
    for member in [1, 3, 4] {
        let waits = table.waits(member);
        assert!(waits.contains(&(2, Reason::Contradiction)) || waits.contains(&(4, Reason::Silent)), "{waits:?}");
        let told = |event: &Event| matches!(event, Event::Contradiction { member, .. } if *member == id(2));
        assert!(table.seats[&id(member)].events.iter().any(told));
        assert!(table.outcome(member).is_none());
    }
}

#[test]
fn who_confirms_something_else_is_named_as_blocking() {
    let mut table = Table::new(generate(4, 3), None).lies_in_posts(2, |_, body| {
        (body.step() == Step::Confirm).then_some(Body::Confirm { transcript: B256::repeat_byte(1) })
    });
    table.start_all();
    table.settle(4);
    table.nobody_is_blamed();
    for member in [1, 3, 4] {
        assert_eq!(table.waits(member), [(2, Reason::OtherTranscript)]);
    }
}

#[test]
fn posts_of_another_ceremony_are_refused_and_its_members_told_apart() {
    let plan = generate(3, 2);
    let mut other = plan.clone();
    other.attempt = 2;
    let deal = another_deal(&other, 2, 2);
    let foreign = Post::seal(other.id(), id(2), deal, &identity(2));
    let mut table = Table::new(plan, None);
    table.start_all();
    // Under the right name: the signature does not hold. Under its own: a different plan.
    table.inject(2, 1, &Message::Post(foreign.clone()));
    let own = wire::encode(other.id(), &Message::Post(foreign));
    for _ in 0..2 {
        table.step(id(1), Input::Heard { from: id(2), bytes: own.clone() });
    }
    assert_eq!(table.waits(1), [(2, Reason::OtherPlan), (3, Reason::Silent)]);
    let told: Vec<_> = table.seats[&id(1)]
        .events
        .iter()
        .filter(|event| **event == Event::OtherPlan { member: id(2), ceremony: other.id() })
        .collect();
    assert_eq!(told.len(), 1, "once is enough");
    table.finish();
    let refused =
        |event: &Event| matches!(event, Event::MessageRefused { reason, .. } if reason.contains("does not hold"));
    assert!(table.seats[&id(1)].events.iter().any(refused));
    table.nobody_is_blamed();
}

#[test]
fn only_who_has_a_part_in_a_step_can_post_in_it() {
    let held = Held::deal(4, 3);
    let plan = reshare(&held, &[1, 2, 3], &[2, 3, 4], 2);
    let ceremony = plan.id();
    let mut table = Table::new(plan, Some(held));
    table.start_all();
    // Member 4 receives and does not deal; member 9 is nobody; nobody sums in a resharing.
    let deal = Body::Deal { ephemeral: [1; 96], commitments: vec![2; 66] };
    table.inject(4, 1, &Message::Post(Post::seal(ceremony, id(4), deal.clone(), &identity(4))));
    table.inject(4, 2, &Message::Post(Post::seal(ceremony, id(9), deal, &identity(9))));
    let sum = Body::Sum { shares: B256::ZERO, ciphertext: [0; 32] };
    table.inject(2, 3, &Message::Post(Post::seal(ceremony, id(2), sum, &identity(2))));
    table.finish();
    for member in 1..=3 {
        let refused = |event: &Event| matches!(event, Event::MessageRefused { reason, .. } if reason.contains("no part in its step"));
        assert!(table.seats[&id(member)].events.iter().any(refused), "{member}");
    }
}

#[test]
fn a_flood_of_contradictions_costs_two_places() {
    let plan = generate(3, 2);
    let ceremony = plan.id();
    let mut table = Table::new(plan, None);
    table.start_all();
    table.settle(3);
    let before = table.seats[&id(1)].disk.records().len();
    for n in 0..200 {
        let body = Body::Confirm { transcript: B256::from([n; 32]) };
        table.inject(2, 1, &Message::Post(Post::seal(ceremony, id(2), body, &identity(2))));
    }
    table.trip();
    assert_eq!(table.seats[&id(1)].disk.records().len(), before + 1);
}

#[test]
fn nonsense_is_refused_and_harms_nobody() {
    let mut table = Table::new(generate(3, 2), None);
    table.start_all();
    let ceremony = table.plan.id();
    let unsorted = Have { posts: vec![B256::repeat_byte(2), B256::repeat_byte(1)], proven: true, failed: true };
    table.inject(2, 1, &Message::Have(unsorted));
    for bytes in [vec![], vec![1], vec![2; 40], vec![1; 300], vec![0; 300 * 1024]] {
        table.step(id(1), Input::Heard { from: id(2), bytes });
    }
    let cut = wire::encode(ceremony, &7u8);
    table.step(id(1), Input::Heard { from: id(2), bytes: cut });
    // A stranger is not even listened to.
    table.step(id(1), Input::Heard { from: id(9), bytes: vec![1] });
    table.finish();
    table.nobody_is_blamed();
}
