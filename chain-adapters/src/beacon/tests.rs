//! Every captured answer of a real consensus client goes over HTTP through the route that it belongs to, and must come out as
//! a generic reading of the same JSON says.

use super::{
    client::{BeaconClient, Routed},
    events::events,
    fingerprint::BeaconFingerprint,
    state::{Expected, StateError, StateProver, Wanted, WarmCache},
};
use crate::{
    config::{Endpoint, Limits},
    http::Http,
    support::{
        server::Server,
        vectors::{Captured, captured},
    },
};
use alloy::primitives::B256;
use bytes::Bytes;
use futures::{StreamExt, stream};
use guardian_protocol::{BlsPubkey, Epoch, Gwei, ReadFailure, SignedExit, Slot, ValidatorIndex, ValidatorRecord};
use serde_json::Value;
use std::collections::BTreeMap;

/// A client for whom every route answers with one file: the file's name is the first part of the path.
async fn replay(all: &[Captured]) -> (Server, impl Fn(&Captured) -> BeaconClient) {
    let replies: BTreeMap<String, _> = all.iter().map(|captured| (captured.file.clone(), captured.reply())).collect();
    let server = Server::start(move |asked| replies[asked.path().split('/').nth(1).unwrap()].clone()).await;
    let url = server.url.clone();
    let client = move |captured: &Captured| {
        let endpoint = Endpoint::new(captured.file.clone(), url.join(&captured.file).unwrap());
        BeaconClient::new(Http::new(endpoint, Limits::default()).unwrap())
    };
    (server, client)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    text(value).parse().unwrap()
}

fn record(entry: &Value) -> ValidatorRecord {
    let validator = &entry["validator"];
    ValidatorRecord {
        index: ValidatorIndex(number(&entry["index"])),
        pubkey: text(&validator["pubkey"]).parse().unwrap(),
        withdrawal_credentials: text(&validator["withdrawal_credentials"]).parse().unwrap(),
        balance: Gwei(number(&entry["balance"])),
        effective_balance: Gwei(number(&validator["effective_balance"])),
        slashed: validator["slashed"].as_bool().unwrap(),
        activation_epoch: Epoch(number(&validator["activation_epoch"])),
        exit_epoch: Epoch(number(&validator["exit_epoch"])),
        withdrawable_epoch: Epoch(number(&validator["withdrawable_epoch"])),
        participation: None,
        pending_withdrawals: None,
    }
}

fn records(captured: &Captured) -> Vec<ValidatorRecord> {
    captured.json()["data"].as_array().unwrap().iter().map(record).collect()
}

fn find<'a>(all: &'a [Captured], file: &str) -> &'a Captured {
    all.iter().find(|captured| captured.file == file).unwrap()
}

async fn fingerprint(all: &[Captured], client: &impl Fn(&Captured) -> BeaconClient) -> BeaconFingerprint {
    let genesis = client(find(all, "genesis.json")).genesis().await.unwrap();
    let spec = client(find(all, "config_spec.json")).spec().await.unwrap();
    let schedule = client(find(all, "fork_schedule.json")).fork_schedule().await.unwrap();
    BeaconFingerprint::new(&genesis, &spec, &schedule).unwrap()
}

/// Which of our routes an answer belongs to.
fn route(captured: &Captured) -> &'static str {
    let path = captured.path.split('?').next().unwrap();
    let ssz = captured.file.ends_with(".ssz");
    match captured.method.as_str() {
        "POST" if path.ends_with("/pool/voluntary_exits") => "exit",
        "POST" if path.ends_with("/validators") => "post",
        "GET" if path.ends_with("/validators") => "get",
        "GET" if path.ends_with("/node/syncing") => "syncing",
        "GET" if path.ends_with("/finality_checkpoints") => "finality",
        "GET" if path.contains("/beacon/headers/") => "header",
        "GET" if (path.contains("/beacon/blocks/") || path.contains("/blinded_blocks/")) && !ssz => "block",
        "GET" if path.contains("/debug/beacon/states/") => "state",
        "GET" if path.ends_with("/events") => "events",
        _ => "other",
    }
}

#[tokio::test]
async fn every_captured_answer_is_read_as_it_stands() {
    let Some(all) = captured() else { return };
    let (_server, client) = replay(&all).await;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for captured in &all {
        let route = route(captured);
        *seen.entry(route).or_default() += 1;
        let client = client(captured);
        match route {
            "syncing" => check_syncing(&client, captured).await,
            "finality" => check_finality(&client, captured).await,
            "header" => check_header(&client, captured).await,
            "block" => check_block(&client, captured).await,
            "post" | "get" => check_validators(&client, captured, route).await,
            "exit" => check_exit(&client, captured).await,
            "state" => check_state_route(&client, captured).await,
            "events" => check_events(&client, captured).await,
            _ => check_other(&client, captured).await,
        }
    }
    println!("{seen:?}");
    for route in ["syncing", "finality", "header", "block", "post", "get", "exit", "state", "events", "other"] {
        assert!(seen.contains_key(route), "no file for {route}");
    }
}

