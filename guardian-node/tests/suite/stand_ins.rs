//! Beacon and execution nodes of a small chain, as far as a check asks them, with the trouble that a test wants.

use alloy_primitives::{hex, keccak256};
use axum::{Json, Router, body::Bytes, extract::Request, http::StatusCode};
use guardian_crypto::schnorr::GroupKey;
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime::Runtime};

/// The last eight bytes of the one pod's address; the others are zero.
pub(crate) const POD: u64 = 0x7777;

/// What the nodes of a test say.
#[derive(Clone)]
pub(crate) struct Chain {
    /// The key in the contracts.
    pub(crate) key: GroupKey,
    /// What every account has, in wei.
    pub(crate) balance: u128,
    /// The contracts exist from this block on; there are a hundred.
    pub(crate) created: u64,
    /// The execution node understands EIP-1898.
    pub(crate) takes_hashes: bool,
    /// The chain that the beacon chain's deposits are on; before the merge nobody looks at it.
    pub(crate) deposits: u64,
    /// Version of the beacon chain's second fork.
    pub(crate) fork: &'static str,
    /// When it begins a fork that nobody knows.
    pub(crate) heze: u64,
    /// Withdrawal credentials of its validators, by index.
    pub(crate) validators: Vec<[u8; 32]>,
    /// The newest block of an execution node.
    pub(crate) head: u64,
    /// How much older than its time says everything is, in seconds.
    pub(crate) age: u64,
    /// When it began, in seconds since 1970; its nodes say it.
    pub(crate) genesis: u64,
}

/// Runs nodes until it is dropped.
pub(crate) struct Nodes {
    runtime: Runtime,
    started: u64,
}

/// The chain is young when its nodes begin to run: as old as its hundred blocks, and its third epoch was just finalized.
const YOUNG: u64 = 500;
const SECONDS_PER_BLOCK: u64 = 5;

impl Chain {
    pub(crate) fn healthy(key: GroupKey) -> Self {
        Self {
            key,
            balance: 10_u128.pow(18),
            created: 10,
            takes_hashes: true,
            deposits: 5,
            fork: "0x01000001",
            heze: u64::MAX,
            validators: Vec::new(),
            head: 99,
            age: 0,
            genesis: 0,
        }
    }

    fn beacon(&self, path: &str) -> Option<Value> {
        let root = format!("0x{}", "07".repeat(32));
        let checkpoint = json!({ "epoch": "3", "root": root });
        Some(match path {
            "/eth/v1/beacon/genesis" => json!({
                "genesis_time": self.genesis.to_string(), "genesis_validators_root": root, "genesis_fork_version": "0x00000001",
            }),
            "/eth/v1/config/spec" => json!({
                "PRESET_BASE": "minimal", "SECONDS_PER_SLOT": "12", "SLOTS_PER_EPOCH": "8",
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
                "is_syncing": false, "is_optimistic": false, "el_offline": false, "head_slot": "40",
                "sync_distance": "0",
            }),
            "/eth/v1/node/version" => json!({ "version": "StandIn/1" }),
            "/eth/v1/beacon/states/head/finality_checkpoints" => json!({
                "previous_justified": checkpoint, "current_justified": checkpoint, "finalized": checkpoint,
            }),
            path if path.starts_with("/eth/v1/beacon/headers/") => json!({
                "root": root, "canonical": true, "header": { "signature": "0x00", "message": {
                    "slot": "24", "proposer_index": "0", "parent_root": root, "state_root": root, "body_root": root,
                } },
            }),
            "/eth/v1/beacon/states/24/validators" => self.validators.iter().zip(0_u8..).map(validator).collect(),
            _ => return None,
        })
    }

    fn block(&self, number: u64) -> Value {
        json!({
            "number": format!("{number:#x}"), "hash": hash_of(number), "parentHash": hash_of(number.saturating_sub(1)),
            "timestamp": format!("{:#x}", self.genesis + number * SECONDS_PER_BLOCK),
        })
    }

