//! The shared test data, where it exists: states of real networks, the specification's test cases, captured states.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write as _},
    path::PathBuf,
};

/// A file beside the checkout; says so if there is none.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(path);
    if full.exists() {
        return Some(full);
    }
    writeln!(std::io::stderr(), "skipped: {path} is not here").unwrap();
    None
}

/// The one file in a zip archive.
pub(super) fn unzipped(path: &str) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(File::open(shared(path)?).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_index(0).unwrap().read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// A case of the specification: name, fork, state, root.
type Case = (String, String, Vec<u8>, [u8; 32]);

/// The specification's cases of `BeaconState`.
pub(super) fn spec_states() -> Option<Vec<Case>> {
    let archive = File::open(shared("spec/shared_minimal_ssz_static.tar.gz")?).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut cases: BTreeMap<String, (Vec<u8>, String)> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let Some((case, file)) = path.rsplit_once('/').filter(|(case, _)| case.contains("/BeaconState/")) else {
            continue;
        };
        let case = cases.entry(case.to_owned()).or_default();
        let mut bytes = Vec::new();
        match file {
            "serialized.ssz_snappy" => {
                entry.read_to_end(&mut bytes).unwrap();
                case.0 = snap::raw::Decoder::new().decompress_vec(&bytes).unwrap();
            }
            "roots.yaml" => {
                entry.read_to_string(&mut case.1).unwrap();
            }
            _ => {}
        }
    }
    let root = |yaml: &str| {
        let hex = &yaml[yaml.find("0x").unwrap() + 2..][..64];
        alloy::primitives::hex::decode_to_array(hex).unwrap()
    };
    let whole = cases.into_iter().filter(|(_, (state, _))| !state.is_empty());
    Some(
        whole
            .map(|(name, (state, yaml))| {
                let fork = name.split('/').nth(1).unwrap().to_owned();
                (name, fork, state, root(&yaml))
            })
            .collect(),
    )
}

/// A captured file of a real node.
pub(super) fn captured(file: &str) -> Option<Vec<u8>> {
    std::fs::read(shared(&format!("beacon-node-deneb/{file}"))?).ok()
}

pub(super) fn json(path: &str) -> Option<serde_json::Value> {
    Some(serde_json::from_slice(&std::fs::read(shared(path)?).unwrap()).unwrap())
}
