//! What is found out of a beacon node at the start, and that it changes who is asked for what.

use crate::support::{
    beacon::{self, FINALIZED_SLOT, data, error},
    readers::{FINALITY, SYNCING, ask, readers},
    server::{Asked, Reply, Said},
};
use futures::StreamExt;
use guardian_chain::Capabilities;
use guardian_protocol::{BlsPubkey, Checkpoint, Epoch, Query, Slot};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

const STATE: &str = "/eth/v2/debug/beacon/states/finalized";
const VALIDATORS: &str = "/eth/v1/beacon/states/finalized/validators";
const EVENTS: &str = "/eth/v1/events";

/// A node that has everything; the finalized epoch is 20, so that there is a past.
fn rich(asked: &Asked) -> Option<Reply> {
    match asked.path() {
        "/eth/v1/node/version" => Some(data(json!({ "version": "Lighthouse/v9.9.9\u{1b}[31m" }))),
        FINALITY => Some(data(beacon::checkpoints("20", beacon::FINALIZED_ROOT))),
        STATE => Some(Reply::new(200, "application/octet-stream", "").saying(Said::Endless(vec![0; 1 << 16]))),
        EVENTS => Some(Reply::new(200, "text/event-stream", ":\n\n").saying(Said::Hanging(b":\n\n".to_vec()))),
        VALIDATORS | "/eth/v1/beacon/states/98/validators" => Some(data(json!([beacon::validator(0)]))),
        _ => None,
    }
}

