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

/// A beacon node that is away while it is 0, knows two forks while it is 1, and a third one, in force, while it is 2.
async fn updated(knows: &Arc<AtomicUsize>) -> Server {
    let knows = Arc::clone(knows);
    let forks = |third: bool| {
        let fork = |version: &str| json!({ "previous_version": version, "current_version": version, "epoch": "0" });
        let known = ["0x00000001", "0x01000001", "0x02000001"];
        data(known.into_iter().take(2 + usize::from(third)).map(fork).collect())
    };
    Server::start(move |asked| match (knows.load(SeqCst), asked.path()) {
        (0, _) => error(503, "restarting"),
        (known, "/eth/v1/config/fork_schedule") => forks(known == 2),
        _ => healthy(asked),
    })
    .await
}

#[tokio::test]
async fn a_fork_that_the_providers_learn_of_later_is_learnt_from_most_of_them() {
    let knows: [Arc<AtomicUsize>; 3] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(1)));
    let servers = [updated(&knows[0]).await, updated(&knows[1]).await, updated(&knows[2]).await];
    let urls = servers.each_ref().map(|server| &server.url);
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&urls, &[&node.server.url])).await.unwrap();
    // Two are updated, and the fork comes.
    for node in &knows[1..] {
        node.store(0, SeqCst);
    }
    assert!(readers.read(&Query::Finalized).await.iter().filter(|(_, answer)| answer.is_ok()).count() == 1);
    for node in &knows[1..] {
        node.store(2, SeqCst);
    }
    readers.refresh().await;
    let answers = readers.read(&Query::Finalized).await;
    assert!(answers.iter().all(|(id, answer)| answer.is_ok() == (id.0 > 0)), "{answers:?}");
    let foreign =
        |readers: &Readers| readers.stats().iter().filter(|of| of.foreign).map(|of| of.id.0).collect::<Vec<_>>();
    assert_eq!(foreign(&readers), [0]);
    // The last one is updated too.
    knows[0].store(2, SeqCst);
    readers.refresh().await;
    assert!(readers.read(&Query::Finalized).await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!(foreign(&readers), Vec::<u8>::new());
    // One alone makes nobody change sides.
    knows[1].store(1, SeqCst);
    readers.refresh().await;
    assert_eq!(foreign(&readers), [1]);
}

#[tokio::test]
async fn a_provider_of_another_chain_is_asked_no_more_than_once_in_a_while() {
    let knows = [1, 1, 2].map(|known| Arc::new(AtomicUsize::new(known)));
    let servers = [updated(&knows[0]).await, updated(&knows[1]).await, updated(&knows[2]).await];
    let urls = servers.each_ref().map(|server| &server.url);
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&urls, &[&node.server.url])).await.unwrap();
    let asked = servers[2].asked().len();
    for _ in 0..20 {
        let answers = readers.read(&Query::Finalized).await;
        assert!(answers.iter().all(|(id, answer)| matches!(answer, Err(ReadFailure::WrongChain(_))) == (id.0 == 2)));
    }
    // A slow machine may take longer than the while.
    assert!(servers[2].asked().len() - asked < 20, "{}", servers[2].asked().len() - asked);
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
