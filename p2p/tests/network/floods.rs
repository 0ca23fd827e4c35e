//! Thousands of strangers at the door, on TCP and QUIC, do not keep a member out that comes back.

use std::net::SocketAddr;

use guardian_p2p::{Config, Event, Member};

use crate::{
    committee::{Node, QUIC, TCP, at, config, eventually, id, silent, start},
    flood::{first_packets, idle_sockets, stream_of},
};

const CROWDED: &str = "guardian_p2p_crowded_total";

fn socket_of(node: &Node) -> SocketAddr {
    let addresses = node.network.listen_addresses();
    let port = addresses[0].to_string().split('/').nth(4).unwrap().parse().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A member at `from` the victim's configuration or not comes, goes and comes back, while the flood lasts.
async fn comes_back(victim: &mut Node, listen: &str) {
    for _ in 0..2 {
        let member = start(2, config(listen, vec![at(1, victim.network.listen_addresses())])).await;
        victim.until_connected(2).await;
        member.network.shutdown();
        victim.until(&Event::Disconnected(id(2))).await;
    }
    assert!(victim.is_running());
}

/// A member whose address is known, which does not listen: the victim can't dial it.
fn known(number: u8) -> Member {
    at(number, vec!["/ip4/127.0.0.1/tcp/9".parse().unwrap()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_sockets_do_not_keep_a_restarted_member_out() {
    // At the very address of the member.
    let mut victim = start(1, config(TCP, vec![known(2)])).await;
    let flood = idle_sockets(socket_of(&victim), 2_000);
    comes_back(&mut victim, TCP).await;
    drop(flood);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sockets_of_strangers_are_refused_at_once() {
    // The member is met before the strangers come; its address is not configured.
    let mut victim = start(1, Config { members: vec![silent(2)], ..config("/ip4/0.0.0.0/tcp/0", vec![]) }).await;
    let flood = idle_sockets(socket_of(&victim), 500);
    eventually("strangers are refused", || victim.metric(CROWDED) > 400).await;
    drop(flood);
    comes_back(&mut victim, TCP).await;
    let flood = idle_sockets(socket_of(&victim), 2_000);
    comes_back(&mut victim, TCP).await;
    drop(flood);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_first_quic_packets_does_not_keep_a_restarted_member_out() {
    let packets = first_packets(600).await;
    for from in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let mut victim = start(1, config(QUIC, vec![known(2)])).await;
        let flood = stream_of(packets.clone(), from, socket_of(&victim));
        if from == [127, 0, 0, 2] {
            eventually("strangers are refused", || victim.metric(CROWDED) > 500).await;
        }
        comes_back(&mut victim, QUIC).await;
        drop(flood);
    }
}
