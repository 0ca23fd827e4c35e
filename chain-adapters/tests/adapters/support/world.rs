//! Our contracts on a real EVM over the real code of both system contracts, and signed calls of them.

use super::{called::called, committee::Signers};
use crate::anvil::{Anvil, CHAIN_ID, DEPLOYER, GENESIS, contracts};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address},
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
        uint64 keyEpoch; uint64 referenceSlot; bytes32 referenceRoot; uint64 sourcesVersion; uint64 validatorCount;
        uint64 validatorGwei; uint64 podGwei; uint64 vaultGwei; uint64 pendingGwei; uint64 liabilityGwei; uint64 supplyGwei;
    }
    #[derive(Debug)]
    struct Packed { uint256 head; bytes32 referenceRoot; uint256 amounts; }
    function hashOrder(Order order) external view returns (bytes32 digest);
    function submitOrder(Order order, GroupSignature signature) external;
    #[derive(Debug)]
    struct Payment { uint256 maxFee; address requester; address refundTo; }
    function requester() external view returns (address);
    function triggerExits(Order order, GroupSignature signature, uint256 positions, Payment payment, bytes routing) external;
    function hashReport(Report report) external view returns (bytes32 digest);
    function packReport(Report report) external view returns (Packed packed);
    function submitReport(Packed report, GroupSignature signature) external;
}

pub(crate) const ROOTS: Address = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
pub(crate) const REQUESTS: Address = address!("0x00000961Ef480Eb55e80D19ad83579A64c007002");
pub(crate) const SYSTEM: Address = address!("0xfffffffffffffffffffffffffffffffffffffffe");
pub(crate) const ROOT: B256 = B256::repeat_byte(0xaa);

pub(crate) fn words(signature: &guardian_crypto::schnorr::Signature) -> GroupSignature {
    let word = |bytes| U256::from_be_bytes::<32>(bytes);
    GroupSignature { rx: word(signature.rx()), ry: word(signature.ry()), z: word(signature.z()) }
}

/// Both system contracts with their real code, and our contracts over them.
pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) signers: Signers,
    pub(crate) keys: Address,
    pub(crate) registry: Address,
    pub(crate) feed: Address,
}

impl World {
    /// The time is slot 101, and the root of slot 80 is known.
    pub(crate) async fn start() -> Option<Self> {
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
        let registry = (keys, DEPLOYER, threshold, threshold, GENESIS, 2_u64, ROOTS, REQUESTS).abi_encode_params();
        let registry = anvil.deploy("EjectionRegistry", registry).await;
        let clock = (GENESIS, 2_u64, 8_u64, 2_u64, 86_400_u64, 64_u64, ROOTS);
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
    pub(crate) async fn by_system(&self, to: Address, data: Vec<u8>) {
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

    pub(crate) async fn digest(&self, contract: Address, data: Vec<u8>) -> B256 {
        B256::from_slice(&called(&self.anvil, contract, data, 0).await.unwrap())
    }

    pub(crate) async fn signed(&self, order: Order) -> (Order, GroupSignature) {
        let digest = self.digest(self.registry, hashOrderCall { order: order.clone() }.abi_encode()).await;
        (order, words(&self.signers.signature(1, digest)))
    }

    pub(crate) async fn submitted(&self, order: Order) -> String {
        let (order, signature) = self.signed(order).await;
        let data = submitOrderCall { order, signature }.abi_encode();
        called(&self.anvil, self.registry, data, 0).await.unwrap_err()
    }

    pub(crate) async fn triggered(
        &self,
        order: Order,
        [from, count, max_fee, value]: [u64; 4],
    ) -> Result<Bytes, String> {
        let (order, signature) = self.signed(order).await;
        let positions = ((U256::from(1) << count) - U256::from(1)) << from;
        let payment = self.payment(max_fee).await;
        let data = triggerExitsCall { order, signature, positions, payment, routing: Bytes::new() }.abi_encode();
        called(&self.anvil, self.registry, data, value).await
    }

    /// To the requester that the registry has, and the rest to the caller.
    pub(crate) async fn payment(&self, max_fee: u64) -> Payment {
        let requester = called(&self.anvil, self.registry, requesterCall {}.abi_encode(), 0).await.unwrap();
        let requester = requesterCall::abi_decode_returns(&requester).unwrap();
        Payment { maxFee: U256::from(max_fee), requester, refundTo: Address::ZERO }
    }

    pub(crate) async fn report(&self, report: Report) -> Vec<u8> {
        let digest = self.digest(self.feed, hashReportCall { report: report.clone() }.abi_encode()).await;
        let packed = called(&self.anvil, self.feed, packReportCall { report }.abi_encode(), 0).await.unwrap();
        let report = packReportCall::abi_decode_returns(&packed).unwrap();
        submitReportCall { report, signature: words(&self.signers.signature(2, digest)) }.abi_encode()
    }

    pub(crate) async fn reported(&self, report: Report) -> String {
        let data = self.report(report).await;
        called(&self.anvil, self.feed, data, 0).await.unwrap_err()
    }
}

pub(crate) fn entry(index: u64, reason: u8) -> Vec<u8> {
    [index.to_be_bytes().as_slice(), &[7; 48], &[reason]].concat()
}

pub(crate) fn order(slot: u64, ejections: Vec<u8>) -> Order {
    Order { keyEpoch: 1, referenceSlot: slot, referenceRoot: ROOT, ejections: ejections.into() }
}

pub(crate) fn report(slot: u64) -> Report {
    Report {
        keyEpoch: 1,
        referenceSlot: slot,
        referenceRoot: ROOT,
        sourcesVersion: 1,
        validatorCount: 2,
        validatorGwei: 64_000_000_000,
        podGwei: 0,
        vaultGwei: 1,
        pendingGwei: 0,
        liabilityGwei: 60_000_000_000,
        supplyGwei: 50_000_000_000,
    }
}
