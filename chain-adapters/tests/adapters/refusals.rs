//! What the contracts refuse, each by the name of its own error, on a real EVM with the real code of both system contracts.

use crate::{
    anvil::{Anvil, CHAIN_ID, DEPLOYER, GENESIS, contracts},
    support::committee::Signers,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, hex, keccak256},
    sol,
    sol_types::{SolCall, SolValue},
};
use serde_json::{Value, json};

sol! {
    #[derive(Debug)]
    struct GroupSignature { uint256 rx; uint256 ry; uint256 z; }
    #[derive(Debug)]
    struct Order { uint64 keyEpoch; uint64 referenceSlot; bytes32 referenceRoot; bytes ejections; }
    #[derive(Debug)]
    struct Report {
        uint64 keyEpoch; uint64 referenceSlot; bytes32 referenceRoot; uint64 validatorCount;
        uint64 validatorGwei; uint64 podGwei; uint64 vaultGwei; uint64 pendingGwei; uint64 liabilityGwei;
    }
    #[derive(Debug)]
    struct Packed { uint256 head; bytes32 referenceRoot; uint256 amounts; }
    function hashOrder(Order order) external view returns (bytes32 digest);
    function submitOrder(Order order, GroupSignature signature) external;
    function triggerExits(Order order, GroupSignature signature, uint256 from, uint256 count, uint256 maxFee) external;
    function setRequester(address requester) external;
    function hashReport(Report report) external view returns (bytes32 digest);
    function packReport(Report report) external view returns (Packed packed);
    function submitReport(Packed report, GroupSignature signature) external;
    function mint(uint256 amount) external;
    function pause() external;
    function unpause() external;
    function veto() external;
    function execute() external;
}

const ROOTS: Address = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const REQUESTS: Address = address!("0x00000961Ef480Eb55e80D19ad83579A64c007002");
const SYSTEM: Address = address!("0xfffffffffffffffffffffffffffffffffffffffe");
const ROOT: B256 = B256::repeat_byte(0xaa);

/// Every custom error of the contracts, by selector.
pub(crate) fn error_name(data: &[u8]) -> String {
    let folder = contracts().join("out");
    for name in
        ["EjectionRegistry", "ReserveFeed", "GuardianKeys", "FrostGuardianModule", "BackedMint", "MinimalPuffer"]
    {
        let artifact = std::fs::read(folder.join(format!("{name}.sol/{name}.json"))).unwrap();
        let artifact: Value = serde_json::from_slice(&artifact).unwrap();
        for entry in artifact["abi"].as_array().unwrap().iter().filter(|entry| entry["type"] == "error") {
            let inputs = entry["inputs"].as_array().unwrap().iter().map(|input| input["type"].as_str().unwrap());
            let name = entry["name"].as_str().unwrap();
            let signature = format!("{name}({})", inputs.collect::<Vec<_>>().join(","));
            if data.starts_with(&keccak256(signature)[..4]) {
                return name.to_owned();
            }
        }
    }
    format!("unknown: {}", hex::encode(data))
}

/// The name of the error with which a call reverts; `Ok` if it does not.
pub(crate) async fn called(anvil: &Anvil, to: Address, data: Vec<u8>, value: u64) -> Result<Bytes, String> {
    let request = json!({ "from": DEPLOYER, "to": to, "data": Bytes::from(data), "value": format!("{value:#x}") });
    let answer = anvil.try_call("eth_call", json!([request, "latest"])).await.unwrap();
    if let Some(result) = answer.get("result") {
        return Ok(serde_json::from_value(result.clone()).unwrap());
    }
    let data: Bytes = serde_json::from_value(answer["error"]["data"].clone()).unwrap();
    Err(error_name(&data))
}

pub(crate) fn words(signature: &guardian_crypto::schnorr::Signature) -> GroupSignature {
    let word = |bytes| U256::from_be_bytes::<32>(bytes);
    GroupSignature { rx: word(signature.rx()), ry: word(signature.ry()), z: word(signature.z()) }
}

struct World {
    anvil: Anvil,
    signers: Signers,
    keys: Address,
    registry: Address,
    feed: Address,
}

