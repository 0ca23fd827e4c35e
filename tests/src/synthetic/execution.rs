//! An execution node of a synthetic chain, over HTTP: headers, and the logs of validators that were provisioned at regular distances. As
//! hosted nodes do, it takes time for each answer and refuses ranges that are too wide.

use alloy::{
    primitives::{Address, B256, Bytes, LogData, U256},
    sol,
    sol_types::SolEvent,
};
use axum::{Json, Router, extract::State, routing::post};
use eyre::{Result, eyre};
use guardian_protocol::{BlockRef, BlsPubkey};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

sol! {
    event SuccessfullyProvisioned(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
}

/// The chain's id, as the synthetic beacon chain has it.
pub const CHAIN_ID: u64 = 1337;

/// What the node serves, and how.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// The last block.
    pub head: u64,
    /// Validators that were provisioned up to there.
    pub validators: u64,
    /// The protocol's contract.
    pub protocol: Address,
    /// Blocks that one request for logs may be about.
    pub widest: u64,
    /// How long each answer takes.
    pub delay: Duration,
}

/// A running node; ends when dropped.
#[derive(Debug)]
pub struct ExecutionServer {
    /// Where it is.
    pub url: Url,
    node: Arc<Node>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Node {
    past: Past,
    ranges: AtomicU64,
    refused: AtomicU64,
    under_way: AtomicU64,
    most_under_way: AtomicU64,
}

impl Past {
    /// The block with this number.
    #[must_use]
    pub fn block(&self, number: u64) -> BlockRef {
        BlockRef { number, hash: U256::from(number).saturating_add(U256::MAX >> 1).into(), timestamp: 12 * number }
    }

    /// The key of the validator that was provisioned as the one with this number.
    #[must_use]
    pub fn pubkey(number: u64) -> BlsPubkey {
        let mut key = [7; 48];
        key.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        BlsPubkey::new(key)
    }

    /// The logs of these blocks.
    fn logs(&self, from: u64, upto: u64) -> Vec<Value> {
        let block_of = |validator: u64| validator * self.head / self.validators.max(1);
        let first = (from * self.validators).div_ceil(self.head.max(1));
        let inside = (first..self.validators).take_while(|validator| block_of(*validator) <= upto);
        inside.map(|validator| self.log(validator, self.block(block_of(validator)))).collect()
    }

    fn log(&self, validator: u64, block: BlockRef) -> Value {
        let pubkey = Bytes::copy_from_slice(&Self::pubkey(validator).0);
        let event = SuccessfullyProvisioned { pubKey: pubkey, pufferModuleIndex: U256::ZERO, moduleName: B256::ZERO };
        let data: LogData = event.encode_log_data();
        json!({
            "address": self.protocol, "topics": data.topics(), "data": data.data,
            "blockNumber": quantity(block.number), "blockHash": block.hash, "transactionHash": B256::ZERO,
            "transactionIndex": "0x0", "logIndex": quantity(validator), "removed": false,
        })
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value> {
        let number = |value: &Value| -> Result<u64> {
            let text = value.as_str().ok_or_else(|| eyre!("no number in {params}"))?;
            Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
        };
        Ok(match method {
            "eth_chainId" => quantity(CHAIN_ID),
            "eth_syncing" => json!(false),
            "eth_getBlockByNumber" => {
                let block = self.block(number(&params[0])?);
                let parent = self.block(block.number.saturating_sub(1)).hash;
                json!({
                    "number": quantity(block.number), "hash": block.hash, "parentHash": parent,
                    "timestamp": quantity(block.timestamp),
                })
            }
            "eth_getLogs" => self.logs(number(&params[0]["fromBlock"])?, number(&params[0]["toBlock"])?).into(),
            other => return Err(eyre!("{other} is not known here")),
        })
    }

    /// Whether so many blocks are asked for that the node refuses.
    fn is_too_wide(&self, method: &str, params: &Value) -> bool {
        let number = |name: &str| {
            let text = params[0][name].as_str().unwrap_or_default();
            u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_default()
        };
        method == "eth_getLogs" && number("toBlock").saturating_sub(number("fromBlock")) >= self.widest
    }
}

impl ExecutionServer {
    /// Starts a node.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(past: Past) -> Result<Self> {
        let [ranges, refused, under_way, most_under_way] = std::array::from_fn(|_| AtomicU64::new(0));
        let node = Arc::new(Node { past, ranges, refused, under_way, most_under_way });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?).parse()?;
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&node));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { url, node, task })
    }

    /// Requests for logs that were answered.
    #[must_use]
    pub fn ranges(&self) -> u64 {
        self.node.ranges.load(Relaxed)
    }

    /// Requests for logs that were refused, because they were about too many blocks.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.node.refused.load(Relaxed)
    }

    /// The most requests that were open at once.
    #[must_use]
    pub fn most_under_way(&self) -> u64 {
        self.node.most_under_way.load(Relaxed)
    }
}

impl Drop for ExecutionServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(node): State<Arc<Node>>, Json(asked): Json<Value>) -> Json<Value> {
    let under_way = node.under_way.fetch_add(1, Relaxed) + 1;
    node.most_under_way.fetch_max(under_way, Relaxed);
    tokio::time::sleep(node.past.delay).await;
    node.under_way.fetch_sub(1, Relaxed);
    let method = asked["method"].as_str().unwrap_or_default();
    let (id, params) = (&asked["id"], &asked["params"]);
    if node.past.is_too_wide(method, params) {
        node.refused.fetch_add(1, Relaxed);
        let message = format!("exceed maximum block range: {}", node.past.widest);
        return Json(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": message } }));
    }
    if method == "eth_getLogs" {
        node.ranges.fetch_add(1, Relaxed);
    }
    Json(match node.past.answer(method, params) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": error.to_string() } })
        }
    })
}

fn quantity(number: u64) -> Value {
    json!(format!("{number:#x}"))
}
