//! Votes: one for each member, the newest, of the process that lives; bounded whatever is announced.

use super::{
    Tally,
    order::{Turn, order, rank},
};
use crate::{
    duty::{DutyId, DutyKind, Subject},
    testing::{Dealt, member},
    types::{BootId, Committee, Epoch, KeyEpoch},
    wire::{Announcement, Commitment, CommitmentLabel},
};
use alloy_primitives::B256;
use guardian_crypto::{frost::signing::Commitments, identity::IdentityKey};

const OLD: BootId = BootId { number: 1, name: [1; 16] };
const NEW: BootId = BootId { number: 2, name: [2; 16] };

fn duty(period: u64) -> DutyId {
    DutyId { kind: DutyKind::Reserves, period: Epoch(period), subject: Subject::Whole, key_epoch: KeyEpoch(1) }
}

fn digest(number: u8) -> B256 {
    B256::repeat_byte(number)
}

fn announcement(period: u64, digest: B256, boot: BootId, round: u32) -> Announcement {
    Announcement { duty: duty(period), digest, boot, round, commitments: Vec::new() }
}

#[test]
fn a_member_has_one_vote_and_changing_it_moves_it() {
    let mut tally = Tally::default();
    assert!(tally.file(member(1), announcement(9, digest(1), OLD, 1), Some(OLD)));
    assert!(tally.file(member(2), announcement(9, digest(1), OLD, 1), Some(OLD)));
    assert_eq!(tally.votes(duty(9), digest(1)), 2);
    assert!(tally.file(member(2), announcement(9, digest(2), OLD, 2), Some(OLD)));
    assert_eq!((tally.votes(duty(9), digest(1)), tally.votes(duty(9), digest(2))), (1, 1));
    assert_eq!(tally.votes(duty(8), digest(1)), 0, "of another period");
    assert_eq!(tally.votes(DutyId { key_epoch: KeyEpoch(2), ..duty(9) }, digest(1)), 0, "of another key");
    assert_eq!(tally.votes(DutyId { subject: Subject::Batch(digest(1)), ..duty(9) }, digest(1)), 0, "about another");
}

#[test]
fn an_older_round_or_a_dead_process_replaces_nothing() {
    let mut tally = Tally::default();
    assert!(tally.file(member(1), announcement(9, digest(1), NEW, 2), Some(NEW)));
    assert!(!tally.file(member(1), announcement(9, digest(2), NEW, 1), Some(NEW)), "an older round");
    assert!(!tally.file(member(1), announcement(9, digest(2), NEW, 2), Some(NEW)), "the same round");
    assert!(!tally.file(member(1), announcement(9, digest(2), OLD, 99), Some(NEW)), "a dead process");
    assert_eq!(tally.votes(duty(9), digest(1)), 1);
    // The other way round, the living process replaces what the dead one said, whatever its round.
    let mut tally = Tally::default();
    tally.file(member(1), announcement(9, digest(1), OLD, 99), Some(OLD));
    assert!(tally.file(member(1), announcement(9, digest(1), NEW, 1), Some(NEW)));
    assert_eq!(tally.of(duty(9)).next().unwrap().1.boot, NEW);
}

#[test]
fn announcements_of_many_periods_cost_only_their_authors_votes() {
    let mut tally = Tally::default();
    tally.file(member(2), announcement(9, digest(1), OLD, 1), Some(OLD));
    for period in 0..1_000 {
        tally.file(member(1), announcement(period, digest(1), OLD, 1), Some(OLD));
    }
    assert_eq!((0..1_000).filter(|period| tally.of(duty(*period)).any(|(m, _)| m == member(1))).count(), 4);
    assert_eq!(tally.votes(duty(9), digest(1)), 1);
    assert_eq!((tally.highest_of(member(1)), tally.highest_of(member(3))), (Some(Epoch(999)), None));
}

fn committee() -> (Committee, IdentityKey) {
    let dealt = Dealt::new(7, 5, 1);
    let key = dealt.identity(member(1));
    (dealt.committee, key)
}

#[test]
fn only_what_its_owner_announced_for_this_very_duty_is_held() {
    let (committee, key) = committee();
    let label = CommitmentLabel { owner: member(1), coordinator: member(2), boot: OLD, index: 0 };
    let points = Commitments::from_bytes(&[2; 66]).unwrap();
    let commitment = Commitment::seal((duty(9), digest(1)), label, points, &committee, &key);
    let mut tally = Tally::default();
    let said = Announcement { commitments: vec![commitment], ..announcement(9, digest(1), OLD, 1) };
    tally.file(member(1), said.clone(), Some(OLD));
    assert!(tally.holds(duty(9), digest(1), &commitment));
    assert!(!tally.holds(duty(8), digest(1), &commitment) && !tally.holds(duty(9), digest(2), &commitment));
    for other in [Commitment { index: 1, ..commitment }, Commitment { owner: member(2), ..commitment }] {
        assert!(!tally.holds(duty(9), digest(1), &other));
    }
    // Another member that repeats it does not make it its owner's word.
    let mut tally = Tally::default();
    tally.file(member(3), said, Some(OLD));
    assert!(!tally.holds(duty(9), digest(1), &commitment));
}

#[test]
fn everybody_has_one_rank_and_another_duty_digest_or_turn_another_order() {
    let (committee, _) = committee();
    let all = order(Turn::Coordinate, duty(9), digest(1), &committee);
    let ranks: Vec<Option<usize>> =
        all.iter().map(|member| rank(Turn::Coordinate, duty(9), digest(1), &committee, *member)).collect();
    assert_eq!(ranks, (0..7).map(Some).collect::<Vec<_>>());
    assert_eq!(rank(Turn::Coordinate, duty(9), digest(1), &committee, member(8)), None);
    let others = [
        order(Turn::Coordinate, duty(10), digest(1), &committee),
        order(Turn::Coordinate, duty(9), digest(2), &committee),
        order(Turn::Submit, duty(9), digest(1), &committee),
        order(Turn::PublishExit, duty(9), digest(1), &committee),
    ];
    assert!(others.iter().all(|other| *other != all));
}