async fn capabilities(trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Capabilities {
    let (readers, _server, _node) = readers(move |asked| trouble(asked).or_else(|| rich(asked))).await;
    readers.capabilities().await.remove(0)
}

fn refuse(path: &'static str, status: u16) -> impl Fn(&Asked) -> Option<Reply> {
    move |asked| (asked.path() == path).then(|| error(status, "no"))
}

#[tokio::test]
async fn what_a_node_has_is_found_and_a_state_is_not_downloaded_for_it() {
    let (readers, server, _node) = readers(rich).await;
    let capabilities = readers.capabilities().await.remove(0);
    assert_eq!(capabilities.version.as_deref(), Some("Lighthouse/v9.9.9 [31m"));
    assert_eq!(capabilities.all().map(|(_, offered)| offered), [Some(true); 4]);
    assert_eq!(capabilities.in_words(), "states yes, post yes, events yes, past yes");
    assert_eq!(capabilities.hints().count(), 0);
    // The state never ends; nothing of it was read. Slots of the past may have been skipped.
    assert!(readers.stats()[0].bytes < 1 << 16);
    let past = server.asked().into_iter().filter(|asked| asked.contains("states/9")).collect::<Vec<_>>();
    assert_eq!(past, [96, 97, 98].map(|slot| format!("GET /eth/v1/beacon/states/{slot}/validators?id=0")));
}

#[tokio::test]
async fn what_a_node_does_not_have_is_found_and_comes_with_a_hint() {
    for status in [400, 401, 403, 404, 405, 501] {
        let capabilities = capabilities(refuse(STATE, status)).await;
        assert_eq!(
            (capabilities.states, capabilities.post, capabilities.past),
            (Some(false), Some(true), Some(true)),
            "{status}"
        );
        let hints: Vec<_> = capabilities.hints().collect();
        assert!(matches!(hints.as_slice(), [("states", hint)] if hint.contains("--rest.namespace")), "{hints:?}");
        assert_eq!(self::capabilities(refuse(EVENTS, status)).await.events, Some(false), "{status}");
    }
    let json = |asked: &Asked| (asked.path() == STATE).then(|| Reply::json("{}"));
    assert_eq!(capabilities(json).await.states, Some(false), "a state in JSON is of no use");
    let no_post = |asked: &Asked| (asked.method == "POST").then(|| error(404, "Route not found"));
    assert_eq!(capabilities(no_post).await.post, Some(false));
    let no_past = |asked: &Asked| asked.path().contains("states/9").then(|| error(404, "no such state"));
    let capabilities = capabilities(no_past).await;
    assert_eq!((capabilities.past, capabilities.hints().next().map(|(what, _)| what)), (Some(false), Some("past")));
}

#[tokio::test]
async fn what_may_be_otherwise_the_next_time_is_not_known() {
    for status in [408, 429, 500, 503] {
        assert_eq!(capabilities(refuse(STATE, status)).await.states, None, "{status}");
        assert_eq!(capabilities(refuse(EVENTS, status)).await.events, None, "{status}");
        assert_eq!(capabilities(refuse(VALIDATORS, status)).await.post, None, "{status}");
    }
    // A node that has nothing finalized to show may have the route all the same.
    assert_eq!(capabilities(refuse(VALIDATORS, 404)).await.post, None);
    let young =
        |asked: &Asked| (asked.path() == FINALITY).then(|| data(beacon::checkpoints("3", beacon::FINALIZED_ROOT)));
    assert_eq!(capabilities(young).await.past, None, "there is no past yet");
    let mut sync = beacon::syncing();
    (sync["is_syncing"], sync["sync_distance"]) = (json!(true), json!("5"));
    let syncing = move |asked: &Asked| {
        if asked.path() == STATE {
            return Some(error(404, "no"));
        }
        (asked.path() == SYNCING).then(|| data(sync.clone()))
    };
    assert_eq!(capabilities(syncing).await.states, None, "it may have it when it has caught up");
}

#[tokio::test]
async fn of_a_node_that_is_gone_nothing_is_known() {
    let (readers, server, _node) = readers(rich).await;
    drop(server);
    let capabilities = readers.capabilities().await.remove(0);
    assert!(capabilities.is_silent() && capabilities.hints().count() == 0, "{capabilities:?}");
    assert!(!self::capabilities(|_| None).await.is_silent());
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_asked_again_until_it_does() {
    let up = Arc::new(AtomicBool::new(true));
    let is_up = Arc::clone(&up);
    let (readers, _server, _node) =
        readers(move |asked| if is_up.load(Relaxed) { rich(asked) } else { Some(error(503, "starting")) }).await;
    up.store(false, Relaxed);
    let mut found = std::pin::pin!(readers.capabilities_found(Duration::from_millis(50)));
    assert!(timeout(Duration::from_millis(400), found.next()).await.is_err(), "nothing is known of it yet");
    up.store(true, Relaxed);
    let capabilities = timeout(Duration::from_secs(20), found.next()).await.unwrap().unwrap();
    assert_eq!(capabilities.all().map(|(_, offered)| offered), [Some(true); 4]);
    assert!(found.next().await.is_none(), "all are known");
}

#[tokio::test]
async fn an_event_stream_that_only_begins_with_its_first_event_is_waited_for_briefly_and_in_nobodys_way() {
    let late = Said::Late(b"event:finalized_checkpoint\ndata:{}\n\n".to_vec(), Duration::from_secs(60));
    let (readers, server, _node) = readers(move |asked| {
        let reply = || Reply::new(200, "text/event-stream", "").saying(late.clone());
        (asked.path() == EVENTS).then(reply).or_else(|| rich(asked))
    })
    .await;
    let start = Instant::now();
    let query = async {
        while !server.asked().iter().any(|asked| asked.contains(EVENTS)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ask(&readers, Query::Finalized).await.unwrap();
        start.elapsed()
    };
    let (capabilities, asked_meanwhile) = tokio::join!(readers.capabilities(), query);
    let took = start.elapsed();
    assert_eq!(capabilities[0].events, None);
    assert!(took < Duration::from_secs(20) && asked_meanwhile < took, "{asked_meanwhile:?} {took:?}");
}

#[tokio::test]
async fn who_was_found_to_serve_no_states_is_not_asked_for_one() {
    for (found_out, asked_for) in [(false, 2), (true, 0)] {
        let (readers, server, _node) = readers(|asked| {
            refuse(STATE, 404)(asked).or_else(|| {
                // The state of the finalized slot has validators only.
                (asked.path() == VALIDATORS).then(|| data(json!([beacon::validator(0)])))
            })
        })
        .await;
        if found_out {
            readers.capabilities().await;
        }
        let before = server.asked().len();
        let (root, state_root) = (beacon::FINALIZED_ROOT.parse().unwrap(), beacon::STATE_ROOT.parse().unwrap());
        let (epoch, slot) = (Epoch(3), Slot(FINALIZED_SLOT));
        let checkpoint = Checkpoint { epoch, root, block_slot: slot, state_root, execution: None };
        let pubkeys = vec![BlsPubkey::from(beacon::pubkey(1))];
        ask(&readers, Query::State { checkpoint, slot, pubkeys }).await.unwrap();
        let states = server.asked()[before..].iter().filter(|asked| asked.contains("debug")).count();
        assert_eq!(states, asked_for, "{found_out}");
    }
}
