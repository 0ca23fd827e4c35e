//! The set of providers: which chain they define, who counts, what they cost, and what they may learn or show.

use crate::support::{
    beacon::{self, STATE_ROOT, data, error, healthy},
    config,
    execution::{Chain, Node, targets},
    readers::{FINALITY, SYNCING, ask, readers},
    server::{Asked, Server},
};
use guardian_chain::{Error, Readers};
use guardian_protocol::{ProviderId, Query, ReadFailure};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

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
    let gone_too = ask(&readers, Query::Progress(targets())).await.unwrap_err();
    assert!(matches!((&gone, &gone_too), (ReadFailure::Unreachable(_), ReadFailure::Unreachable(_))));
    for text in [printed, format!("{readers:?}"), failure.to_string(), format!("{gone:?} {gone_too:?}")] {
        // Not even the path that a key would be in.
        for secret in ["hunter2", "topsecret", "0123456789abcdef", "/v3", "\u{1b}", "\n"] {
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
async fn what_a_provider_costs_is_counted() {
    let (readers, _server, _node) = readers(|_| None).await;
    ask(&readers, Query::Finalized).await.unwrap();
    let stats = readers.stats();
    let names: Vec<_> = stats.iter().map(|stats| (stats.layer.as_str(), stats.name.as_str())).collect();
    assert_eq!(names, [("beacon", "beacon-0"), ("execution", "execution-0")]);
    // Three for the fingerprint, three for the answer.
    assert_eq!((stats[0].requests, stats[0].errors), (6, 0));
    assert!(stats[0].bytes > 500);
}
