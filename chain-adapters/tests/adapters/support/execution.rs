//! A small execution chain behind JSON-RPC, with the contracts' getters and a pool that does what a test tells it.

use super::{
    PLAYED, contracts,
    server::{Asked, Reply, Said, Server},
};
use alloy::{
    consensus::{Transaction, TxEip1559, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, Bytes, U256, address, hex, keccak256},
};
use guardian_protocol::{BlockRef, DutyKind, Level, PerKind, Subject, Target};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Semaphore;

pub(crate) const VAULT: Address = address!("0x5555555555555555555555555555555555555555");
pub(crate) const POD: Address = address!("0x6666666666666666666666666666666666666666");
pub(crate) const TOKEN: Address = address!("0x7777777777777777777777777777777777777777");
/// The generator of secp256k1: any point will do for a key.
pub(crate) const KEY: [&str; 2] = [
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
];

/// The chain's state, to be set up and looked at by the test.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) chain_id: u64,
    /// Each block's timestamp.
    pub(crate) timestamps: Vec<u64>,
    pub(crate) finalized: Option<u64>,
    /// What `eth_syncing` says; `None`: `false`.
    pub(crate) syncing: Option<Value>,
    /// The contracts exist from this block on.
    pub(crate) created: u64,
    /// At this block, calls return nothing although the contracts exist.
    pub(crate) silent: Option<u64>,
    /// How far the contract of each kind is.
    pub(crate) accepted: PerKind<Level>,
    pub(crate) logs: Vec<Value>,
    /// `eth_getLogs` refuses larger ranges.
    pub(crate) log_range: u64,
    pub(crate) log_requests: u64,
    /// How many validators the protocol counts; `None`: it does not.
    pub(crate) books: Option<u64>,
    /// What `eth_getLogs` says the next times, instead of answering.
    pub(crate) quota: VecDeque<&'static str>,
    pub(crate) base_fee: u64,
    /// Of gas, for everything.
    pub(crate) estimate: u64,
    /// Nothing is answered until the test lets it.
    pub(crate) held: Option<Arc<Semaphore>>,
    /// What a submission reverts with.
    pub(crate) revert: Option<Vec<u8>>,
    pub(crate) nonce: u64,
    /// What the pool says to the next transactions, instead of taking them.
    pub(crate) rejections: VecDeque<&'static str>,
    /// Transactions that bid less are taken but not included.
    pub(crate) price: u128,
    /// What an included submission does.
    pub(crate) succeeds: bool,
    pub(crate) taken: Vec<TxEip1559>,
    pub(crate) receipts: Vec<(B256, bool)>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            chain_id: 7,
            timestamps: (0..100).map(|number| 1000 + number * 2).collect(),
            finalized: Some(90),
            syncing: None,
            books: None,
            quota: VecDeque::new(),
            created: 10,
            silent: None,
            accepted: PLAYED.into_iter().map(|kind| (kind, Level(8 + 8 * u64::from(kind.number())))).collect(),
            logs: Vec::new(),
            log_range: u64::MAX,
            log_requests: 0,
            base_fee: 1_000_000_000,
            estimate: 60_000,
            held: None,
            revert: None,
            nonce: 5,
            rejections: VecDeque::new(),
            price: 0,
            succeeds: true,
            taken: Vec::new(),
            receipts: Vec::new(),
        }
    }
}

/// A chain and the node that serves it.
pub(crate) struct Node {
    pub(crate) server: Server,
    chain: Arc<Mutex<Chain>>,
}

impl Node {
    pub(crate) async fn start(chain: Chain) -> Self {
        let chain = Arc::new(Mutex::new(chain));
        let served = Arc::clone(&chain);
        let server = Server::start(move |asked| served.lock().unwrap().answer(asked)).await;
        Self { server, chain }
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap()
    }
}

pub(crate) fn hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

pub(crate) fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().unwrap()
}

/// A provisioned validator's log.
pub(crate) fn provisioned(block: u64, index: u64, pubkey: [u8; 48]) -> Value {
    let mut data = vec![0; 32 + 32];
    (data[31], data[63]) = (0x20, 48);
    data.extend(pubkey);
    data.extend([0; 16]);
    json!({
        "address": contracts().protocol, "data": hex::encode_prefixed(data), "removed": false,
        "topics": [keccak256("SuccessfullyProvisioned(bytes,uint256,bytes32)"), B256::ZERO, B256::ZERO],
        "blockNumber": format!("{block:#x}"), "blockHash": hash(block), "logIndex": format!("{index:#x}"),
        "transactionHash": B256::ZERO, "transactionIndex": "0x0",
    })
}