    fn execution(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let by_tag = |tag: &Value| match tag.as_str().unwrap() {
            "latest" => self.head,
            "finalized" => self.head - 9,
            hex => u64::from_str_radix(&hex[2..], 16).unwrap(),
        };
        Ok(match method {
            "eth_chainId" => json!("0x1"),
            "eth_syncing" => json!(false),
            "web3_clientVersion" => json!("StandIn/2"),
            "eth_getBlockByNumber" => self.block(by_tag(&params[0])),
            "eth_getBlockByHash" => self.block(number_of(&params[0])),
            "eth_getBalance" => json!(format!("{:#x}", self.balance)),
            "eth_getCode" | "eth_call" => {
                if !self.takes_hashes && !params[1].is_string() {
                    return Err(json!({ "code": -32602, "message": "invalid argument 1: argument must be a string" }));
                }
                let there = number_of(&params[1]["blockHash"]) >= self.created;
                let is =
                    |name: &str| params[0]["input"].as_str().unwrap().starts_with(&keccak256(name).to_string()[..10]);
                match method {
                    _ if !there => json!("0x"),
                    "eth_getCode" => json!("0x60"),
                    _ if is("groupKey()") => {
                        let (x, y) = self.key.coordinates();
                        json!(hex::encode_prefixed([x, y].concat()))
                    }
                    _ if is("keyEpoch()") => words(&[1]),
                    // Neither paused nor about to be replaced.
                    _ if is("isPaused()") => words(&[0]),
                    // The protocol keeps no count of its validators.
                    _ if is("PUFFER_ORACLE()") => json!("0x"),
                    _ if is("proposal()") => words(&[0; 5]),
                    // No report yet.
                    _ if is("tryRead()") => words(&[0; 4]),
                    _ if ["reportPeriodEpochs()", "sourcesVersion()", "deviationBps()", "lastReferenceSlot()"]
                        .into_iter()
                        .any(is) =>
                    {
                        words(&[2])
                    }
                    // No vaults, one pod, no token.
                    _ if is("getSources()") => words(&[32, 96, 128, 0, 0, 1, POD]),
                    other => panic!("{other} of {params} was asked for"),
                }
            }
            other => panic!("{other} was asked for"),
        })
    }
}

impl Nodes {
    pub(crate) fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { runtime: Runtime::new().unwrap(), started }
    }

    fn born(&self, chain: Chain) -> Chain {
        Chain { genesis: self.started - YOUNG - chain.age, ..chain }
    }

    /// The url of a beacon node of `chain`.
    pub(crate) fn beacon(&self, chain: Chain) -> String {
        self.beacon_at(0, chain)
    }

    /// The same at a port.
    pub(crate) fn beacon_at(&self, port: u16, chain: Chain) -> String {
        let chain = self.born(chain);
        self.serve(port, move |path, _| match chain.beacon(path) {
            Some(data) => (StatusCode::OK, json!({ "execution_optimistic": false, "finalized": true, "data": data })),
            None => (StatusCode::NOT_FOUND, json!({ "code": 404, "message": "NOT_FOUND" })),
        })
    }

    /// The url of an execution node of `chain`.
    pub(crate) fn execution(&self, chain: Chain) -> String {
        self.execution_at(0, chain)
    }

    /// The same at a port.
    pub(crate) fn execution_at(&self, port: u16, chain: Chain) -> String {
        let chain = self.born(chain);
        self.serve(port, move |_, body| {
            // A beacon node would be asked without a body.
            let Ok(asked) = serde_json::from_slice::<Value>(body) else { return (StatusCode::BAD_REQUEST, json!({})) };
            let said = match chain.execution(asked["method"].as_str().unwrap(), &asked["params"]) {
                Ok(result) => json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }),
                Err(error) => json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error }),
            };
            (StatusCode::OK, said)
        })
    }

    fn serve(&self, port: u16, answer: impl Fn(&str, &Bytes) -> (StatusCode, Value) + Send + Sync + 'static) -> String {
        let listener = self.runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let router = Router::new().fallback(move |request: Request| {
            let answer = Arc::clone(&answer);
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                // Before it there may be a key, as of hosted nodes.
                let path = head.uri.path();
                let (status, said) = answer(path.find("/eth/").map_or(path, |at| &path[at..]), &body);
                (status, Json(said))
            }
        });
        self.runtime.spawn(async move { axum::serve(listener, router).await });
        url
    }
}

fn words(words: &[u64]) -> Value {
    json!(format!("0x{}", words.iter().map(|word| format!("{word:064x}")).collect::<String>()))
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

/// A block's hash holds its number.
fn hash_of(number: u64) -> String {
    format!("{number:#066x}")
}

fn number_of(hash: &Value) -> u64 {
    u64::from_str_radix(&hash.as_str().unwrap()[50..], 16).unwrap()
}
