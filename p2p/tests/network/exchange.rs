//! Messages arrive, once, from whom they say, over both transports and both channels.

use guardian_p2p::{Channel, Event, Feedback, Limits};

use crate::committee::{
    QUIC, TCP, at, committee, config, eventually, free_address, id, patiently, received, silent, start,
};

async fn everybody_hears_everybody(listen: &str) {
    let mut nodes = committee::<4>(listen, &Limits::default()).await;
    for (node, number) in nodes.iter().zip(1_u8..) {
        node.must_broadcast(&[b'b', number]);
        for other in (1..=4).filter(|other| *other != number) {
            node.must_send(other, &[b'd', number, other]);
        }
    }
    for (node, number) in nodes.iter_mut().zip(1_u8..) {
        let mut heard = Vec::new();
        while heard.len() < 6 {
            if let Event::Received { from, channel, bytes } = node.next().await {
                heard.push((from, channel, bytes));
            }
        }
        for other in (1..=4).filter(|other| *other != number) {
            assert!(heard.contains(&(id(other), Channel::Broadcast, vec![b'b', other])));
            assert!(heard.contains(&(id(other), Channel::Direct, vec![b'd', other, number])));
        }
    }
}

#[tokio::test]
async fn members_exchange_broadcasts_and_direct_messages_over_tcp() {
    everybody_hears_everybody(TCP).await;
}

#[tokio::test]
async fn members_exchange_broadcasts_and_direct_messages_over_quic() {
    everybody_hears_everybody(QUIC).await;
}

#[tokio::test]
async fn the_largest_messages_arrive_whole_and_the_smallest_too() {
    let limits = Limits::default();
    let [one, mut two] = committee::<2>(TCP, &limits).await;
    for bytes in [vec![7; limits.direct_bytes], vec![]] {
        one.must_send(2, &bytes);
        two.until(&received(1, Channel::Direct, &bytes)).await;
    }
    // Several in a row: one frame must not be counted together with what was read ahead of the next.
    for byte in 1..=8 {
        one.must_broadcast(&vec![byte; limits.broadcast_bytes]);
    }
    for byte in 1..=8 {
        two.until(&received(1, Channel::Broadcast, &vec![byte; limits.broadcast_bytes])).await;
    }
}

#[tokio::test]
async fn what_is_broadcast_at_the_moment_a_member_is_reported_reaches_it() {
    for listen in [TCP, QUIC] {
        let mut two = start(2, config(listen, vec![silent(1)])).await;
        let mut one = start(1, config(listen, vec![at(2, two.network.listen_addresses())])).await;
        one.until_connected(2).await;
        one.must_broadcast(b"first");
        two.until(&received(1, Channel::Broadcast, b"first")).await;
    }
}

#[tokio::test]
async fn a_broadcast_comes_once() {
    let mut nodes = committee::<5>(TCP, &Limits::default()).await;
    for round in 0..20 {
        for node in &nodes {
            node.must_broadcast(&[round]);
        }
    }
    for node in &nodes {
        node.must_broadcast(b"end");
    }
    for node in &mut nodes {
        let (mut messages, mut ends) = (0, 0);
        while ends < 4 {
            if let Event::Received { bytes, .. } = node.next().await {
                if bytes == b"end" { ends += 1 } else { messages += 1 }
            }
        }
        assert_eq!(messages, 4 * 20);
    }
}

#[tokio::test]
async fn nobody_passes_on_what_everybody_gets_from_its_author() {
    let mut nodes = committee::<4>(TCP, &Limits::default()).await;
    // Each other's neighbours for longer than the mesh takes to form.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    for round in 0..10 {
        for node in &nodes {
            node.must_broadcast(&[round]);
        }
    }
    for node in &mut nodes {
        for _ in 0..3 * 10 {
            while !matches!(node.next().await, Event::Received { .. }) {}
        }
    }
    // A copy that is still under way would be counted by the time this answer comes.
    nodes[0].must_send(2, b"question");
    nodes[1].until(&received(1, Channel::Direct, b"question")).await;
    for node in &nodes {
        assert_eq!(node.metric("guardian_p2p_received_total{channel=\"broadcast\"}"), 3 * 10);
        assert_eq!(node.metric("guardian_p2p_broadcast_copies_total"), 3 * 10);
    }
}

