//! Proofs convict who cheated, and can't be made against anybody else.

use super::{Table, boot, member};
use crate::{
    effects::Effects,
    event::Event,
    record::Record,
    sign::{Culprits, Fault, FaultError},
    testing::Log,
    types::{Committee, Epoch, KeyEpoch, MemberId},
    wire::{Commitment, CommitmentLabel, EnvelopeError, Message, Package, Share},
};
use guardian_crypto::frost::signing::{Commitments, SignatureShare};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A package of member 1 for members 1 and 2, and the share of member 2.
fn session(table: &mut Table) -> (Package, Share) {
    let (one, two) = (table.commit(0, 1), table.commit(1, 1));
    let package = table.package(&[one, two]);
    let share = table.sign(1, &package, 1).unwrap();
    (package, share)
}

fn wrong(share: Share) -> Share {
    Share { share: SignatureShare::from_bytes(&[1; 32]).unwrap(), ..share }
}

fn share_fault(table: &Table, package: &Package, coordinator: usize, share: &Share, signer: usize) -> Fault {
    Fault::Share {
        package: table.seal(coordinator, Message::Package(package.clone())).encode(),
        share: table.seal(signer, Message::Share(*share)).encode(),
    }
}

#[test]
fn a_wrong_share_convicts_its_author() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let fault = share_fault(&table, &package, 0, &wrong(share), 1);
    assert_eq!(fault.verify(table.committee()), Ok((member(2), table.duty.id())));
    assert_eq!(fault.accused(), Some(member(2)));
    // Not a scalar at all: no less wrong.
    let none = Share { share: SignatureShare::from_bytes(&[0xff; 32]).unwrap(), ..share };
    assert!(share_fault(&table, &package, 0, &none, 1).verify(table.committee()).is_ok());
}

#[test]
fn a_right_share_convicts_nobody_whatever_it_is_shown_with() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let committee = table.committee().clone();
    let verify = |fault: Fault| fault.verify(&committee);
    assert_eq!(verify(share_fault(&table, &package, 0, &share, 1)), Err(FaultError::NothingWrong));

    // Held against another package: of another attempt, with another set of signers, or the same signed by another coordinator.
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    for other in [table.package(&[one, two]), table.package(&[two, three]), table.package(&[one, three])] {
        assert_eq!(verify(share_fault(&table, &other, 0, &share, 1)), Err(FaultError::Unrelated));
    }
    let elsewhere = share_fault(&table, &package, 2, &share, 1);
    assert!(matches!(verify(elsewhere), Err(FaultError::UnsoundPackage(_))), "the package is not of this coordinator");

    // As another's share, or for a duty of another period.
    let as_another = share_fault(&table, &package, 0, &share, 2);
    assert_eq!(verify(as_another), Err(FaultError::Unrelated), "member 3 was not asked");
    let mut later = share;
    later.duty.period = Epoch(10);
    assert_eq!(verify(share_fault(&table, &package, 0, &later, 1)), Err(FaultError::Unrelated));
}

#[test]
fn a_share_under_an_unsound_package_proves_nothing_against_its_author() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    // The coordinator changes another's commitment after the fact: then the hash is another one, and who signed for that is not honest
    // either; but it can't be told who began.
    let [one, two] = package.commitments.as_slice() else { panic!("two commitments") };
    let forged = table.package(&[Commitment { points: two.points, ..*one }, *two]);
    let bound = Share { package: forged.hash(), ..share };
    let fault = share_fault(&table, &forged, 0, &bound, 1);
    assert!(matches!(fault.verify(table.committee()), Err(FaultError::UnsoundPackage(_))));
    // What can be told is that the coordinator cheated.
    let fault = Fault::Package { package: table.seal(0, Message::Package(forged)).encode() };
    assert_eq!(fault.verify(table.committee()), Ok((member(1), table.duty.id())));
}

#[test]
fn a_package_convicts_its_coordinator_only_if_it_is_unsound() {
    let mut table = Table::new();
    let (one, two, three) = (table.commit(0, 1), table.commit(1, 1), table.commit(2, 1));
    let fault = |table: &Table, author: usize, commitments: &[Commitment]| Fault::Package {
        package: table.seal(author, Message::Package(table.package(commitments))).encode(),
    };
    let committee = table.committee().clone();
    assert_eq!(fault(&table, 0, &[one, two]).verify(&committee), Err(FaultError::NothingWrong));
    for commitments in [vec![one], vec![one, two, three], vec![two, one], vec![two, two]] {
        assert_eq!(fault(&table, 0, &commitments).verify(&committee), Ok((member(1), table.duty.id())));
    }
    // Somebody else who sends the same commitments is the culprit: they were not made for it. The first coordinator is not.
    assert_eq!(fault(&table, 2, &[one, two]).verify(&committee).map(|(culprit, _)| culprit), Ok(member(3)));
}

