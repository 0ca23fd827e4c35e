//! Messages: one vector for each, authenticated, strict.

use super::{
    committee::{BOOT, about_one_thing, fixture, order, points, report, share, signature},
    golden,
};
use guardian_crypto::{
    account::AccountSignature,
    bls::PartialSignature,
    frost::{dealer, signing::Commitments},
    identity::IdentityKey,
};
use guardian_protocol::{
    BootId, Challenge, Committee, Duty, DutyBody, DutyId, Envelope, Epoch, Fault, KeyEpoch, Member, Program,
    ProgramVersion, RuleSchedule, RuleVersion, ValidatorCount, ValidatorIndex,
    testing::{
        Alive, Announcement, AttestedDuty, Commitment, CommitmentLabel, Dealt, EnvelopeError, Fact, Finding, Greeting,
        Holdings, Inquiry, Introduction, Message, Node, Package, PartialExits, Probe, Reminder, Share, SignedBoot,
        SignedDuty, account, member,
    },
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn commitment(fixture: &Dealt, owner: u16, index: u32) -> Commitment {
    let key = fixture.identity(member(owner));
    let label = CommitmentLabel { owner: member(owner), coordinator: member(1), boot: BOOT, index };
    Commitment::seal((report().id(), [6; 32].into()), label, points(), &fixture.committee, &key)
}

fn greeting(fixture: &Dealt, signed: Vec<DutyId>) -> Message {
    let start = |of| SignedBoot::seal(BOOT, &fixture.committee, &fixture.identity(member(of)));
    Message::Greeting(Greeting {
        start: start(1),
        highest: Some(Epoch(9)),
        signed,
        excluded: vec![member(3)],
        doppelganger: false,
        yours: Reminder { start: Some(start(2)), announcement: Some(vec![1, 2, 3]) },
        asks: true,
    })
}

fn introduction() -> Message {
    let version = ProgramVersion { numbers: [1, 2, 3], commit: Some([0x01, 0x23, 0x45, 0x67, 0x89, 0xab]) };
    let rules = RuleSchedule::new(vec![(Epoch(0), RuleVersion::FIRST), (Epoch(900), RuleVersion(2))]).unwrap();
    Message::Introduction(Introduction { boot: BOOT, program: Program { version, rules } })
}

fn attested() -> Message {
    let signatures = [1, 2].map(|number| AccountSignature::sign(&account(number).0, &[6; 32]).unwrap().0);
    let duty = Duty {
        key_epoch: KeyEpoch(0),
        body: DutyBody::ValidatorCount(ValidatorCount { active: 1_012_345 }),
        ..report()
    };
    Message::Attested(AttestedDuty { duty, signatures: signatures.to_vec() })
}

fn all(fixture: &Dealt) -> BTreeMap<&'static str, Message> {
    let duty = report().id();
    let digest = [6; 32].into();
    let commitments = vec![commitment(fixture, 1, 0), commitment(fixture, 2, 0)];
    let [(_, registration), (_, batch)] = about_one_thing();
    let signed = vec![DutyId { period: Epoch(8), ..order().id() }, registration, batch, report().id()];
    let exits = vec![(ValidatorIndex(14), PartialSignature::from_bytes(&[4; 96]).unwrap())];
    let fact = Fact { name: "report period".into(), value: "225 epochs".into() };
    let fault = Fault::Commitment { duty, digest, commitment: commitments[1] };
    BTreeMap::from([
        ("greeting", greeting(fixture, signed)),
        ("fault", Message::Fault(fault)),
        ("probe", Message::Probe(Probe { boot: BOOT, member: member(2), challenge: Challenge([8; 16]) })),
        ("inquiry", Message::Inquiry(Inquiry { period: Epoch(9), place: vec![1, 15] })),
        ("introduction", introduction()),
        ("holdings", Message::Holdings(Holdings { validators: vec![1, u64::MAX] })),
        ("finding", Message::Finding(Finding { period: Epoch(9), place: vec![1, 15], node: Node::Facts(vec![fact]) })),
        (
            "finding_of_hashes",
            Message::Finding(Finding {
                period: Epoch(9),
                place: Vec::new(),
                node: Node::Branch(Box::new([[5; 32].into(); 16])),
            }),
        ),
        ("alive", Message::Alive(Alive { boot: BOOT, challenge: Challenge([8; 16]) })),
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
        ("signed", Message::Signed(SignedDuty { duty: order(), signature: signature() })),
        (
            "announcement_about_a_registration",
            Message::Announcement(Announcement {
                duty: registration,
                digest,
                boot: BOOT,
                round: 1,
                commitments: vec![],
            }),
        ),
        (
            "announcement_about_a_batch",
            Message::Announcement(Announcement { duty: batch, digest, boot: BOOT, round: 1, commitments: vec![] }),
        ),
        ("attested", attested()),
        ("partial_exits", Message::PartialExits(PartialExits { duty: order().id(), digest, exits })),
    ])
}

