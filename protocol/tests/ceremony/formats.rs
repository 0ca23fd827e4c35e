//! Lasting formats: one vector for each, and nothing else decodes. The posts are those of a whole ceremony from fixed
//! identities, so that these vectors also pin what is derived from an identity: a dealer that is restarted with a later
//! version must make the same deal.

use super::{
    cast::{Held, generate, id, identity, repair, reshare},
    table::{Disk, Table},
};
use alloy_primitives::B256;
use guardian_crypto::frost::signing::{Commitments, SignatureShare};
use guardian_protocol::{
    BootId, Committee, KeyEpoch, Member,
    ceremony::{
        Authorisation, Body, Fault, Plan, Post, Record, Step, Transcript, authorisation,
        plan::PlanDecodeError,
        signing::{Commitment, Message as Signing, Package, Share},
        wire::{self, Have, Message},
    },
};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::PathBuf};

fn compare(name: &str, actual: BTreeMap<String, Vec<u8>>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let actual: BTreeMap<String, String> = actual.into_iter().map(|(name, bytes)| (name, hex::encode(bytes))).collect();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&actual).unwrap() + "\n").unwrap();
    }
    let golden: BTreeMap<String, String> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(golden, actual, "{} no longer holds", path.display());
}

fn plans() -> [(&'static str, Plan); 3] {
    let held = Held::deal(3, 2);
    [
        ("generate", generate(3, 2)),
        ("reshare", reshare(&held, &[1, 2], &[2, 3, 4], 2)),
        ("repair", repair(&held, &[1, 2], 3)),
    ]
}

fn finished(plan: Plan) -> Table {
    let held = plan.current.is_some().then(|| Held::deal(3, 2));
    let mut table = Table::new(plan, held);
    table.start_all();
    table.finish();
    table
}

fn posts(table: &Table) -> Vec<Post> {
    let records = table.seats.values().flat_map(|seat| seat.disk.records());
    let mut posts: Vec<Post> =
        records.filter_map(|record| if let Record::Post(post) = record { Some(post) } else { None }).collect();
    posts.sort_by_key(|post| (post.step(), post.author()));
    posts.dedup();
    posts
}

/// Faults of one kind each.
fn faults() -> BTreeMap<&'static str, (Plan, Fault)> {
    let share = |plan: Plan, held: Option<Held>| {
        let mut table = Table::new(plan, held).lies_in_posts(2, |_, body| match body {
            Body::Shares { echo, ciphertexts } => {
                let mut ciphertexts = ciphertexts.clone();
                ciphertexts[0][0] ^= 1;
                Some(Body::Shares { echo: echo.clone(), ciphertexts })
            }
            _ => None,
        });
        table.start_all();
        table.settle(4);
        (table.plan.clone(), table.all_blame(2))
    };
    let mut sums = Table::new(repair(&Held::deal(3, 2), &[1, 2], 3), Some(Held::deal(3, 2)));
    sums = sums.lies_in_posts(2, |_, body| match body {
        Body::Sum { shares, .. } => Some(Body::Sum { shares: *shares, ciphertext: [1; 32] }),
        _ => None,
    });
    sums.start_all();
    sums.settle(4);
    let mut bad = Table::new(generate(3, 2), None).lies_in_posts(2, |_, body| match body {
        Body::Shares { .. } => Some(Body::Shares { echo: vec![], ciphertexts: vec![] }),
        _ => None,
    });
    bad.start_all();
    bad.settle(4);
    BTreeMap::from([
        ("share", share(generate(3, 2), None)),
        ("sum", (sums.plan.clone(), sums.all_blame(2))),
        ("bad_post", (bad.plan.clone(), bad.all_blame(2))),
    ])
}

#[test]
fn plans_are_what_they_were() {
    let plans = plans();
    let mut golden: BTreeMap<String, Vec<u8>> =
        plans.iter().map(|(name, plan)| ((*name).to_owned(), plan.encode())).collect();
    golden.extend(plans.iter().map(|(name, plan)| (format!("{name}_id"), plan.id().0.to_vec())));
    compare("ceremony_plans.json", golden);
}

#[test]
fn what_an_identity_posts_is_what_it_was() {
    for (name, plan) in plans() {
        let table = finished(plan);
        let mut golden = BTreeMap::new();
        for post in posts(&table) {
            golden.insert(format!("{}_{}", post.step(), post.author()), borsh::to_vec(&post).unwrap());
        }
        let steps = table.plan.purpose.steps().len() + 1;
        assert!(golden.len() >= 2 * steps, "every step is there");
        let public = table.outcome(2).unwrap().public;
        golden.insert("public_shares".to_owned(), public.to_bytes());
        compare(&format!("ceremony_{name}.json"), golden);
    }
}

