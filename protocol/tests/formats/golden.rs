//! Golden files: name and bytes.

use std::{collections::BTreeMap, fs, path::PathBuf};

/// Compares `actual` with the golden file `name`, or writes it when told to.
pub(crate) fn compare(name: &str, actual: BTreeMap<&str, Vec<u8>>) {
    let path = path(name);
    let actual: BTreeMap<String, String> =
        actual.into_iter().map(|(name, bytes)| (name.to_owned(), hex::encode(bytes))).collect();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&actual).unwrap() + "\n").unwrap();
    }
    let golden: BTreeMap<String, String> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(golden, actual, "{} no longer holds", path.display());
}

/// What stands in the golden file `name`.
pub(crate) fn read(name: &str) -> BTreeMap<String, Vec<u8>> {
    let golden: BTreeMap<String, String> = serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap();
    golden.into_iter().map(|(name, bytes)| (name, hex::decode(bytes).unwrap())).collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}
