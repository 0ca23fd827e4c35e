//! Members that pretend to be far apart. Only what distance makes slower is asserted: nothing here depends on a fast machine.

use std::time::{Duration, Instant};

use guardian_p2p::{Channel, Config, Event};

use crate::committee::{Node, QUIC, TCP, at, config, received, silent, start};

const ROUND_TRIP: Duration = Duration::from_millis(200);

async fn far_apart(listen: &str) -> [Node; 2] {
    let far = |config: Config| Config { simulated_round_trip: ROUND_TRIP, ..config };
    let mut two = start(2, far(config(listen, vec![silent(1)]))).await;
    let mut one = start(1, far(config(listen, vec![at(2, two.network.listen_addresses())]))).await;
    one.until_connected(2).await;
    two.until_connected(1).await;
    [one, two]
}

#[tokio::test]
async fn a_question_and_its_answer_take_the_round_trip() {
    for listen in [TCP, QUIC] {
        let [mut one, mut two] = far_apart(listen).await;
        let asked = Instant::now();
        one.must_send(2, b"question");
        two.until(&received(1, Channel::Direct, b"question")).await;
        two.must_send(1, b"answer");
        one.until(&received(2, Channel::Direct, b"answer")).await;
        assert!(asked.elapsed() >= ROUND_TRIP);

        let asked = Instant::now();
        one.must_broadcast(b"question");
        two.until(&received(1, Channel::Broadcast, b"question")).await;
        two.must_broadcast(b"answer");
        one.until(&received(2, Channel::Broadcast, b"answer")).await;
        assert!(asked.elapsed() >= ROUND_TRIP);
    }
}

#[tokio::test]
async fn many_messages_under_way_at_once_keep_their_order() {
    const MANY: u8 = 100;
    for listen in [TCP, QUIC] {
        let [mut one, mut two] = far_apart(listen).await;
        for number in 0..MANY {
            one.must_broadcast(&[number; 10_000]);
        }
        // One after the other they would take a hundred one-way trips; these questions and answers take twenty.
        let mut events = Vec::new();
        for number in 0..10 {
            one.must_send(2, &[number]);
            events.extend(two.until(&received(1, Channel::Direct, &[number])).await);
            two.must_send(1, &[number]);
            one.until(&received(2, Channel::Direct, &[number])).await;
        }
        let heard: Vec<u8> = events
            .iter()
            .filter_map(|event| {
                let Event::Received { channel: Channel::Broadcast, bytes, .. } = event else { return None };
                bytes.first().copied()
            })
            .collect();
        assert_eq!(heard, (0..MANY).collect::<Vec<u8>>());
    }
}
