//! Validators of a beacon node: by every route that one may have, and from nodes that answer something else.

use crate::support::{
    beacon::{self, FINALIZED_ROOT, FINALIZED_SLOT, STATE_ROOT, data, error, pubkey, pubkey_text, validator},
    readers::{SYNCING, ask, at, readers},
    server::{Asked, Reply, Said},
};
use guardian_protocol::{
    BlsPubkey, Census, Checkpoint, Epoch, Participation, Query, ReadFailure, Reading, Slot, ValidatorRecord, testing,
};
use serde_json::json;

const VALIDATORS: &str = "/eth/v1/beacon/states/24/validators";

fn validators(indices: impl IntoIterator<Item = u64>) -> Query {
    let pubkeys = indices.into_iter().map(|index| BlsPubkey::new(pubkey(index))).collect();
    Query::State { checkpoint: checkpoint(), slot: Slot(FINALIZED_SLOT), pubkeys }
}

async fn read_validators(
    trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> Result<Reading, ReadFailure> {
    let (readers, _server, _node) = readers(trouble).await;
    ask(&readers, validators([1, 3])).await
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        epoch: Epoch(3),
        root: FINALIZED_ROOT.parse().unwrap(),
        block_slot: Slot(FINALIZED_SLOT),
        state_root: STATE_ROOT.parse().unwrap(),
        execution: None,
    }
}

fn record(index: u64) -> ValidatorRecord {
    ValidatorRecord {
        pubkey: BlsPubkey::new(pubkey(index)),
        slashed: index == 3,
        ..testing::validator(index, 32_000_000_000 + index)
    }
}

#[tokio::test]
async fn a_node_that_does_not_follow_the_chain_has_no_validators() {
    let mut sync = beacon::syncing();
    sync["is_optimistic"] = json!(true);
    let answer = read_validators(at(SYNCING, data(sync))).await;
    assert!(matches!(answer, Err(ReadFailure::NotInSync(_))), "{answer:?}");
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
        let Ok(Reading::State(state)) = answer else { panic!("{answer:?}") };
        // The state tells how they take part; nobody does in this one.
        let participation = Some(Participation { previous: 0, current: 0, inactivity: 0 });
        assert_eq!(state.validators, [1, 3].map(|index| ValidatorRecord { participation, ..record(index) }));
        let effective = 50 * 32_000_000_000;
        let census = Census {
            validators: 50,
            active: 50,
            active_balance: effective + (0..50).sum::<u128>(),
            active_effective_balance: effective,
        };
        assert_eq!(state.census, census);
        assert_eq!((state.slot, state.own), (Slot(24), true));
    }
}

#[tokio::test]
async fn a_state_of_another_slot_or_another_chain_is_not_taken() {
    let answer = read_validators(|asked| skipped(asked, "finalized", beacon::state_ssz(32, 50))).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
    let mut foreign = beacon::state_ssz(24, 50);
    foreign[8] ^= 1;
    let answer = read_validators(move |asked| skipped(asked, "24", foreign.clone())).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
    let short = beacon::state_ssz(24, 50)[..13_000].to_vec();
    let answer = read_validators(move |asked| skipped(asked, "24", short.clone())).await;
    assert!(matches!(answer, Err(ReadFailure::NotAvailable(_))), "{answer:?}");
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
    let mut doppelganger = validator(4);
    doppelganger["validator"]["pubkey"] = json!(pubkey_text(1));
    let mut unquoted = validator(1);
    unquoted["balance"] = json!(32);
    for (what, list) in [
        ("an empty list, even when asked for the first validator", json!([])),
        ("an unasked validator", json!([validator(1), validator(2)])),
        ("a validator twice", json!([validator(1), validator(1)])),
        ("one key with two indices", json!([validator(1), doppelganger])),
        ("an unquoted number", json!([unquoted])),
        ("no list", json!({})),
    ] {
        let answer = read_validators(at(VALIDATORS, data(list))).await;
        assert!(matches!(answer, Err(ReadFailure::Malformed(_))), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn keys_that_wait_in_the_deposit_queue_are_no_validators_yet() {
    for posts in [true, false] {
        let no_post = move |asked: &Asked| (!posts && asked.method == "POST").then(|| error(405, "METHOD_NOT_ALLOWED"));
        let (readers, _server, _node) = readers(no_post).await;
        assert_eq!(ask(&readers, validators([5_000, 5_001])).await, Ok(Reading::Validators(Vec::new())), "{posts}");
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
    for (what, reply, word) in [
        ("oversize", good.clone().saying(Said::Endless(vec![b' '; 1 << 16])), "TooLarge"),
        ("truncated", good.clone().saying(Said::Truncated(bytes[..100].to_vec())), "Unreachable"),
        ("cut short", good.clone().saying(Said::Whole(bytes[..100].to_vec())), "Malformed"),
        ("slow", good.clone().saying(Said::Hanging(bytes[..100].to_vec())), "Unreachable"),
        ("not JSON", Reply::new(200, "text/html", bytes.clone()), "Malformed"),
        ("an HTML error page", Reply::new(502, "text/html", "<html>"), "Unreachable"),
    ] {
        let failure = read_validators(at(VALIDATORS, reply)).await.unwrap_err();
        assert!(format!("{failure:?}").starts_with(word), "{what}: {failure:?}");
    }
}