/// A transcript from its posts' vectors, with the signature of one run.
#[test]
fn transcripts_and_faults_are_what_they_were() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/ceremony_transcripts.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let mut golden: BTreeMap<String, String> = BTreeMap::new();
        for (name, plan) in plans() {
            let table = finished(plan);
            golden.insert(name.to_owned(), hex::encode(table.outcome(2).unwrap().transcript.encode()));
        }
        for (name, (_, fault)) in faults() {
            golden.insert(format!("fault_{name}"), hex::encode(fault.encode()));
        }
        fs::write(&path, serde_json::to_string_pretty(&golden).unwrap() + "\n").unwrap();
    }
    let golden: BTreeMap<String, String> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (name, plan) in plans() {
        // The test signature differs from run to run; everything else is as it was.
        let bytes = hex::decode(&golden[name]).unwrap();
        let transcript = Transcript::decode(&bytes).unwrap();
        assert_eq!(transcript.encode(), bytes);
        transcript.verify(&plan).unwrap();
        let now = finished(plan).outcome(2).unwrap().transcript.encode();
        assert_eq!(bytes[..bytes.len() - 96], now[..now.len() - 96], "{name}");
    }
    for (name, (plan, fault)) in faults() {
        let bytes = hex::decode(&golden[&format!("fault_{name}")]).unwrap();
        assert_eq!(fault.encode(), bytes, "{name}");
        Fault::decode(&bytes).unwrap().verify(&plan).unwrap();
    }
}

fn signing(plan: &Plan) -> BTreeMap<String, Signing> {
    let held = Held::deal(3, 2);
    let terms = plan.test_session(B256::repeat_byte(5), held.public);
    let points = Commitments::from_bytes(&[2; 66]).unwrap();
    let commitment =
        |n: u16| Commitment::seal(&terms, (id(n), BootId { number: 7, name: [7; 16] }, 4), points, &identity(n));
    let package = Package::seal(&terms, id(1), vec![commitment(1), commitment(2)], &identity(1));
    let part = SignatureShare::from_bytes(&[3; 32]).unwrap();
    let share = Share::seal(&terms, (id(2), package.hash(&terms)), part, commitment(2), &identity(2));
    BTreeMap::from([
        ("commitment".to_owned(), Signing::Commitment(commitment(2))),
        ("package".to_owned(), Signing::Package(package)),
        ("share".to_owned(), Signing::Share(share)),
    ])
}

fn messages() -> (Plan, BTreeMap<String, Message>) {
    let plan = generate(3, 2);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/ceremony_transcripts.json");
    let golden: BTreeMap<String, String> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let transcript = Transcript::decode(&hex::decode(&golden["generate"]).unwrap()).unwrap();
    let fault = Fault::decode(&hex::decode(&golden["fault_share"]).unwrap()).unwrap();
    let have = Have { posts: vec![B256::repeat_byte(1), B256::repeat_byte(2)], proven: true, failed: false };
    let done = Post::seal(plan.id(), id(1), Body::Done, &identity(1));
    let mut messages = BTreeMap::from([
        ("have".to_owned(), Message::Have(have)),
        ("post".to_owned(), Message::Post(done)),
        ("fault".to_owned(), Message::Fault(fault)),
        ("proof".to_owned(), Message::Proof(transcript.proof())),
    ]);
    messages.extend(signing(&plan).into_iter().map(|(name, message)| (name, Message::Signing(message))));
    (plan, messages)
}

#[test]
fn messages_are_what_they_were() {
    let (plan, messages) = messages();
    let mut golden: BTreeMap<String, Vec<u8>> =
        messages.iter().map(|(name, message)| (name.clone(), wire::encode(plan.id(), message))).collect();
    for (name, message) in &messages {
        assert_eq!(wire::decode::<Message>(plan.id(), &golden[name]).unwrap(), *message);
    }
    let held = Held::deal(3, 2);
    let members = super::cast::participants(1..=3).into_iter().map(Member::from);
    let committee = Committee::new(members, held.public, KeyEpoch(1)).unwrap();
    let session = Authorisation::id_of(&committee, B256::repeat_byte(6));
    if let Message::Proof(proof) = messages["proof"] {
        let signed = authorisation::Message::Signed(proof);
        golden.insert("authorisation".to_owned(), wire::encode(session, &signed));
    }
    compare("ceremony_wire.json", golden);
}

#[test]
fn records_are_what_they_were() {
    let (plan, messages) = messages();
    let mut records = BTreeMap::from([("begun".to_owned(), Record::Begun(plan.id()))]);
    for (name, message) in messages {
        match message {
            Message::Post(post) => drop(records.insert(name, Record::Post(post))),
            Message::Fault(fault) => drop(records.insert(name, Record::Fault(fault))),
            Message::Proof(proof) => drop(records.insert(name, Record::Proof(proof))),
            Message::Have(_) | Message::Signing(_) => {}
        }
    }
    for record in records.values() {
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).as_ref(), Ok(record));
        for length in (0..bytes.len()).step_by(3) {
            assert!(Record::decode(&bytes[..length]).is_err());
        }
        assert!(Record::decode(&[bytes.clone(), vec![0]].concat()).is_err());
        assert!(Record::decode(&[vec![2], bytes[1..].to_vec()].concat()).is_err());
    }
    compare("ceremony_records.json", records.into_iter().map(|(name, record)| (name, record.encode())).collect());
}

