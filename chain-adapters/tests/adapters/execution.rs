//! What the readers make of execution nodes.

use crate::support::{
    beacon::{healthy, pubkey},
    config,
    execution::{Chain, KEY, Node, POD, VAULT, hash, provisioned, targets},
    server::{Reply, Server},
};
use guardian_chain::{Error, Readers};
use guardian_protocol::{
    At, BlockRef, BlsPubkey, ChainView, DutyKind, EjectionRules, EventPage, KeyEpoch, Level, OnChainProgress,
    ProtocolEvent, Query, ReadFailure, Reading, Reported, ReserveRules, Rules,
};
use serde_json::json;
use std::{collections::VecDeque, ops::RangeInclusive};

async fn readers(chain: Chain) -> (Readers, Node, Server) {
    let (node, beacon) = (Node::start(chain).await, Server::start(healthy).await);
    let (readers, _) = Readers::connect(config(&[&beacon.url], &[&node.server.url])).await.unwrap();
    (readers, node, beacon)
}

async fn ask(readers: &Readers, query: Query) -> Result<Reading, ReadFailure> {
    readers.read(&query).await.remove(0).1
}

async fn at_time(readers: &Readers, time: u64) -> Result<ChainView, ReadFailure> {
    match ask(readers, Query::Chain(At::Time(time))).await? {
        Reading::Chain(view) => Ok(*view),
        other => panic!("{other:?}"),
    }
}

fn block(number: u64) -> BlockRef {
    BlockRef { number, hash: hash(number), timestamp: 1000 + number * 2 }
}

#[tokio::test]
async fn rules_and_progress_are_read_at_the_block_asked_for() {
    let (readers, _node, _beacon) = readers(Chain::default()).await;
    let Ok(Reading::Chain(view)) = ask(&readers, Query::Chain(At::Block(hash(42)))).await else { panic!() };
    assert_eq!(view.block, block(42));
    let ejection = EjectionRules { threshold: 31_750_000_000_000_000_000, exits_stopped: false, requester: None };
    let (vaults, pods) = (vec![(VAULT, 77)], vec![(POD, 77)]);
    let reserves = ReserveRules {
        period: 2,
        vaults,
        pods,
        sources_version: 3,
        liabilities: 2_000_000_000_002,
        supply: 1_000_000_000_001,
        deviation_bps: 50,
        last: Some(Reported { assets: 90, liabilities: 80 }),
    };
    assert_eq!(view.rules, [Rules::Ejection(ejection), Rules::Reserves(reserves)]);
    assert_eq!(view.accepted(DutyKind::Ejection), Level(8));
    assert_eq!(view.accepted(DutyKind::Reserves), Level(16));
    assert_eq!(view.key_epoch, KeyEpoch(1));
    let (x, y) = view.group_key.coordinates();
    assert_eq!([x, y].map(alloy::primitives::hex::encode), KEY);
}

