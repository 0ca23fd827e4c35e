//! Requests of exits (EIP-7002) against the real contracts and EIP-7002's own bytecode on a real EVM: what is paid, what comes back, and that
//! nothing is paid twice. Needs what `anvil.rs` needs.

use crate::{
    anvil::{GENESIS, PAYER, World, contracts, quick},
    support::committee::order,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address},
    sol,
    sol_types::{SolCall, SolValue},
};
use guardian_protocol::{
    At, BlsPubkey, DutyKind, EjectionRules, EventPage, ExitRequest, ProtocolEvent, Query, Reading, RequestOutcome,
    Rules, Signed, Slot, ValidatorIndex, Wei,
};
use serde_json::{Value, json};
use std::time::Duration;

/// EIP-7002's contract.
const WITHDRAWAL_REQUESTS: Address = address!("0x00000961Ef480Eb55e80D19ad83579A64c007002");
const ACCOUNT: Address = address!("0x0101010101010101010101010101010101010101");
const ETHER: Wei = 1_000_000_000_000_000_000;

sol! {
    function setRequester(address requester) external;
    function pauseExits() external;
}

/// A world whose registry knows EIP-7002's contract, with its published code, and the protocol's requester.
async fn start() -> Option<(World, Address)> {
    let vectors = std::fs::read_to_string(contracts().join("test/vectors/predeploys.json")).unwrap();
    let vectors: Value = serde_json::from_str(&vectors).unwrap();
    let code: Bytes = vectors["eip7002"]["code"].as_str().unwrap().parse().unwrap();
    let world = World::start_with(Some((WITHDRAWAL_REQUESTS, code))).await?;
    let requester = world
        .anvil
        .deploy("DevnetWithdrawalRequester", (registry(&world), WITHDRAWAL_REQUESTS).abi_encode_params())
        .await;
    set_requester(&world, requester).await;
    world.anvil.mine_at(GENESIS + 1_000).await;
    Some((world, requester))
}

fn registry(world: &World) -> Address {
    *world.contracts().duties.get(DutyKind::Ejection).unwrap()
}

async fn set_requester(world: &World, requester: Address) {
    world.anvil.transact(Some(registry(world)), setRequesterCall { requester }.abi_encode()).await;
}

fn request(order: &Signed, position: usize, requester: Address) -> ExitRequest {
    let (index, max_fee) = (ValidatorIndex(position as u64), ETHER / 1_000);
    ExitRequest {
        orders: vec![(order.digest(), position)],
        order: order.clone(),
        position,
        index,
        account: ACCOUNT,
        requester,
        max_fee,
    }
}

/// How many requests EIP-7002's contract has had: the tail of its queue, which nobody empties here.
async fn requests(world: &World) -> u64 {
    let tail = world.anvil.call("eth_getStorageAt", json!([WITHDRAWAL_REQUESTS, "0x3", "latest"])).await;
    serde_json::from_value::<U256>(tail).unwrap().to()
}

/// Fees of so many requests wait already: each one raises the next one's.
async fn excess(world: &World, excess: u64) {
    let excess = B256::from(U256::from(excess));
    world.anvil.call("anvil_setStorageAt", json!([WITHDRAWAL_REQUESTS, "0x0", excess])).await;
    world.anvil.call("evm_mine", json!([])).await;
}

async fn number(world: &World, method: &str, params: Value) -> U256 {
    serde_json::from_value(world.anvil.call(method, params).await).unwrap()
}

