//! Too large, too many, too fast: dropped and counted; nobody else is harmed, and nothing ends.

use std::time::Duration;

use guardian_p2p::{Channel, Config, Event, Feedback, Limits, PeerId};

use crate::committee::{Node, QUIC, TCP, at, committee, config, eventually, id, patiently, received, silent, start};

fn dropped(reason: &str) -> String {
    format!("guardian_p2p_dropped_total{{reason=\"{reason}\"}}")
}

fn limited(peer: PeerId) -> String {
    format!("guardian_p2p_limited_total{{peer=\"{peer}\"}}")
}

fn failed(peer: PeerId, reason: &str) -> String {
    format!("guardian_p2p_direct_failed_total{{peer=\"{peer}\",reason=\"{reason}\"}}")
}

#[tokio::test]
async fn an_oversized_message_is_refused_at_the_sender() {
    let one = start(1, config(TCP, vec![silent(2)])).await;
    let limits = Limits::default();
    assert_eq!(one.network.send(id(2), vec![0; limits.direct_bytes + 1]), Feedback::Dropped);
    assert_eq!(one.network.broadcast(vec![0; limits.broadcast_bytes + 1]), Feedback::Dropped);
    assert_eq!(one.metric(&dropped("too_large")), 2);
}

#[tokio::test]
async fn an_oversized_message_is_refused_by_the_receiver() {
    for listen in [TCP, QUIC] {
        let strict = Limits { direct_bytes: 1_000, broadcast_bytes: 1_000, ..Limits::default() };
        let mut two = start(2, Config { limits: strict, ..config(listen, vec![silent(1)]) }).await;
        let limits = Limits::for_ceremonies();
        let dialling = config(listen, vec![at(2, two.network.listen_addresses())]);
        let mut one = start(1, Config { limits, ..dialling }).await;
        one.until_connected(2).await;

        one.must_send(2, &[0; 1_001]);
        one.must_send(2, &vec![0; 1_000_000]);
        eventually("both fail", || one.metric(&failed(id(2), "stream")) == 2).await;
        one.must_send(2, &[1; 1_000]);
        two.until_connected(1).await;
        assert_eq!(two.next().await, received(1, Channel::Direct, &[1; 1_000]));

        // Within what a frame may hold, and beyond it: the second costs the sender its stream, and nothing else.
        one.must_broadcast(&[0; 1_001]);
        one.must_broadcast(&[2; 1_000]);
        assert_eq!(two.next().await, received(1, Channel::Broadcast, &[2; 1_000]));
        one.must_broadcast(&vec![0; 200_000]);
        one.must_send(2, b"anything else?");
        assert_eq!(two.next().await, received(1, Channel::Direct, b"anything else?"));
        assert!(two.is_running());
    }
}

/// Slow enough that what refills during a test does not matter, and with room for an honest member's twenty.
fn tight() -> Limits {
    Limits { messages_per_second: 1, message_burst: 50, command_queue: 4_096, peer_queue: 4_096, ..Limits::default() }
}

/// Sends twenty on each channel to the first of three while the third floods it, and gives what the first has heard of the
/// flooder by then.
async fn honest_while_flooded(flood: impl Fn(&Node)) -> (usize, [Node; 3]) {
    let [mut victim, honest, flooder] = committee::<3>(TCP, &tight()).await;
    flood(&flooder);
    for number in 0..20 {
        honest.must_send(1, &[number]);
        honest.must_broadcast(&[number]);
    }
    let (mut expected, mut of_flooder) = (40, 0);
    while expected > 0 {
        match victim.next().await {
            Event::Received { from, .. } if from == id(2) => expected -= 1,
            Event::Received { from, .. } if from == id(3) => of_flooder += 1,
            Event::Received { .. } | Event::Connected(_) => {}
            Event::Disconnected(peer) | Event::Doppelgangers(peer) => panic!("{peer} was disconnected, or seen twice"),
        }
    }
    (of_flooder, [victim, honest, flooder])
}