fn sealed(fixture: &Dealt) -> BTreeMap<&'static str, Vec<u8>> {
    let seal = |message| Envelope::seal(member(1), message, &fixture.committee, &fixture.identity(member(1))).encode();
    all(fixture).into_iter().map(|(name, message)| (name, seal(message))).collect()
}

#[test]
fn messages_are_what_they_were() {
    golden::compare("wire.json", sealed(&fixture()));
}

/// Messages of the first release whose members talk to later ones. Nothing rewrites them.
#[test]
fn what_an_earlier_release_says_is_understood() {
    let fixture = fixture();
    let earlier = golden::read("first-release/wire.json");
    let ours = sealed(&fixture);
    assert!(earlier.len() >= 15 && earlier.keys().all(|name| ours.contains_key(name.as_str())));
    for (name, bytes) in earlier {
        let opened = Envelope::open(&bytes, member(1), &fixture.committee).unwrap();
        assert_eq!(opened.encode(), bytes, "{name}");
        assert_eq!(ours[name.as_str()], bytes, "{name} is said otherwise than an earlier release understands");
    }
}

/// What a later release may add: another kind of message, of any content.
#[test]
fn a_message_of_a_kind_that_is_not_known_is_told_from_a_corrupt_one() {
    let fixture = fixture();
    let kinds: BTreeSet<u8> = sealed(&fixture).values().map(|bytes| bytes[3]).collect();
    let unknown = u8::try_from(kinds.len()).unwrap();
    assert!(kinds.iter().copied().eq(0..unknown), "kinds are numbered from 0, and each has a vector");
    for kind in [unknown, u8::MAX] {
        let mut bytes = sealed(&fixture)["greeting"].clone();
        bytes[3] = kind;
        let error = Envelope::open(&bytes, member(1), &fixture.committee).unwrap_err();
        assert_eq!(error, EnvelopeError::UnknownKind(kind));
        assert!(error.is_of_another_version());
    }
    let mut corrupt = sealed(&fixture)["greeting"].clone();
    corrupt[3] = 1;
    let error = Envelope::open(&corrupt, member(1), &fixture.committee).unwrap_err();
    assert!(!error.is_of_another_version(), "{error}");
}

#[test]
fn a_message_survives_its_envelope() {
    let fixture = fixture();
    let sealed = sealed(&fixture);
    for (name, message) in all(&fixture) {
        let opened = Envelope::open(&sealed[name], member(1), &fixture.committee).unwrap();
        assert_eq!(opened.message(), &message, "{name}");
        assert_eq!(opened.encode(), sealed[name], "{name}");
        assert_eq!(Envelope::read(&sealed[name], &fixture.committee), Ok(opened), "{name}");
        assert_eq!(Envelope::sender_of(&sealed[name]), Some(member(1)), "{name}");
    }
}

#[test]
fn a_message_that_comes_from_somebody_else_is_refused() {
    let fixture = fixture();
    for bytes in sealed(&fixture).into_values() {
        let error = Envelope::open(&bytes, member(2), &fixture.committee).unwrap_err();
        assert_eq!(error, EnvelopeError::WrongSender { claimed: member(1), actual: member(2) });
    }
}

#[test]
fn a_message_signed_by_another_member_is_refused() {
    let fixture = fixture();
    for message in all(&fixture).into_values() {
        let forged = Envelope::seal(member(1), message, &fixture.committee, &fixture.identity(member(2))).encode();
        assert_eq!(Envelope::open(&forged, member(1), &fixture.committee), Err(EnvelopeError::BadSignature));
        assert_eq!(Envelope::read(&forged, &fixture.committee), Err(EnvelopeError::BadSignature));
    }
}

#[test]
fn a_message_of_a_stranger_is_refused() {
    let fixture = fixture();
    for message in all(&fixture).into_values() {
        let bytes = Envelope::seal(member(4), message, &fixture.committee, &fixture.identity(member(1))).encode();
        let refused = Envelope::open(&bytes, member(4), &fixture.committee);
        assert_eq!(refused, Err(EnvelopeError::UnknownSender(member(4))));
    }
}

