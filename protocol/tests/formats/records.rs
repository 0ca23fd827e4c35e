//! Records: one vector for each, and nothing else decodes.

use super::{
    committee::{about_one_thing, fixture, order, report, signature},
    golden,
    wire::commitment,
};
use guardian_crypto::account::AccountSignature;
use guardian_protocol::{
    BlockRef, BlsPubkey, Cause, DecodeError, Duty, DutyBody, DutyKind, Epoch, EventPage, Fault, KeyEpoch,
    ProtocolEvent, Record, Slot, Timestamp, ValidatorCount,
    testing::{account, chain_spec, contracts, member},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A proof in form, of nothing.
fn fault() -> Fault {
    Fault::Share { package: vec![1, 2, 3], share: vec![4, 5] }
}

#[test]
fn faults_and_committees_are_what_they_were() {
    let package = Fault::Package { package: vec![1, 2, 3] };
    let (duty, digest) = (report().id(), [6; 32].into());
    let malformed = Fault::Commitment { duty, digest, commitment: commitment(&fixture(), 2, 0) };
    let vectors = [
        ("committee_id", fixture().committee.id().to_vec()),
        ("fault_commitment", malformed.encode()),
        ("fault_package", package.encode()),
        ("fault_share", fault().encode()),
    ];
    golden::compare("signing.json", BTreeMap::from(vectors));
    assert_eq!(Fault::decode(&fault().encode()), Ok(fault()));
    assert_eq!(Fault::decode(&package.encode()), Ok(package));
    assert_eq!(Fault::decode(&malformed.encode()), Ok(malformed));
}

fn attested() -> Record {
    let signatures = [1, 2].map(|number| AccountSignature::sign(&account(number).0, &[6; 32]).unwrap().0);
    let duty = Duty {
        key_epoch: KeyEpoch(0),
        body: DutyBody::ValidatorCount(ValidatorCount { active: 1_012_345 }),
        ..report()
    };
    Record::Attested { duty, signatures: signatures.to_vec(), contract: [0x66; 20].into() }
}

fn exit_request() -> Record {
    let (order, pubkey, time) = ([6; 32].into(), BlsPubkey::repeat_byte(3), Timestamp(9));
    Record::ExitRequest { order, pubkey, time, max_fee: 1_000, paid: None }
}

fn requests() -> Record {
    let upto = BlockRef { number: 100, hash: [8; 32].into(), timestamp: 1_700_000_000 };
    let events = vec![ProtocolEvent::ExitsRequested { reference_slot: Slot(72), positions: [5; 32].into() }];
    Record::Events { contracts: contracts().event_sources(), page: EventPage { from: 71, upto, events } }
}

fn all() -> BTreeMap<&'static str, Record> {
    let upto = BlockRef { number: 100, hash: [8; 32].into(), timestamp: 1_700_000_000 };
    let pubkey = BlsPubkey::repeat_byte(14);
    let events = vec![
        ProtocolEvent::Provisioned(pubkey),
        ProtocolEvent::Ordered { pubkey, reference_slot: Slot(72) },
        ProtocolEvent::Exited(pubkey),
    ];
    let signed = |duty| Record::Signed { duty, signature: signature(), contract: [0x11; 20].into() };
    let [(_, registration), (_, batch)] = about_one_thing();
    let hold = |until: Option<u64>| {
        let hold = Some((until.map(Timestamp), "the governor asked for it".to_owned()));
        Record::Hold { kind: DutyKind::Reserves, hold }
    };
    let automatic = |reason| {
        let (kind, cause, about) = (DutyKind::Reserves, Cause::SignedOtherwise, [6; 32].into());
        Record::AutomaticHold { kind, cause, about, reason }
    };
    BTreeMap::from([
        ("decided_about_a_registration", Record::Decided { id: registration, digest: [6; 32].into() }),
        ("decided_about_a_batch", Record::Decided { id: batch, digest: [6; 32].into() }),
        ("hold", hold(None)),
        ("hold_with_an_end", hold(Some(1_700_000_000_000))),
        ("release", Record::Hold { kind: DutyKind::Ejection, hold: None }),
        ("states_served", Record::StatesServed { epoch: Epoch(9) }),
        ("automatic_hold", automatic(Some("a digest".to_owned()))),
        ("automatic_hold_over", automatic(None)),
        ("released", Record::Released { duty: report() }),
        ("asked_for", Record::AskedFor { digest: [7; 32].into() }),
        ("exit_request", exit_request()),
        ("events_of_requests", requests()),
        ("forbidden", Record::Forbidden { digest: [6; 32].into() }),
        ("decided", Record::Decided { id: order().id(), digest: [6; 32].into() }),
        ("boot", Record::Boot { number: 17 }),
        ("floor_of_a_store_set_back", Record::Floor { epoch: Epoch(9), is_settled: false }),
        ("floor", Record::Floor { epoch: Epoch(9), is_settled: true }),
        ("chain", Record::Chain { identity: chain_spec().identity() }),
        ("attested_count", attested()),
        ("signed_order", signed(order())),
        ("signed_report", signed(report())),
        ("confirmed", Record::Confirmed { id: report().id() }),
        (
            "events",
            Record::Events { contracts: contracts().event_sources(), page: EventPage { from: 70, upto, events } },
        ),
        ("fault", Record::Fault { committee: [4; 32].into(), culprit: member(2), fault: fault() }),
        ("pardon", Record::Pardon { committee: [4; 32].into(), member: member(2), upto: Epoch(9) }),
    ])
}

#[test]
fn records_are_what_they_were() {
    golden::compare("records.json", all().iter().map(|(name, record)| (*name, record.encode())).collect());
}

/// Records of the first release whose stores later ones open. Nothing rewrites them.
#[test]
fn what_an_earlier_release_recorded_is_read() {
    let earlier = golden::read("first-release/records.json");
    let ours = all();
    assert!(earlier.len() >= 20);
    for (name, bytes) in earlier {
        assert_eq!(Record::decode(&bytes).as_ref(), Ok(&ours[name.as_str()]), "{name}");
    }
}

#[test]
fn a_record_survives_its_encoding() {
    for record in all().into_values() {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}

#[test]
fn a_record_of_another_version_is_refused_by_its_number() {
    let mut bytes = all()["floor"].encode();
    bytes[0] = 1;
    assert_eq!(Record::decode(&bytes), Err(DecodeError::UnknownVersion(1)));
    assert_eq!(Record::decode(&[]), Err(DecodeError::Empty));
}

#[test]
fn a_cut_or_lengthened_record_is_refused() {
    for record in all().into_values() {
        let bytes = record.encode();
        for length in 0..bytes.len() {
            assert!(Record::decode(&bytes[..length]).is_err(), "{length} of {} bytes decode", bytes.len());
        }
        assert!(Record::decode(&[bytes, vec![0]].concat()).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_have_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let versioned = [vec![Record::VERSION], bytes].concat();
        if let Ok(record) = Record::decode(&versioned) {
            prop_assert_eq!(record.encode(), versioned);
        }
    }
}
