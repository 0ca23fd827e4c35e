//! A small, healthy beacon chain of 8-slot epochs on Altair rules; tests put their trouble in front of it.

use super::server::{Asked, Reply};
use serde_json::{Value, json};

pub(crate) const FINALIZED_ROOT: &str = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const STATE_ROOT: &str = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(crate) const GENESIS_ROOT: &str = "0x0707070707070707070707070707070707070707070707070707070707070707";
pub(crate) const FINALIZED_SLOT: u64 = 24;
/// The registry holds this many validators.
pub(crate) const VALIDATORS: u64 = 1_000;

pub(crate) fn pubkey(index: u64) -> [u8; 48] {
    let mut key = [0xab; 48];
    key[40..].copy_from_slice(&index.to_be_bytes());
    key
}

pub(crate) fn pubkey_text(index: u64) -> String {
    alloy::primitives::hex::encode_prefixed(pubkey(index))
}

pub(crate) fn validator(index: u64) -> Value {
    json!({
        "index": index.to_string(), "balance": (32_000_000_000 + index).to_string(), "status": "active_ongoing",
        "validator": {
            "pubkey": pubkey_text(index), "withdrawal_credentials": format!("0x{}", "00".repeat(32)),
            "effective_balance": "32000000000", "slashed": index == 3, "activation_eligibility_epoch": "0",
            "activation_epoch": "0", "exit_epoch": "18446744073709551615", "withdrawable_epoch": "18446744073709551615",
        },
    })
}

pub(crate) fn data(value: Value) -> Reply {
    Reply::json(json!({ "execution_optimistic": false, "finalized": true, "data": value }).to_string())
}

pub(crate) fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, "application/json", json!({ "code": status, "message": message }).to_string())
}

/// A client that has every route.
pub(crate) fn healthy(asked: &Asked) -> Reply {
    let validators = format!("/eth/v1/beacon/states/{FINALIZED_SLOT}/validators");
    match (asked.method.as_str(), asked.path()) {
        ("GET", "/eth/v1/beacon/genesis") => {
            let version = "0x00000001";
            data(
                json!({ "genesis_time": "1000", "genesis_validators_root": GENESIS_ROOT, "genesis_fork_version": version }),
            )
        }
        ("GET", "/eth/v1/config/spec") => data(spec()),
        ("GET", "/eth/v1/config/fork_schedule") => data(json!([
            { "previous_version": "0x00000001", "current_version": "0x00000001", "epoch": "0" },
            { "previous_version": "0x00000001", "current_version": "0x01000001", "epoch": "0" },
        ])),
        ("GET", "/eth/v1/node/syncing") => data(syncing()),
        ("GET", "/eth/v1/beacon/states/head/finality_checkpoints") => data(checkpoints("3", FINALIZED_ROOT)),
        ("GET", path) if path.starts_with("/eth/v1/beacon/headers/") => data(header(&FINALIZED_SLOT.to_string())),
        ("POST", path) if path == validators => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let ids: Vec<String> =
                body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().into()).collect();
            data(known(&ids))
        }
        ("GET", path) if path == validators => {
            let query = url::Url::parse(&format!("http://x{}", asked.target)).unwrap();
            let ids: Vec<String> = query.query_pairs().map(|(_, id)| id.into_owned()).collect();
            data(known(&ids))
        }
        ("POST", "/eth/v1/beacon/pool/voluntary_exits") => Reply::json("null"),
        _ => error(404, "NOT_FOUND"),
    }
}

pub(crate) fn spec() -> Value {
    json!({
        "PRESET_BASE": "minimal", "SECONDS_PER_SLOT": "2", "SLOTS_PER_EPOCH": "8", "DEPOSIT_CHAIN_ID": "5",
        "BELLATRIX_FORK_EPOCH": "18446744073709551615", "SLOTS_PER_HISTORICAL_ROOT": "64",
        "EPOCHS_PER_HISTORICAL_VECTOR": "64", "EPOCHS_PER_SLASHINGS_VECTOR": "64",
        "BLOB_SCHEDULE": [{ "EPOCH": "0" }],
    })
}

pub(crate) fn syncing() -> Value {
    json!({ "is_syncing": false, "is_optimistic": false, "el_offline": false, "head_slot": "40", "sync_distance": "0" })
}

pub(crate) fn checkpoints(epoch: &str, root: &str) -> Value {
    let checkpoint = json!({ "epoch": epoch, "root": root });
    json!({ "previous_justified": checkpoint, "current_justified": checkpoint, "finalized": checkpoint })
}

pub(crate) fn header(slot: &str) -> Value {
    let root = FINALIZED_ROOT;
    json!({ "root": root, "canonical": true, "header": { "signature": "0x00", "message": {
        "slot": slot, "proposer_index": "0", "parent_root": root, "state_root": STATE_ROOT, "body_root": root,
    } } })
}

fn known(ids: &[String]) -> Value {
    let is_asked = |index: &u64| ids.contains(&pubkey_text(*index)) || ids.contains(&index.to_string());
    (0..VALIDATORS).filter(is_asked).map(validator).collect()
}

/// An Altair state of this chain, of the minimal preset, with `validators` validators, of which index 3 is slashed.
pub(crate) fn state_ssz(slot: u64, validators: u64) -> Vec<u8> {
    /// Bytes before the first list, as the specification's fields of fixed size and offsets add up.
    const FIXED: u32 = 10_229;
    let count = u32::try_from(validators).unwrap();
    let mut state = Vec::new();
    state.extend(1000_u64.to_le_bytes());
    state.extend([7; 32]);
    state.extend(slot.to_le_bytes());
    state.extend([0; 16 + 112 + 64 * 64]);
    state.extend(FIXED.to_le_bytes()); // historical_roots
    state.extend([0; 72]);
    state.extend(FIXED.to_le_bytes()); // eth1_data_votes
    state.extend([0; 8]);
    let registry = FIXED + 72; // one vote
    state.extend(registry.to_le_bytes());
    let balances = registry + 121 * count;
    state.extend(balances.to_le_bytes());
    state.extend([0; 64 * 32 + 64 * 8]);
    for list in [balances + 8 * count, balances + 9 * count] {
        state.extend(list.to_le_bytes()); // participation
    }
    state.extend([0; 1 + 3 * 40]);
    state.extend((balances + 10 * count).to_le_bytes()); // inactivity_scores
    state.resize(registry as usize, 0);
    for index in 0..validators {
        state.extend(pubkey(index));
        state.extend([0; 32]);
        state.extend(32_000_000_000_u64.to_le_bytes());
        state.push(u8::from(index == 3));
        for epoch in [0, 0, u64::MAX, u64::MAX] {
            state.extend(epoch.to_le_bytes());
        }
    }
    for index in 0..validators {
        state.extend((32_000_000_000 + index).to_le_bytes());
    }
    state.resize(state.len() + 10 * validators as usize, 0);
    state
}
