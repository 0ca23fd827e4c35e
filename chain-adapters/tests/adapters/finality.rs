//! What the readers make of a beacon node's word on finality, and what they tell it.

use crate::support::{
    beacon::{self, FINALIZED_ROOT, STATE_ROOT, data, error},
    limits,
    readers::{FINALITY, SYNCING, ask, at, readers},
    server::{Asked, Reply, Said},
};
use futures::StreamExt;
use guardian_protocol::{Epoch, ProviderId, Query, ReadFailure, Reading, SignedExit, Slot, ValidatorIndex};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;

async fn finalized(trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Result<Reading, ReadFailure> {
    let (readers, _server, _node) = readers(trouble).await;
    ask(&readers, Query::Finalized).await
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

#[tokio::test]
async fn a_block_with_a_bid_instead_of_a_payload_is_placed_by_time() {
    let route = "/eth/v2/beacon/blocks/";
    for gloas in ["0", "18446744073709551615"] {
        let answer = finalized(move |asked| of_fork(gloas, asked, route, "signed_execution_payload_bid", "ab")).await;
        assert!(
            matches!(&answer, Ok(Reading::Finalized(Some(checkpoint))) if checkpoint.execution.is_none()),
            "{gloas}: {answer:?}"
        );
    }
    // Neither a payload nor a bid, in a fork that is not known: told as that.
    let answer = finalized(move |asked| of_fork("0", asked, route, "something_else", "ab")).await;
    assert!(
        matches!(&answer, Err(ReadFailure::NotAvailable(why)) if why.contains("'gloas' is not known")),
        "{answer:?}"
    );
}

fn merged(asked: &Asked, route: &str, field: &str, hash: &str) -> Option<Reply> {
    of_fork("18446744073709551615", asked, route, field, hash)
}

fn of_fork(gloas: &str, asked: &Asked, route: &str, field: &str, hash: &str) -> Option<Reply> {
    if asked.path() == "/eth/v1/config/spec" {
        let mut spec = beacon::spec();
        (spec["BELLATRIX_FORK_EPOCH"], spec["DEPOSIT_CHAIN_ID"]) = (json!("0"), json!("7"));
        spec["GLOAS_FORK_EPOCH"] = json!(gloas);
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
        let answer = finalized(at(SYNCING, data(sync))).await;
        assert!(matches!(answer, Err(ReadFailure::NotInSync(_))), "{field}: {answer:?}");
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
async fn an_event_stream_may_begin_only_with_its_first_event() {
    let late = Said::Late(b"event:finalized_checkpoint\ndata:{}\n\n".to_vec(), limits().request_timeout * 2);
    let (readers, server, _node) = readers(move |asked| {
        let reply = Reply::new(200, "text/event-stream", "").saying(late.clone());
        (asked.path() == "/eth/v1/events").then_some(reply)
    })
    .await;
    let nudges: Vec<_> = readers.finality_nudges().take(2).collect().await;
    assert_eq!(nudges, [ProviderId(0); 2]);
    assert_eq!(server.asked().iter().filter(|asked| asked.contains("/eth/v1/events")).count(), 1);
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
async fn no_question_waits_for_exits_that_a_node_is_slow_to_take() {
    let taken = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&taken);
    let (readers, server, _node) = readers(move |asked| {
        let reply = Reply::json("").saying(Said::Held(b"null".to_vec(), Arc::clone(&held)));
        (asked.path() == "/eth/v1/beacon/pool/voluntary_exits").then_some(reply)
    })
    .await;
    let exit = |index| SignedExit { epoch: Epoch(23), index: ValidatorIndex(index), signature: [0xab; 96] };
    let exits = [exit(1), exit(2), exit(3)];
    let publishing = futures::future::join_all(exits.iter().map(|exit| readers.publish_exit(exit)));
    let asking = async {
        // The first is with the node, which says nothing.
        while !server.asked().iter().any(|asked| asked.starts_with("POST")) {
            tokio::task::yield_now().await;
        }
        let answer = ask(&readers, Query::Finalized).await;
        taken.add_permits(3);
        answer
    };
    let (published, answer) = futures::join!(publishing, asking);
    assert!(matches!(answer, Ok(Reading::Finalized(Some(_)))), "{answer:?}");
    assert!(published.iter().all(|each| *each == [(ProviderId(0), Ok(()))]));
    assert_eq!(server.asked().iter().filter(|asked| asked.starts_with("POST")).count(), 3);
}
