//! The fuzz targets without a fuzzer: everything that has a golden vector, whole and cut short, goes through them. With
//! `GUARDIAN_FUZZ_CORPUS` naming a folder, the same is written there for `make fuzz` to start from. What a fuzzer has found once is kept in
//! `tests/fuzz/regressions/<target>/` and goes through its target, too.

#![allow(unreachable_pub, dead_code, reason = "the targets are modules of another package as well")]

#[path = "../fuzz/src/ceremony.rs"]
mod ceremony;
#[path = "../fuzz/src/encodings.rs"]
mod encodings;
#[path = "../fuzz/src/files.rs"]
mod files;
#[path = "../fuzz/src/messages.rs"]
mod messages;
#[path = "../fuzz/src/records.rs"]
mod records;
#[path = "../fuzz/src/states.rs"]
mod states;

use guardian_chain::state::{MINIMAL, StateProver, Wanted, WarmCache};
use guardian_crypto::{
    bls::{SecretKey, dealer::split},
    disclosable::EphemeralKey,
    enclave::EnclaveKey,
    frost::{dealer, signing},
    identity::IdentityKey,
    secret::Secret,
};
use guardian_node::{
    backup::{Archive, File, Role},
    ceremony::plan_file::{EXAMPLE, PlanFile},
    committee::CommitteeFile,
    config::TEMPLATE,
};
use guardian_tests::{
    devnet::root,
    registrations::Operator,
    synthetic::{Synthetic, validator::Registry},
};
use proptest::{collection, prelude::*, sample};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

/// A golden file: names, and bytes.
fn golden(name: &str) -> BTreeMap<String, Vec<u8>> {
    let text = fs::read(root().join("protocol/tests/vectors").join(name)).unwrap();
    let hex: BTreeMap<String, String> = serde_json::from_slice(&text).unwrap();
    hex.into_iter().map(|(name, hex)| (name, hex::decode(hex).unwrap())).collect()
}

/// What a target takes: which of its decoders, and the bytes for it.
fn seed(kind: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind], bytes.as_ref()].concat()
}

/// A piece of a longer input, behind its length.
fn part(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn seeds_of_messages() -> Vec<Vec<u8>> {
    let sealed = golden("wire.json");
    // Without version, author and signature.
    let bodies: BTreeMap<&str, &[u8]> =
        sealed.iter().map(|(name, bytes)| (name.as_str(), &bytes[3..bytes.len() - 64])).collect();
    let mut seeds: Vec<Vec<u8>> = sealed.values().map(|bytes| seed(0, bytes)).collect();
    seeds.extend(bodies.values().flat_map(|body| [seed(1, body), seed(4, part(body))]));
    seeds.push(seed(2, seed(1, &bodies["fault"][1..])));
    seeds.push(seed(3, [part(&bodies["package"][1..]), part(&bodies["share"][1..])].concat()));
    seeds.push(seed(4, bodies.values().flat_map(|body| part(body)).collect::<Vec<_>>()));
    let world = &*messages::WORLD;
    seeds.extend([seed(0, &world.package), seed(0, &world.share)]);
    let package = &world.package[4..world.package.len() - 64];
    seeds.push(seed(3, part(package)));
    seeds
}

fn seeds_of_ceremonies() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    seeds.extend(golden("ceremony_plans.json").values().filter(|bytes| bytes.len() > 32).map(|bytes| seed(0, bytes)));
    for (name, bytes) in golden("ceremony_transcripts.json") {
        if name.starts_with("fault") {
            // Behind version, ceremony and culprit stands the evidence.
            seeds.extend([seed(2, &bytes), seed(2, &bytes[35..])]);
        } else {
            seeds.push(seed(1, bytes));
        }
    }
    seeds.push(seed(1, ceremony::WORLD.transcript.encode()));
    seeds.push(seed(0, ceremony::WORLD.plan.encode()));
    for bytes in golden("ceremony_wire.json").values() {
        // Behind version and ceremony.
        let message = &bytes[33..];
        seeds.extend([seed(3, message), seed(5, part(&message[1..])), seed(6, part(message))]);
    }
    for name in ["ceremony_generate.json", "ceremony_reshare.json", "ceremony_repair.json"] {
        for post in golden(name).values() {
            let body = part(&post[2..post.len() - 64]);
            seeds.extend((0..4).map(|stage| seed(4, seed(stage, &body))));
        }
    }
    seeds
}