async fn check_syncing(client: &BeaconClient, captured: &Captured) {
    let (sync, said) = (client.syncing().await.unwrap(), &captured.json()["data"]);
    assert_eq!(sync.head_slot.0, number(&said["head_slot"]), "{}", captured.file);
    assert_eq!(sync.sync_distance.0, number(&said["sync_distance"]));
    assert_eq!(
        [sync.is_syncing, sync.is_optimistic, sync.el_offline].map(Value::from),
        [&said["is_syncing"], &said["is_optimistic"], &said["el_offline"]].map(Clone::clone),
    );
}

async fn check_finality(client: &BeaconClient, captured: &Captured) {
    let (finalized, said) = (client.finalized().await.unwrap(), &captured.json()["data"]["finalized"]);
    assert_eq!(finalized.epoch.0, number(&said["epoch"]), "{}", captured.file);
    assert_eq!(B256::from(finalized.root.0).to_string(), text(&said["root"]));
}

async fn check_header(client: &BeaconClient, captured: &Captured) {
    let answer = client.header(B256::ZERO).await;
    if captured.status == 404 {
        assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{}: {answer:?}", captured.file);
        return;
    }
    let said = captured.json();
    if said["execution_optimistic"] == true {
        assert!(matches!(answer, Err(ReadFailure::NotInSync(_))), "{}: {answer:?}", captured.file);
        return;
    }
    let header = answer.unwrap();
    assert_eq!(B256::from(header.root.0).to_string(), text(&said["data"]["root"]));
    let message = &said["data"]["header"]["message"];
    assert_eq!(header.header.message.slot.0, number(&message["slot"]));
    assert_eq!(B256::from(header.header.message.state_root.0).to_string(), text(&message["state_root"]));
}

async fn check_block(client: &BeaconClient, captured: &Captured) {
    let answer = client.block(B256::ZERO).await;
    if captured.status == 404 {
        assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{}: {answer:?}", captured.file);
        return;
    }
    // The route /blocks/{id}/root is not ours; what it says is no block.
    let message = &captured.json()["data"]["message"];
    if message.is_null() {
        assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{}: {answer:?}", captured.file);
        return;
    }
    let block = answer.unwrap().message;
    assert_eq!(block.slot.0, number(&message["slot"]));
    let payload = block.body.execution_payload.unwrap();
    let body = &message["body"];
    let said = body.get("execution_payload").unwrap_or_else(|| &body["execution_payload_header"]);
    assert_eq!(payload.block_number.0, number(&said["block_number"]));
    assert_eq!(B256::from(payload.block_hash.0).to_string(), text(&said["block_hash"]));
}

async fn check_validators(client: &BeaconClient, captured: &Captured, route: &str) {
    let keys = [BlsPubkey::ZERO];
    let answer = match route {
        "post" => client.validators_by_post(Slot(0), &keys).await,
        _ => client.validators_by_get(Slot(0), &keys).await,
    };
    match captured.status {
        200 => {
            let Ok(Routed::Found(answer)) = answer else { panic!("{}: {answer:?}", captured.file) };
            let optimistic = captured.json()["execution_optimistic"].as_bool();
            assert_eq!(answer.execution_optimistic, optimistic, "{}", captured.file);
            let read: Vec<ValidatorRecord> = answer.data.into_iter().map(Into::into).collect();
            assert_eq!(read, records(captured), "{}", captured.file);
        }
        400 => assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{}: {answer:?}", captured.file),
        404 => assert!(matches!(answer, Ok(Routed::Absent(_))), "{}: {answer:?}", captured.file),
        other => panic!("{}: {other}", captured.file),
    }
}

async fn check_exit(client: &BeaconClient, captured: &Captured) {
    let exit = SignedExit { epoch: Epoch(23), index: ValidatorIndex(15), signature: [0; 96] };
    let answer = client.publish_exit(&exit).await;
    let leaves = String::from_utf8_lossy(&captured.body).contains("AlreadyExited");
    match captured.status {
        200 => assert_eq!(answer, Ok(()), "{}", captured.file),
        // Nothing is missing.
        400 if leaves => assert_eq!(answer, Ok(()), "{}", captured.file),
        // The client read the request and will never take it: the exit is wrong (400), or its form is (415).
        400 | 415 => assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{}: {answer:?}", captured.file),
        _ => assert!(matches!(answer, Err(ReadFailure::Unreachable(_))), "{}: {answer:?}", captured.file),
    }
    // The form that the client accepted is the form that is sent.
    if captured.file == "exit_ok_15.json" {
        let accepted: Value = serde_json::from_str(captured.request_body.as_ref().unwrap()).unwrap();
        assert_eq!(accepted["message"], serde_json::json!({ "epoch": "23", "validator_index": "15" }));
    }
}