#[test]
fn a_cut_or_lengthened_plan_transcript_fault_or_message_is_refused() {
    let (plan, messages) = messages();
    let bytes = plan.encode();
    for length in (0..bytes.len()).step_by(3) {
        assert!(Plan::decode(&bytes[..length]).is_err());
    }
    assert!(Plan::decode(&[bytes.clone(), vec![0]].concat()).is_err());
    assert_eq!(Plan::decode(&[vec![2], bytes].concat()), Err(PlanDecodeError::UnknownVersion(2)));
    for message in messages.values() {
        let bytes = wire::encode(plan.id(), message);
        for length in (0..bytes.len()).step_by(7) {
            assert!(wire::decode::<Message>(plan.id(), &bytes[..length]).is_err());
        }
        assert!(wire::decode::<Message>(plan.id(), &[bytes, vec![0]].concat()).is_err());
    }
    let table = finished(plan.clone());
    let transcript = table.outcome(1).unwrap().transcript.encode();
    for length in (0..transcript.len()).step_by(41) {
        assert!(Transcript::decode(&transcript[..length]).is_err());
    }
    assert!(Transcript::decode(&[transcript.clone(), vec![0]].concat()).is_err());
    assert!(Transcript::decode(&[vec![2], transcript[1..].to_vec()].concat()).is_err());
    if let Message::Fault(fault) = &messages["fault"] {
        let bytes = fault.encode();
        assert!(Fault::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Fault::decode(&[bytes.clone(), vec![0]].concat()).is_err());
        assert!(Fault::decode(&[vec![2], bytes[1..].to_vec()].concat()).is_err());
    }
}

#[test]
fn a_changed_transcript_does_not_verify() {
    let plan = generate(3, 2);
    let transcript = finished(plan.clone()).outcome(1).unwrap().transcript;
    transcript.verify(&plan).unwrap();
    let bytes = transcript.encode();
    for at in (0..bytes.len()).step_by(13) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let verified = Transcript::decode(&flipped).is_ok_and(|transcript| transcript.verify(&plan).is_ok());
        assert!(!verified, "byte {at} of {} does not matter", bytes.len());
    }
    let mut other = plan;
    other.attempt = 2;
    assert!(transcript.verify(&other).is_err());
}

#[test]
fn a_post_survives_its_hash_only_unchanged() {
    let plan = generate(3, 2);
    let post = Post::seal(plan.id(), id(1), Body::Confirm { transcript: B256::ZERO }, &identity(1));
    let mut other = plan.clone();
    other.attempt = 2;
    assert_ne!(post.hash(plan.id()), post.hash(other.id()));
    assert!(post.is_genuine(plan.id(), &identity(1).public()));
    assert!(!post.is_genuine(other.id(), &identity(1).public()));
    assert!(!post.is_genuine(plan.id(), &identity(2).public()));
    let by_another = Post::seal(plan.id(), id(2), Body::Confirm { transcript: B256::ZERO }, &identity(1));
    assert_ne!(post.hash(plan.id()), by_another.hash(plan.id()));
    assert_eq!(post.step(), Step::Confirm);
}

#[test]
fn nothing_secret_is_recorded() {
    // Everything that is kept is public: two participants of the same ceremony keep the same posts.
    let table = finished(generate(3, 2));
    let of = |n: u16| {
        let mut posts: Vec<Vec<u8>> = table.seats[&id(n)].disk.records().iter().map(Record::encode).collect();
        posts.sort();
        posts
    };
    assert_eq!(of(1), of(2));
    assert_eq!(of(1), of(3));
    assert!(Disk::default().records().is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let id = guardian_protocol::ceremony::CeremonyId(B256::ZERO);
        prop_assert!(wire::decode::<Message>(id, &bytes).is_err() || bytes.len() > 33);
        let framed = [vec![1], id.0.to_vec(), bytes.clone()].concat();
        if let Ok(message) = wire::decode::<Message>(id, &framed) {
            prop_assert_eq!(wire::encode(id, &message), framed);
        }
        let versioned = [vec![1], bytes].concat();
        if let Ok(record) = Record::decode(&versioned) {
            prop_assert_eq!(record.encode(), versioned.clone());
        }
        if let Ok(plan) = Plan::decode(&versioned) {
            prop_assert_eq!(plan.encode(), versioned.clone());
        }
        if let Ok(fault) = Fault::decode(&versioned) {
            prop_assert_eq!(fault.encode(), versioned.clone());
        }
        if let Ok(transcript) = Transcript::decode(&versioned) {
            prop_assert_eq!(transcript.encode(), versioned);
        }
    }
}
