//! Where test vectors are: standard ones in a directory beside the checkout (or where `GUARDIAN_VECTORS` says when this is
//! compiled), the project's own in `contracts/`. A test whose vectors are not there says so and passes.

use serde_json::Value;
use std::path::{Path, PathBuf};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// A JSON file of the standard vectors.
pub(crate) fn shared(file: &str) -> Option<Value> {
    json(&shared_directory().join(file))
}

/// All JSON files of a directory of the standard vectors, by name.
#[expect(clippy::disallowed_methods, reason = "tests read their vectors")]
pub(crate) fn shared_directory_of(directory: &str) -> Vec<(String, Value)> {
    let path = shared_directory().join(directory);
    let Ok(entries) = std::fs::read_dir(&path) else {
        println!("skipped: no vectors in {}", path.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", path.display());
    files.iter().map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), json(file).unwrap())).collect()
}

/// The signatures that the Solidity verifier is tested with.
pub(crate) fn contract_signatures() -> Option<Value> {
    json(&Path::new(CRATE).join("../contracts/test/vectors/frost_signatures.json"))
}

/// Signatures for the Solidity verifier, made by [`crate::differential`], one in a line.
#[expect(clippy::disallowed_methods, reason = "tests read their vectors")]
pub(crate) fn contract_random_signatures() -> Option<String> {
    let path = contract_random_signatures_path();
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: no vectors in {}", path.display());
    }
    text
}

/// Where those are.
pub(crate) fn contract_random_signatures_path() -> PathBuf {
    Path::new(CRATE).join("../contracts/test/vectors/frost_random.txt")
}

/// Bytes of a hex string, with or without `0x`.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    alloy_primitives::hex::decode(value.as_str().unwrap()).unwrap()
}

/// 32 bytes of a hex string.
pub(crate) fn word(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

fn shared_directory() -> PathBuf {
    option_env!("GUARDIAN_VECTORS").map_or_else(|| Path::new(CRATE).join("../../shared/vectors"), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "tests read their vectors")]
fn json(path: &Path) -> Option<Value> {
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no vectors in {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
