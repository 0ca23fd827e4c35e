//! Proofs of single validators, as the contracts' tests read them (`contracts/test/vectors/beacon_proofs.json`): made here from a
//! synthetic state, and the same as the file. `GUARDIAN_WRITE_VECTORS=1` writes the file instead.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: a broken assumption must stop the test; tests read and write files"
)]

use alloy::primitives::hex;
use guardian_chain::state::{Branch, MINIMAL, StateProver, Wanted, WarmCache};
use guardian_protocol::types::BlsPubkey;
use guardian_tests::synthetic::{Synthetic, validator::Registry};
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/test/vectors/beacon_proofs.json");
/// In the first group of the registry's tree, at group ends, and the last validator.
const INDICES: [u64; 6] = [0, 3, 255, 256, 700, 1233];

fn branch(branch: &Branch) -> Value {
    let siblings: Vec<u8> = branch.siblings.iter().flat_map(|sibling| sibling.0).collect();
    let gindex = branch.gindex.to_string();
    json!({ "gindex": gindex, "leaf": branch.leaf, "siblings": hex::encode_prefixed(siblings) })
}

fn made() -> Value {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 1234, registry, skipped: false, lie: 0 };
    let keys = INDICES.map(|index| BlsPubkey::from(registry.pubkey(index)));
    let wanted = Wanted::validators(keys).with_proofs(keys);
    let mut prover = StateProver::new(state.fork, MINIMAL, None, wanted, WarmCache::default()).unwrap();
    prover.feed(&state.bytes()).unwrap();
    let proved = prover.finish().0.unwrap();
    let proofs = keys.iter().zip(INDICES).map(|(key, index)| {
        let proof = proved.proof(key).unwrap();
        assert_eq!(proof.index.0, index);
        for branch in [&proof.validator, &proof.balance] {
            assert_eq!(branch.root(), Some(proof.block_root));
        }
        json!({
            "index": index, "gwei": registry.validator(index).balance, "fields": proof.fields,
            "validator": branch(&proof.validator), "balance": branch(&proof.balance),
        })
    });
    let proofs: Vec<Value> = proofs.collect();
    json!({ "block_root": hex::encode_prefixed(proved.block_root()), "fork": "electra", "proofs": proofs })
}

#[test]
fn proofs_are_those_that_the_contracts_are_tested_with() {
    let made = made();
    if std::env::var_os("GUARDIAN_WRITE_VECTORS").is_some() {
        std::fs::write(FILE, format!("{:#}\n", made)).unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert_eq!(made, kept, "hint: GUARDIAN_WRITE_VECTORS=1 writes the file anew");
}

#[test]
fn a_validator_that_was_not_wanted_with_a_proof_has_none() {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 900, registry, skipped: false, lie: 0 };
    let keys = [BlsPubkey::from(registry.pubkey(0)), BlsPubkey::from(registry.pubkey(600))];
    let wanted = Wanted::validators(keys).with_proofs([keys[0]]);
    let mut prover = StateProver::new(state.fork, MINIMAL, None, wanted, WarmCache::default()).unwrap();
    prover.feed(&state.bytes()).unwrap();
    let proved = prover.finish().0.unwrap();
    assert!(proved.proof(&keys[0]).is_ok());
    assert!(proved.proof(&keys[1]).is_err());
    assert!(proved.proof(&BlsPubkey::ZERO).is_err());
}