/// Committees that differ from the fixture's in one thing each.
fn other_committees(fixture: &Dealt) -> Vec<(&'static str, Committee)> {
    let ours = &fixture.committee;
    let members = || ours.iter().cloned();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (_, other_key) = dealer::deal(3, 2, &mut rng).unwrap();
    let someone = IdentityKey::generate(&mut rng).public();
    let replaced = members().map(|m| if m.id == member(3) { Member { identity: someone, ..m } } else { m });
    vec![
        ("another key epoch", Committee::new(members(), ours.public_shares().clone(), KeyEpoch(2)).unwrap()),
        ("other shares", Committee::new(members(), other_key, KeyEpoch(1)).unwrap()),
        ("another third member", Committee::new(replaced, ours.public_shares().clone(), KeyEpoch(1)).unwrap()),
    ]
}

#[test]
fn names_for_people_do_not_make_another_committee() {
    let fixture = fixture();
    let renamed = fixture.committee.iter().map(|m| Member { name: "renamed".into(), ..m.clone() });
    let renamed = Committee::new(renamed, fixture.committee.public_shares().clone(), KeyEpoch(1)).unwrap();
    assert_eq!(renamed.id(), fixture.committee.id());
}

#[test]
fn a_message_of_another_committee_with_the_same_key_is_refused() {
    let fixture = fixture();
    for (what, other) in other_committees(&fixture) {
        assert_ne!(other.id(), fixture.committee.id(), "{what}");
        for (name, bytes) in sealed(&fixture) {
            let refused = Envelope::open(&bytes, member(1), &other);
            assert_eq!(refused, Err(EnvelopeError::BadSignature), "a {name} in a committee with {what}");
        }
        let commitment = commitment(&fixture, 1, 0);
        assert!(!commitment.is_genuine(report().id(), [6; 32].into(), &other), "a commitment in one with {what}");
    }
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
    bytes[0] = 1;
    assert_eq!(Envelope::open(&bytes, member(1), &fixture.committee), Err(EnvelopeError::UnknownVersion(1)));
    let large = vec![Envelope::VERSION; Envelope::MAX_BYTES + 1];
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
    let later = DutyId { period: Epoch(10), ..id };
    assert!(!genuine.is_genuine(later, digest, &fixture.committee));
    let points = Commitments::from_bytes(&[3; 66]).unwrap();
    let changed = [
        Commitment { owner: member(2), ..genuine },
        Commitment { owner: member(4), ..genuine },
        Commitment { coordinator: member(2), ..genuine },
        Commitment { boot: BootId { number: 8, name: [8; 16] }, ..genuine },
        Commitment { index: 1, ..genuine },
        Commitment { points, ..genuine },
        Commitment { signature: commitment(&fixture, 2, 0).signature, ..genuine },
    ];
    for other in changed {
        assert!(!other.is_genuine(id, digest, &fixture.committee), "{other:?}");
    }
}

#[test]
fn an_announcement_holds_its_senders_commitments_of_one_start_only() {
    let fixture = fixture();
    let mine: Vec<Commitment> = (0..8).map(|index| commitment(&fixture, 1, index)).collect();
    let announcement = |commitments: &[Commitment]| Announcement {
        duty: report().id(),
        digest: [6; 32].into(),
        boot: BOOT,
        round: 1,
        commitments: commitments.to_vec(),
    };
    assert!(announcement(&mine).is_of(member(1)));
    assert!(!announcement(&mine).is_of(member(2)));
    assert!(!Announcement { round: 0, ..announcement(&mine) }.is_of(member(1)), "rounds begin with 1");
    let too_many = [mine.as_slice(), &mine[..1]].concat();
    assert!(!announcement(&too_many).is_of(member(1)));
    let anothers = [mine[0], commitment(&fixture, 2, 0)];
    assert!(!announcement(&anothers).is_of(member(1)));
    let of_another_start = [mine[0], Commitment { boot: BootId { number: 8, name: [8; 16] }, ..mine[1] }];
    assert!(!announcement(&of_another_start).is_of(member(1)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let fixture = fixture();
        prop_assert!(Envelope::open(&bytes, member(1), &fixture.committee).is_err());
        prop_assert!(Envelope::open(&[vec![Envelope::VERSION, 1, 0], bytes].concat(), member(1), &fixture.committee).is_err());
    }
}