fn seeds_of_encodings() -> Vec<Vec<u8>> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (shares, public) = dealer::deal(3, 2, &mut rng).unwrap();
    let identity = IdentityKey::from_seed(Secret::new([1; 32]));
    let (one, other) =
        (signing::commit(&shares[0], &mut rng).unwrap().1, signing::commit(&shares[1], &mut rng).unwrap().1);
    let bls = SecretKey::interop(3).unwrap();
    let (shares_of_bls, commitments) = split(&bls, 3, 2, &mut rng).unwrap();
    let enclave = EnclaveKey::from_bytes(&[7; 32]).unwrap();
    let ephemeral =
        EphemeralKey::generate(&IdentityKey::from_seed(Secret::new([2; 32])).public(), b"session", &mut rng);
    let verified =
        ephemeral.public().verify(&IdentityKey::from_seed(Secret::new([2; 32])).public(), b"session").unwrap();
    let mut seeds = vec![
        seed(0, public.group_key().to_bytes()),
        seed(0, ceremony::WORLD.transcript.proof().to_bytes()),
        seed(1, identity.public().to_bytes()),
        seed(1, identity.sign("test", b"message").to_bytes()),
        seed(2, public.to_bytes()),
        seed(2, shares[0].to_secret_bytes().expose()),
        seed(2, [7; 32]),
        seed(4, one.to_bytes()),
        seed(4, [one.to_bytes().as_slice(), &other.to_bytes(), &[7; 32]].concat()),
        seed(4, [7; 32]),
        seed(5, ephemeral.public().to_bytes()),
        seed(5, identity.disclose(&verified, &mut rng).to_bytes()),
        seed(6, bls.public_key().to_bytes()),
        seed(6, bls.sign(&[1; 32]).to_bytes()),
        seed(6, bls.to_secret_bytes().expose()),
        seed(7, commitments.to_bytes()),
        seed(8, enclave.public().to_bytes()),
        seed(8, enclave.public().encrypt(shares_of_bls[0].to_secret_bytes().expose(), &mut rng).unwrap()),
    ];
    for name in ["ceremony_generate.json", "ceremony_reshare.json", "ceremony_repair.json"] {
        for (step, post) in golden(name).into_iter().filter(|(step, _)| step.starts_with("deal")) {
            assert!(post.len() > 2 + 1 + 96 + 4 + 64, "{step}");
            seeds.push(seed(3, &post[103..post.len() - 64]));
        }
    }
    seeds
}

fn seeds_of_records() -> Vec<Vec<u8>> {
    let records = golden("records.json");
    let mut seeds: Vec<Vec<u8>> =
        records.values().flat_map(|record| [seed(0, record), seed(2, part(record))]).collect();
    seeds.push(seed(2, records.values().flat_map(|record| part(record)).collect::<Vec<_>>()));
    for record in golden("ceremony_records.json").values() {
        seeds.extend([seed(1, record), seed(3, seed(0xff, part(record)))]);
    }
    seeds.extend([seed(3, [0xff]), seed(3, [3])]);
    seeds
}

fn seeds_of_files() -> Vec<Vec<u8>> {
    let (_, public) = dealer::deal(3, 2, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let plan = PlanFile::parse(EXAMPLE, Path::new("example.toml")).unwrap();
    let committee: CommitteeFile = plan.committee_file(&public);
    let roles = [
        Role::Committee,
        Role::Share { name: "0011223344556677.sealed".to_owned() },
        Role::Ceremony { ceremony: "8899aabbccddeeff".to_owned(), name: "transcript".to_owned() },
    ];
    let files = roles.into_iter().map(|role| File { role, bytes: vec![1, 2] }).collect();
    let archive = Archive { config: "[guardian]".to_owned(), files };
    let registry = Registry { seed: 1, epoch: 100 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 3, registry, skipped: false, lie: 0 };
    let key = registry.pubkey(1).into();
    let wanted = Wanted::validators([key]).with_proofs([key]);
    let mut prover = StateProver::new("electra", MINIMAL, None, wanted, WarmCache::default()).unwrap();
    prover.feed(&state.bytes()).unwrap();
    let proof = prover.finish().0.unwrap().proof(&key).unwrap();
    let (key, guardians) = (SecretKey::interop(1).unwrap(), [EnclaveKey::from_bytes(&[7; 32]).unwrap().public(); 3]);
    let (module, credentials) = ([1; 32].into(), [2; 32]);
    let operator =
        Operator { key: &key, guardians: &guardians, threshold: 2, module, credentials, genesis_fork: [0; 4] };
    vec![
        seed(7, serde_json::to_vec(&proof).unwrap()),
        seed(8, operator.call_data().unwrap()),
        seed(0, &*files::SEALED),
        seed(1, [0, 0, b'G']),
        seed(1, [60, 0, b'x', 80, 0, b'y']),
        seed(2, archive.encode().unwrap().expose()),
        seed(3, EXAMPLE),
        seed(3, plan.text().unwrap()),
        seed(4, committee.text().unwrap()),
        seed(5, TEMPLATE),
        seed(6, fs::read(root().join("protocol/tests/vectors/dossier.json")).unwrap()),
    ]
}

fn seeds_of_states() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, fork) in (0..).zip(StateProver::forks()) {
        for (validators, skipped) in [(0, false), (3, false), (20, true), (300, false)] {
            let registry = Registry { seed: 1, epoch: 100 };
            let state = Synthetic { fork, preset: MINIMAL, validators, registry, skipped, lie: 0 }.bytes();
            // Where the second validator's key is.
            let key = registry.pubkey(1);
            let place = state.windows(48).position(|bytes| bytes == key).unwrap_or_default();
            let place = u16::try_from(place).unwrap_or_default().to_le_bytes();
            seeds.push(seed(number, [[77, 1].as_slice(), &place, &state].concat()));
        }
    }
    seeds
}

