//! What is refused around the contracts, each by the name of its own error: by consumers of the feed, by those whom a trigger
//! calls, and by the stand-in for Puffer's protocol. And that no error of any contract is without such a test, or one of the contracts' own.

use crate::{
    anvil::{DEPLOYER, GENESIS, contracts},
    support::{
        called::{artifact, called, called_by},
        world::{REQUESTS, ROOTS, World, entry, order, report, triggerExitsCall},
    },
};
use alloy::{
    primitives::{Address, B256, Bytes, I256, U256, address, aliases::U80},
    sol,
    sol_types::{SolCall, SolValue},
};
use serde_json::json;
use std::path::Path;

sol! {
    function setRequester(address requester) external;
    function requestFullWithdrawals(bytes pubkeys, uint256 fee, bytes routing) external payable;
    function getRoundData(uint80 id) external view;
    function mint(uint256 amount) external;
    function requireBacked(address from, uint256 minBps) external view;
    function balanceAt(uint64 timestamp, uint64 index, bytes32 chunk, bytes siblings) external view;
    function provision(bytes[] pubKeys) external;
    function exit(bytes pubKey) external;
}

const STRANGER: Address = address!("0x7777777777777777777777777777777777777777");
const CONSUMER: Address = address!("0x8888888888888888888888888888888888888888");

/// The code of a contract that answers every call with the same words: round (and decimals), answer, start, update, round of
/// the answer.
fn answering(words: [U256; 5]) -> Bytes {
    let mut code = Vec::new();
    for (at, word) in (0_u8..).step_by(32).zip(words) {
        code.push(0x7f); // PUSH32
        code.extend(word.to_be_bytes::<32>());
        code.extend([0x60, at, 0x52]); // PUSH1, MSTORE
    }
    code.extend([0x60, 0xa0, 0x60, 0x00, 0xf3]); // RETURN of 5 words
    code.into()
}

#[tokio::test]
async fn a_consumer_refuses_an_answer_that_must_not_be_used() {
    let Some(world) = World::start().await else { return };
    let anvil = &world.anvil;
    let consumer = anvil.deploy("BackedMint", (STRANGER, U256::from(3600)).abi_encode_params()).await;
    let refused =
        async || called(anvil, consumer, mintCall { amount: U256::from(1) }.abi_encode(), 0).await.unwrap_err();
    assert_eq!(refused().await, "NoFeed");
    let (round, time) = (U256::from(18), U256::from(GENESIS + 100));
    let (one, negative, later) = (U256::from(1), I256::MINUS_ONE.into_raw(), time + U256::from(1_000_000));
    for (words, name) in [
        ([U256::from(8), one, time, time, round], "WrongDecimals"),
        ([round, U256::ZERO, time, time, round], "InvalidAnswer"),
        ([round, negative, time, time, round], "InvalidAnswer"),
        ([round, one, time, U256::ZERO, round], "IncompleteRound"),
        ([round, one, time, time, round - one], "IncompleteRound"),
        ([round, one, time, later, round], "StaleAnswer"),
    ] {
        anvil.call("anvil_setCode", json!([STRANGER, answering(words)])).await;
        assert_eq!(refused().await, name);
    }

    // 64 ether and a gwei are there, 60 ether are owed.
    let accepted = world.report(report(80)).await;
    anvil.transact(Some(world.feed), accepted).await;
    let code = artifact("ReserveReader.t.sol/ReserveReaderTest")["deployedBytecode"]["object"].clone();
    anvil.call("anvil_setCode", json!([CONSUMER, code])).await;
    let backed = |bps| requireBackedCall { from: world.feed, minBps: U256::from(bps) }.abi_encode();
    called(anvil, CONSUMER, backed(10_600), 0).await.unwrap();
    assert_eq!(called(anvil, CONSUMER, backed(10_700), 0).await.unwrap_err(), "Undercollateralised");
    let round = |id| getRoundDataCall { id: U80::from(id) }.abi_encode();
    called(anvil, world.feed, round(80), 0).await.unwrap();
    for unknown in [79, 81] {
        assert_eq!(called(anvil, world.feed, round(unknown), 0).await.unwrap_err(), "UnknownRound");
    }
}

#[tokio::test]
async fn a_proof_needs_a_root_that_the_chain_knows_and_must_lead_to_it() {
    let Some(World { anvil, .. }) = World::start().await else { return };
    // The world's predeploy knows one root: of the block of slot 81, to which no such short branch leads.
    let code = artifact("BeaconProof.sol/ValidatorReader")["deployedBytecode"]["object"].clone();
    anvil.call("anvil_setCode", json!([CONSUMER, code])).await;
    let balance = |timestamp, siblings: &[u8]| {
        balanceAtCall { timestamp, index: 0, chunk: B256::ZERO, siblings: siblings.to_vec().into() }.abi_encode()
    };
    for (call, name) in [
        (balance(GENESIS + 162, &[]), "WrongProof"),
        (balance(GENESIS + 162, &[0; 32 * 48]), "WrongProof"),
        (balance(GENESIS + 160, &[0; 32 * 48]), "UnknownBeaconRoot"),
        (balance(0, &[]), "UnknownBeaconRoot"),
    ] {
        assert_eq!(called(&anvil, CONSUMER, call, 0).await.unwrap_err(), name);
    }
}

