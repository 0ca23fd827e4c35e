//! What a real consensus client answered: captured files that stand beside the checkout.

use super::server::{Reply, Said};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// One captured answer, and the question that it answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Captured {
    pub(crate) file: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) request_body: Option<String>,
    pub(crate) status: u16,
    response_headers: BTreeMap<String, String>,
    #[serde(skip)]
    pub(crate) body: Vec<u8>,
}

/// The captured files; `None`, with a line that says so, where there are none.
pub(crate) fn captured() -> Option<Vec<Captured>> {
    let folder = folder()?;
    let index: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut all = Vec::new();
    for entry in index {
        let mut captured: Captured = serde_json::from_value(entry).unwrap();
        match std::fs::read(folder.join(&captured.file)) {
            Ok(body) => captured.body = body,
            Err(_) => {
                println!("skipped: {} is named in the index but absent", captured.file);
                continue;
            }
        }
        all.push(captured);
    }
    Some(all)
}

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("GUARDIAN_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let folder = root.join("beacon-node-deneb");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the captured answers of a beacon node are absent ({})", folder.display());
    None
}

impl Captured {
    pub(crate) fn reply(&self) -> Reply {
        let kept = |name: &str| match name {
            "content-type" => Some("content-type"),
            "eth-consensus-version" => Some("eth-consensus-version"),
            _ => None,
        };
        let headers = self.response_headers.iter().filter_map(|(name, value)| Some((kept(name)?, value.clone())));
        Reply { status: self.status, headers: headers.collect(), body: Said::Whole(self.body.clone()) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
