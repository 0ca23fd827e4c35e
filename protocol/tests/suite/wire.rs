//! Messages: one vector for each, authenticated, strict.

use super::{
    committee::{BOOT, Fixture, fixture, member, order, points, report, share},
    golden,
};
use guardian_crypto::{bls::PartialSignature, schnorr::Signature};
use guardian_protocol::{
    types::{DutyKind, Epoch, KeyEpoch, ValidatorIndex},
    wire::{
        Announcement, Commitment, Envelope, EnvelopeError, Greeting, Message, Package, PartialExits, Share, SignedDuty,
    },
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn commitment(fixture: &Fixture, owner: u16, index: u32) -> Commitment {
    let key = &fixture.identities[usize::from(owner) - 1];
    let id = report().id();
    Commitment::seal((id, [6; 32].into()), (member(owner), BOOT, index), points(), &fixture.committee, key)
}

fn all(fixture: &Fixture) -> BTreeMap<&'static str, Message> {
    let duty = report().id();
    let digest = [6; 32].into();
    let commitments = vec![commitment(fixture, 1, 0), commitment(fixture, 2, 0)];
    let signed = vec![(DutyKind::Ejection, Epoch(8)), (DutyKind::Reserves, Epoch(9))];
    // R = G, z = 1: well formed, of nobody.
    let signature = hex::decode(
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
         483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8\
         0000000000000000000000000000000000000000000000000000000000000001",
    );
    let signature = Signature::from_bytes(&signature.unwrap()).unwrap();
    let exits = vec![(ValidatorIndex(14), PartialSignature::from_bytes(&[4; 96]).unwrap())];
    BTreeMap::from([
        ("greeting", Message::Greeting(Greeting { boot: BOOT, highest: Some(Epoch(9)), signed })),
        (
            "announcement",
            Message::Announcement(Announcement {
                duty,
                digest,
                boot: BOOT,
                round: 1,
                commitments: commitments.clone(),
            }),
        ),
        ("package", Message::Package(Package { duty, digest, commitments: commitments.clone() })),
        ("share", Message::Share(Share { duty, package: [9; 32].into(), share: share(), next: commitments[0] })),
        ("signed", Message::Signed(SignedDuty { duty: order(), signature })),
        ("partial_exits", Message::PartialExits(PartialExits { duty: order().id(), digest, exits })),
    ])
}

fn sealed(fixture: &Fixture) -> BTreeMap<&'static str, Vec<u8>> {
    let seal = |message| Envelope::seal(member(1), message, &fixture.committee, &fixture.identities[0]).encode();
    all(fixture).into_iter().map(|(name, message)| (name, seal(message))).collect()
}

#[test]
fn messages_are_what_they_were() {
    golden::compare("wire.json", sealed(&fixture()));
}

#[test]
fn a_message_survives_its_envelope() {
    let fixture = fixture();
    let sealed = sealed(&fixture);
    for (name, message) in all(&fixture) {
        assert_eq!(Envelope::open(&sealed[name], member(1), &fixture.committee), Ok(message), "{name}");
    }
}

#[test]
fn a_message_that_comes_from_somebody_else_is_refused() {
    let fixture = fixture();
    let bytes = &sealed(&fixture)["share"];
    let error = Envelope::open(bytes, member(2), &fixture.committee).unwrap_err();
    assert_eq!(error, EnvelopeError::WrongSender { claimed: member(1), actual: member(2) });
}

#[test]
fn a_message_signed_by_another_member_is_refused() {
    let fixture = fixture();
    let message = all(&fixture)["share"].clone();
    let forged = Envelope::seal(member(1), message, &fixture.committee, &fixture.identities[1]).encode();
    assert_eq!(Envelope::open(&forged, member(1), &fixture.committee), Err(EnvelopeError::BadSignature));
}

#[test]
fn a_message_of_another_key_epoch_is_refused() {
    let fixture = fixture();
    let later = guardian_protocol::types::Committee::new(
        fixture.committee.iter().cloned(),
        fixture.committee.public_shares().clone(),
        KeyEpoch(2),
    )
    .unwrap();
    let bytes = &sealed(&fixture)["announcement"];
    assert_eq!(Envelope::open(bytes, member(1), &later), Err(EnvelopeError::BadSignature));
}

#[test]
fn a_cut_lengthened_or_flipped_message_is_refused() {
    let fixture = fixture();
    for bytes in sealed(&fixture).into_values() {
        for length in (0..bytes.len()).step_by(7) {
            assert!(Envelope::open(&bytes[..length], member(1), &fixture.committee).is_err());
        }
        assert!(Envelope::open(&[bytes.clone(), vec![0]].concat(), member(1), &fixture.committee).is_err());
        for at in (0..bytes.len()).step_by(5) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Envelope::open(&flipped, member(1), &fixture.committee).is_err(), "bit {at} does not matter");
        }
    }
}

#[test]
fn a_message_of_another_version_or_too_large_is_refused_by_name() {
    let fixture = fixture();
    let mut bytes = sealed(&fixture)["greeting"].clone();
    bytes[0] = 2;
    assert_eq!(Envelope::open(&bytes, member(1), &fixture.committee), Err(EnvelopeError::UnknownVersion(2)));
    let large = vec![1; Envelope::MAX_BYTES + 1];
    assert_eq!(
        Envelope::open(&large, member(1), &fixture.committee),
        Err(EnvelopeError::TooLarge(Envelope::MAX_BYTES + 1))
    );
}

#[test]
fn a_commitment_counts_only_for_its_owner_duty_digest_and_committee() {
    let fixture = fixture();
    let (id, digest) = (report().id(), [6; 32].into());
    let genuine = commitment(&fixture, 1, 0);
    assert!(genuine.is_genuine(id, digest, &fixture.committee));
    assert!(!genuine.is_genuine(order().id(), digest, &fixture.committee));
    assert!(!genuine.is_genuine(id, [7; 32].into(), &fixture.committee));
    assert!(!Commitment { owner: member(2), ..genuine }.is_genuine(id, digest, &fixture.committee));
    assert!(!Commitment { index: 1, ..genuine }.is_genuine(id, digest, &fixture.committee));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let fixture = fixture();
        prop_assert!(Envelope::open(&bytes, member(1), &fixture.committee).is_err());
        prop_assert!(Envelope::open(&[vec![1, 1, 0], bytes].concat(), member(1), &fixture.committee).is_err());
    }
}