/// What the contract of each kind can be asked about.
pub(crate) fn targets() -> BTreeSet<Target> {
    PLAYED.into_iter().map(|kind| (kind, Subject::Whole)).collect()
}

/// Where duties of `kind` go.
pub(crate) fn contract(kind: DutyKind) -> Address {
    *contracts().duties.get(kind).unwrap()
}

impl Chain {
    /// This one, where the contract of `kind` is at `level`.
    pub(crate) fn accepting(mut self, kind: DutyKind, level: u64) -> Self {
        self.accepted.insert(kind, Level(level));
        self
    }

    pub(crate) fn block(&self, number: u64) -> BlockRef {
        BlockRef { number, hash: hash(number), timestamp: self.timestamps[usize::try_from(number).unwrap()] }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let request: Value = serde_json::from_slice(&asked.body).unwrap();
        let said = match self.call(request["method"].as_str().unwrap(), &request["params"]) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }),
        };
        let reply = Reply::json(said.to_string());
        match &self.held {
            Some(released) => reply.clone().saying(Said::Held(said.to_string().into_bytes(), Arc::clone(released))),
            None => reply,
        }
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        Ok(match method {
            "eth_chainId" => quantity(self.chain_id),
            "eth_syncing" => self.syncing.clone().unwrap_or(json!(false)),
            "eth_getBlockByNumber" => self.number(&params[0]).map_or(Value::Null, |number| self.header(number)),
            "eth_getBlockByHash" => self.by_hash(&params[0]).map_or(Value::Null, |number| self.header(number)),
            "eth_getLogs" => return self.get_logs(&params[0]),
            "eth_call" => return self.eth_call(&params[0], &params[1]),
            "eth_estimateGas" => quantity(self.estimate),
            "eth_getCode" => json!(if self.exists(&params[1]) { "0x60" } else { "0x" }),
            "eth_getBalance" => quantity(77),
            "eth_feeHistory" => json!({
                "oldestBlock": "0x1", "gasUsedRatio": [0.5], "reward": [["0x77359400"]],
                "baseFeePerGas": [quantity(self.base_fee), quantity(self.base_fee)],
            }),
            "eth_getTransactionCount" => quantity(self.nonce),
            "eth_sendRawTransaction" => return self.take(&params[0]),
            "eth_getTransactionReceipt" => self.receipt(&params[0]),
            other => panic!("{other} was asked for"),
        })
    }

    fn number(&self, name: &Value) -> Option<u64> {
        let head = self.timestamps.len() as u64 - 1;
        match name.as_str().unwrap() {
            "latest" => Some(head),
            "finalized" => self.finalized,
            hex => Some(u64::from_str_radix(&hex[2..], 16).unwrap()).filter(|number| *number <= head),
        }
    }

    fn by_hash(&self, wanted: &Value) -> Option<u64> {
        (0..self.timestamps.len() as u64).find(|number| json!(hash(*number)) == *wanted)
    }

    fn header(&self, number: u64) -> Value {
        let block = self.block(number);
        json!({
            "number": quantity(number), "hash": block.hash, "timestamp": quantity(block.timestamp),
            "parentHash": number.checked_sub(1).map_or(B256::ZERO, hash), "extra": "ignored",
        })
    }

    fn exists(&self, block: &Value) -> bool {
        let number = if block.is_string() { self.number(block) } else { self.by_hash(&block["blockHash"]) };
        number.expect("a known block") >= self.created
    }

    fn get_logs(&mut self, filter: &Value) -> Result<Value, Value> {
        self.log_requests += 1;
        if let Some(message) = self.quota.pop_front() {
            return Err(json!({ "code": -32005, "message": message }));
        }
        let (from, to) = (self.number(&filter["fromBlock"]).unwrap(), self.number(&filter["toBlock"]).unwrap());
        if to - from >= self.log_range {
            return Err(json!({ "code": -32005, "message": "query returned more than 10000 results" }));
        }
        let inside = |log: &&Value| {
            let number = u64::from_str_radix(&log["blockNumber"].as_str().unwrap()[2..], 16).unwrap();
            (from..=to).contains(&number)
        };
        Ok(self.logs.iter().filter(inside).cloned().collect())
    }

    fn eth_call(&self, request: &Value, block: &Value) -> Result<Value, Value> {
        let silent = self.silent.is_some_and(|number| json!(hash(number)) == block["blockHash"]);
        if silent || !self.exists(block) {
            return Ok(json!("0x"));
        }
        let input: Bytes = serde_json::from_value(request["input"].clone()).unwrap();
        let to: Address = serde_json::from_value(request["to"].clone()).unwrap();
        let called: [u8; 4] = input[..4].try_into().unwrap();
        let words = |words: &[U256]| {
            Ok(json!(hex::encode_prefixed(words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>())))
        };
        let known = |name: &str| called == selector(name);
        if known("groupKey()") {
            return Ok(json!(format!("0x{}{}", KEY[0], KEY[1])));
        } else if known("keyEpoch()") {
            return words(&[U256::from(1)]);
        } else if ["isPaused()", "requester()", "withdrawalRequests()"].into_iter().any(known) {
            return words(&[U256::ZERO]);
        } else if known("proposal()") {
            return words(&[U256::ZERO; 5]);
        } else if known("exitsLeft()") {
            return words(&[U256::from(256)]);
        } else if known("getEjectionThreshold()") {
            return words(&[U256::from(31_750_000_000_000_000_000_u128)]);
        } else if known("reportPeriodEpochs()") {
            return words(&[U256::from(2)]);
        } else if known("getSources()") {
            let account = |address: Address| U256::from_be_slice(address.as_slice());
            let (at, list) = (U256::from(96), |account| [U256::from(1), account]);
            let (vaults, pods) = (list(account(VAULT)), list(account(POD)));
            let head = [U256::from(32), at, U256::from(160), account(TOKEN)];
            return words(&[head.as_slice(), &vaults, &pods].concat());
        } else if known("totalSupply()") {
            return words(&[U256::from(1_000_000_000_001_u64)]);
        } else if known("convertToAssets(uint256)") {
            return words(&[U256::from_be_slice(&input[4..]) * U256::from(2)]);
        } else if known("sourcesVersion()") {
            return words(&[U256::from(3)]);
        } else if known("deviationBps()") {
            return words(&[U256::from(50)]);
        } else if known("tryRead()") {
            return words(&[1, 90, 80, 1_000].map(U256::from));
        } else if known("lastReferenceSlot()") {
            let kind = PLAYED.into_iter().find(|kind| contract(*kind) == to).unwrap();
            return words(&[U256::from(self.accepted.get(kind).unwrap().0)]);
        }
        if let Some(books) = self.books {
            if known("PUFFER_ORACLE()") {
                return words(&[U256::from_be_slice(contracts().protocol.as_slice())]);
            } else if known("getNumberOfActiveValidators()") {
                return words(&[U256::from(books)]);
            }
        }
        // A submission's trial.
        match &self.revert {
            None => Ok(json!("0x")),
            Some(data) => {
                let data = hex::encode_prefixed(data);
                Err(json!({ "code": 3, "message": "execution reverted", "data": data }))
            }
        }
    }

    fn take(&mut self, raw: &Value) -> Result<Value, Value> {
        if let Some(message) = self.rejections.pop_front() {
            return Err(json!({ "code": -32000, "message": message }));
        }
        let bytes: Bytes = serde_json::from_value(raw.clone()).unwrap();
        let envelope = TxEnvelope::decode_2718_exact(&bytes).unwrap();
        let transaction = envelope.as_eip1559().unwrap().tx().clone();
        assert_eq!(transaction.chain_id(), Some(self.chain_id));
        if transaction.max_fee_per_gas >= self.price {
            self.receipts.push((*envelope.tx_hash(), self.succeeds));
            self.nonce += 1;
        }
        self.taken.push(transaction);
        Ok(json!(envelope.tx_hash()))
    }

    fn receipt(&self, transaction: &Value) -> Value {
        let found = self.receipts.iter().find(|(hash, _)| json!(hash) == *transaction);
        found.map_or(Value::Null, |(hash, succeeded)| {
            json!({ "transactionHash": hash, "status": if *succeeded { "0x1" } else { "0x0" }, "gasUsed": "0xc350" })
        })
    }
}

fn quantity(number: u64) -> Value {
    json!(format!("{number:#x}"))
}
