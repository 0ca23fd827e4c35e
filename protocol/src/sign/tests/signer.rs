//! What a signer signs, and that no nonce is ever spent twice.

use super::{Table, boot, member};
use crate::{
    duty::DutyId,
    sign::package::PackageError,
    types::Epoch,
    wire::{Commitment, CommitmentLabel, Package},
};
use guardian_crypto::frost::signing::Commitments;

#[test]
fn nonces_are_never_used_for_a_second_package() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let package = table.package(&[one, two]);
    let share = table.sign(1, &package, 1).unwrap();
    // The same package again, a lost answer: the same answer, and no second nonce.
    assert_eq!(table.sign(1, &package, 1), Ok(share));
    // Another package with the same commitment of ours: never.
    let second = table.package(&[two, three]);
    assert_eq!(table.sign(1, &second, 1), Err(PackageError::NotOurs));
}

#[test]
fn a_commitment_serves_the_coordinator_it_was_made_for_and_no_other() {
    let mut table = Table::new();
    let (one, two) = (table.commit(0, 3), table.commit(1, 3));
    let package = table.package(&[one, two]);
    assert_eq!(table.sign(1, &package, 1), Err(PackageError::NotOurs));
    assert!(table.sign(1, &package, 3).is_ok());
}

#[test]
fn a_coordinator_gets_one_share_for_all_commitments_that_it_holds() {
    let mut table = Table::new();
    let one = table.commit(0, 1);
    let (first, second, third) = (table.commit(1, 1), table.commit(1, 1), table.commit(1, 1));
    let package = |table: &Table, ours| table.package(&[one, ours]);
    let oldest = package(&table, first);
    assert_eq!(table.sign(1, &oldest, 1), Err(PackageError::NotOurs), "two announcements old");
    // The package crossed the last announcement: it is answered, and what was announced last is dead with it.
    let crossed = package(&table, second);
    let share = table.sign(1, &crossed, 1).unwrap();
    assert!(share.next.index > third.index && third.index > second.index);
    let last = package(&table, third);
    assert_eq!(table.sign(1, &last, 1), Err(PackageError::NotOurs), "one session at a time");
    // What came with the answer is good for the next.
    let next = package(&table, share.next);
    assert!(table.sign(1, &next, 1).is_ok());
    assert_eq!(table.sign(1, &crossed, 1), Err(PackageError::NotOurs), "and the first is history");
}

#[test]
fn a_package_that_is_not_exactly_right_is_not_signed() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let elsewhere = table.commit(2, 2);
    let sealed = |table: &Table, duty: DutyId, points: Commitments, number: u16| {
        let label = CommitmentLabel { owner: member(1), coordinator: member(1), boot: boot(1), index: 7 };
        let key = &table.identities[usize::from(number) - 1];
        Commitment::seal((duty, table.digest), label, points, table.committee(), key)
    };
    let id = table.duty.id();
    let other_period = DutyId { period: Epoch(8), ..id };
    let identity = Commitments::from_bytes(&[0; 66]).unwrap();
    let cases = [
        ("too many", vec![one, two, three], PackageError::WrongSigners),
        ("too few", vec![two], PackageError::WrongSigners),
        ("out of order", vec![two, one], PackageError::WrongSigners),
        ("an owner twice", vec![two, two], PackageError::WrongSigners),
        ("without us", vec![one, three], PackageError::NotOurs),
        (
            "changed points",
            vec![Commitment { points: two.points, ..one }, two],
            PackageError::ForeignCommitment(member(1)),
        ),
        ("changed index", vec![Commitment { index: 9, ..one }, two], PackageError::ForeignCommitment(member(1))),
        ("changed start", vec![Commitment { boot: boot(9), ..one }, two], PackageError::ForeignCommitment(member(1))),
        (
            "another's signature",
            vec![sealed(&table, id, one.points, 3), two],
            PackageError::ForeignCommitment(member(1)),
        ),
        (
            "of another period",
            vec![sealed(&table, other_period, one.points, 1), two],
            PackageError::ForeignCommitment(member(1)),
        ),
        ("for another coordinator", vec![two, elsewhere], PackageError::ForeignCommitment(member(3))),
        (
            "of a stranger",
            vec![two, Commitment { owner: member(4), ..three }],
            PackageError::ForeignCommitment(member(4)),
        ),
        ("the identity element", vec![sealed(&table, id, identity, 1), two], PackageError::Malformed),
    ];
    for (name, commitments, expected) in cases {
        let package = table.package(&commitments);
        assert_eq!(table.sign(1, &package, 1), Err(expected), "{name}");
        let ours = commitments.contains(&two);
        assert_eq!(expected.is_fault(), ours, "{name}: only a stale package is nobody's fault");
    }
    let other = Package { digest: [9; 32].into(), ..table.package(&[one, two]) };
    assert_eq!(table.sign(1, &other, 1), Err(PackageError::OtherDigest));
    let other = Package { duty: other_period, ..table.package(&[one, two]) };
    assert_eq!(table.sign(1, &other, 1), Err(PackageError::OtherDigest));
    // None of all these has cost a nonce.
    let package = table.package(&[one, two]);
    assert!(table.sign(1, &package, 1).is_ok());
}
