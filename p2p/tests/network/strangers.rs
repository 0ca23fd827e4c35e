//! Who is not a member gets nowhere, whatever it sends.

use std::{
    io::Write,
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use guardian_p2p::{Channel, Config, Event, Multiaddr, PeerId};

use crate::committee::{QUIC, TCP, at, config, eventually, id, received, silent, start};

const STRANGERS: &str = "guardian_p2p_strangers_total";

#[tokio::test]
async fn a_stranger_is_disconnected_and_its_messages_never_arrive() {
    for listen in [TCP, QUIC] {
        let mut victim = start(1, config(listen, vec![silent(2)])).await;
        let address = victim.network.listen_addresses();
        // The stranger takes the victim for a member, and dials it, again and again.
        let mut stranger = start(9, config(listen, vec![at(1, address.clone())])).await;
        let noise = stranger.network.clone();
        let noise = tokio::spawn(async move {
            loop {
                noise.broadcast(b"let me in".to_vec());
                noise.send(id(1), b"let me in".to_vec());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        eventually("it was refused several times", || victim.metric(STRANGERS) >= 3).await;

        let member = start(2, config(listen, vec![at(1, address)])).await;
        victim.until_connected(2).await;
        member.must_send(1, b"hello");
        let before = victim.until(&received(2, Channel::Direct, b"hello")).await;
        assert_eq!(before, []);
        assert_eq!(victim.network.connected_members(), [id(2)]);
        noise.abort();
        assert!(stranger.events.try_recv().is_err(), "the stranger was told that it is connected");
    }
}

#[tokio::test]
async fn another_identity_behind_an_address_is_not_the_member() {
    // Nine listens where two is expected, and would gladly talk to one.
    let impostor = start(9, config(TCP, vec![silent(1)])).await;
    let mut one = start(1, config(TCP, vec![at(2, impostor.network.listen_addresses())])).await;
    eventually("dialling fails", || one.metric("guardian_p2p_dial_failures_total") >= 2).await;
    assert!(one.events.try_recv().is_err());
    assert_eq!(impostor.network.connected(), 0);
}

fn port(address: &Multiaddr) -> u16 {
    address.to_string().split('/').nth(4).unwrap().parse().unwrap()
}

/// Bytes that look like nothing, the same in every run.
fn garbage(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    next.take(length).collect()
}

#[tokio::test]
async fn garbage_and_idle_sockets_do_not_hurt() {
    let listen = vec![TCP.parse().unwrap(), QUIC.parse().unwrap()];
    let mut one = start(1, Config { listen, ..config(TCP, vec![silent(2)]) }).await;
    let addresses = one.network.listen_addresses();
    let find = |part: &str| addresses.iter().find(|address| address.to_string().contains(part)).unwrap();
    let (tcp, udp) = (find("tcp"), find("udp"));

    let multistream = b"\x13/multistream/1.0.0\n\x07/noise\n".to_vec();
    let greetings = [vec![], vec![0; 70_000], vec![0xff; 70_000], garbage(70_000), multistream.clone()];
    let mut held = Vec::new();
    for greeting in greetings.iter().cycle().take(40) {
        let mut socket = TcpStream::connect(("127.0.0.1", port(tcp))).unwrap();
        socket.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        // The other side may close before it has read everything: either way the socket stays open.
        let written = socket.write_all(greeting).and_then(|()| socket.write_all(&garbage(300)));
        held.push((socket, written));
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for length in [0, 1, 20, 300, 1_200, 1_472] {
        for _ in 0..20 {
            socket.send_to(&garbage(length), ("127.0.0.1", port(udp))).unwrap();
        }
    }

    for address in [tcp, udp] {
        let two = start(2, config(TCP, vec![at(1, vec![address.clone()])])).await;
        one.until_connected(2).await;
        two.must_send(1, b"still here?");
        one.until(&received(2, Channel::Direct, b"still here?")).await;
        two.network.shutdown();
        one.until(&Event::Disconnected(id(2))).await;
    }
    assert!(one.is_running());
}

#[tokio::test]
async fn a_member_that_refuses_us_is_dialled_less_and_less() {
    let other = start(2, config(TCP, vec![])).await;
    let one = start(1, config(TCP, vec![at(2, other.network.listen_addresses())])).await;
    eventually("it has refused us", || other.metric(STRANGERS) >= 3).await;
    let refused = other.metric(STRANGERS);
    // Each pause is about twice the last one: after three refusals, the fourth is more than a second away.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(other.metric(STRANGERS) <= refused + 1);
    assert_eq!(one.network.connected_members(), Vec::<PeerId>::new());
}
