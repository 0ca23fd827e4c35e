//! One identity in two places is noticed by whoever both connect to, whichever of them gets through; and nothing else looks like it.

use guardian_p2p::{Config, Event, Purpose};

use crate::committee::{Node, QUIC, TCP, at, config, id, silent, start};

async fn reached_by_two(listen: &str) {
    let mut witness = start(1, config(listen, vec![silent(2)])).await;
    let dials = || at(1, witness.network.listen_addresses());
    let doppelganger = || config(listen, vec![dials()]);
    let (_one, _other) = (start(2, doppelganger()).await, start(2, doppelganger()).await);
    witness.until(&Event::Doppelgangers(id(2))).await;
}

#[tokio::test]
async fn one_identity_in_two_places_is_noticed() {
    reached_by_two(TCP).await;
}

#[tokio::test]
async fn one_identity_in_two_places_is_noticed_over_quic() {
    reached_by_two(QUIC).await;
}

/// What the witness reports before it hears of `member`.
async fn before_connected(witness: &mut Node, member: u8) -> Vec<Event> {
    let mut before = Vec::new();
    while let Some(event) = witness.events.recv().await {
        if event == Event::Connected(id(member)) {
            break;
        }
        before.push(event);
    }
    before
}

#[tokio::test]
async fn processes_for_different_purposes_are_no_doppelgangers() {
    let mut witness = start(1, config(TCP, vec![silent(2), silent(3)])).await;
    let dials = || at(1, witness.network.listen_addresses());
    let duties = config(TCP, vec![dials()]);
    let ceremony = Config { purpose: Purpose::Ceremony, ..duties.clone() };
    let (_one, _other) = (start(2, duties.clone()).await, start(2, ceremony).await);
    // Long enough for both to push each other out some times.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    let _last = start(3, duties).await;
    let before = before_connected(&mut witness, 3).await;
    assert!(!before.contains(&Event::Doppelgangers(id(2))), "{before:?}");
}
