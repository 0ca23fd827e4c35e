//! A beacon node's answers.

use super::{Chain, JSON, Reply, SLOTS_PER_EPOCH};
use alloy_primitives::hex;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

impl Chain {
    pub(super) fn beacon(&self, method: &Method, path: &str) -> Reply {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let is_post = method == Method::POST;
        match path {
            "/eth/v2/debug/beacon/states/finalized" if self.lacks != "states" => {
                (StatusCode::OK, "application/octet-stream", String::new())
            }
            "/eth/v1/events" if self.lacks != "events" => (StatusCode::OK, "text/event-stream", ":\n\n".to_owned()),
            _ => match self.said(path).filter(|_| !is_post || self.lacks != "post") {
                Some(data) => {
                    let said = json!({ "execution_optimistic": false, "finalized": true, "data": data });
                    (StatusCode::OK, JSON, said.to_string())
                }
                None => (StatusCode::NOT_FOUND, JSON, json!({ "code": 404, "message": "NOT_FOUND" }).to_string()),
            },
        }
    }

    fn said(&self, path: &str) -> Option<Value> {
        let root = format!("0x{}", "07".repeat(32));
        let checkpoint = json!({ "epoch": self.finalized.to_string(), "root": root });
        let slot = self.finalized * SLOTS_PER_EPOCH;
        let past = format!("/eth/v1/beacon/states/{}/validators", slot.saturating_sub(8 * SLOTS_PER_EPOCH));
        Some(match path {
            "/eth/v1/beacon/genesis" => json!({
                "genesis_time": self.genesis.to_string(), "genesis_validators_root": root, "genesis_fork_version": "0x00000001",
            }),
            "/eth/v1/config/spec" => json!({
                "PRESET_BASE": "minimal", "SECONDS_PER_SLOT": "12", "SLOTS_PER_EPOCH": SLOTS_PER_EPOCH.to_string(),
                "DEPOSIT_CHAIN_ID": self.deposits.to_string(),
                "BELLATRIX_FORK_EPOCH": "18446744073709551615", "SLOTS_PER_HISTORICAL_ROOT": "64",
                "EPOCHS_PER_HISTORICAL_VECTOR": "64", "EPOCHS_PER_SLASHINGS_VECTOR": "64",
                "HEZE_FORK_EPOCH": self.heze.to_string(),
            }),
            "/eth/v1/config/fork_schedule" => json!([
                { "previous_version": "0x00000001", "current_version": "0x00000001", "epoch": "0" },
                { "previous_version": "0x00000001", "current_version": self.fork, "epoch": "0" },
            ]),
            "/eth/v1/node/syncing" => json!({
                "is_syncing": self.behind > 0, "is_optimistic": self.optimistic, "el_offline": false, "head_slot": "100",
                "sync_distance": self.behind.to_string(),
            }),
            "/eth/v1/node/version" => json!({ "version": "StandIn/1" }),
            "/eth/v1/node/identity" => json!({ "peer_id": format!("16Uiu2{}", self.node) }),
            "/eth/v1/beacon/states/head/finality_checkpoints" => json!({
                "previous_justified": checkpoint, "current_justified": checkpoint, "finalized": checkpoint,
            }),
            path if path.starts_with("/eth/v1/beacon/headers/") => json!({
                "root": root, "canonical": true, "header": { "signature": "0x00", "message": {
                    "slot": slot.to_string(), "proposer_index": "0", "parent_root": root, "state_root": root, "body_root": root,
                } },
            }),
            "/eth/v1/beacon/states/finalized/validators" => json!([validator((&[0; 32], 0))]),
            path if path == past && self.lacks != "past" => json!([validator((&[0; 32], 0))]),
            path if path == format!("/eth/v1/beacon/states/{slot}/validators") => {
                self.validators.iter().zip(0_u8..).map(validator).collect()
            }
            _ => return None,
        })
    }
}

fn validator((credentials, index): (&[u8; 32], u8)) -> Value {
    json!({
        "index": index.to_string(), "balance": "32000000000", "status": "active_ongoing", "validator": {
            "pubkey": hex::encode_prefixed([index; 48]), "withdrawal_credentials": hex::encode_prefixed(credentials),
            "effective_balance": "32000000000", "slashed": false, "activation_eligibility_epoch": "0",
            "activation_epoch": "0", "exit_epoch": "18446744073709551615", "withdrawable_epoch": "18446744073709551615",
        },
    })
}
