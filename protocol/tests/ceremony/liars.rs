//! Liars: what each gets blamed for, by everybody, with evidence that a stranger can check.

use super::{
    cast::{Held, generate, id, identity, repair, reshare},
    table::Table,
};
use alloy_primitives::B256;
use guardian_crypto::{
    disclosable::{EphemeralKey, EphemeralPublic},
    frost::{dkg::Round1, reshare::Resharing},
};
use guardian_protocol::ceremony::{Body, Event, Evidence, Plan, Post, Record, Step, wire::Message};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeSet;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(77)
}

/// A deal of `member` in a key generation that is right by itself, and not the one that its identity makes.
pub(crate) fn another_deal(plan: &Plan, member: u16, threshold: u16) -> Body {
    let members: BTreeSet<_> = plan.members.iter().map(|m| m.id).collect();
    let (_, package) = Round1::begin(id(member), &members, threshold, &mut rng()).unwrap();
    let ephemeral = EphemeralKey::generate(&identity(member).public(), plan.id().0.as_slice(), &mut rng());
    Body::Deal { ephemeral: ephemeral.public().to_bytes(), commitments: package.to_bytes() }
}

fn commitments_changed(body: &Body, change: impl FnOnce(&mut Vec<u8>)) -> Option<Body> {
    let Body::Deal { ephemeral, commitments } = body else { return None };
    let mut commitments = commitments.clone();
    change(&mut commitments);
    Some(Body::Deal { ephemeral: *ephemeral, commitments })
}

pub(crate) fn ciphertext_changed(body: &Body, place: usize) -> Option<Body> {
    let Body::Shares { echo, ciphertexts } = body else { return None };
    let mut ciphertexts = ciphertexts.clone();
    ciphertexts[place][7] ^= 1;
    Some(Body::Shares { echo: echo.clone(), ciphertexts })
}

#[test]
fn a_dealer_that_shows_different_deals_is_named_by_all() {
    let plan = generate(5, 3);
    let other = another_deal(&plan, 2, 3);
    let mut table = Table::new(plan, None)
        .lies_in_posts(2, move |to, body| (body.step() == Step::Deal && to > id(3)).then(|| other.clone()));
    table.start_all();
    table.settle(5);
    let fault = table.all_blame(2);
    assert!(matches!(fault.evidence(), Evidence::Equivocation { .. }));
}

