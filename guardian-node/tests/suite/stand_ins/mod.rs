//! Beacon and execution nodes of a small chain, as far as a check asks them, with the trouble that a test wants.

mod beacon;
mod execution;

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
};
use guardian_crypto::schnorr::GroupKey;
use serde_json::json;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime::Runtime};

/// The last eight bytes of the one pod's address; the others are zero.
pub(crate) const POD: u64 = 0x7777;

/// The epoch that is final, if nothing else is said.
pub(crate) const FINALIZED: u64 = 10;

/// What the nodes of a test say, and what they refuse.
#[derive(Clone)]
pub(crate) struct Chain {
    /// The key in the contracts.
    pub(crate) key: GroupKey,
    /// What every account has, in wei.
    pub(crate) balance: u128,
    /// The contracts exist from this block on; there are a hundred.
    pub(crate) created: u64,
    /// Where there is no contract all the same.
    pub(crate) nowhere: Option<&'static str>,
    /// Signatures are taken.
    pub(crate) paused: bool,
    /// The governor wants another key.
    pub(crate) proposed: bool,
    /// How many guardians the module lists, and how many of them make a validator's key.
    pub(crate) list: (u64, u64),
    /// The execution node understands EIP-1898.
    pub(crate) takes_hashes: bool,
    /// Its chain.
    pub(crate) chain_id: u64,
    /// It knows the block `finalized`.
    pub(crate) knows_finality: bool,
    /// Its newest states, so many of them, are there.
    pub(crate) states: u64,
    /// Blocks in a question for logs at most; with 0 there are no logs.
    pub(crate) log_range: u64,
    /// Logs are there from this block on.
    pub(crate) logs_from: u64,
    /// The chain that the beacon chain's deposits are on; before the merge nobody looks at it.
    pub(crate) deposits: u64,
    /// Version of the beacon chain's second fork.
    pub(crate) fork: &'static str,
    /// When it begins a fork that nobody knows.
    pub(crate) heze: u64,
    /// Withdrawal credentials of its validators, by index.
    pub(crate) validators: Vec<[u8; 32]>,
    /// The epoch that is final.
    pub(crate) finalized: u64,
    /// The beacon node does not have this: `states`, `post`, `events` or `past`.
    pub(crate) lacks: &'static str,
    /// A node of either layer is so many slots or blocks behind.
    pub(crate) behind: u64,
    /// The beacon node has not verified its head.
    pub(crate) optimistic: bool,
    /// Every request is answered with this status.
    pub(crate) refuses: Option<u16>,
    /// The newest block of an execution node.
    pub(crate) head: u64,
    /// How much older than its time says everything is, in seconds.
    pub(crate) age: i64,
    /// When it began, in seconds since 1970; its nodes say it.
    pub(crate) genesis: u64,
    /// Which node it is; each is another one, if nothing is said.
    pub(crate) node: u64,
}

/// Runs nodes until it is dropped.
pub(crate) struct Nodes {
    runtime: Runtime,
    started: u64,
    count: AtomicU64,
}

/// The chain is young when its nodes begin to run: as old as its hundred blocks, and its tenth epoch was just finalized.
const YOUNG: i64 = 1200;
const SECONDS_PER_BLOCK: u64 = 12;
const SLOTS_PER_EPOCH: u64 = 8;

const JSON: &str = "application/json";

/// An answer: status, media type, body.
type Reply = (StatusCode, &'static str, String);

impl Chain {
    pub(crate) fn healthy(key: GroupKey) -> Self {
        Self {
            key,
            balance: 10_u128.pow(18),
            created: 10,
            nowhere: None,
            paused: false,
            proposed: false,
            list: (4, 3),
            takes_hashes: true,
            chain_id: 1,
            knows_finality: true,
            states: u64::MAX,
            log_range: u64::MAX,
            logs_from: 0,
            deposits: 5,
            fork: "0x01000001",
            heze: u64::MAX,
            validators: Vec::new(),
            finalized: FINALIZED,
            lacks: "",
            behind: 0,
            optimistic: false,
            refuses: None,
            head: 99,
            age: 0,
            genesis: 0,
            node: 0,
        }
    }

    /// What every request is answered with, if it is refused.
    fn refusal(&self) -> Option<Reply> {
        let status = StatusCode::from_u16(self.refuses?).unwrap();
        Some((status, JSON, json!({ "message": "no" }).to_string()))
    }
}

impl Nodes {
    pub(crate) fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { runtime: Runtime::new().unwrap(), started, count: AtomicU64::new(1) }
    }

    fn born(&self, chain: Chain) -> Chain {
        let genesis = self.started.checked_add_signed(-YOUNG - chain.age).unwrap();
        let node = if chain.node == 0 { self.count.fetch_add(1, Relaxed) } else { chain.node };
        Chain { genesis, node, ..chain }
    }

    /// The url of a beacon node of `chain`.
    pub(crate) fn beacon(&self, chain: Chain) -> String {
        self.beacon_at(0, chain)
    }

    /// The same at a port.
    pub(crate) fn beacon_at(&self, port: u16, chain: Chain) -> String {
        let chain = self.born(chain);
        self.serve(port, move |head, _| {
            // Before it there may be a key, as of hosted nodes.
            let path = head.uri.path();
            chain.beacon(&head.method, path.find("/eth/").map_or(path, |at| &path[at..]))
        })
    }

    /// The url of an execution node of `chain`.
    pub(crate) fn execution(&self, chain: Chain) -> String {
        self.execution_at(0, chain)
    }

    /// The same at a port.
    pub(crate) fn execution_at(&self, port: u16, chain: Chain) -> String {
        let chain = self.born(chain);
        self.serve(port, move |_, body| chain.rpc(body))
    }

    fn serve(&self, port: u16, answer: impl Fn(&Parts, &Bytes) -> Reply + Send + Sync + 'static) -> String {
        let listener = self.runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let router = Router::new().fallback(move |request: Request| {
            let answer = Arc::clone(&answer);
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let (status, media, said) = answer(&head, &body);
                (status, [(CONTENT_TYPE, media)], said)
            }
        });
        self.runtime.spawn(async move { axum::serve(listener, router).await });
        url
    }
}
