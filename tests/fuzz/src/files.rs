//! Files that an operator or an auditor brings: sealed keys, backups, plans, committee files, configurations, dossiers, proofs.
//!
//! What must hold: what is read is written as it was (or says the same, where it is text), what is refused is refused with advice,
//! and no file is opened for another purpose than its own.

use guardian_chain::{registration as read_registration, state::ValidatorProof};
use guardian_crypto::{
    bls::{ExitShare, ShareCommitments},
    enclave::EnclaveKey,
    seal::{self, Purpose, PurposeKind, Work},
    secret::Secret,
};
use guardian_node::{
    backup::{Archive, Role},
    ceremony::plan_file::PlanFile,
    committee::CommitteeFile,
    config::Config,
    hint::Hinted,
};
use guardian_protocol::{
    Dossier, MemberId, RegistrationTerms,
    ceremony::{Fault, Transcript},
};
use std::{
    path::{Component, Path},
    sync::LazyLock,
};

/// A sealed file, which the fuzzer changes.
pub static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    seal::seal(&purpose(), &Secret::new(b"a secret".to_vec()), &passphrase(), Work::Devnet).expect("it can be sealed")
});

/// The first byte chooses what the others are taken for.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    let text = std::str::from_utf8(bytes);
    match (kind % 9, text) {
        (0, _) => sealed(bytes),
        (1, _) => altered(bytes),
        (2, _) => archive(bytes),
        (3, Ok(text)) => plan(text),
        (4, Ok(text)) => committee(text),
        (5, Ok(text)) => config(text),
        (6, Ok(text)) => dossier(text),
        (7, Ok(text)) => proof(text),
        (8, _) => registration(bytes),
        _ => {
            let _ = (Fault::decode(bytes), Transcript::decode(bytes));
        }
    }
}

/// The call data of a registration, which anybody may send to Puffer's contract.
fn registration(bytes: &[u8]) {
    if let Ok(registration) = read_registration(bytes) {
        let carried: usize = registration.shares.iter().map(|share| share.len()).sum();
        assert!(carried <= bytes.len() * registration.shares.len().max(1), "more than the call data has");
        let terms = RegistrationTerms {
            withdrawal_credentials: [2; 32].into(),
            genesis_fork_version: [0; 4],
            guardians: 3,
            threshold: 2,
        };
        let flaws = registration.flaws(&terms);
        if flaws.is_empty() {
            assert_eq!((registration.shares.len(), registration.key_set.len()), (3, 96), "sound, and of another shape");
        }
        if let Ok(commitments) = ShareCommitments::from_bytes(&registration.key_set) {
            let key = EnclaveKey::from_bytes(&[7; 32]).expect("a key");
            for (share, member) in registration.shares.iter().zip(MemberId::first(4)) {
                let _ = ExitShare::decrypt(member, &key, share, &commitments);
            }
        }
    }
}

fn sealed(bytes: &[u8]) {
    if let Ok(found) = seal::purpose_of(bytes) {
        assert!(bytes.starts_with(format!("guardian-sealed/1 {found} size=").as_bytes()), "one purpose, one line");
        // With the passphrase of nobody: stretching it is bounded by what the file may ask for.
        let opened = seal::open(&found, bytes, &Secret::new("nobody's".to_owned()));
        assert!(opened.is_err());
    }
    let _ = seal::open(&purpose(), bytes, &passphrase());
}

/// A good file with changes: pairs of a place (two bytes) and a byte.
fn altered(bytes: &[u8]) {
    let mut file = SEALED.clone();
    for change in bytes.chunks_exact(3).take(16) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        if let Some(byte) = file.get_mut(place) {
            *byte = change[2];
        }
    }
    let opened = seal::open(&purpose(), &file, &passphrase());
    assert_eq!(opened.is_ok(), file == *SEALED, "a file that was changed opens");
}

/// Anyone may hand a dossier to an auditor.
fn dossier(text: &str) {
    let Ok(dossier) = serde_json::from_str::<Dossier>(text) else { return };
    let written = serde_json::to_string(&dossier).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<Dossier>(&written).ok().as_ref(), Some(&dossier));
    let replay = dossier.replay();
    assert!(!replay.holds() || (replay.intact && replay.differences.is_empty()), "it holds for no reason");
}

/// A proof comes from anybody, and holds against the block that it names or against none.
fn proof(text: &str) {
    let Ok(proof) = serde_json::from_str::<ValidatorProof>(text) else { return };
    let written = serde_json::to_string(&proof).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<ValidatorProof>(&written).ok().as_ref(), Some(&proof));
    let _ = (proof.validator.root(), proof.balance.root());
    if let Ok(proven) = proof.check(proof.block_root) {
        assert_eq!(proven.index, proof.index);
        let mut other = proof.clone();
        other.index.0 ^= 1;
        assert!(other.check(proof.block_root).is_err(), "one way to two validators");
    }
}

fn archive(bytes: &[u8]) {
    match Archive::decode(bytes) {
        Ok(archive) => {
            let again = archive.encode().expect("what was read can be written");
            assert_eq!(again.expose().as_slice(), bytes, "one archive, one encoding");
            for file in &archive.files {
                let names = match &file.role {
                    Role::Share { name } => vec![name],
                    Role::Ceremony { ceremony, name } => vec![ceremony, name],
                    _ => Vec::new(),
                };
                assert!(names.iter().all(|name| stays_inside(Path::new(name))), "a file would leave its folder");
            }
        }
        Err(error) => advises(&error),
    }
}

fn stays_inside(path: &Path) -> bool {
    let mut parts = path.components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

fn plan(text: &str) {
    match PlanFile::parse(text, Path::new("plan.toml")) {
        Ok(file) => {
            let plan = file.plan(false).expect("a plan that was read makes sense");
            let again = PlanFile::parse(&file.text().expect("it can be written"), Path::new("again.toml"));
            assert_eq!(again.ok().and_then(|again| again.plan(false).ok()), Some(plan.clone()), "it says the same");
            assert_eq!(file.participants(&plan).len(), plan.participants().len());
        }
        Err(error) => advises(&error),
    }
}

fn committee(text: &str) {
    match CommitteeFile::parse(text, Path::new("committee.toml")) {
        Ok(file) => {
            let again = CommitteeFile::parse(&file.text().expect("it can be written"), Path::new("again.toml"));
            let id = |file: CommitteeFile| file.committee().ok().map(|committee| committee.id());
            assert_eq!(again.map(id).ok(), Some(id(file.clone())), "it says the same");
            match file.committee() {
                Ok(committee) => assert_eq!(committee.size(), file.members.len()),
                Err(error) => advises(&error),
            }
        }
        Err(error) => advises(&error),
    }
}

fn config(text: &str) {
    if let Err(error) = Config::parse(text, Path::new("guardian.toml")) {
        advises(&error);
    }
}

fn advises(error: &Hinted) {
    assert!(!error.to_string().is_empty() && !error.advice().is_empty());
}

fn purpose() -> Purpose {
    Purpose { kind: PurposeKind::Identity, owner: "alice".to_owned(), key_epoch: 0 }
}

fn passphrase() -> Secret<String> {
    Secret::new("correct horse".to_owned())
}
