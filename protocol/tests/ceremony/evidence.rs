//! Evidence: what convicts whom, and that it can't be made of what honest members say.

use super::{
    cast::{generate, id, identity},
    liars::ciphertext_changed,
    table::Table,
};
use alloy_primitives::B256;
use guardian_protocol::ceremony::{Body, CeremonyId, Event, Evidence, Fault, Plan, Post, Record, wire, wire::Message};

#[test]
fn no_two_posts_of_honest_members_are_evidence_of_anything() {
    let mut table = Table::new(generate(3, 2), None);
    table.start_all();
    table.finish();
    let posts: Vec<Post> = table.seats[&id(1)]
        .disk
        .records()
        .into_iter()
        .filter_map(|record| if let Record::Post(post) = record { Some(post) } else { None })
        .collect();
    assert_eq!(posts.len(), 12);
    let claims = |evidence: Evidence| {
        (1..=3).any(|culprit| forged(table.plan.id(), culprit, evidence.clone()).verify(&table.plan).is_ok())
    };
    for first in &posts {
        assert!(!claims(Evidence::BadPost(first.clone())));
        for second in &posts {
            assert!(!claims(Evidence::Equivocation { first: first.clone(), second: second.clone() }));
            for third in &posts {
                let (deal, shares, complaint) = (first.clone(), second.clone(), third.clone());
                assert!(!claims(Evidence::Share { deal, shares, complaint }));
            }
        }
    }
}

/// A fault as somebody would forge it: its encoding is public.
fn forged(ceremony: CeremonyId, culprit: u16, evidence: Evidence) -> Fault {
    let body = borsh::to_vec(&(ceremony, id(culprit), evidence)).unwrap();
    Fault::decode(&[vec![1], body].concat()).unwrap()
}

#[test]
fn who_shows_false_evidence_once_is_not_listened_to_again() {
    let plan = generate(3, 2);
    let mut table = Table::new(plan, None);
    table.start_all();
    table.trip();
    let deal = table.seats[&id(1)]
        .disk
        .records()
        .into_iter()
        .find_map(|record| if let Record::Post(post) = record { Some(post) } else { None })
        .unwrap();
    let slander = Message::Fault(forged(table.plan.id(), 1, Evidence::BadPost(deal)));
    for _ in 0..5 {
        table.inject(2, 3, &slander);
    }
    table.finish();
    let refused = |event: &&Event| matches!(event, Event::MessageRefused { reason, .. } if reason.contains("convict"));
    assert_eq!(table.seats[&id(3)].events.iter().filter(refused).count(), 1);
    table.nobody_is_blamed();
}

#[test]
fn the_largest_evidence_fits_into_a_message() {
    let ceremony = generate(3, 2).id();
    let helpers = u16::try_from(Plan::MAX_HELPERS).unwrap();
    let seal = |n: u16, body| Post::seal(ceremony, id(n), body, &identity(1));
    let deals = (1..=helpers)
        .map(|n| seal(n, Body::Deal { ephemeral: [1; 96], commitments: vec![2; 33 * usize::from(helpers)] }))
        .collect();
    let count = usize::from(helpers);
    let shares = seal(1, Body::Shares { echo: vec![B256::ZERO; count], ciphertexts: vec![[3; 32]; count] });
    let sum = seal(1, Body::Sum { shares: B256::ZERO, ciphertext: [1; 32] });
    let complaint = Body::Complaint { dealer: id(1), deal: B256::ZERO, opened: B256::ZERO, disclosure: [1; 96] };
    let complaint = seal(2, complaint);
    let evidence = Evidence::Sum { deals, shares, sum, complaint };
    let message = Message::Fault(forged(ceremony, 1, evidence));
    let size = wire::encode(ceremony, &message).len();
    assert!(size <= wire::MAX_BYTES, "{size}");
    // The largest posts of the largest committee are not too large.
    for body in [
        Body::Deal { ephemeral: [1; 96], commitments: vec![2; 33 * 256 + 65] },
        Body::Shares { echo: vec![B256::ZERO; 256], ciphertexts: vec![[3; 32]; 256] },
    ] {
        assert!(!seal(1, body).is_too_large());
    }
}

#[test]
fn evidence_convicts_only_its_culprit_and_only_under_its_plan() {
    let mut table = Table::new(generate(4, 3), None).lies_in_posts(2, |_, body| ciphertext_changed(body, 0));
    table.start_all();
    table.settle(4);
    let fault = table.all_blame(2);
    for other in [1, 3, 4] {
        assert!(forged(table.plan.id(), other, fault.evidence().clone()).verify(&table.plan).is_err());
    }
    let mut plan = table.plan.clone();
    plan.attempt = 2;
    assert!(fault.verify(&plan).is_err());
    assert!(forged(plan.id(), 2, fault.evidence().clone()).verify(&plan).is_err());
    plan.attempt = 0;
    assert!(fault.verify(&plan).is_err());
}
