//! Thousands of strangers at the door, on TCP and QUIC, do not keep a member out that comes back.

use std::{
    collections::HashSet,
    io::Read,
    net::{SocketAddr, SocketAddrV4, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use guardian_p2p::{Config, Event, Member, Multiaddr};

use crate::committee::{Node, QUIC, TCP, at, config, eventually, id, silent, start};

const CROWDED: &str = "guardian_p2p_crowded_total";

fn socket_of(node: &Node) -> SocketAddr {
    let addresses = node.network.listen_addresses();
    let port = addresses[0].to_string().split('/').nth(4).unwrap().parse().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Runs beside a test until it is dropped.
struct Flood {
    over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Flood {
    /// Each of `works` is done again and again, in a thread of its own.
    fn of(works: impl IntoIterator<Item = Box<dyn FnMut() + Send>>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = works.into_iter().map(|mut work| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    work();
                }
            })
        });
        Self { threads: threads.collect(), over }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// `count` sockets that are open and say nothing; what is closed at the other end is opened again.
fn idle_sockets(to: SocketAddr, count: usize) -> Flood {
    let mut sockets: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
    Flood::of([Box::new(move || {
        for socket in &mut sockets {
            let open = socket.as_mut().is_some_and(|socket| {
                let closed = socket.read(&mut [0; 64]);
                !matches!(closed, Ok(0))
                    && closed.as_ref().err().is_none_or(|e| e.kind() == std::io::ErrorKind::WouldBlock)
            });
            if !open {
                *socket = TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok();
                let _ = socket.as_ref().map(|socket| socket.set_nonblocking(true));
            }
        }
        thread::sleep(Duration::from_millis(20));
    }) as Box<dyn FnMut() + Send>])
}

/// The first packets of `count` QUIC connections, all different: what a node sends that dials as many members as there may be, at eight
/// addresses each, none of which answers.
async fn first_packets(count: usize) -> Vec<Vec<u8>> {
    let ears: Vec<UdpSocket> = (0..8).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<Multiaddr> = ears
        .iter()
        .map(|ear| QUIC.replace("/0/", &format!("/{}/", ear.local_addr().unwrap().port())).parse().unwrap())
        .collect();
    let members: Vec<Member> = (100..228).map(|number| at(number, addresses.clone())).collect();
    let caller = start(99, config(QUIC, members)).await;
    let mut packets = HashSet::new();
    eventually("enough first packets", || {
        for ear in &ears {
            ear.set_nonblocking(true).unwrap();
            let mut bytes = [0; 2_048];
            while let Ok(length) = ear.recv(&mut bytes) {
                packets.insert(bytes[..length].to_vec());
            }
        }
        packets.len() >= count
    })
    .await;
    caller.network.shutdown();
    packets.into_iter().collect()
}

/// Sends them all, over and over, each from one of many ports at `from`.
fn stream_of(packets: Vec<Vec<u8>>, from: [u8; 4], to: SocketAddr) -> Flood {
    let senders: Vec<UdpSocket> =
        (0..64).map(|_| UdpSocket::bind(SocketAddrV4::new(from.into(), 0)).unwrap()).collect();
    let (mut next, mut packets) = (0, packets);
    Flood::of([Box::new(move || {
        for (sender, packet) in senders.iter().cycle().skip(next % 64).zip(&packets) {
            sender.send_to(packet, to).ok();
        }
        // Another port for each the next time.
        next += 1;
        packets.rotate_left(7);
        thread::sleep(Duration::from_millis(100));
    }) as Box<dyn FnMut() + Send>])
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