#[test]
fn a_malformed_commitment_convicts_its_owner_and_a_good_one_nobody() {
    let mut table = Table::new();
    let label = CommitmentLabel { owner: member(2), coordinator: member(1), boot: boot(2), index: 0 };
    let (duty, digest) = (table.duty.id(), table.digest);
    let good = table.commit(1, 1);
    for bytes in [[0; 66], [2; 66], [0xff; 66]] {
        let points = Commitments::from_bytes(&bytes).unwrap();
        if points.is_well_formed() {
            continue;
        }
        let commitment = Commitment::seal((duty, digest), label, points, table.committee(), &table.identities[1]);
        let fault = Fault::Commitment { duty, digest, commitment };
        assert_eq!(fault.verify(table.committee()), Ok((member(2), duty)));
        // The same by anybody else's hand is a forgery.
        let forged = Commitment::seal((duty, digest), label, points, table.committee(), &table.identities[0]);
        let fault = Fault::Commitment { duty, digest, commitment: forged };
        assert_eq!(fault.verify(table.committee()), Err(FaultError::NotGenuine));
    }
    let fault = Fault::Commitment { duty, digest, commitment: good };
    assert_eq!(fault.verify(table.committee()), Err(FaultError::NothingWrong));
}

#[test]
fn what_was_said_in_another_committee_convicts_nobody_in_this_one() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let fault = share_fault(&table, &package, 0, &wrong(share), 1);
    let same_people_and_key = |epoch| {
        let committee = table.committee();
        Committee::new(committee.iter().cloned(), committee.public_shares().clone(), KeyEpoch(epoch)).unwrap()
    };
    assert!(fault.verify(&same_people_and_key(1)).is_ok());
    assert_eq!(fault.verify(&same_people_and_key(2)), Err(FaultError::Envelope(EnvelopeError::BadSignature)));
}

#[test]
fn only_a_package_and_a_share_in_their_places_are_looked_at() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let package = table.seal(0, Message::Package(package)).encode();
    let share = table.seal(1, Message::Share(wrong(share))).encode();
    let swapped = Fault::Share { package: share.clone(), share: package.clone() };
    assert_eq!(swapped.verify(table.committee()), Err(FaultError::WrongMessage("package")));
    let twice = Fault::Share { package: share.clone(), share: share.clone() };
    assert_eq!(twice.verify(table.committee()), Err(FaultError::WrongMessage("share")));
    assert_eq!(Fault::Package { package: share }.verify(table.committee()), Err(FaultError::WrongMessage("share")));
    assert!(matches!(Fault::Package { package: Vec::new() }.verify(table.committee()), Err(FaultError::Envelope(_))));
}

#[test]
fn what_was_found_out_about_a_package_convicts_nobody_of_another_share() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let mut sound = crate::sign::fault::Sound::default();
    let honest = share_fault(&table, &package, 0, &share, 1);
    let cheat = share_fault(&table, &package, 0, &wrong(share), 1);
    for _ in 0..2 {
        assert_eq!(cheat.verify_with(table.committee(), &mut sound), cheat.verify(table.committee()));
        assert_eq!(honest.verify_with(table.committee(), &mut sound), Err(FaultError::NothingWrong));
    }
    assert!(cheat.verify(table.committee()).is_ok());
}

