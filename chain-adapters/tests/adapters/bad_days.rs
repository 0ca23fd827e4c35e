//! The days that the contracts are made for, on a real EVM and with the guardians' own reader and sender: a loss, and a stolen key.

use crate::{
    anvil::{DEPLOYER, GENESIS, World, quick},
    support::called::called,
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use guardian_protocol::{At, CallOutcome, DutyBody, DutyKind, Gwei, Reported, ReserveReport, Rules};
use serde_json::{Value, json};

sol! {
    struct Bounds { uint64 minAssets; uint64 maxAssets; uint64 minLiabilities; uint64 maxLiabilities; uint64 untilSlot; }
    function setBounds(Bounds bounds) external;
    function contest(uint64 referenceSlot) external;
    function isContested() external view returns (bool contested);
    function isStale() external view returns (bool stale);
    function mint(uint256 amount) external;
    function pause() external;
}

/// Slots in an epoch of this chain.
const SLOTS: u64 = 8;

fn report(assets: u64, liabilities: u64) -> DutyBody {
    DutyBody::Reserves(ReserveReport {
        validator_count: 2,
        validators: Gwei(assets),
        pods: Gwei(0),
        vaults: Gwei(0),
        pending: Gwei(0),
        liabilities: Gwei(liabilities),
        supply: Gwei(50_000_000_000),
        sources_version: 1,
    })
}

/// A world in whose epoch 10 there are 64 ether against 60, and a consumer that relies on the feed.
struct Day {
    world: World,
    feed: Address,
    consumer: Address,
}

impl Day {
    async fn begin() -> Option<Self> {
        let world = World::start().await?;
        let feed = *world.contracts().duties.get(DutyKind::Reserves).unwrap();
        let consumer = world.anvil.deploy("BackedMint", (feed, U256::from(14_400)).abi_encode_params()).await;
        let day = Self { world, feed, consumer };
        day.world.anvil.mine_at(GENESIS + 1_000).await;
        day.report(10, 64_000_000_000, 60_000_000_000).await;
        assert_eq!(day.minted().await, None, "a fresh feed");
        Some(day)
    }

    /// The guardians' report lands: whatever it says, the feed takes it.
    async fn report(&self, epoch: u64, assets: u64, liabilities: u64) {
        let outcome = self.submit(epoch, assets, liabilities).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    }

    async fn submit(&self, epoch: u64, assets: u64, liabilities: u64) -> CallOutcome {
        let signed = self.world.signers.sign(epoch, report(assets, liabilities));
        self.world.sender(quick()).submit(&signed).await
    }

    /// Why the consumer would not act now.
    async fn minted(&self) -> Option<String> {
        let call = mintCall { amount: U256::from(1) }.abi_encode();
        called(&self.world.anvil, self.consumer, call, 0).await.err()
    }

    async fn says(&self, call: impl SolCall) -> bool {
        let answer = called(&self.world.anvil, self.feed, call.abi_encode(), 0).await.unwrap();
        bool::abi_decode(&answer).unwrap()
    }

    /// What guardians read as the feed's last report.
    async fn last(&self) -> Option<Reported> {
        let view = self.world.view(At::Block(self.world.anvil.head().await.hash)).await;
        let of = |rules: &Rules| if let Rules::Reserves(rules) = rules { Some(rules.last) } else { None };
        view.rules.iter().find_map(of).unwrap()
    }

    /// Transactions of the governor's in one block, and whether each succeeded.
    async fn in_one_block(&self, calls: &[(Address, Vec<u8>)]) -> Vec<bool> {
        let anvil = &self.world.anvil;
        anvil.call("evm_setAutomine", json!([false])).await;
        let mut hashes = Vec::new();
        for (to, data) in calls {
            let request = json!({ "from": DEPLOYER, "to": to, "data": Bytes::from(data.clone()), "gas": "0x100000" });
            hashes.push(anvil.call("eth_sendTransaction", json!([request])).await);
        }
        anvil.call("evm_mine", json!([])).await;
        anvil.call("evm_setAutomine", json!([true])).await;
        let mut receipts: Vec<Value> = Vec::new();
        for hash in hashes {
            receipts.push(anvil.call("eth_getTransactionReceipt", json!([hash])).await);
        }
        assert!(receipts.iter().all(|receipt| receipt["blockNumber"] == receipts[0]["blockNumber"]), "{receipts:?}");
        receipts.iter().map(|receipt| receipt["status"] == "0x1").collect()
    }
}

#[tokio::test]
async fn a_loss_shows_at_once_and_counts_inside_bounds_that_were_set() {
    let Some(day) = Day::begin().await else { return };
    let anvil = &day.world.anvil;
    // An interval later, 30 % is gone, of what stands behind the shares and of what they are worth.
    let (assets, liabilities) = (44_800_000_000, 42_000_000_000);
    day.report(18, assets, liabilities).await;
    assert!(day.says(isContestedCall {}).await && day.says(isStaleCall {}).await);
    assert_eq!(day.minted().await.as_deref(), Some("Contested"), "the consumer refuses");
    let seen = Reported { assets: Gwei(assets).to_wei(), liabilities: Gwei(liabilities).to_wei() };
    assert_eq!(day.last().await, Some(seen), "the guardians go on from there");

    // A timelock's word, for the reports that follow.
    let bounds = Bounds {
        minAssets: assets,
        maxAssets: assets + 1_000_000_000,
        minLiabilities: liabilities,
        maxLiabilities: liabilities,
        untilSlot: 19 * SLOTS,
    };
    anvil.transact(Some(day.feed), setBoundsCall { bounds }.abi_encode()).await;
    assert!(day.says(isContestedCall {}).await, "what was contested stays so");
    day.report(19, assets + 1, liabilities).await;
    assert!(!day.says(isContestedCall {}).await && !day.says(isStaleCall {}).await);
    assert_eq!(day.minted().await, None, "the consumer goes on with the truth");
}

#[tokio::test]
async fn what_a_thief_reports_is_refused_by_consumers_in_the_block_of_the_pause() {
    let Some(day) = Day::begin().await else { return };
    let keys = day.world.contracts().guardian_keys;
    // Inside the limits, so that nothing is wrong with it but the signer.
    day.report(11, 66_000_000_000, 60_000_000_000).await;
    assert_eq!(day.minted().await, None, "the thief's report counts");

    let mint = || (day.consumer, mintCall { amount: U256::from(1) }.abi_encode());
    let (pause, contest) = (pauseCall {}.abi_encode(), contestCall { referenceSlot: 11 * SLOTS }.abi_encode());
    let block = [mint(), (keys, pause), mint(), (day.feed, contest), mint()];
    assert_eq!(day.in_one_block(&block).await, [true, true, false, true, false]);
    assert_eq!(day.minted().await.as_deref(), Some("Contested"), "retracted");
    let next = day.submit(12, 66_000_000_000, 60_000_000_000).await;
    assert!(matches!(&next, CallOutcome::Refused(why) if why.starts_with("KeysPaused")), "{next:?}");
}
