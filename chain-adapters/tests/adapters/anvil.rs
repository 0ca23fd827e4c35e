//! Readers and sender against the real contracts on a real EVM. Needs `contracts/node_modules` (anvil) and `contracts/out`
//! (compiled contracts); says that it skips where they are absent.

use crate::support::{
    PLAYED,
    beacon::healthy,
    committee::{Signers, order, report},
    config, endpoint,
    execution::targets,
    limits,
    server::Server,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, hex},
    sol,
    sol_types::{SolCall, SolValue},
};
use guardian_chain::{Account, AccountKey, Endpoint, FinalKey, KeyRotation, Readers, Sender, SenderConfig};
use guardian_protocol::{
    At, BlockRef, BlsPubkey, CallOutcome, ChainView, Contracts, DutyKind, EjectionRules, EventPage, KeyEpoch, Level,
    PerKind, ProtocolEvent, Query, Reading, ReserveRules, Rules, Slot, VetoRules, ceremony::plan::Rotation,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use url::Url;

/// Anvil's first account, which is rich and known to everybody.
pub(crate) const PAYER_KEY: [u8; 32] = hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
pub(crate) const PAYER: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// Its second one, which deploys.
pub(crate) const DEPLOYER: Address = address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
const VAULT: Address = address!("0x5555555555555555555555555555555555555555");
const VETOER: Address = address!("0x6666666666666666666666666666666666666666");
pub(crate) const CHAIN_ID: u64 = 31337;
/// Block times are set from here on; slot 0 of the feed's clock.
pub(crate) const GENESIS: u64 = 2_000_000_000;

sol! {
    function provision(bytes[] pubKeys) external;
    function exit(bytes pubKey) external;
}

pub(crate) struct Anvil {
    process: Child,
    pub(crate) url: Url,
    http: reqwest::Client,
}

impl Anvil {
    pub(crate) async fn start() -> Option<Self> {
        let compiled = contracts().join("out/ReserveFeed.sol/ReserveFeed.json").exists();
        let Some(program) = program().filter(|_| compiled) else {
            println!("skipped: anvil is not installed or the contracts are not compiled");
            return None;
        };
        // Taken and given back: anvil tells its port only to people.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--timestamp",
                &GENESIS.to_string(),
                "--hardfork",
                "prague",
                "--silent",
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let anvil = Self { process, url, http: reqwest::Client::new() };
        for _ in 0..600 {
            if anvil.try_call("eth_chainId", json!([])).await.is_some() {
                return Some(anvil);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("anvil does not answer");
    }

    pub(crate) async fn try_call(&self, method: &str, params: Value) -> Option<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.http.post(self.url.clone()).json(&request).send().await.ok()?.json().await.ok()
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params).await.unwrap();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends from the deployer's account and gives the receipt. Blocks are made at once.
    pub(crate) async fn transact(&self, to: Option<Address>, data: impl Into<Bytes>) -> Value {
        let request = json!({ "from": DEPLOYER, "to": to, "data": data.into(), "gas": "0x1000000" });
        let hash = self.call("eth_sendTransaction", json!([request])).await;
        for _ in 0..600 {
            let receipt = self.call("eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                assert_eq!(receipt["status"], "0x1", "{receipt}");
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{hash} is not included");
    }

    pub(crate) async fn deploy(&self, name: &str, arguments: Vec<u8>) -> Address {
        let path = contracts().join(format!("out/{name}.sol/{name}.json"));
        let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut code = hex::decode(artifact["bytecode"]["object"].as_str().unwrap()).unwrap();
        code.extend(arguments);
        serde_json::from_value(self.transact(None, code).await["contractAddress"].clone()).unwrap()
    }

    pub(crate) async fn mine_at(&self, timestamp: u64) -> BlockRef {
        self.call("evm_setNextBlockTimestamp", json!([timestamp])).await;
        self.call("evm_mine", json!([])).await;
        self.head().await
    }

    pub(crate) async fn head(&self) -> BlockRef {
        let block = self.call("eth_getBlockByNumber", json!(["latest", false])).await;
        let number = |name: &str| u64::from_str_radix(&block[name].as_str().unwrap()[2..], 16).unwrap();
        let hash: B256 = serde_json::from_value(block["hash"].clone()).unwrap();
        BlockRef { number: number("number"), hash, timestamp: number("timestamp") }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The native program: `.bin/anvil` is a script whose child would outlive it.
fn program() -> Option<PathBuf> {
    let packages = std::fs::read_dir(contracts().join("node_modules/@foundry-rs")).ok()?;
    packages.flatten().map(|package| package.path().join("bin/anvil")).find(|program| {
        let package = program.components().rev().nth(2).unwrap().as_os_str();
        package.to_string_lossy().starts_with("anvil-") && program.exists()
    })
}

pub(crate) fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}

/// A chain with the protocol on it, and who may speak to it.
pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) signers: Signers,
    readers: Readers,
    _beacon: Server,
}

impl World {
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// One whose registry knows EIP-7002's contract: this address, with this code.
    pub(crate) async fn start_with(withdrawal_requests: Option<(Address, Bytes)>) -> Option<Self> {
        let anvil = Anvil::start().await?;
        let requests = withdrawal_requests.as_ref().map_or(Address::ZERO, |(address, _)| *address);
        if let Some((address, code)) = withdrawal_requests {
            anvil.call("anvil_setCode", json!([address, code])).await;
        }
        let signers = Signers::new(CHAIN_ID);
        let (x, y) = signers.group_key().coordinates();
        let (px, py) = (U256::from_be_bytes(x), U256::from_be_bytes(y));
        let keys = (px, py, DEPLOYER, VETOER, 86_400_u64).abi_encode_params();
        let guardian_keys = anvil.deploy("GuardianKeys", keys).await;
        let threshold = U256::from(31_750_000_000_000_000_000_u128);
        let (none, slot_seconds) = (Address::ZERO, 2_u64);
        let registry = (guardian_keys, DEPLOYER, threshold, threshold, GENESIS, slot_seconds, none, requests);
        let registry = registry.abi_encode_params();
        // Slots of 2 s, epochs of 8; a report every 2 epochs, stale after four hours, one kept of every 8 epochs.
        let clock = (GENESIS, slot_seconds, 8_u64, 2_u64, 14_400_u64, 8_u64, none);
        let sources = (vec![VAULT], Vec::<Address>::new(), none);
        let feed = (guardian_keys, DEPLOYER, clock, 500_u16, sources).abi_encode_params();
        let duties = [
            (DutyKind::Ejection, anvil.deploy("EjectionRegistry", registry).await),
            (DutyKind::Reserves, anvil.deploy("ReserveFeed", feed).await),
            (DutyKind::KeyVeto, guardian_keys),
        ];
        let contracts = Contracts {
            guardian_keys,
            protocol: anvil.deploy("DevnetProtocol", Vec::new()).await,
            guardian_module: None,
            duties: duties.into_iter().collect(),
            accounts: PerKind::default(),
        };
        anvil.call("anvil_setBalance", json!([VAULT, "0x4d"])).await;
        let beacon = Server::start(healthy).await;
        let mut config = config(&[&beacon.url], &[&anvil.url]);
        config.contracts = contracts;
        config.start_block = 1;
        let (readers, network) = Readers::connect(config).await.unwrap();
        assert_eq!(network.chain_id, CHAIN_ID);
        Some(Self { anvil, signers: signers.with_contracts(contracts), readers, _beacon: beacon })
    }

    pub(crate) fn contracts(&self) -> Contracts {
        self.signers.setup.contracts
    }

    pub(crate) fn sender(&self, config: SenderConfig) -> Sender {
        self.paid_by(config, AccountKey::from_bytes(&PAYER_KEY).unwrap())
    }

    /// A sender of which `account` pays, which is anvil's first.
    pub(crate) fn paid_by(&self, config: SenderConfig, account: impl Into<Account>) -> Sender {
        let endpoints: [Endpoint; 1] = [endpoint("anvil", &self.anvil.url)];
        let network = &self.signers.setup.network;
        let sender = Sender::new(config, limits(), &endpoints, network, self.contracts(), account).unwrap();
        assert_eq!(sender.address(), PAYER);
        sender
    }

    pub(crate) async fn ask(&self, query: Query) -> Reading {
        self.readers.read(&query).await.remove(0).1.unwrap()
    }

    pub(crate) async fn view(&self, at: At) -> ChainView {
        let Reading::Chain(view) = self.ask(Query::Chain(at)).await else { panic!() };
        *view
    }
}

pub(crate) fn quick() -> SenderConfig {
    SenderConfig { poll_interval: Duration::from_millis(50), ..SenderConfig::default() }
}

#[tokio::test]
async fn the_contracts_are_read_at_the_block_of_a_time() {
    let Some(world) = World::start().await else { return };
    let older = world.anvil.mine_at(GENESIS + 100).await;
    world.anvil.mine_at(GENESIS + 200).await;
    let view = world.view(At::Time(GENESIS + 199)).await;
    assert_eq!(view.block, older);
    assert_eq!(view.group_key, world.signers.group_key());
    let kinds = PLAYED.into_iter().chain([DutyKind::KeyVeto]);
    assert_eq!((view.key_epoch.0, view.accepted), (1, kinds.map(|kind| (kind, Level(0))).collect()));
    let reserves = ReserveRules {
        period: 2,
        vaults: vec![(VAULT, 77)],
        pods: Vec::new(),
        sources_version: 1,
        liabilities: 0,
        supply: 0,
        deviation_bps: 0,
        last: None,
    };
    let ejection = EjectionRules { threshold: 31_750_000_000_000_000_000, exits_stopped: false, requester: None };
    assert_eq!(view.rules, [Rules::Ejection(ejection), Rules::Reserves(reserves), Rules::KeyVeto(VetoRules {})]);
    assert_eq!(world.view(At::Block(older.hash)).await, view);
}

#[tokio::test]
async fn the_life_of_a_validator_is_read_from_the_logs() {
    let Some(world) = World::start().await else { return };
    let key = |byte: u8| Bytes::from([byte; 48]);
    let (protocol, anvil) = (world.contracts().protocol, &world.anvil);
    let from = anvil.head().await.number;
    anvil.transact(Some(protocol), provisionCall { pubKeys: vec![key(3), key(5), key(7)] }.abi_encode()).await;
    anvil.transact(Some(protocol), exitCall { pubKey: key(7) }.abi_encode()).await;
    anvil.mine_at(GENESIS + 1_000).await;
    let outcome = world.sender(quick()).submit(&world.signers.sign(10, order(&[3, 5]))).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");

    let to = anvil.head().await;
    let known = BlsPubkey::repeat_byte;
    let ordered = |byte| ProtocolEvent::Ordered { pubkey: known(byte), reference_slot: Slot(80) };
    assert_eq!(
        world.ask(Query::Events { from, upto: to.number, at: to }).await,
        Reading::Events(EventPage {
            from,
            upto: to,
            events: vec![
                ProtocolEvent::Provisioned(known(3)),
                ProtocolEvent::Provisioned(known(5)),
                ProtocolEvent::Provisioned(known(7)),
                ProtocolEvent::Exited(known(7)),
                ordered(3),
                ordered(5),
            ]
        })
    );
}

#[tokio::test]
async fn a_duty_lands_once_and_again_is_already_accepted() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let sender = world.sender(quick());
    for signed in [world.signers.sign(10, order(&[3, 5])), world.signers.sign(10, report())] {
        let outcome = sender.submit(&signed).await;
        let CallOutcome::Included { transaction, gas } = outcome else { panic!("{outcome:?}") };
        println!("{}: {gas} gas", signed.duty().kind().as_str());
        let receipt = world.anvil.call("eth_getTransactionReceipt", json!([transaction])).await;
        assert_eq!(receipt["gasUsed"], format!("{gas:#x}"));
        assert_eq!(sender.submit(&signed).await, CallOutcome::AlreadyAccepted);
    }
    // What is older than what landed is not sent either.
    let older = world.signers.sign(9, order(&[7]));
    assert_eq!(sender.submit(&older).await, CallOutcome::AlreadyAccepted);
    let count = world.anvil.call("eth_getTransactionCount", json!([PAYER, "latest"])).await;
    assert_eq!(count, "0x2");
    let Reading::Progress(progress) = world.ask(Query::Progress(targets())).await else { panic!() };
    assert!(progress.keys().copied().eq(targets()));
    assert!(progress.values().all(|progress| progress.head == Level(80)), "{progress:?}");
}

#[tokio::test]
async fn a_rotation_lands_once_and_is_seen_when_it_is_final() {
    let Some(world) = World::start().await else { return };
    let (old, new) = (&world.signers, Signers::seeded(CHAIN_ID, 2));
    let domain = Rotation { chain_id: CHAIN_ID, guardian_keys: world.contracts().guardian_keys };
    let (key_epoch, key) = (KeyEpoch(2), new.group_key());
    let digest = domain.digest(key_epoch, key);
    let (by_old_key, by_new_key) = (old.signature(20, digest), new.signature(21, digest));
    let sender = world.sender(quick());

    let unproven = KeyRotation { key_epoch, key, by_old_key, by_new_key: by_old_key };
    assert_eq!(sender.rotate(&unproven).await, CallOutcome::Refused("InvalidProofOfPossession".to_owned()));
    let not_allowed = KeyRotation { key_epoch, key, by_old_key: by_new_key, by_new_key };
    assert_eq!(sender.rotate(&not_allowed).await, CallOutcome::Refused("InvalidSignature".to_owned()));

    let rotation = KeyRotation { key_epoch, key, by_old_key, by_new_key };
    let outcome = sender.rotate(&rotation).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(sender.rotate(&rotation).await, CallOutcome::AlreadyAccepted);

    // Anvil calls a block final when a hundred others are upon it.
    world.anvil.call("anvil_mine", json!(["0x80"])).await;
    let (_, known) = world.readers.final_key().await.remove(0);
    assert_eq!(known, Ok(FinalKey { key_epoch, group_key: key }));
}

#[tokio::test]
async fn above_the_fee_ceiling_nothing_is_sent() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let config = SenderConfig { max_fee_per_gas: 1, ..quick() };
    let outcome = world.sender(config).submit(&world.signers.sign(10, order(&[3]))).await;
    assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains("fee ceiling")), "{outcome:?}");
    assert_eq!(world.anvil.call("eth_getTransactionCount", json!([PAYER, "pending"])).await, "0x0");
}

#[tokio::test]
async fn the_contracts_own_no_is_told_by_name_and_costs_nothing() {
    let Some(world) = World::start().await else { return };
    world.anvil.mine_at(GENESIS + 1_000).await;
    let sender = world.sender(quick());
    let strangers = Signers::seeded(CHAIN_ID, 2).with_contracts(world.contracts());
    let forged = sender.submit(&strangers.sign(10, order(&[3]))).await;
    assert_eq!(forged, CallOutcome::Refused("InvalidSignature".to_owned()));
    let future = sender.submit(&world.signers.sign(1_000, report())).await;
    assert!(matches!(&future, CallOutcome::Refused(why) if why.starts_with("FutureReferenceSlot")), "{future:?}");
    assert_eq!(world.anvil.call("eth_getTransactionCount", json!([PAYER, "pending"])).await, "0x0");
}
