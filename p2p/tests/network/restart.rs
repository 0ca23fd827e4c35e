//! A member that dies without a word and comes back is found again, by either side, and both channels work both ways.

use std::time::Duration;

use guardian_p2p::{Channel, Config, Event};
use tokio::runtime::Runtime;

use crate::committee::{Node, QUIC, TCP, at, config, eventually, free_address, id, patiently, received, silent, start};

/// A member with a runtime of its own, so that it can be killed: its tasks vanish where they are, and say no farewell.
struct Mortal {
    runtime: Option<Runtime>,
    node: Node,
}

impl Mortal {
    async fn born(number: u8, config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let node = runtime.spawn(start(number, config)).await.unwrap();
        Self { runtime: Some(runtime), node }
    }

    fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Repeats, since what was sent into a connection that was already dead is lost.
async fn talks(from: &Node, number: u8, to: &mut Node, other: u8) {
    let heard = async {
        let (mut direct, mut broadcast) = (false, false);
        while !(direct && broadcast) {
            from.must_send(other, b"direct");
            from.must_broadcast(b"broadcast");
            tokio::time::sleep(Duration::from_millis(100)).await;
            while let Ok(event) = to.events.try_recv() {
                direct |= event == received(number, Channel::Direct, b"direct");
                broadcast |= event == received(number, Channel::Broadcast, b"broadcast");
            }
        }
    };
    patiently("both channels work", heard).await;
}

/// `lived` is how long the connection stood before the kill: short ones and long ones are noticed differently.
async fn comes_back(listen: &str, lived: Duration, who_dials: [bool; 2]) {
    let here = free_address(listen);
    let there = free_address(listen);
    let member = |number, address: &str, dials| {
        if dials { at(number, vec![address.parse().unwrap()]) } else { silent(number) }
    };
    let of_mortal = config(&there, vec![member(1, &here, who_dials[1])]);
    let mut survivor = start(1, config(&here, vec![member(2, &there, who_dials[0])])).await;
    let mortal = Mortal::born(2, of_mortal.clone()).await;
    survivor.until_connected(2).await;
    tokio::time::sleep(lived).await;
    mortal.kill();

    let restarted = async {
        // The port is free once the killed tasks are gone.
        while !is_free(&there) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Mortal::born(2, of_mortal).await
    };
    let mut mortal = patiently("the port is free again", restarted).await;
    survivor.until(&Event::Disconnected(id(2))).await;
    survivor.until_connected(2).await;
    mortal.node.until_connected(1).await;
    talks(&survivor, 1, &mut mortal.node, 2).await;
    talks(&mortal.node, 2, &mut survivor, 1).await;
    eventually("the survivor counts it", || survivor.network.connected() == 1).await;
}

fn is_free(address: &str) -> bool {
    let port: u16 = address.split('/').nth(4).unwrap().parse().unwrap();
    if address.contains("tcp") {
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
    } else {
        std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok()
    }
}

#[tokio::test]
async fn over_tcp_when_both_dial() {
    comes_back(TCP, Duration::ZERO, [true, true]).await;
}

#[tokio::test]
async fn over_tcp_when_only_the_survivor_dials() {
    comes_back(TCP, Duration::ZERO, [true, false]).await;
}

#[tokio::test]
async fn over_tcp_when_only_the_restarted_one_dials() {
    comes_back(TCP, Duration::ZERO, [false, true]).await;
}

#[tokio::test]
async fn over_quic_soon_after_it_was_connected() {
    comes_back(QUIC, Duration::ZERO, [true, true]).await;
}

#[tokio::test]
async fn over_quic_long_after_it_was_connected() {
    comes_back(QUIC, Duration::from_secs(4), [true, true]).await;
}

#[tokio::test]
async fn over_quic_when_only_the_restarted_one_dials() {
    comes_back(QUIC, Duration::from_secs(4), [false, true]).await;
}