#[tokio::test]
async fn a_broadcast_reaches_a_member_without_a_link_to_its_author() {
    // One and three are members for each other, but only two has a link to both.
    let mut two = start(2, config(TCP, vec![silent(1), silent(3)])).await;
    let middle = two.network.listen_addresses();
    let one = start(1, config(TCP, vec![at(2, middle.clone()), silent(3)])).await;
    let mut three = start(3, config(TCP, vec![silent(1), at(2, middle)])).await;
    eventually("two is connected to both", || two.network.connected() == 2).await;
    let message = received(1, Channel::Broadcast, b"hello");
    // The mesh, over which it is passed on, forms within a heartbeat.
    let arrives = async {
        loop {
            one.must_broadcast(b"hello");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            while let Ok(event) = three.events.try_recv() {
                if event == message {
                    return;
                }
            }
        }
    };
    patiently("the broadcast arrives over two", arrives).await;
    two.until(&message).await;
    assert_eq!(three.network.connected_members(), [id(2)]);
}

#[tokio::test]
async fn members_that_dial_each_other_at_once_stay_connected() {
    for listen in [TCP, QUIC] {
        let listening = [free_address(listen), free_address(listen)];
        let nodes = [(1, 2), (2, 1)].map(|(own, other): (u8, u8)| {
            let address = listening[usize::from(other) - 1].parse().unwrap();
            start(own, config(&listening[usize::from(own) - 1], vec![at(other, vec![address])]))
        });
        let [one, two] = nodes;
        let (mut one, mut two) = tokio::join!(one, two);
        one.until_connected(2).await;
        two.until_connected(1).await;
        for round in 0..50 {
            one.must_send(2, &[round]);
            two.must_broadcast(&[round]);
            // Nothing in between: neither has lost the other.
            assert_eq!(two.next().await, received(1, Channel::Direct, &[round]));
            assert_eq!(one.next().await, received(2, Channel::Broadcast, &[round]));
        }
    }
}

#[tokio::test]
async fn host_names_are_resolved() {
    let mut two = start(2, config(TCP, vec![silent(1)])).await;
    let by_name = two.network.listen_addresses()[0].to_string().replace("/ip4/127.0.0.1", "/dns4/localhost");
    let _one = start(1, config(TCP, vec![at(2, vec![by_name.parse().unwrap()])])).await;
    two.until_connected(1).await;
}

#[tokio::test]
async fn an_address_that_does_not_work_does_not_hide_one_that_does() {
    let mut two = start(2, config(TCP, vec![silent(1)])).await;
    let mut addresses = vec![free_address(QUIC).parse().unwrap(), free_address(TCP).parse().unwrap()];
    addresses.extend(two.network.listen_addresses());
    let _one = start(1, config(TCP, vec![at(2, addresses)])).await;
    two.until_connected(1).await;
}

#[tokio::test]
async fn a_message_to_nobody_is_dropped_and_counted() {
    let one = start(1, config(TCP, vec![silent(2)])).await;
    assert_eq!(one.network.send(id(9), b"who?".to_vec()), Feedback::Dropped);
    assert_eq!(one.metric("guardian_p2p_dropped_total{reason=\"not_a_member\"}"), 1);
    one.must_send(2, b"are you there?");
    one.must_broadcast(b"anybody?");
    eventually("both are counted", || {
        one.metric("guardian_p2p_dropped_total{reason=\"not_connected\"}") == 1
            && one.metric("guardian_p2p_dropped_total{reason=\"no_subscribers\"}") == 1
    })
    .await;
}

#[tokio::test]
async fn shutdown_ends_the_task_and_tells_the_others() {
    let [mut one, mut two] = committee::<2>(QUIC, &Limits::default()).await;
    one.until_connected(2).await;
    two.until_connected(1).await;
    one.network.shutdown();
    patiently("the task ends", &mut one.task).await.unwrap().unwrap();
    assert_eq!(one.network.broadcast(vec![]), Feedback::Closed);
    assert_eq!(one.network.send(id(2), vec![]), Feedback::Closed);
    assert_eq!(one.network.connected(), 0);
    assert_eq!(two.next().await, Event::Disconnected(id(1)));
}

#[tokio::test]
async fn dropping_every_handle_or_the_receiver_ends_the_task() {
    let one = start(1, config(TCP, vec![])).await;
    drop(one.network);
    patiently("the task ends", one.task).await.unwrap().unwrap();
    let two = start(2, config(TCP, vec![])).await;
    drop(two.events);
    patiently("the task ends", two.task).await.unwrap().unwrap();
}
