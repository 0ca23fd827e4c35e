//! Crashes, silence, lost records, two processes of one member: nothing is lost, nobody is blamed, and who blocks is
//! named.

use super::{
    cast::{Held, generate, id, identity, repair, reshare},
    table::Table,
};
use guardian_crypto::frost::dkg::Round1;
use guardian_protocol::ceremony::{
    Body, Ceremony, Effects, Event, Input, Post, Reason, Record, RestoreError, Step, signing, wire, wire::Message,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn plans() -> [(guardian_protocol::ceremony::Plan, Option<Held>); 3] {
    let held = || Held::deal(4, 3);
    [
        (generate(4, 3), None),
        (reshare(&held(), &[1, 2, 4], &[2, 3, 4, 5], 3), Some(held())),
        (repair(&held(), &[1, 2, 3], 4), Some(held())),
    ]
}

#[test]
fn a_member_that_crashes_at_any_moment_comes_back_and_all_succeed() {
    for at in 0..8 {
        for victim in [1, 2, 4] {
            for (plan, held) in plans() {
                let mut table = Table::new(plan, held);
                table.start_all();
                for _ in 0..at {
                    table.trip();
                }
                table.crash(victim);
                table.settle(2);
                table.start(victim);
                table.finish();
                table.nobody_is_blamed();
            }
        }
    }
}

#[test]
fn all_crash_at_once_at_any_moment_and_all_succeed() {
    for at in 0..8 {
        for (plan, held) in plans() {
            let mut table = Table::new(plan, held);
            table.start_all();
            for _ in 0..at {
                table.trip();
            }
            let members: Vec<u16> = table.running().map(guardian_protocol::MemberId::get).collect();
            members.iter().for_each(|member| table.crash(*member));
            members.iter().for_each(|member| table.start(*member));
            table.finish();
            table.nobody_is_blamed();
        }
    }
}

#[test]
fn a_silent_member_is_named_and_may_return() {
    for (plan, held) in plans() {
        for at in 0..3 {
            let mut table = Table::new(plan.clone(), held.as_ref().map(|_| Held::deal(4, 3)));
            table.start_all();
            for _ in 0..at {
                table.trip();
            }
            table.crash(4);
            table.settle(4);
            let others: Vec<u16> = table.running().map(guardian_protocol::MemberId::get).collect();
            for member in &others {
                assert_eq!(table.waits(*member), [(4, Reason::NotConnected)], "{:?}", table.status(*member));
                assert_eq!(table.status(*member).waiting_for[0].name, "guardian-4");
            }
            table.start(4);
            table.cut(4);
            table.settle(4);
            for member in others {
                assert_eq!(table.waits(member), [(4, Reason::Silent)]);
            }
            table.connect(4);
            table.finish();
        }
    }
}

#[test]
fn whoever_is_cut_off_from_one_gets_everything_through_the_others() {
    let mut table =
        Table::new(generate(4, 3), None).lies(2, |to, message| if to == id(3) { Vec::new() } else { vec![message] });
    table.start_all();
    table.settle(8);
    // The test signature goes to the coordinator only; posts come by way of others.
    table.finish();
}

#[test]
fn lost_records_are_made_up_for_by_the_same_posts() {
    for at in 0..7 {
        for (plan, held) in plans() {
            let mut table = Table::new(plan, held);
            table.start_all();
            for _ in 0..at {
                table.trip();
            }
            table.crash(2);
            table.seats.get_mut(&id(2)).unwrap().disk = super::table::Disk::default();
            table.start(2);
            table.finish();
            table.nobody_is_blamed();
            let contradiction = |event: &Event| matches!(event, Event::Contradiction { .. });
            assert!(!table.seats.values().any(|seat| seat.events.iter().any(contradiction)));
        }
    }
}

/// A second process of `member`, with records of its own: what it has to say after hearing `posts`.
fn doppelganger(table: &Table, member: u16, posts: Vec<Post>) -> Vec<Post> {
    let mut rng = ChaCha20Rng::seed_from_u64(1234);
    let mut doppelganger =
        Ceremony::restore(table.now, table.plan.clone(), id(member), identity(member), None, Vec::new(), &mut rng)
            .unwrap();
    let mut said = Vec::new();
    let inputs = posts.into_iter().map(|post| Input::Heard {
        from: if post.author() == id(member) { id(1) } else { post.author() },
        bytes: wire::encode(table.plan.id(), &Message::Post(post)),
    });
    for input in [Input::Woke].into_iter().chain(inputs) {
        let mut fx = Effects::default();
        doppelganger.step(table.now, input, &mut rng, &mut fx);
        let mut disk = super::table::Disk::default();
        for outgoing in fx.commit(&mut disk).unwrap().messages {
            if let Ok(Message::Post(post)) = wire::decode(table.plan.id(), &outgoing.bytes) {
                said.push(post);
            }
        }
    }
    said
}

fn posts_of(table: &Table, seat: u16) -> Vec<Post> {
    let records = table.seats[&id(seat)].disk.records();
    records.into_iter().filter_map(|r| if let Record::Post(post) = r { Some(post) } else { None }).collect()
}

#[test]
fn two_processes_of_one_member_say_the_same() {
    let mut table = Table::new(generate(4, 3), None);
    table.start_all();
    table.settle(4);
    let others: Vec<Post> = posts_of(&table, 1).into_iter().filter(|post| post.author() != id(3)).collect();
    let said = doppelganger(&table, 3, others);
    let here = posts_of(&table, 1);
    let steps: Vec<Step> = said.iter().map(Post::step).collect();
    assert_eq!(steps, [Step::Deal, Step::Shares, Step::Confirm]);
    for post in said {
        assert!(here.contains(&post), "{} differs", post.step());
    }
}

#[test]
fn who_runs_twice_is_not_blamed_for_a_two_faced_dealer() {
    let plan = generate(4, 3);
    let ceremony = plan.id();
    let mut table = Table::new(plan, None);
    table.start_all();
    table.settle(4);
    // Member 2 deals differently to a second process of member 3.
    let members = table.plan.receivers();
    let (_, package) = Round1::begin(id(2), &members, 3, &mut ChaCha20Rng::seed_from_u64(8)).unwrap();
    let others: Vec<Post> = posts_of(&table, 1)
        .into_iter()
        .filter(|post| post.step() == Step::Deal && post.author() != id(3))
        .map(|post| match post.body() {
            Body::Deal { ephemeral, .. } if post.author() == id(2) => {
                let body = Body::Deal { ephemeral: *ephemeral, commitments: package.to_bytes() };
                Post::seal(ceremony, id(2), body, &identity(2))
            }
            _ => post,
        })
        .collect();
    let second = others.iter().find(|post| post.author() == id(2)).unwrap().clone();
    let said = doppelganger(&table, 3, others);
    let echo = said.into_iter().find(|post| post.step() == Step::Shares).unwrap();

    // A ceremony in which all others hear the second process first.
    let mut table = Table::new(table.plan.clone(), None);
    table.start_all();
    for to in [1, 2, 4] {
        table.inject(3, to, &Message::Post(echo.clone()));
    }
    table.settle(4);
    table.nobody_is_blamed();
    assert!(table.waits(1).iter().any(|(member, _)| *member == 3), "{:?}", table.waits(1));
    // The second deal comes to light: its dealer is at fault, not who received it.
    table.inject(3, 1, &Message::Post(second));
    table.settle(4);
    table.all_blame(2);
}

#[test]
fn nonces_of_an_earlier_start_are_not_used() {
    for victim in [2, 3] {
        // Until the package is under way; then a signer starts anew.
        let mut table = Table::new(generate(4, 3), None);
        table.start_all();
        for _ in 0..3 {
            table.trip();
        }
        let opened = |event: &&Event| matches!(event, Event::SessionOpened { .. });
        assert_eq!(table.seats[&id(1)].events.iter().filter(opened).count(), 1);
        table.crash(victim);
        table.start(victim);
        table.finish();
        let attempts = table.seats[&id(1)].events.iter().filter(opened).count();
        assert_eq!(attempts, 2, "one more attempt for one restart");
        table.nobody_is_blamed();
    }
}

#[test]
fn stale_commitments_cost_an_attempt_and_nothing_else() {
    let mut table = Table::new(generate(3, 2), None);
    let kept = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let copies = std::rc::Rc::clone(&kept);
    table = table.lies(2, move |_, message| {
        if matches!(message, Message::Signing(signing::Message::Commitment(_))) {
            copies.borrow_mut().push(message.clone());
        }
        vec![message]
    });
    table.start_all();
    table.trip();
    table.trip();
    // Member 2 has offered a commitment; it restarts and offers another; the first one arrives again, and last.
    let stale = kept.borrow()[0].clone();
    table.crash(2);
    table.start(2);
    table.trip();
    table.inject(2, 1, &stale);
    table.finish();
    table.nobody_is_blamed();
}

#[test]
fn a_restored_member_says_nothing_that_is_not_recorded() {
    for (plan, held) in plans() {
        let mut table = Table::new(plan, held);
        table.start_all();
        table.finish();
        // All records up to any point are a state to restore from, and what is said from there was said before.
        let member = 2;
        let posts = posts_of(&table, member);
        let records = table.seats[&id(member)].disk.records();
        for upto in 0..records.len() {
            let mut rng = ChaCha20Rng::seed_from_u64(2);
            let share = Held::deal(4, 3).share(id(member)).filter(|_| table.plan.current.is_some());
            let records = records[..upto].to_vec();
            let mut ceremony = Ceremony::restore(
                table.now,
                table.plan.clone(),
                id(member),
                identity(member),
                share,
                records,
                &mut rng,
            )
            .unwrap();
            let mut fx = Effects::default();
            ceremony.step(table.now, Input::Woke, &mut rng, &mut fx);
            for outgoing in fx.commit(&mut super::table::Disk::default()).unwrap().messages {
                if let Ok(Message::Post(post)) = wire::decode(table.plan.id(), &outgoing.bytes) {
                    assert!(posts.contains(&post), "{}", post.step());
                }
            }
        }
    }
}

#[test]
fn after_its_shares_are_recorded_a_dealer_needs_no_old_one() {
    let held = Held::deal(4, 3);
    let mut table = Table::new(reshare(&held, &[1, 2, 3], &[1, 2, 3, 4], 3), Some(held));
    table.start_all();
    table.trip();
    table.trip();
    table.crash(2);
    table.try_start(id(2), None).unwrap();
    table.connect(2);
    table.finish();
}

#[test]
fn a_start_with_the_wrong_things_is_refused() {
    let held = Held::deal(4, 3);
    let plan = reshare(&held, &[1, 2, 3], &[1, 2, 3, 4], 3);
    let start = |plan: &guardian_protocol::ceremony::Plan, me: u16, who: u16, share, records| {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let now = guardian_protocol::Timestamp(1);
        Ceremony::restore(now, plan.clone(), id(me), identity(who), share, records, &mut rng).map(drop).unwrap_err()
    };
    let share = |n: u16| held.share(id(n));
    assert_eq!(start(&plan, 2, 3, share(2), vec![]), RestoreError::NotAParticipant(id(2)));
    assert_eq!(start(&plan, 9, 9, share(2), vec![]), RestoreError::NotAParticipant(id(9)));
    assert_eq!(start(&plan, 2, 2, None, vec![]), RestoreError::ShareMissing(id(2)));
    assert_eq!(start(&plan, 2, 2, share(3), vec![]), RestoreError::OtherShare(id(2)));
    let mut other = plan.clone();
    other.attempt = 2;
    let begun = vec![Record::Begun(other.id())];
    assert_eq!(start(&plan, 2, 2, share(2), begun), RestoreError::OtherCeremony(other.id()));
    let foreign = Post::seal(other.id(), id(1), Body::Done, &identity(1));
    assert!(matches!(start(&plan, 2, 2, share(2), vec![Record::Post(foreign)]), RestoreError::Record(_)));
    let helps = repair(&held, &[1, 2, 3], 4);
    assert_eq!(start(&helps, 2, 2, None, vec![]), RestoreError::ShareMissing(id(2)));
    // A deal that this identity does not make.
    let generate = generate(3, 2);
    let (_, package) = Round1::begin(id(1), &generate.receivers(), 2, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let ephemeral = guardian_crypto::disclosable::EphemeralKey::generate(
        &identity(1).public(),
        generate.id().0.as_slice(),
        &mut ChaCha20Rng::seed_from_u64(1),
    );
    let body = Body::Deal { ephemeral: ephemeral.public().to_bytes(), commitments: package.to_bytes() };
    let deal = Record::Post(Post::seal(generate.id(), id(1), body, &identity(1)));
    assert_eq!(start(&generate, 1, 1, None, vec![deal]), RestoreError::OtherDeal);
}
