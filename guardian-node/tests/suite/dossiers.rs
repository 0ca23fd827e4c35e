//! Dossiers as an auditor meets them: a file, this command, and nothing else.

use crate::support::{assert_done, assert_refused, guardian, text};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// One that is pinned as a format.
fn golden() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors/dossier.json");
    fs::read_to_string(path).unwrap()
}

/// The pinned one with `from` replaced by `to`.
fn changed(dir: &TempDir, from: &str, to: &str) -> PathBuf {
    let dossier = golden();
    assert!(dossier.contains(from), "{from}");
    let path = dir.path().join("dossier.json");
    fs::write(&path, dossier.replacen(from, to, 1)).unwrap();
    path
}

fn replay(path: &Path) -> std::process::Output {
    guardian(&["report", "replay", path.to_str().unwrap()])
}

#[test]
fn a_dossier_is_replayed_to_the_same_digest() {
    let dir = tempfile::tempdir().unwrap();
    let output = replay(&changed(&dir, "", ""));
    assert_done(&output);
    let said = text(&output);
    let digest = golden().split("\"digest\": \"").nth(1).unwrap()[..66].to_owned();
    assert_eq!(said.matches(&digest).count(), 2, "{said}");
    assert!(said.contains("signature: by group key 0x"), "{said}");
    assert!(said.contains("reserves-9 follows from this evidence"), "{said}");
}

#[test]
fn a_changed_input_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = replay(&changed(&dir, "\"1000000000000\"", "\"2000000000000\""));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("DIFFERENT  ether in vaults: 2000 gwei here, 1000 gwei there"), "{said}");
    assert!(said.contains("DIFFERENT  evidence: another root here"), "{said}");
    assert!(said.contains("hint:"), "{said}");
}

#[test]
fn another_guardians_dossier_tells_which_fact_differs() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (changed(&dir, "", ""), changed(&other, "\"1000000000000\"", "\"2000000000000\""));
    let output = guardian(&["report", "replay", ours.to_str().unwrap(), "--against", theirs.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(
        said.contains(
            "vault 0x0909090909090909090909090909090909090909: 1000000000000 wei here, 2000000000000 wei there"
        ),
        "{said}"
    );
}

#[test]
fn a_forged_signature_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let signature = golden().split("\"signature\": \"").nth(1).unwrap()[..194].to_owned();
    let other = format!("{}{}", &signature[..193], if signature.ends_with('1') { '2' } else { '1' });
    let output = replay(&changed(&dir, &signature, &other));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("signature: not by group key"), "{}", text(&output));
}

#[test]
fn what_is_no_dossier_is_refused_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.json");
    assert_refused(&replay(&path), "can't read", "check the path");
    fs::write(&path, "{\"hello\": 1}").unwrap();
    assert_refused(&replay(&path), "is no dossier", "data_dir");
    assert_refused(
        &replay(&changed(&dir, "\"version\": 2", "\"version\": 7")),
        "has format 7",
        "version of `guardian`",
    );
    fs::write(&path, golden().replace("\"validators\": []", "\"validators\": [{}]")).unwrap();
    assert_refused(&replay(&path), "is no dossier", "data_dir");
    let state = dir.path().join("state.ssz");
    fs::write(&state, [7; 5000]).unwrap();
    let whole = changed(&dir, "", "");
    let output = guardian(&["report", "replay", whole.to_str().unwrap(), "--state", state.to_str().unwrap()]);
    assert_refused(&output, "is not the state at slot 72", "/eth/v2/debug/beacon/states/SLOT");
}

#[test]
fn a_duty_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let path = changed(&dir, "", "");
    let output = guardian(&["report", "explain", path.to_str().unwrap()]);
    assert_done(&output);
    let said = text(&output);
    for line in [
        "reserves-9: 0x",
        "signed by the committee: 0x",
        "ether in vaults: 1000 gwei",
        "enough beacon providers said the same",
        "the protocol has none",
    ] {
        assert!(said.contains(line), "does not say `{line}`:\n{said}");
    }
    let missing = guardian(&["report", "explain", path.to_str().unwrap(), "--validator", "7"]);
    assert_refused(&missing, "does not know this validator", "contracts' events");
    let nonsense = guardian(&["report", "explain", path.to_str().unwrap(), "--validator", "seven"]);
    assert!(text(&nonsense).contains("neither a validator's index nor its public key"), "{}", text(&nonsense));
    let nowhere =
        guardian(&["report", "explain", "reserves-8", "--config", dir.path().join("guardian.toml").to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere).contains("hint:"), "{}", text(&nowhere));
}
