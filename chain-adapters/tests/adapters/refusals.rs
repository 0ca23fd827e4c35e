//! What the contracts refuse of orders, reports and triggers, each by the name of its own error. `settings.rs` has what
//! they refuse of those who deploy and govern them, `consumers.rs` what is refused around them.

use crate::{
    anvil::{DEPLOYER, GENESIS},
    support::{
        called::called,
        world::{
            Order, REQUESTS, ROOT, ROOTS, Report, SYSTEM, World, entry, order, report, submitOrderCall,
            triggerExitsCall,
        },
    },
};
use alloy::{
    primitives::{B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use serde_json::json;

sol! {
    function setRequester(address requester) external;
    function mint(uint256 amount) external;
    function pause() external;
    function unpause() external;
    function veto() external;
    function execute() external;
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
    called(&world.anvil, consumer, mint(4_000_000_001), 0).await.unwrap();
    assert_eq!(called(&world.anvil, consumer, mint(4_000_000_002), 0).await.unwrap_err(), "NotCovered");
    world.anvil.call("evm_setNextBlockTimestamp", json!([GENESIS + 302])).await;
    world.by_system(ROOTS, ROOT.to_vec()).await;
    let halved = Report { referenceSlot: 150, validatorGwei: 32_000_000_000, ..good() };
    let snapshot = world.anvil.call("evm_snapshot", json!([])).await;
    let halved = world.report(halved).await;
    world.anvil.transact(Some(world.feed), halved).await;
    assert_eq!(called(&world.anvil, consumer, mint(1), 0).await.unwrap_err(), "Contested");
    world.anvil.call("evm_revert", json!([snapshot])).await;
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
    let payment = world.payment(1).await;
    let data =
        triggerExitsCall { order, signature, positions: U256::from(3), payment, routing: Bytes::new() }.abi_encode();
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