impl World {
    /// Both system contracts with their real code, and our contracts over them. The time is slot 101.
    async fn start() -> Option<Self> {
        let anvil = Anvil::start().await?;
        let predeploys = std::fs::read(contracts().join("test/vectors/predeploys.json")).unwrap();
        let predeploys: Value = serde_json::from_slice(&predeploys).unwrap();
        for (name, at) in [("eip4788", ROOTS), ("eip7002", REQUESTS)] {
            assert_eq!(predeploys[name]["address"].as_str().unwrap().parse::<Address>().unwrap(), at);
            anvil.call("anvil_setCode", json!([at, predeploys[name]["code"]])).await;
        }
        let signers = Signers::new(CHAIN_ID);
        let (x, y) = signers.group_key().coordinates();
        let key = (U256::from_be_bytes(x), U256::from_be_bytes(y));
        let keys = (key.0, key.1, DEPLOYER, DEPLOYER, 86_400_u64).abi_encode_params();
        let keys = anvil.deploy("GuardianKeys", keys).await;
        let threshold = U256::from(31_750_000_000_000_000_000_u128);
        let registry = (keys, DEPLOYER, threshold, GENESIS, 2_u64, ROOTS, REQUESTS).abi_encode_params();
        let registry = anvil.deploy("EjectionRegistry", registry).await;
        let clock = (GENESIS, 2_u64, 8_u64, 2_u64, 86_400_u64, 8_u64, ROOTS);
        let sources = (Vec::<Address>::new(), Vec::<Address>::new(), Address::ZERO);
        let feed = (keys, DEPLOYER, clock, 500_u16, sources).abi_encode_params();
        let feed = anvil.deploy("ReserveFeed", feed).await;
        let world = Self { anvil, signers, keys, registry, feed };
        world.anvil.call("anvil_setBalance", json!([SYSTEM, "0xffffffffffffffff"])).await;
        world.anvil.call("anvil_impersonateAccount", json!([SYSTEM])).await;
        // The block of slot 81 tells its parent's root, which is that of slot 80.
        world.anvil.call("evm_setNextBlockTimestamp", json!([GENESIS + 162])).await;
        world.by_system(ROOTS, ROOT.to_vec()).await;
        world.anvil.mine_at(GENESIS + 202).await;
        Some(world)
    }

