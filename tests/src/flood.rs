//! Strangers at a member's port, for tests and benchmarks: sockets that say nothing, and first packets of QUIC connections that nobody
//! means. Uses nothing but `guardian_p2p`, whose own tests include this file.

use guardian_p2p::{Config, Identity, Member, Multiaddr, Network};
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

/// How long the first packets may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs beside its owner until it is dropped.
#[derive(Debug)]
pub(crate) struct Flood {
    over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Flood {
    /// Does `work` again and again, in a thread of its own.
    fn of(mut work: impl FnMut() + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                work();
            }
        });
        Self { threads: vec![thread], over }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// `count` sockets that are open and say nothing; what is closed at the other end is opened again.
#[must_use]
pub(crate) fn idle_sockets(to: SocketAddr, count: usize) -> Flood {
    let mut sockets: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
    Flood::of(move || {
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
    })
}

/// The first packets of `count` QUIC connections, all different: what a node sends that dials as many members as there may be, at eight
/// addresses each, none of which answers.
///
/// # Panics
/// If they do not come.
pub(crate) async fn first_packets(count: usize) -> Vec<Vec<u8>> {
    let ears: Vec<UdpSocket> = (0..8).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let address = |ear: &UdpSocket| -> Multiaddr {
        ear.set_nonblocking(true).unwrap();
        format!("/ip4/127.0.0.1/udp/{}/quic-v1", ear.local_addr().unwrap().port()).parse().unwrap()
    };
    let addresses: Vec<Multiaddr> = ears.iter().map(address).collect();
    let peer = |number: u8| Identity::from_seed([number; 32]).unwrap().peer_id();
    let members = (100..228).map(|number| Member { peer_id: peer(number), addresses: addresses.clone() });
    let config = Config { members: members.collect(), ..Config::default() };
    let (caller, _events, run) = Network::start(config, Identity::from_seed([99; 32]).unwrap()).await.unwrap();
    tokio::spawn(run);
    let mut packets = HashSet::new();
    let enough = async {
        while packets.len() < count {
            for ear in &ears {
                let mut bytes = [0; 2_048];
                while let Ok(length) = ear.recv(&mut bytes) {
                    packets.insert(bytes[..length].to_vec());
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.expect("enough first packets");
    caller.shutdown();
    packets.into_iter().collect()
}

/// Sends them all, over and over, each from one of many ports at `from`.
///
/// # Panics
/// If nothing can be sent from there.
#[must_use]
pub(crate) fn stream_of(packets: Vec<Vec<u8>>, from: [u8; 4], to: SocketAddr) -> Flood {
    let senders: Vec<UdpSocket> =
        (0..64).map(|_| UdpSocket::bind(SocketAddrV4::new(from.into(), 0)).unwrap()).collect();
    let (mut next, mut packets) = (0, packets);
    Flood::of(move || {
        for (sender, packet) in senders.iter().cycle().skip(next % 64).zip(&packets) {
            sender.send_to(packet, to).ok();
        }
        // Another port for each the next time.
        next += 1;
        packets.rotate_left(7);
        thread::sleep(Duration::from_millis(100));
    })
}