#[tokio::test]
async fn a_request_is_paid_once_and_what_is_left_comes_back() {
    let Some((world, requester)) = start().await else { return };
    let (sender, order) = (world.sender(quick()), world.signers.sign(10, order(&[3, 5])));
    excess(&world, 100).await;
    let from = world.anvil.head().await.number + 1;
    let before = number(&world, "eth_getBalance", json!([PAYER, "latest"])).await;
    // The order is accepted first, as it is new to the registry.
    let outcome = sender.request_exit(&request(&order, 1, requester)).await;
    let RequestOutcome::Included { transaction, gas, fee } = outcome else { panic!("{outcome:?}") };
    println!("{gas} gas, a fee of {fee} wei");
    assert!((300..400).contains(&fee), "e^(100/17) wei, not {fee}");
    let receipt = world.anvil.call("eth_getTransactionReceipt", json!([transaction])).await;
    let price: U256 = serde_json::from_value(receipt["effectiveGasPrice"].clone()).unwrap();
    let after = number(&world, "eth_getBalance", json!([PAYER, "latest"])).await;
    assert_eq!(before - after, U256::from(fee) + price * U256::from(gas), "the rest came back");
    assert_eq!(number(&world, "eth_getBalance", json!([registry(&world), "latest"])).await, U256::ZERO);

    assert_eq!(sender.request_exit(&request(&order, 1, requester)).await, RequestOutcome::AlreadyMade);
    assert_eq!(requests(&world).await, 1);
    let outcome = sender.request_exit(&request(&order, 0, requester)).await;
    assert!(matches!(outcome, RequestOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(
        (requests(&world).await, number(&world, "eth_getTransactionCount", json!([PAYER, "latest"])).await),
        (2, U256::from(2))
    );

    // What was requested is read from the logs by everybody.
    let to = world.anvil.head().await;
    let Reading::Events(EventPage { events, .. }) = world.ask(Query::Events { from, upto: to.number, at: to }).await
    else {
        panic!()
    };
    let positions =
        |bits: u8| ProtocolEvent::ExitsRequested { reference_slot: Slot(80), positions: B256::with_last_byte(bits) };
    let ordered = |byte| ProtocolEvent::Ordered { pubkey: BlsPubkey::repeat_byte(byte), reference_slot: Slot(80) };
    assert_eq!(events, [ordered(3), ordered(5), positions(2), positions(1)]);
}

#[tokio::test]
async fn above_the_ceiling_nothing_is_sent() {
    let Some((world, requester)) = start().await else { return };
    let (sender, order) = (world.sender(quick()), world.signers.sign(10, order(&[3])));
    excess(&world, 700).await;
    let outcome = sender.request_exit(&request(&order, 0, requester)).await;
    assert!(matches!(outcome, RequestOutcome::TooDear { fee } if fee > ETHER / 1_000), "{outcome:?}");
    assert_eq!(number(&world, "eth_getTransactionCount", json!([PAYER, "pending"])).await, U256::ZERO);
    excess(&world, 0).await;
    let outcome = sender.request_exit(&request(&order, 0, requester)).await;
    assert!(matches!(outcome, RequestOutcome::Included { fee: 1, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_pod_without_rights_and_a_pause_are_told_and_cost_nothing() {
    let Some((world, requester)) = start().await else { return };
    let (sender, order) = (world.sender(quick()), world.signers.sign(10, order(&[3])));
    // A requester that takes orders from another registry.
    let stranger =
        world.anvil.deploy("DevnetWithdrawalRequester", (PAYER, WITHDRAWAL_REQUESTS).abi_encode_params()).await;
    set_requester(&world, stranger).await;
    let refused = |outcome: RequestOutcome| {
        let RequestOutcome::Refused(why) = outcome else { panic!("{outcome:?}") };
        why
    };
    assert!(refused(sender.request_exit(&request(&order, 0, requester)).await).starts_with("OtherRequester"));
    let why = refused(sender.request_exit(&request(&order, 0, stranger)).await);
    assert!(why.starts_with("unknown error 0x"), "the requester's own word: {why}");
    set_requester(&world, requester).await;
    world.anvil.transact(Some(registry(&world)), pauseExitsCall {}.abi_encode()).await;
    assert!(refused(sender.request_exit(&request(&order, 0, requester)).await).starts_with("ExitsArePaused"));
    assert_eq!(number(&world, "eth_getTransactionCount", json!([PAYER, "pending"])).await, U256::ZERO);
    assert_eq!(requests(&world).await, 0);
}

#[tokio::test]
async fn a_payer_that_was_killed_uses_the_same_nonce_again() {
    let Some((world, requester)) = start().await else { return };
    let order = world.signers.sign(10, order(&[3]));
    world.anvil.call("evm_setAutomine", json!([false])).await;
    let begun = tokio::time::timeout(Duration::from_millis(50), async {
        let sender = world.sender(quick());
        let pending = async || number(&world, "eth_getTransactionCount", json!([PAYER, "pending"])).await;
        let wanted = request(&order, 0, requester);
        tokio::select! {
            outcome = sender.request_exit(&wanted) => panic!("{outcome:?} without a block"),
            () = async { while pending().await == U256::ZERO {} } => {}
        }
    });
    // Killed between request and receipt: what was sent waits in the pool.
    drop(begun.await);
    while number(&world, "eth_getTransactionCount", json!([PAYER, "pending"])).await == U256::ZERO {
        let once = world.sender(quick());
        let wanted = request(&order, 0, requester);
        drop(tokio::time::timeout(Duration::from_millis(500), once.request_exit(&wanted)).await);
    }
    let again = world.sender(quick());
    let wanted = request(&order, 0, requester);
    let (outcome, ()) = tokio::join!(again.request_exit(&wanted), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.anvil.call("evm_setAutomine", json!([true])).await;
        world.anvil.call("evm_mine", json!([])).await;
    });
    // The one that was sent first, or the one in its place.
    assert!(matches!(outcome, RequestOutcome::Included { .. } | RequestOutcome::AlreadyMade), "{outcome:?}");
    assert_eq!(requests(&world).await, 1);
    assert_eq!(
        number(&world, "eth_getTransactionCount", json!([PAYER, "latest"])).await,
        U256::from(1),
        "one was paid"
    );
}

#[tokio::test]
async fn the_requester_is_read_with_the_rules() {
    let Some((world, requester)) = start().await else { return };
    let older = world.anvil.mine_at(GENESIS + 2_000).await;
    let rules = |view: Vec<Rules>| {
        view.into_iter().find_map(|rules| if let Rules::Ejection(of) = rules { Some(of) } else { None })
    };
    let expected =
        EjectionRules { threshold: 31_750_000_000_000_000_000, exits_stopped: false, requester: Some(requester) };
    assert_eq!(rules(world.view(At::Block(older.hash)).await.rules), Some(expected));
}