/// Runs everything through `run`, and writes it to where a fuzzer shall start.
fn replay(target: &str, seeds: &[Vec<u8>], run: fn(&[u8])) {
    for seed in seeds {
        run(seed);
        run(&seed[..seed.len() / 2]);
    }
    let regressions = root().join("tests/fuzz/regressions").join(target);
    let found = fs::read_dir(regressions).into_iter().flatten().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let found: Vec<Vec<u8>> = found.collect();
    found.iter().for_each(|input| run(input));
    if let Some(corpus) = std::env::var_os("GUARDIAN_FUZZ_CORPUS") {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().chain(&found).enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}

#[test]
fn messages_hold_what_their_fuzz_target_demands() {
    replay("messages", &seeds_of_messages(), messages::run);
}

#[test]
fn ceremonies_hold_what_their_fuzz_target_demands() {
    replay("ceremony", &seeds_of_ceremonies(), ceremony::run);
}

#[test]
fn encodings_hold_what_their_fuzz_target_demands() {
    replay("encodings", &seeds_of_encodings(), encodings::run);
}

#[test]
fn records_hold_what_their_fuzz_target_demands() {
    replay("records", &seeds_of_records(), records::run);
}

#[test]
fn files_hold_what_their_fuzz_target_demands() {
    replay("files", &seeds_of_files(), files::run);
}

#[test]
fn states_hold_what_their_fuzz_target_demands() {
    let seeds = seeds_of_states();
    for seed in &seeds {
        let fork = StateProver::forks().nth(seed[0].into()).unwrap();
        let mut prover = StateProver::new(fork, MINIMAL, None, Wanted::default(), WarmCache::default()).unwrap();
        prover.feed(&seed[5..]).unwrap();
        assert!(prover.finish().0.is_ok(), "a fuzzer that begins with no state finds none");
    }
    replay("states", &seeds, states::run);
}

/// A change to a seed: a place, how many bytes go there, and what comes instead.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, length, instead) in edits {
        let from = place.index(bytes.len() + 1);
        let to = bytes.len().min(from + length);
        bytes.splice(from..to, instead.iter().copied());
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    // Among others, what means something in a file.
    let words =
        [&b"\n"[..], b"=", b"\"", b"[", b"]", b"#", b"1", b"-1", b"0x", b"[[members]]\n", b"id = 0\n", b"\xff\xff"];
    let instead = prop_oneof![collection::vec(any::<u8>(), 0..4), sample::select(words.map(<[u8]>::to_vec).to_vec())];
    collection::vec((any::<prop::sample::Index>(), 0_usize..6, instead), 1..4)
}

proptest! {
    // More with PROPTEST_CASES; the fuzzer does the rest.
    #[test]
    fn files_that_were_changed_hold_it_too(which in any::<prop::sample::Index>(), edits in edits()) {
        let seed: &Vec<u8> = which.get(&FILES);
        files::run(&edited(seed, &edits));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn states_that_were_changed_hold_it_too(which in any::<prop::sample::Index>(), edits in edits()) {
        let seed: &Vec<u8> = which.get(&STATES);
        states::run(&edited(seed, &edits));
    }
}

static STATES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds_of_states);

static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds_of_files);