#[tokio::test]
async fn an_exit_is_paid_for_by_who_takes_the_rest_back_and_asked_for_by_the_registry_alone() {
    let Some(mut world) = World::start().await else { return };
    let set = |requester| setRequesterCall { requester }.abi_encode();
    let requester =
        world.anvil.deploy("DevnetWithdrawalRequester", (world.registry, REQUESTS).abi_encode_params()).await;
    world.anvil.transact(Some(world.registry), set(requester)).await;
    let (order_, signature) = world.signed(order(80, entry(3, 1))).await;
    let one = U256::from(1);
    let payment = world.payment(1).await;
    let trigger =
        triggerExitsCall { order: order_, signature, positions: one, payment, routing: Bytes::new() }.abi_encode();
    // A contract that takes no ether.
    world.anvil.call("anvil_setBalance", json!([world.keys, "0xffff"])).await;
    called_by(&world.anvil, world.keys, world.registry, trigger.clone(), 1).await.unwrap();
    let outcome = called_by(&world.anvil, world.keys, world.registry, trigger, 2).await;
    assert_eq!(outcome.unwrap_err(), "RefundRefused");

    let ask = |fee: u64| {
        requestFullWithdrawalsCall { pubkeys: [7; 48].into(), fee: U256::from(fee), routing: Bytes::new() }.abi_encode()
    };
    assert_eq!(called(&world.anvil, requester, ask(1), 1).await.unwrap_err(), "NotRegistry");
    let mine = world.anvil.deploy("DevnetWithdrawalRequester", (DEPLOYER, REQUESTS).abi_encode_params()).await;
    called(&world.anvil, mine, ask(1), 1).await.unwrap();
    assert_eq!(called(&world.anvil, mine, ask(0), 0).await.unwrap_err(), "RequestRefused");

    // A chain without EIP-7002.
    let (threshold, none) = (U256::from(1), Address::ZERO);
    let registry = (world.keys, DEPLOYER, threshold, threshold, GENESIS, 2_u64, ROOTS, none).abi_encode_params();
    world.registry = world.anvil.deploy("EjectionRegistry", registry).await;
    world.anvil.transact(Some(world.registry), set(requester)).await;
    let outcome = world.triggered(order(80, entry(3, 1)), [0, 1, 1, 1]).await;
    assert_eq!(outcome.unwrap_err(), "NoWithdrawalFee");
}

#[tokio::test]
async fn the_stand_in_for_the_protocol_refuses_what_it_does_not_know() {
    let Some(World { anvil, .. }) = World::start().await else { return };
    let protocol = anvil.deploy("DevnetProtocol", Vec::new()).await;
    let key = |length| Bytes::from(vec![3; length]);
    let provision = |length| provisionCall { pubKeys: vec![key(length)] }.abi_encode();
    anvil.transact(Some(protocol), provision(48)).await;
    for (call, name) in [
        (provision(47), "InvalidPublicKeyLength"),
        (provision(48), "AlreadyProvisioned"),
        (exitCall { pubKey: key(49) }.abi_encode(), "NotProvisioned"),
    ] {
        assert_eq!(called(&anvil, protocol, call, 0).await.unwrap_err(), name);
    }
}

/// The Solidity files of a folder.
fn texts(folder: &Path) -> Vec<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => texts(&path),
        Some(extension) if extension == "sol" => vec![std::fs::read_to_string(&path).unwrap()],
        _ => Vec::new(),
    };
    paths.flat_map(read).collect()
}

/// The names of the errors that the Solidity files of a folder declare.
fn declared(folder: &Path) -> Vec<String> {
    let source = texts(folder).join("\n");
    let errors = source.lines().filter_map(|line| line.trim_start().strip_prefix("error ")?.split_once('('));
    errors.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn no_error_is_without_a_test() {
    let tests = [
        include_str!("refusals.rs"),
        include_str!("settings.rs"),
        include_str!("consumers.rs"),
        include_str!("puffer.rs"),
    ];
    let names = declared(&contracts().join("src"));
    assert!(names.len() > 40, "{names:?}");
    let own = texts(&contracts().join("test")).concat();
    let here = |name: &str| tests.iter().any(|test| test.contains(&format!("\"{name}\"")));
    let missing: Vec<_> =
        names.iter().filter(|name| !here(name) && !own.contains(&format!(".{name}.selector"))).collect();
    assert!(missing.is_empty(), "no test expects {missing:?}");
}