#[tokio::test]
async fn a_block_that_is_unknown_or_older_than_the_contracts_gives_no_view() {
    let (readers, _node, _beacon) = readers(Chain::default()).await;
    for number in [5, 500] {
        let answer = ask(&readers, Query::Chain(At::Block(hash(number)))).await;
        assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_time_finds_the_last_block_that_is_not_after_it() {
    let (readers, _node, _beacon) = readers(Chain::default()).await;
    // Blocks have even times from 1000 to 1198, the contracts exist from block 10, time 1020, on.
    for (time, number) in [(1020, 10), (1021, 10), (1022, 11), (1100, 50), (1101, 50), (1196, 98), (1197, 98)] {
        assert_eq!(at_time(&readers, time).await.unwrap().block, block(number), "at {time}");
    }
    // The head's successor might still be of this time.
    for time in [1198, 1199, 9999] {
        assert!(matches!(at_time(&readers, time).await, Err(ReadFailure::NotAvailable(_))), "at {time}");
    }
    // Before the first block that matters.
    for time in [1019, 0] {
        assert!(matches!(at_time(&readers, time).await, Err(ReadFailure::NotAvailable(_))), "at {time}");
    }
}

#[tokio::test]
async fn blocks_of_one_time_and_long_gaps_do_not_confuse_the_search() {
    let mut timestamps = vec![1000; 40];
    timestamps.extend([5000; 10]);
    timestamps.push(9000);
    let chain = Chain { timestamps, finalized: None, ..Chain::default() };
    let (readers, node, _beacon) = readers(chain).await;
    for (time, number) in [(1000, 39), (4999, 39), (5000, 49), (8999, 49)] {
        let found = at_time(&readers, time).await.unwrap().block;
        assert_eq!(found, node.chain().block(number), "at {time}");
    }
}

#[tokio::test]
async fn the_search_takes_few_steps_on_a_long_chain() {
    let timestamps = (0..200_000).map(|number| 1000 + number * 12).collect();
    let (readers, node, _beacon) = readers(Chain { timestamps, ..Chain::default() }).await;
    let before = node.server.asked().len();
    assert_eq!(at_time(&readers, 1000 + 1_234 * 12 + 5).await.unwrap().block.number, 1_234);
    assert!(node.server.asked().len() - before < 60);
}

#[tokio::test]
async fn events_come_in_order_from_ranges_that_the_node_bears() {
    let mut chain = Chain { log_range: 7, ..Chain::default() };
    chain.logs = (10..90).rev().map(|number| provisioned(number, number % 3, pubkey(number))).collect();
    let (readers, node, _beacon) = readers(chain).await;
    assert_eq!(events(&readers, 10..=80, block(80)).await, expected(10..=80));
    let first = node.chain().log_requests;
    assert_eq!(events(&readers, 20..=20, block(20)).await, expected(20..=20));
    assert_eq!(events(&readers, 10..=80, block(90)).await, expected(10..=80));
    // What the node bears is remembered: the second time nothing is refused.
    assert!(node.chain().log_requests - first - 1 < first);
}

/// The page of these blocks, on the branch of `at`.
async fn events(readers: &Readers, blocks: RangeInclusive<u64>, at: BlockRef) -> Result<Reading, ReadFailure> {
    ask(readers, Query::Events { from: *blocks.start(), upto: *blocks.end(), at }).await
}

/// A validator in every one of these blocks.
#[expect(clippy::unnecessary_wraps, reason = "it is compared with an answer")]
fn expected(blocks: RangeInclusive<u64>) -> Result<Reading, ReadFailure> {
    let (from, upto) = (*blocks.start(), block(*blocks.end()));
    let provisioned = |number| ProtocolEvent::Provisioned(BlsPubkey::new(pubkey(number)));
    Ok(Reading::Events(EventPage { from, upto, events: blocks.map(provisioned).collect() }))
}

/// A chain with a validator in every block from 10 on.
fn populated() -> Chain {
    let logs = (10..90).map(|number| provisioned(number, 0, pubkey(number))).collect();
    Chain { logs, ..Chain::default() }
}

#[tokio::test]
async fn a_node_that_is_asked_too_often_is_asked_later_and_for_as_much() {
    for words in ["project ID request rate exceeded", "limit exceeded", "Too many requests, slow down"] {
        let quota = VecDeque::from([words; 3]);
        let (readers, node, _beacon) = readers(Chain { quota, ..populated() }).await;
        assert_eq!(events(&readers, 10..=80, block(80)).await, expected(10..=80), "{words}");
        assert_eq!(node.chain().log_requests, 3 + 1, "{words}");
        assert_eq!(events(&readers, 10..=80, block(80)).await, expected(10..=80), "{words}");
        assert_eq!(node.chain().log_requests, 3 + 1 + 1, "{words}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_pieces() {
    let (node, beacon) = (Node::start(populated()).await, Server::start(healthy).await);
    let mut config = config(&[&beacon.url], &[&node.server.url]);
    config.limits.rpc_bytes = 16 << 10;
    let (readers, _) = Readers::connect(config).await.unwrap();
    assert_eq!(events(&readers, 10..=80, block(80)).await, expected(10..=80));
    assert!(node.chain().log_requests > 1);
}

#[tokio::test]
async fn the_protocols_own_books_are_read_where_it_keeps_any() {
    for (books, revert) in [(Some(3), None), (None, None), (None, Some(vec![1, 2, 3, 4]))] {
        let (readers, _node, _beacon) = readers(Chain { books, revert, ..Chain::default() }).await;
        let Ok(Reading::Chain(view)) = ask(&readers, Query::Chain(At::Block(hash(42)))).await else { panic!() };
        assert_eq!(view.active_validators, books);
    }
}

#[tokio::test]
async fn a_node_that_follows_the_head_and_builds_an_index_is_in_sync() {
    let at =
        |current: &str| json!({ "currentBlock": current, "highestBlock": "0x63", "txIndexRemainingBlocks": "0x9" });
    let (followed, _node, _beacon) = readers(Chain { syncing: Some(at("0x63")), ..Chain::default() }).await;
    assert!(ask(&followed, Query::Progress(targets())).await.is_ok());
    let (behind, _node, _beacon) = readers(Chain { syncing: Some(at("0x62")), ..Chain::default() }).await;
    assert!(matches!(ask(&behind, Query::Progress(targets())).await, Err(ReadFailure::NotInSync(_))));
}

#[tokio::test]
async fn events_are_of_the_branch_that_was_asked_for() {
    let (readers, _node, _beacon) = readers(Chain::default()).await;
    for (last, at) in [
        (80, BlockRef { hash: hash(1), ..block(80) }),
        (40, BlockRef { hash: hash(1), ..block(80) }),
        (40, BlockRef { number: 5000, ..block(80) }),
        (81, block(80)),
    ] {
        let answer = events(&readers, 10..=last, at).await;
        assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_node_that_can_bear_no_range_at_all_has_no_answer() {
    let (readers, _node, _beacon) = readers(Chain { log_range: 0, ..Chain::default() }).await;
    let answer = events(&readers, 10..=80, block(80)).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
}

#[tokio::test]
async fn what_is_accepted_is_told_at_the_head_and_at_the_finalized_block() {
    for (finalized, accepted) in [
        (Some(90), true),
        // The contracts are younger than the finalized block, or nothing is final.
        (Some(9), false),
        (None, false),
    ] {
        let (readers, _node, _beacon) = readers(Chain { finalized, ..Chain::default() }).await;
        let answer = ask(&readers, Query::Progress(targets())).await;
        let expected = targets().into_iter().map(|(kind, subject)| {
            let head = *Chain::default().accepted.get(kind).unwrap();
            let finalized = if accepted { head } else { Level(0) };
            ((kind, subject), OnChainProgress { head, finalized })
        });
        assert_eq!(answer, Ok(Reading::Progress(expected.collect())));
    }
}

#[tokio::test]
async fn without_contracts_at_the_head_nothing_is_said_about_progress() {
    let (readers, _node, _beacon) = readers(Chain { created: 1000, ..Chain::default() }).await;
    assert!(matches!(ask(&readers, Query::Progress(targets())).await, Err(ReadFailure::NotAvailable(_))));
}

#[tokio::test]
async fn an_empty_answer_of_a_contract_that_exists_does_not_mean_that_nothing_was_accepted() {
    let (readers, _node, _beacon) = readers(Chain { silent: Some(90), ..Chain::default() }).await;
    assert!(matches!(ask(&readers, Query::Progress(targets())).await, Err(ReadFailure::NotAvailable(_))));
}

#[tokio::test]
async fn a_syncing_node_has_no_answer_about_its_head() {
    let (readers, _node, _beacon) =
        readers(Chain { syncing: Some(json!({ "currentBlock": "0x1" })), ..Chain::default() }).await;
    assert!(matches!(ask(&readers, Query::Progress(targets())).await, Err(ReadFailure::NotInSync(_))));
    assert!(matches!(at_time(&readers, 1100).await, Err(ReadFailure::NotInSync(_))));
}

#[tokio::test]
async fn a_node_of_another_chain_id_never_counts_and_the_operators_chain_id_is_checked() {
    let beacon = Server::start(healthy).await;
    let (a, b) = (Node::start(Chain::default()).await, Node::start(Chain::default()).await);
    let foreign = Node::start(Chain { chain_id: 1, ..Chain::default() }).await;
    let nodes = [&foreign.server.url, &a.server.url, &b.server.url];
    let (readers, network) = Readers::connect(config(&[&beacon.url], &nodes)).await.unwrap();
    assert_eq!(network.chain_id, 7);
    let answers = readers.read(&Query::Progress(targets())).await;
    assert!(matches!(&answers[0].1, Err(ReadFailure::WrongChain(text)) if text == "chain id 1 instead of 7"));
    assert!(answers[1].1.is_ok() && answers[2].1.is_ok());

    let mut expecting = config(&[&beacon.url], &nodes);
    expecting.chain_id = Some(1);
    assert!(matches!(Readers::connect(expecting).await, Err(Error::Contradiction(_))));
}

#[tokio::test]
async fn providers_must_be_there_and_have_names_of_their_own() {
    let (node, beacon) = (Node::start(Chain::default()).await, Server::start(healthy).await);
    let none = Readers::connect(config(&[], &[&node.server.url])).await.unwrap_err();
    assert!(matches!(none, Error::ProviderCount { count: 0, .. }), "{none}");
    let mut doppelgangers = config(&[&beacon.url, &beacon.url], &[&node.server.url]);
    doppelgangers.beacon[1].name = doppelgangers.beacon[0].name.clone();
    assert!(matches!(Readers::connect(doppelgangers).await, Err(Error::DuplicateName { .. })));
}

#[tokio::test]
async fn nonsense_from_a_node_is_a_failure_of_that_node_alone() {
    let malformed = |failure: &ReadFailure| matches!(failure, ReadFailure::Malformed(_));
    let unreachable = |failure: &ReadFailure| matches!(failure, ReadFailure::Unreachable(_));
    let too_often = |failure: &ReadFailure| matches!(failure, ReadFailure::RateLimited(_));
    type Expected = fn(&ReadFailure) -> bool;
    let cases: [(Reply, Expected); 5] = [
        (Reply::json("not json"), malformed),
        (Reply::json(r#"{"jsonrpc":"2.0","id":0,"result":{"number":7}}"#), malformed),
        (Reply::new(502, "text/html", "<html>bad gateway</html>"), unreachable),
        (Reply::new(429, "application/json", r#"{"error":"slow down"}"#), too_often),
        (Reply::json(r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"rate limit exceeded"}}"#), too_often),
    ];
    for (reply, expected) in cases {
        let (good, beacon) = (Node::start(Chain::default()).await, Server::start(healthy).await);
        let mad = Server::start(move |asked| {
            let request: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
            if request["method"] == "eth_chainId" {
                return Reply::json(format!(r#"{{"jsonrpc":"2.0","id":{},"result":"0x7"}}"#, request["id"]));
            }
            reply.clone()
        })
        .await;
        let (readers, _) = Readers::connect(config(&[&beacon.url], &[&mad.url, &good.server.url])).await.unwrap();
        let answers = readers.read(&Query::Chain(At::Block(hash(42)))).await;
        assert!(answers[0].1.as_ref().is_err_and(expected), "{:?}", answers[0]);
        assert!(answers[1].1.is_ok());
    }
}