#[test]
fn a_deal_that_is_wrong_by_itself_names_its_dealer() {
    type Change = fn(&Plan, &Body) -> Option<Body>;
    let flipped: Change = |_, body| commitments_changed(body, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let longer: Change = |plan, _| Some(another_deal(plan, 2, 4));
    let shorter: Change = |plan, _| Some(another_deal(&generate(3, 2), 2, 2)).filter(|_| plan.threshold > 2);
    let garbage: Change = |_, body| commitments_changed(body, |bytes| bytes.truncate(20));
    let anothers: Change = |plan, body| {
        let Body::Deal { commitments, .. } = body else { return None };
        let ephemeral = EphemeralKey::generate(&identity(3).public(), plan.id().0.as_slice(), &mut rng());
        Some(Body::Deal { ephemeral: ephemeral.public().to_bytes(), commitments: commitments.clone() })
    };
    let replayed: Change = |_, body| {
        let Body::Deal { commitments, .. } = body else { return None };
        let ephemeral = EphemeralKey::generate(&identity(2).public(), b"another ceremony", &mut rng());
        Some(Body::Deal { ephemeral: ephemeral.public().to_bytes(), commitments: commitments.clone() })
    };
    for change in [flipped, longer, shorter, garbage, anothers, replayed] {
        let plan = generate(4, 3);
        let same = plan.clone();
        let mut table = Table::new(plan, None)
            .lies_in_posts(2, move |_, body| (body.step() == Step::Deal).then(|| change(&same, body)).flatten());
        table.start_all();
        table.settle(4);
        assert!(matches!(table.all_blame(2).evidence(), Evidence::BadPost(_)));
    }
}

#[test]
fn a_dealer_that_would_change_the_key_or_the_threshold_is_named() {
    // Another threshold; or the right one, but with other dealers the share is weighted differently: the constant term
    // is wrong.
    for (threshold, dealers) in [(4, [1, 2, 3]), (3, [2, 3, 4])] {
        let held = Held::deal(4, 3);
        let plan = reshare(&held, &[1, 2, 3], &[1, 2, 3, 4], 3);
        let wrong = Resharing::new(held.public.clone(), dealers.map(id).into(), plan.receivers(), threshold).unwrap();
        let (dealing, _) = wrong.deal(&held.share(id(2)).unwrap(), &mut rng()).unwrap();
        let mut table = Table::new(plan, Some(held))
            .lies_in_posts(2, move |_, body| commitments_changed(body, |bytes| *bytes = dealing.to_bytes()));
        table.start_all();
        table.settle(4);
        assert!(matches!(table.all_blame(2).evidence(), Evidence::BadPost(_)));
    }
}

#[test]
fn a_wrong_share_is_opened_and_names_its_dealer() {
    let held = || Held::deal(4, 3);
    for plan in [generate(4, 3), reshare(&held(), &[1, 2, 3], &[1, 2, 3, 4], 3), repair(&held(), &[1, 2, 3], 4)] {
        // Place 0 is member 1's.
        let mut table = Table::new(plan, Some(held())).lies_in_posts(2, |_, body| ciphertext_changed(body, 0));
        table.start_all();
        table.settle(4);
        let fault = table.all_blame(2);
        assert!(matches!(fault.evidence(), Evidence::Share { complaint, .. } if complaint.author() == id(1)));
        let complained = |event: &Event| matches!(event, Event::Complaint { member, dealer } if (*member, *dealer) == (id(1), id(2)));
        assert!(table.seats[&id(3)].events.iter().any(complained));
        let confirmed = |record: &Record| matches!(record, Record::Post(post) if post.author() == id(1) && matches!(post.body(), Body::Confirm { .. }));
        assert!(!table.seats[&id(1)].disk.records().iter().any(confirmed), "who complains does not confirm");
    }
}

#[test]
fn a_wrong_sum_in_a_repair_names_its_helper() {
    let held = Held::deal(4, 3);
    let plan = repair(&held, &[1, 2, 3], 4);
    let mut table = Table::new(plan, Some(held)).lies_in_posts(3, |_, body| match body {
        Body::Sum { shares, ciphertext } => {
            let mut ciphertext = *ciphertext;
            ciphertext[31] ^= 1;
            Some(Body::Sum { shares: *shares, ciphertext })
        }
        _ => None,
    });
    table.start_all();
    table.settle(4);
    assert!(matches!(table.all_blame(3).evidence(), Evidence::Sum { .. }));
}

#[test]
fn who_complains_of_a_right_share_is_named() {
    // With a true disclosure, and with one that opens nothing.
    for honest in [true, false] {
        let plan = generate(4, 3);
        let ceremony = plan.id();
        let mut seen: Option<(B256, B256, EphemeralPublic)> = None;
        let mut deal_hash = None;
        let mut table = Table::new(plan.clone(), None);
        // What member 3 needs to know of member 1 is on the board of every honest member.
        let mut probe = Table::new(plan.clone(), None);
        probe.start_all();
        probe.settle(3);
        for record in probe.seats[&id(3)].disk.records() {
            if let Record::Post(post) = record
                && post.author() == id(1)
            {
                match post.body() {
                    Body::Deal { ephemeral, .. } => {
                        deal_hash = Some((post.hash(ceremony), EphemeralPublic::from_bytes(ephemeral).unwrap()));
                    }
                    Body::Shares { .. } => {
                        let (deal, ephemeral) = deal_hash.unwrap();
                        seen = Some((deal, post.hash(ceremony), ephemeral));
                    }
                    _ => {}
                }
            }
        }
        let (deal, opened, ephemeral) = seen.unwrap();
        let verified = ephemeral.verify(&identity(1).public(), ceremony.0.as_slice()).unwrap();
        let by = if honest { identity(3) } else { identity(2) };
        let disclosure = by.disclose(&verified, &mut rng()).to_bytes();
        table = table.lies_in_posts(3, move |_, body| {
            let complaint = Body::Complaint { dealer: id(1), deal, opened, disclosure };
            (body.step() == Step::Confirm).then_some(complaint)
        });
        table.start_all();
        table.settle(4);
        let fault = table.all_blame(3);
        assert_eq!(fault.reason(), "it complained of a share that was right");
    }
}

#[test]
fn a_complaint_of_something_that_nobody_sent_names_who_complains() {
    let held = Held::deal(4, 3);
    // Member 1 deals and leaves: it gets no share, so it has nothing to complain of.
    let plan = reshare(&held, &[1, 2, 3], &[2, 3, 4], 2);
    let mut table = Table::new(plan, Some(held)).lies_in_posts(1, |_, body| {
        let complaint = Body::Complaint { dealer: id(2), deal: B256::ZERO, opened: B256::ZERO, disclosure: [0; 96] };
        (body.step() == Step::Confirm).then_some(complaint)
    });
    table.start_all();
    table.settle(4);
    assert!(matches!(table.all_blame(1).evidence(), Evidence::BadPost(_)));
}

#[test]
fn shares_of_the_wrong_number_name_their_dealer() {
    for (echoes, shares) in [(3, 4), (5, 4), (4, 3), (4, 5), (4, 0)] {
        let mut table = Table::new(generate(4, 3), None).lies_in_posts(2, move |_, body| match body {
            Body::Shares { .. } => {
                Some(Body::Shares { echo: vec![B256::ZERO; echoes], ciphertexts: vec![[1; 32]; shares] })
            }
            _ => None,
        });
        table.start_all();
        table.settle(4);
        assert!(matches!(table.all_blame(2).evidence(), Evidence::BadPost(_)));
    }
}

#[test]
fn different_shares_to_different_members_name_their_dealer() {
    let mut table = Table::new(generate(4, 3), None)
        .lies_in_posts(2, |to, body| if to == id(4) { ciphertext_changed(body, 0) } else { None });
    table.start_all();
    table.settle(5);
    assert!(matches!(table.all_blame(2).evidence(), Evidence::Equivocation { .. } | Evidence::Share { .. }));
}

#[test]
fn who_complains_and_confirms_is_named() {
    // It confirms at first, and complains to all when everybody else has confirmed.
    let plan = generate(3, 2);
    let ceremony = plan.id();
    let mut table = Table::new(plan, None).lies(3, |_, message| match message {
        // Without its part of the test signature nothing is over.
        Message::Signing(_) => Vec::new(),
        other => vec![other],
    });
    table.start_all();
    table.settle(3);
    assert!(table.outcome(1).is_none());
    let hash_of = |step: Step| {
        let records = table.seats[&id(1)].disk.records();
        records.into_iter().find_map(|record| match record {
            Record::Post(post) if post.author() == id(1) && post.step() == step => Some(post.hash(ceremony)),
            _ => None,
        })
    };
    let (deal, opened) = (hash_of(Step::Deal).unwrap(), hash_of(Step::Shares).unwrap());
    let body = Body::Complaint { dealer: id(1), deal, opened, disclosure: [1; 96] };
    table.inject(3, 2, &Message::Post(Post::seal(ceremony, id(3), body, &identity(3))));
    table.settle(3);
    table.all_blame(3);
}