#[test]
fn a_proof_survives_its_encoding_and_nothing_else_decodes() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let fault = share_fault(&table, &package, 0, &wrong(share), 1);
    let bytes = fault.encode();
    assert_eq!(Fault::decode(&bytes), Ok(fault));
    assert_eq!(Fault::decode(&[&[1], &bytes[1..]].concat()), Err(FaultError::UnknownVersion(1)));
    assert_eq!(Fault::decode(&[]), Err(FaultError::Length(0)));
    assert!(matches!(Fault::decode(&vec![Fault::VERSION; Fault::MAX_BYTES + 1]), Err(FaultError::Length(_))));
    assert!(matches!(Fault::decode(&[bytes.as_slice(), &[0]].concat()), Err(FaultError::Corrupt(_))));
    for length in 1..bytes.len() {
        assert!(Fault::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_culprit_is_recorded_once_and_excluded_after_a_restart() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let fault = share_fault(&table, &package, 0, &wrong(share), 1);
    let committee = table.committee().clone();
    let (mut culprits, mut fx) = (Culprits::default(), Effects::default());
    assert!(culprits.is_worth_checking(member(1), &fault));
    assert_eq!(culprits.convict(&fault, &committee, &mut fx), Ok(true));
    assert_eq!(culprits.convict(&fault, &committee, &mut fx), Ok(false));
    assert!(culprits.is_excluded(member(2)) && !culprits.is_excluded(member(1)));
    assert!(!culprits.is_worth_checking(member(1), &fault), "it is known");
    let mut log = Log::default();
    let released = fx.commit(&mut log).unwrap();
    let record = Record::Fault { committee: committee.id(), culprit: member(2), fault: fault.clone() };
    assert_eq!(log.0, [record]);
    assert_eq!(released.events, [Event::Culprit { id: table.duty.id(), member: member(2), fault: fault.clone() }]);

    let restored = Culprits::restore(BTreeMap::new(), [fault.clone()], &committee).unwrap();
    assert_eq!(restored.iter().collect::<Vec<_>>(), [(member(2), &fault)]);
    // Pardoned for this period: not before it, and never for what comes after.
    let pardoned = |upto| Culprits::restore(BTreeMap::from([(member(2), upto)]), [fault.clone()], &committee).unwrap();
    assert!(!pardoned(Epoch(9)).is_excluded(member(2)));
    assert!(pardoned(Epoch(8)).is_excluded(member(2)));
    assert_eq!(pardoned(Epoch(9)).convict(&fault, &committee, &mut Effects::default()), Ok(false));
}

#[test]
fn who_cries_wolf_is_not_listened_to_for_ever() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let fault = share_fault(&table, &package, 0, &share, 1);
    let (mut culprits, mut fx) = (Culprits::default(), Effects::default());
    let mut looked = 0;
    while culprits.is_worth_checking(member(3), &fault) {
        assert!(culprits.convict(&fault, table.committee(), &mut fx).is_err());
        culprits.cried_wolf(member(3));
        looked += 1;
    }
    assert!(looked < 20);
    assert!(culprits.is_worth_checking(member(1), &fault), "another accuser is another matter");
}

proptest! {
    /// Whatever is done to an honest signer's answer or to the package that it answered, it is not convicted by it.
    #[test]
    fn an_honest_guardian_is_never_convicted(seed in 0u64..64, flip in 0usize..400, byte in 1u8.., which in 0u8..3) {
        let mut table = Table::of(3, 2, seed);
        let (package, share) = session(&mut table);
        let mut sealed = table.seal(0, Message::Package(package.clone())).encode();
        let mut answer = table.seal(1, Message::Share(share)).encode();
        match which {
            0 => { let at = flip % sealed.len(); sealed[at] ^= byte; }
            1 => { let at = flip % answer.len(); answer[at] ^= byte; }
            // The coordinator signs another package in its name: same commitments, other digest.
            _ => {
                let other = Package { digest: [byte; 32].into(), ..package };
                sealed = table.seal(0, Message::Package(other)).encode();
            }
        }
        let honest = |verdict: Result<(MemberId, _), _>| verdict.map_or(true, |(culprit, _)| culprit != member(2));
        let fault = Fault::Share { package: sealed.clone(), share: answer.clone() };
        prop_assert!(honest(fault.verify(table.committee())));
        let (as_package, no_package) = (Fault::Package { package: sealed }, Fault::Package { package: answer });
        prop_assert!(honest(as_package.verify(table.committee())));
        prop_assert!(no_package.verify(table.committee()).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let versioned = [vec![Fault::VERSION], bytes].concat();
        if let Ok(fault) = Fault::decode(&versioned) {
            prop_assert_eq!(fault.encode(), versioned);
        }
    }
}

#[test]
fn what_is_forgiven_is_not_verified_again_however_often_it_is_shown() {
    let mut table = Table::new();
    let (package, share) = session(&mut table);
    let committee = table.committee().clone();
    let upto = |period| BTreeMap::from([(member(1), Epoch(period)), (member(2), Epoch(period))]);
    let label = CommitmentLabel { owner: member(2), coordinator: member(1), boot: boot(2), index: 9 };
    let (duty, digest, points) = (table.duty.id(), table.digest, package.commitments[0].points);
    let commitment = Commitment::seal((duty, digest), label, points, &committee, &table.identities[1]);
    let faults = [
        share_fault(&table, &package, 0, &wrong(share), 1),
        Fault::Package { package: table.seal(0, Message::Package(package)).encode() },
        Fault::Commitment { duty, digest, commitment },
    ];
    for fault in faults {
        assert_eq!(fault.about(), Some(duty));
        let forgiven = Culprits::restore(upto(9), [], &committee).unwrap();
        assert!(!forgiven.is_worth_checking(member(3), &fault), "{fault:?}");
        let of_before = Culprits::restore(upto(8), [], &committee).unwrap();
        assert!(of_before.is_worth_checking(member(3), &fault), "what comes after a pardon is another matter");
    }
}
