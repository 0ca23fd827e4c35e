//! What the readers make of beacon nodes: healthy ones, old ones, lagging ones, hostile ones.

mod support;

use futures::StreamExt;
use guardian_chain::{Error, Readers};
use guardian_protocol::{
    ports::{Query, ReadFailure, Reading, SignedExit},
    types::{BlsPubkey, Epoch, Gwei, ProviderId, Slot, ValidatorIndex, ValidatorRecord},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use support::{
    beacon::{self, FINALIZED_ROOT, FINALIZED_SLOT, STATE_ROOT, data, error, healthy, pubkey, pubkey_text, validator},
    config,
    execution::{Chain, Node},
    limits,
    server::{Asked, Reply, Said, Server},
};

type Answer = Result<Reading, ReadFailure>;

/// Readers of one beacon node that answers with `trouble` where that is something, else healthily.
async fn readers(trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> (Readers, Server, Node) {
    let server = Server::start(move |asked| trouble(asked).unwrap_or_else(|| healthy(asked))).await;
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&[&server.url], &[&node.server.url])).await.unwrap();
    (readers, server, node)
}

async fn ask(readers: &Readers, query: Query) -> Answer {
    let mut answers = readers.read(&query).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0).1
}

async fn finalized(trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Answer {
    let (readers, _server, _node) = readers(trouble).await;
    ask(&readers, Query::Finalized).await
}

fn validators(indices: impl IntoIterator<Item = u64>) -> Query {
    let pubkeys = indices.into_iter().map(|index| BlsPubkey::new(pubkey(index))).collect();
    Query::Validators { slot: Slot(FINALIZED_SLOT), pubkeys }
}

async fn read_validators(trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Answer {
    let (readers, _server, _node) = readers(trouble).await;
    ask(&readers, validators([1, 3])).await
}

fn at(path: &'static str, reply: Reply) -> impl Fn(&Asked) -> Option<Reply> {
    move |asked| (asked.path() == path).then(|| reply.clone())
}

fn record(index: u64) -> ValidatorRecord {
    ValidatorRecord {
        index: ValidatorIndex(index),
        pubkey: BlsPubkey::new(pubkey(index)),
        balance: Gwei(32_000_000_000 + index),
        slashed: index == 3,
        activation_epoch: Epoch(0),
        exit_epoch: Epoch::FAR_FUTURE,
    }
}

const SYNCING: &str = "/eth/v1/node/syncing";
const FINALITY: &str = "/eth/v1/beacon/states/head/finality_checkpoints";
const VALIDATORS: &str = "/eth/v1/beacon/states/24/validators";

#[tokio::test]
async fn the_network_is_what_the_providers_say() {
    let (server, node) = (Server::start(healthy).await, Node::start(Chain::default()).await);
    let (_, network) = Readers::connect(config(&[&server.url], &[&node.server.url])).await.unwrap();
    assert_eq!((network.chain_id, network.genesis_time), (7, 1000));
    assert_eq!((network.seconds_per_slot, network.slots_per_epoch), (2, 8));
    assert_eq!(network.genesis_validators_root.to_string(), beacon::GENESIS_ROOT);
    assert_eq!(network.forks.len(), 2);
    assert_eq!((network.capella_fork_version, network.deneb_fork_epoch), (None, None));
}

#[tokio::test]
async fn a_finalized_checkpoint_comes_with_its_header_and_before_the_merge_without_a_block_download() {
    let (readers, server, _node) = readers(|_| None).await;
    let Ok(Reading::Finalized(Some(checkpoint))) = ask(&readers, Query::Finalized).await else { panic!() };
    assert_eq!((checkpoint.epoch, checkpoint.block_slot, checkpoint.execution), (Epoch(3), Slot(24), None));
    assert_eq!(checkpoint.root.to_string(), FINALIZED_ROOT);
    assert_eq!(checkpoint.state_root.to_string(), STATE_ROOT);
    assert!(!server.asked().iter().any(|asked| asked.contains("blocks")));
}

#[tokio::test]
async fn nothing_is_finalized_at_epoch_zero() {
    for (epoch, root) in [("0", FINALIZED_ROOT.to_owned()), ("1", format!("0x{}", "00".repeat(32)))] {
        let reply = data(beacon::checkpoints(epoch, &root));
        assert_eq!(finalized(at(FINALITY, reply)).await, Ok(Reading::Finalized(None)));
    }
}

#[tokio::test]
async fn after_the_merge_the_execution_block_is_read_from_the_blinded_block_or_the_full_one() {
    for route in ["/eth/v1/beacon/blinded_blocks/", "/eth/v2/beacon/blocks/"] {
        let field = if route.contains("blinded") { "execution_payload_header" } else { "execution_payload" };
        let answer = finalized(move |asked| merged(asked, route, field, "ab")).await;
        let Ok(Reading::Finalized(Some(checkpoint))) = answer else { panic!("{answer:?}") };
        let block = checkpoint.execution.unwrap();
        assert_eq!((block.number, block.hash.0), (23, [0xab; 32]));
    }
    // An empty payload: Bellatrix, but not merged.
    let answer = finalized(|asked| merged(asked, "/eth/v2/beacon/blocks/", "execution_payload", "00")).await;
    assert!(matches!(answer, Ok(Reading::Finalized(Some(checkpoint))) if checkpoint.execution.is_none()));
    // A block that is not the header's, and one without a payload.
    let other = |asked: &Asked| merged(asked, "/eth/v2/beacon/blocks/", "something_else", "ab");
    assert!(matches!(finalized(other).await, Err(ReadFailure::Malformed(_))));
}

fn merged(asked: &Asked, route: &str, field: &str, hash: &str) -> Option<Reply> {
    if asked.path() == "/eth/v1/config/spec" {
        let mut spec = beacon::spec();
        (spec["BELLATRIX_FORK_EPOCH"], spec["DEPOSIT_CHAIN_ID"]) = (json!("0"), json!("7"));
        return Some(data(spec));
    }
    let payload = json!({ "block_number": "23", "block_hash": format!("0x{}", hash.repeat(32)) });
    let message = json!({ "slot": "24", "state_root": STATE_ROOT, "body": { field: payload } });
    asked.path().starts_with(route).then(|| data(json!({ "message": message, "signature": "0x" })))
}

#[tokio::test]
async fn a_node_that_does_not_follow_the_chain_has_no_answer() {
    for (field, value) in [("is_optimistic", json!(true)), ("is_syncing", json!(true))] {
        let mut sync = beacon::syncing();
        sync["sync_distance"] = json!("5");
        sync[field] = value;
        for answer in [finalized(at(SYNCING, data(sync.clone()))).await, read_validators(at(SYNCING, data(sync))).await]
        {
            assert!(matches!(answer, Err(ReadFailure::NotInSync(_))), "{field}: {answer:?}");
        }
    }
    let optimistic = json!({ "execution_optimistic": true, "data": beacon::checkpoints("3", FINALIZED_ROOT) });
    let answer = finalized(at(FINALITY, Reply::json(optimistic.to_string()))).await;
    assert!(matches!(answer, Err(ReadFailure::NotInSync(_))), "{answer:?}");
}

#[tokio::test]
async fn a_node_without_peers_says_that_it_syncs_at_distance_zero_and_may_answer() {
    let mut sync = beacon::syncing();
    sync["is_syncing"] = json!(true);
    assert!(finalized(at(SYNCING, data(sync))).await.is_ok());
}

#[tokio::test]
async fn a_lost_execution_client_matters_only_after_the_merge() {
    let mut sync = beacon::syncing();
    sync["el_offline"] = json!(true);
    assert!(finalized(at(SYNCING, data(sync.clone()))).await.is_ok());
    let answer = finalized(move |asked| {
        if asked.path() == SYNCING {
            return Some(data(sync.clone()));
        }
        merged(asked, "/eth/v2/beacon/blocks/", "execution_payload", "ab")
    });
    assert!(matches!(answer.await, Err(ReadFailure::NotInSync(_))));
}

#[tokio::test]
async fn a_header_must_be_the_one_asked_for_canonical_and_not_younger_than_its_epoch() {
    let mut wrong_root = beacon::header("24");
    wrong_root["root"] = json!(STATE_ROOT);
    let mut forked = beacon::header("24");
    forked["canonical"] = json!(false);
    for (header, fits) in [(wrong_root, "Malformed"), (forked, "NotInSync"), (beacon::header("32"), "Malformed")] {
        let answer =
            finalized(move |asked| asked.path().starts_with("/eth/v1/beacon/headers/").then(|| data(header.clone())));
        let failure = format!("{:?}", answer.await.unwrap_err());
        assert!(failure.starts_with(fits), "{failure}");
    }
}

#[tokio::test]
async fn validators_are_asked_for_in_bounded_batches_and_come_back_by_index() {
    let (readers, server, _node) = readers(|_| None).await;
    let query = validators((0..800).rev().chain([5, 999_999]));
    let expected: Vec<_> = (0..800).map(record).collect();
    assert_eq!(ask(&readers, query).await, Ok(Reading::Validators(expected)));
    let posts = server.asked().iter().filter(|asked| **asked == format!("POST {VALIDATORS}")).count();
    assert_eq!(posts, 2);
}

#[tokio::test]
async fn a_client_without_the_post_route_is_asked_by_get_with_repeated_ids_and_this_is_remembered() {
    for status in [404, 405] {
        let (readers, server, _node) =
            readers(move |asked| (asked.method == "POST").then(|| error(status, "Route not found"))).await;
        for _ in 0..2 {
            let expected: Vec<_> = (0..40).map(record).collect();
            assert_eq!(ask(&readers, validators(0..40)).await, Ok(Reading::Validators(expected)));
        }
        let asked = server.asked();
        assert_eq!(asked.iter().filter(|asked| asked.starts_with("POST")).count(), 1);
        let gets: Vec<_> = asked.iter().filter(|asked| asked.starts_with(&format!("GET {VALIDATORS}"))).collect();
        assert_eq!(gets.len(), 4);
        assert!(gets.iter().all(|get| get.len() < 4096 && !get.contains(',')));
        assert!(gets[0].contains(&format!("id={}&id={}", pubkey_text(0), pubkey_text(1))));
    }
}

#[tokio::test]
async fn where_the_state_is_not_known_by_slot_the_state_itself_is_read() {
    for id in ["24", "finalized"] {
        let answer = read_validators(move |asked| skipped(asked, id, beacon::state_ssz(24, 50))).await;
        assert_eq!(answer, Ok(Reading::Validators(vec![record(1), record(3)])));
    }
}

#[tokio::test]
async fn a_state_of_another_slot_or_another_chain_is_not_taken() {
    let answer = read_validators(|asked| skipped(asked, "finalized", beacon::state_ssz(32, 50))).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
    let mut foreign = beacon::state_ssz(24, 50);
    foreign[8] ^= 1;
    let answer = read_validators(move |asked| skipped(asked, "24", foreign.clone())).await;
    assert!(matches!(answer, Err(ReadFailure::WrongChain(_))), "{answer:?}");
    let short = beacon::state_ssz(24, 50)[..13_000].to_vec();
    let answer = read_validators(move |asked| skipped(asked, "24", short.clone())).await;
    assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{answer:?}");
    let answer = read_validators(|asked| skipped(asked, "nowhere", Vec::new())).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
}

fn skipped(asked: &Asked, id: &str, state: Vec<u8>) -> Option<Reply> {
    if asked.path() == format!("/eth/v2/debug/beacon/states/{id}") {
        let mut reply = Reply::new(200, "application/octet-stream", state);
        reply.headers.push(("eth-consensus-version", "altair".to_owned()));
        return Some(reply);
    }
    (asked.path() == VALIDATORS).then(|| error(404, "beacon state not found"))
}

#[tokio::test]
async fn a_state_of_an_unknown_fork_or_in_json_is_left_alone() {
    for (kind, version) in [("application/octet-stream", "heze"), ("application/json", "altair")] {
        let answer = read_validators(move |asked| {
            let mut reply = skipped(asked, "24", beacon::state_ssz(24, 50))?;
            if reply.status == 200 {
                reply.headers = vec![("content-type", kind.to_owned()), ("eth-consensus-version", version.to_owned())];
            }
            Some(reply)
        });
        assert!(matches!(answer.await, Err(ReadFailure::NotAvailable(_))));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_question_is_malformed() {
    let mut twin = validator(4);
    twin["validator"]["pubkey"] = json!(pubkey_text(1));
    let mut unquoted = validator(1);
    unquoted["balance"] = json!(32);
    for (what, list) in [
        ("an empty list", json!([])),
        ("an unasked validator", json!([validator(1), validator(2)])),
        ("a validator twice", json!([validator(1), validator(1)])),
        ("one key with two indices", json!([validator(1), twin])),
        ("an unquoted number", json!([unquoted])),
        ("no list", json!({})),
    ] {
        let answer = read_validators(at(VALIDATORS, data(list))).await;
        assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn validators_of_a_slot_that_is_not_final_there_are_not_available() {
    let body = json!({ "execution_optimistic": false, "finalized": false, "data": [validator(1), validator(3)] });
    let answer = read_validators(at(VALIDATORS, Reply::json(body.to_string()))).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_time_and_must_be_json() {
    let good = data(json!([validator(1), validator(3)]));
    let Said::Whole(bytes) = good.body.clone() else { panic!() };
    for (what, reply, malformed) in [
        ("oversize", good.clone().saying(Said::Endless(vec![b' '; 1 << 16])), true),
        ("truncated", good.clone().saying(Said::Truncated(bytes[..100].to_vec())), false),
        ("cut short", good.clone().saying(Said::Whole(bytes[..100].to_vec())), true),
        ("slow", good.clone().saying(Said::Hanging(bytes[..100].to_vec())), false),
        ("not JSON", Reply::new(200, "text/html", bytes.clone()), true),
        ("an HTML error page", Reply::new(502, "text/html", "<html>"), false),
    ] {
        let answer = read_validators(at(VALIDATORS, reply)).await;
        let failure = answer.unwrap_err();
        assert_eq!(matches!(failure, ReadFailure::Malformed(_)), malformed, "{what}: {failure:?}");
        assert_eq!(matches!(failure, ReadFailure::Unreachable(_)), !malformed, "{what}: {failure:?}");
    }
}

#[tokio::test]
async fn hostile_error_text_is_tamed_and_credentials_are_never_printed() {
    let said = format!("bad key 0123456789abcdef\n\u{1b}[2J{}", "x".repeat(100_000));
    let server = Server::start(move |asked| {
        let path = asked.path().strip_prefix("/v3/0123456789abcdef").unwrap();
        if path == FINALITY {
            return error(500, &said);
        }
        healthy(&Asked { target: path.to_owned(), ..asked.clone() })
    })
    .await;
    let mut url = server.url.join("/v3/0123456789abcdef/?token=topsecret").unwrap();
    url.set_username("alice").unwrap();
    url.set_password(Some("hunter2")).unwrap();
    let node = Node::start(Chain::default()).await;
    let mut rpc = node.server.url.join("/v3/0123456789abcdef").unwrap();
    rpc.set_password(Some("hunter2")).unwrap();
    let config = config(&[&url], &[&rpc]);
    let printed = format!("{config:?}");
    let (readers, _) = Readers::connect(config).await.unwrap();
    let failure = ask(&readers, Query::Finalized).await.unwrap_err();
    assert!(failure.to_string().chars().count() < 300 && failure.to_string().contains("bad key ***"));
    // A refused connection's error would name the address as well.
    drop((server, node));
    let gone = ask(&readers, Query::Finalized).await.unwrap_err();
    let gone_too = ask(&readers, Query::Landed).await.unwrap_err();
    assert!(matches!((&gone, &gone_too), (ReadFailure::Unreachable(_), ReadFailure::Unreachable(_))));
    for text in [printed, format!("{readers:?}"), failure.to_string(), format!("{gone:?} {gone_too:?}")] {
        for secret in ["hunter2", "topsecret", "0123456789abcdef", "\u{1b}", "\n"] {
            assert!(!text.contains(secret), "{secret:?} in {text}");
        }
    }
}

#[tokio::test]
async fn the_majority_defines_the_chain_and_the_others_never_count() {
    let foreign = Server::start(|asked| match asked.path() {
        "/eth/v1/beacon/genesis" => data(json!({
            "genesis_time": "1000", "genesis_validators_root": STATE_ROOT, "genesis_fork_version": "0x00000001",
        })),
        _ => healthy(asked),
    })
    .await;
    let (a, b) = (Server::start(healthy).await, Server::start(healthy).await);
    let node = Node::start(Chain::default()).await;
    let (readers, network) =
        Readers::connect(config(&[&foreign.url, &a.url, &b.url], &[&node.server.url])).await.unwrap();
    assert_eq!(network.genesis_validators_root.to_string(), beacon::GENESIS_ROOT);
    for _ in 0..2 {
        let answers = readers.read(&Query::Finalized).await;
        assert!(matches!(&answers[0], (ProviderId(0), Err(ReadFailure::WrongChain(text))) if text.contains("genesis")));
        assert!(answers[1].1.is_ok() && answers[2].1.is_ok());
    }
    assert!(!foreign.asked().iter().any(|asked| asked.contains(FINALITY)));

    let split = Readers::connect(config(&[&foreign.url, &a.url], &[&node.server.url])).await.unwrap_err();
    assert!(matches!(split, Error::NoMajority { .. }), "{split}");
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_checked_when_it_comes() {
    let present = Arc::new(AtomicUsize::new(0));
    let returning = Arc::clone(&present);
    let late =
        Server::start(move |asked| if returning.load(SeqCst) == 0 { error(503, "starting") } else { healthy(asked) })
            .await;
    let (a, b) = (Server::start(healthy).await, Server::start(healthy).await);
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&[&late.url, &a.url, &b.url], &[&node.server.url])).await.unwrap();
    let answers = readers.read(&Query::Finalized).await;
    assert!(matches!(answers[0].1, Err(ReadFailure::Unreachable(_))));
    present.store(1, SeqCst);
    assert!(readers.read(&Query::Finalized).await[0].1.is_ok());
    assert!(late.asked().iter().filter(|asked| asked.contains("genesis")).count() >= 2);

    let alone = Server::start(|_| error(503, "starting")).await;
    let none = Readers::connect(config(&[&alone.url], &[&node.server.url])).await.unwrap_err();
    assert!(matches!(none, Error::TooFewReachable { .. }), "{none}");
}

#[tokio::test]
async fn each_provider_gets_one_query_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let (readers, _server, _node) = readers(move |asked| {
        // Between a query's first request and its last.
        if asked.path() == SYNCING {
            peak.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
        }
        if asked.path().starts_with("/eth/v1/beacon/headers/") {
            inside.fetch_sub(1, SeqCst);
        }
        None
    })
    .await;
    let queries = (0..8).map(|_| ask(&readers, Query::Finalized));
    assert!(futures::future::join_all(queries).await.iter().all(Result::is_ok));
    assert_eq!((now.load(SeqCst), most.load(SeqCst)), (0, 1));
}

#[tokio::test]
async fn finality_events_nudge_and_a_broken_stream_is_opened_again() {
    let event = "event:finalized_checkpoint\ndata:{\"epoch\":\"3\"}\n\n";
    let (readers, server, _node) = readers(move |asked| {
        let said = format!(":\n\nevent:head\ndata:{{}}\n\n{event}{event}");
        (asked.path() == "/eth/v1/events").then(|| Reply::new(200, "text/event-stream", said))
    })
    .await;
    let nudges: Vec<_> = readers.finality_nudges().take(4).collect().await;
    // Opened, two events, opened again.
    assert_eq!(nudges, [ProviderId(0); 4]);
    let opened =
        server.asked().iter().filter(|asked| *asked == "GET /eth/v1/events?topics=finalized_checkpoint").count();
    assert_eq!(opened, 2);
}

#[tokio::test]
async fn an_exit_goes_to_every_pool_in_the_standard_form() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (readers, _server, _node) = readers(move |asked| {
        if asked.path() != "/eth/v1/beacon/pool/voluntary_exits" {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        let bad = body["message"]["validator_index"] == "16";
        log.lock().unwrap().push(body);
        bad.then(|| error(400, "BAD_REQUEST: Invalid object: BadSignature"))
    })
    .await;
    let mut exit = SignedExit { epoch: Epoch(23), index: ValidatorIndex(15), signature: [0xab; 96] };
    assert_eq!(readers.publish_exit(&exit).await, [(ProviderId(0), Ok(()))]);
    let body = json!({
        "message": { "epoch": "23", "validator_index": "15" }, "signature": format!("0x{}", "ab".repeat(96)),
    });
    assert_eq!(*seen.lock().unwrap(), [body]);
    exit.index = ValidatorIndex(16);
    let refused = readers.publish_exit(&exit).await;
    assert!(matches!(&refused[0].1, Err(ReadFailure::NotAvailable(text)) if text.contains("BadSignature")));
}

#[tokio::test]
async fn what_a_provider_costs_is_counted() {
    let (readers, _server, _node) = readers(|_| None).await;
    ask(&readers, Query::Finalized).await.unwrap();
    let stats = readers.stats();
    let names: Vec<_> = stats.iter().map(|stats| (stats.layer.as_str(), stats.name.as_str())).collect();
    assert_eq!(names, [("beacon", "beacon-0"), ("execution", "execution-0")]);
    // Three for the fingerprint, three for the answer.
    assert_eq!((stats[0].requests, stats[0].errors), (6, 0));
    assert!(stats[0].bytes > 500);
    assert_eq!(limits().request_timeout, Duration::from_secs(3));
}