async fn check_state_route(client: &BeaconClient, captured: &Captured) {
    match client.state("finalized").await.unwrap() {
        Routed::Found(_) => assert_eq!(captured.status, 200, "{}", captured.file),
        Routed::Absent(_) => assert_eq!(captured.status, 404, "{}", captured.file),
    }
}

async fn check_events(client: &BeaconClient, captured: &Captured) {
    let answer = client.finality_events().await;
    if captured.status != 200 {
        assert!(answer.is_err(), "{}", captured.file);
        return;
    }
    assert!(answer.is_ok(), "{}", captured.file);
    let said: Vec<String> = String::from_utf8(captured.body.clone())
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("event:").map(|name| name.trim().to_owned()))
        .collect();
    for piece in [1, 100, 100_000] {
        let pieces: Vec<_> = captured.body.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let read: Vec<String> = events(stream::iter(pieces)).map(|event| event.unwrap().event).collect().await;
        // A capture may stop within its last event, which then does not count.
        assert!(
            said.starts_with(&read) && said.len() <= read.len() + 1,
            "{}: {} of {}",
            captured.file,
            read.len(),
            said.len()
        );
    }
}

/// Routes that are not ours never yield a validator.
async fn check_other(client: &BeaconClient, captured: &Captured) {
    if let Ok(Routed::Found(answer)) = client.validators_by_get(Slot(0), &[BlsPubkey::ZERO]).await {
        assert!(answer.data.is_empty(), "{}", captured.file);
    }
}

#[tokio::test]
async fn the_network_of_the_capture_is_understood() {
    let Some(all) = captured() else { return };
    let (_server, client) = replay(&all).await;
    let chain = fingerprint(&all, &client).await;
    assert_eq!((chain.seconds_per_slot, chain.slots_per_epoch, chain.deposit_chain_id), (3, 8, Some(1337)));
    assert_eq!(chain.forks.iter().map(|fork| fork.version[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!((chain.bellatrix, chain.deneb), (Some(Epoch(0)), Some(Epoch(0))));
    assert_eq!(chain.capella_version, Some([3, 0, 0, 1]));
    assert!(chain.preset == Some(super::state::MINIMAL));
}

/// All validators of a captured state, read in pieces of `piece` bytes.
fn scan(
    chain: &BeaconFingerprint,
    state: &Captured,
    slot: Slot,
    piece: usize,
) -> Result<Vec<ValidatorRecord>, StateError> {
    let registry = all_keys(&state.body);
    let expected = Expected {
        genesis_time: chain.genesis_time,
        genesis_validators_root: chain.genesis_validators_root,
        slot: slot.0,
    };
    let wanted = Wanted::validators(registry);
    let mut prover = StateProver::new("deneb", chain.preset.unwrap(), Some(expected), wanted, WarmCache::default())?;
    for piece in state.body.chunks(piece) {
        prover.feed(piece)?;
    }
    Ok(prover.finish().0?.extract.validators.into_iter().map(|tracked| tracked.record).collect())
}

/// Every 48 bytes that might be a key: reading must find exactly those that are.
fn all_keys(state: &[u8]) -> Vec<BlsPubkey> {
    state.windows(48).filter(|bytes| bytes[0] & 0x80 != 0).map(BlsPubkey::from_slice).collect()
}

#[tokio::test]
async fn captured_states_in_ssz_say_what_the_same_states_say_in_json() {
    let Some(all) = captured() else { return };
    let (_server, client) = replay(&all).await;
    let chain = fingerprint(&all, &client).await;
    let json = find(&all, "debug_state_by_root_json.json").json();
    let (validators, balances) = (&json["data"]["validators"], &json["data"]["balances"]);
    let expected: Vec<ValidatorRecord> = validators
        .as_array()
        .unwrap()
        .iter()
        .zip(balances.as_array().unwrap())
        .zip(0_u64..)
        .map(|((validator, balance), index)| {
            record(&serde_json::json!({ "index": index.to_string(), "balance": balance, "validator": validator }))
        })
        .collect();
    assert_eq!(expected.len(), 32);
    for file in ["debug_state_by_root.ssz", "debug_state_by_slot.ssz", "debug_state_finalized.ssz"] {
        for piece in [1, 1000, 100_000] {
            assert_eq!(scan(&chain, find(&all, file), Slot(24), piece).unwrap(), expected, "{file}");
        }
    }
    assert!(matches!(
        scan(&chain, find(&all, "debug_state_by_root.ssz"), Slot(32), 1000),
        Err(StateError::WrongSlot { asked: 32, found: 24 })
    ));
}

#[tokio::test]
async fn where_the_epochs_first_slot_was_skipped_the_state_says_what_the_route_by_index_says() {
    let Some(all) = captured() else { return };
    let (_server, client) = replay(&all).await;
    let chain = fingerprint(&all, &client).await;
    // The finalized block is of slot 63; the state is advanced to the boundary.
    let state = scan(&chain, find(&all, "skip_debug_state_finalized.ssz"), Slot(64), 4096).unwrap();
    assert_eq!(state, records(find(&all, "skip_validators_finalized.json")));
}