#[tokio::test]
async fn a_member_that_floods_directly_is_limited_and_another_is_heard() {
    let (_, [mut victim, honest, flooder]) = honest_while_flooded(|flooder| {
        for number in 0..1_000_u16 {
            flooder.must_send(1, &number.to_be_bytes());
        }
    })
    .await;
    let busy = failed(id(1), "busy");
    eventually("all of the flood was answered", || flooder.metric(&busy) > 900).await;
    assert!(victim.metric(&limited(id(3))) > 900);
    assert_eq!(victim.metric(&limited(id(2))), 0);
    assert_eq!(honest.metric(&failed(id(1), "busy")), 0);
    while victim.events.try_recv().is_ok() {}
    assert!(victim.is_running());
}

#[tokio::test]
async fn a_member_that_floods_broadcasts_is_limited_and_another_is_heard() {
    let (_, [mut victim, honest, flooder]) = honest_while_flooded(|flooder| {
        for number in 0..1_000_u16 {
            flooder.must_broadcast(&number.to_be_bytes());
        }
    })
    .await;
    eventually("the flood was noticed", || victim.metric(&limited(id(3))) > 0).await;
    assert_eq!(victim.metric(&limited(id(2))), 0);
    // Ignored for a while, not for ever: what it sends later, within its allowance, arrives.
    let forgiven = async {
        loop {
            flooder.must_broadcast(b"sorry");
            tokio::time::sleep(Duration::from_millis(300)).await;
            while let Ok(event) = victim.events.try_recv() {
                if event == received(3, Channel::Broadcast, b"sorry") {
                    return;
                }
            }
        }
    };
    patiently("it is listened to again", forgiven).await;
    assert!(victim.is_running() && honest.is_running());
}

#[tokio::test]
async fn an_application_that_does_not_listen_loses_messages_and_nothing_else() {
    let mut victim =
        start(1, Config { limits: Limits { event_queue: 4, ..Limits::default() }, ..config(TCP, vec![silent(2)]) })
            .await;
    let other = start(2, config(TCP, vec![at(1, victim.network.listen_addresses())])).await;
    eventually("they are connected", || other.network.connected() == 1 && victim.network.connected() == 1).await;
    for number in 0..50 {
        other.must_send(1, &[number]);
        other.must_broadcast(&[number]);
    }
    eventually("drops are counted", || victim.metric(&dropped("event_queue_full")) >= 90).await;
    eventually("the sender is told", || other.metric(&failed(id(1), "busy")) >= 40).await;
    assert!(victim.is_running());

    // Once it listens again, it hears again.
    while victim.events.try_recv().is_ok() {}
    other.must_send(1, b"better now?");
    victim.until(&received(2, Channel::Direct, b"better now?")).await;
}

#[tokio::test]
async fn news_about_members_survives_a_full_queue() {
    let limits = Limits { event_queue: 2, ..Limits::default() };
    let mut victim = start(1, Config { limits, ..config(TCP, vec![silent(2)]) }).await;
    let other = start(2, config(TCP, vec![at(1, victim.network.listen_addresses())])).await;
    eventually("they are connected", || other.network.connected() == 1 && victim.network.connected() == 1).await;
    for number in 0..10 {
        other.must_send(1, &[number]);
    }
    eventually("the queue is full", || victim.metric(&dropped("event_queue_full")) > 0).await;
    other.network.shutdown();
    eventually("the connection is gone", || victim.network.connected() == 0).await;
    victim.until(&Event::Connected(id(2))).await;
    victim.until(&Event::Disconnected(id(2))).await;
}

#[tokio::test]
async fn a_task_without_room_refuses_more() {
    let limits = Limits { command_queue: 2, ..Limits::default() };
    // Not spawned: nobody takes commands out.
    let (network, _events, _run) =
        guardian_p2p::Network::start(Config { limits, ..config(TCP, vec![silent(2)]) }, crate::committee::identity(1))
            .await
            .unwrap();
    let feedback = [0; 3].map(|byte| network.broadcast(vec![byte]));
    assert_eq!(feedback, [Feedback::Accepted, Feedback::Accepted, Feedback::Dropped]);
    assert!(network.metrics_text().contains("guardian_p2p_dropped_total{reason=\"command_queue_full\"} 1\n"));
}