    /// What the chain itself does: a call of a system contract.
    async fn by_system(&self, to: Address, data: Vec<u8>) {
        let request = json!({ "from": SYSTEM, "to": to, "data": Bytes::from(data), "gas": "0x1000000" });
        let hash = self.anvil.call("eth_sendTransaction", json!([request])).await;
        for _ in 0..600 {
            if !self.anvil.call("eth_getTransactionReceipt", json!([hash])).await.is_null() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{hash} is not included");
    }

    async fn digest(&self, contract: Address, data: Vec<u8>) -> B256 {
        B256::from_slice(&called(&self.anvil, contract, data, 0).await.unwrap())
    }

    async fn signed(&self, order: Order) -> (Order, GroupSignature) {
        let digest = self.digest(self.registry, hashOrderCall { order: order.clone() }.abi_encode()).await;
        (order, words(&self.signers.signature(1, digest)))
    }

    async fn submitted(&self, order: Order) -> String {
        let (order, signature) = self.signed(order).await;
        let data = submitOrderCall { order, signature }.abi_encode();
        called(&self.anvil, self.registry, data, 0).await.unwrap_err()
    }

    async fn triggered(&self, order: Order, [from, count, max_fee, value]: [u64; 4]) -> Result<Bytes, String> {
        let (order, signature) = self.signed(order).await;
        let (from, count) = (U256::from(from), U256::from(count));
        let data = triggerExitsCall { order, signature, from, count, maxFee: U256::from(max_fee) }.abi_encode();
        called(&self.anvil, self.registry, data, value).await
    }

    async fn report(&self, report: Report) -> Vec<u8> {
        let digest = self.digest(self.feed, hashReportCall { report: report.clone() }.abi_encode()).await;
        let packed = called(&self.anvil, self.feed, packReportCall { report }.abi_encode(), 0).await.unwrap();
        let report = packReportCall::abi_decode_returns(&packed).unwrap();
        submitReportCall { report, signature: words(&self.signers.signature(2, digest)) }.abi_encode()
    }

    async fn reported(&self, report: Report) -> String {
        let data = self.report(report).await;
        called(&self.anvil, self.feed, data, 0).await.unwrap_err()
    }
}

fn entry(index: u64, reason: u8) -> Vec<u8> {
    [index.to_be_bytes().as_slice(), &[7; 48], &[reason]].concat()
}

fn order(slot: u64, ejections: Vec<u8>) -> Order {
    Order { keyEpoch: 1, referenceSlot: slot, referenceRoot: ROOT, ejections: ejections.into() }
}

fn report(slot: u64) -> Report {
    Report {
        keyEpoch: 1,
        referenceSlot: slot,
        referenceRoot: ROOT,
        validatorCount: 2,
        validatorGwei: 64_000_000_000,
        podGwei: 0,
        vaultGwei: 1,
        pendingGwei: 0,
        liabilityGwei: 60_000_000_000,
    }
}

#[tokio::test]
async fn each_bad_order_is_refused_by_name() {
    let Some(world) = World::start().await else { return };
    let good = || order(80, entry(3, 1));
    let cases = [
        (Order { keyEpoch: 2, ..good() }, "WrongKeyEpoch"),
        (order(0, entry(3, 1)), "StaleReferenceSlot"),
        (order(102, entry(3, 1)), "FutureReferenceSlot"),
        (order(u64::MAX, entry(3, 1)), "FutureReferenceSlot"),
        (Order { referenceRoot: B256::ZERO, ..good() }, "WrongReferenceRoot"),
        (order(40, entry(3, 1)), "UnknownReferenceRoot"),
        (order(80, Vec::new()), "EmptyOrder"),
        (order(80, vec![0; 58]), "MalformedOrder"),
        (order(80, (0..257).flat_map(|index| entry(index, 1)).collect()), "TooManyEjections"),
        (order(80, [entry(3, 1), entry(3, 1)].concat()), "UnorderedEjections"),
        (order(80, entry(3, 0)), "UnknownReason"),
        (order(80, entry(3, 6)), "UnknownReason"),
    ];
    for (order, name) in cases {
        assert_eq!(world.submitted(order).await, name);
    }
    let (order, mut signature) = world.signed(good()).await;
    signature.z += U256::from(1);
    let data = submitOrderCall { order, signature }.abi_encode();
    assert_eq!(called(&world.anvil, world.registry, data, 0).await.unwrap_err(), "InvalidSignature");
    world.anvil.transact(Some(world.keys), pauseCall {}.abi_encode()).await;
    assert_eq!(world.submitted(good()).await, "KeysPaused");
    world.anvil.transact(Some(world.keys), unpauseCall {}.abi_encode()).await;
    assert_eq!(called(&world.anvil, world.keys, unpauseCall {}.abi_encode(), 0).await.unwrap_err(), "NotPaused");
    for call in [vetoCall {}.abi_encode(), executeCall {}.abi_encode()] {
        assert_eq!(called(&world.anvil, world.keys, call, 0).await.unwrap_err(), "NoProposal");
    }
    // A day and a bit later it is too late.
    world.anvil.mine_at(GENESIS + 160 + 2 * 8191 + 1).await;
    assert_eq!(world.submitted(good()).await, "ReferenceSlotTooOld");
}

#[tokio::test]
async fn each_bad_report_is_refused_by_name_and_a_consumer_refuses_a_stale_feed() {
    let Some(world) = World::start().await else { return };
    let consumer = (world.feed, U256::from(3600)).abi_encode_params();
    let consumer = world.anvil.deploy("BackedMint", consumer).await;
    let mint = |gwei: u64| mintCall { amount: U256::from(gwei) * U256::from(1_000_000_000) }.abi_encode();
    assert_eq!(called(&world.anvil, consumer, mint(1), 0).await.unwrap_err(), "NoReport");
    let good = || report(80);
    let wide = 1 << 58;
    let cases = [
        (Report { keyEpoch: 2, ..good() }, "WrongKeyEpoch"),
        (report(0), "StaleReferenceSlot"),
        (report(102), "FutureReferenceSlot"),
        (report(40), "UnknownReferenceRoot"),
        (Report { referenceRoot: B256::ZERO, ..good() }, "WrongReferenceRoot"),
        (Report { validatorGwei: 0, vaultGwei: 0, ..good() }, "EmptyReserves"),
        (Report { validatorCount: 1 << 24, ..good() }, "ValueTooLarge"),
        (Report { pendingGwei: wide, ..good() }, "ValueTooLarge"),
        (Report { liabilityGwei: wide, ..good() }, "ValueTooLarge"),
    ];
    for (report, name) in cases {
        assert_eq!(world.reported(report).await, name);
    }
    let accepted = world.report(good()).await;
    world.anvil.transact(Some(world.feed), accepted).await;
    assert_eq!(world.reported(good()).await, "StaleReferenceSlot");
    called(&world.anvil, consumer, mint(64_000_000_001), 0).await.unwrap();
    assert_eq!(called(&world.anvil, consumer, mint(64_000_000_002), 0).await.unwrap_err(), "NotCovered");
    world.anvil.call("evm_setNextBlockTimestamp", json!([GENESIS + 302])).await;
    world.by_system(ROOTS, ROOT.to_vec()).await;
    let halved = Report { referenceSlot: 150, validatorGwei: 32_000_000_000, ..good() };
    assert_eq!(world.reported(halved).await, "ChangeTooLarge");
    world.anvil.mine_at(GENESIS + 160 + 3_601).await;
    assert_eq!(called(&world.anvil, consumer, mint(1), 0).await.unwrap_err(), "StaleAnswer");
}

#[tokio::test]
async fn a_triggered_exit_is_in_the_queue_of_the_real_system_contract() {
    let Some(world) = World::start().await else { return };
    let two = || order(80, [entry(3, 1), entry(5, 2)].concat());
    assert_eq!(world.triggered(two(), [0, 2, 1, 2]).await.unwrap_err(), "NoRequester");
    let requester = (world.registry, REQUESTS).abi_encode_params();
    let requester = world.anvil.deploy("DevnetWithdrawalRequester", requester).await;
    world.anvil.transact(Some(world.registry), setRequesterCall { requester }.abi_encode()).await;
    assert_eq!(world.triggered(two(), [1, 2, 1, 2]).await.unwrap_err(), "NoSuchEjections");
    assert_eq!(world.triggered(two(), [0, 2, 0, 2]).await.unwrap_err(), "FeeAboveLimit");
    assert_eq!(world.triggered(two(), [0, 2, 1, 1]).await.unwrap_err(), "InsufficientValue");

    let (order, signature) = world.signed(two()).await;
    let (from, count, max_fee) = (U256::ZERO, U256::from(2), U256::from(1));
    let data = triggerExitsCall { order, signature, from, count, maxFee: max_fee }.abi_encode();
    let request = json!({ "from": DEPLOYER, "to": world.registry, "data": Bytes::from(data), "value": "0x64", "gas": "0x1000000" });
    let hash = world.anvil.call("eth_sendTransaction", json!([request])).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let receipt = world.anvil.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    // What the chain hands to the beacon chain at the end of the block: source, public key, amount 0.
    let queue = json!({ "from": SYSTEM, "to": REQUESTS, "data": "0x" });
    let queue: Bytes = serde_json::from_value(world.anvil.call("eth_call", json!([queue, "latest"])).await).unwrap();
    let request = [requester.as_slice(), &[7; 48], &[0; 8]].concat();
    assert_eq!(queue, [request.clone(), request].concat());
    assert_eq!(world.anvil.call("eth_getBalance", json!([REQUESTS, "latest"])).await, "0x2", "the fees");
    assert_eq!(
        world.anvil.call("eth_getBalance", json!([world.registry, "latest"])).await,
        "0x0",
        "the rest went back"
    );
}
