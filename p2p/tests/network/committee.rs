//! Members with fixed identities, and ways to wait for what they report. A wait that takes absurdly long fails the test; no
//! test asserts how fast anything is.

use std::{future::Future, time::Duration};

use guardian_p2p::{Channel, Config, Error, Event, Feedback, Identity, Limits, Member, Multiaddr, Network, PeerId};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

/// Far above every pause and timeout of the network.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition that nothing reports is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

pub(crate) struct Node {
    pub(crate) network: Network,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) task: JoinHandle<Result<(), Error>>,
}

pub(crate) fn identity(number: u8) -> Identity {
    Identity::from_seed([number; 32]).unwrap()
}

pub(crate) fn id(number: u8) -> PeerId {
    identity(number).peer_id()
}

/// A member that dials us.
pub(crate) fn silent(number: u8) -> Member {
    Member { peer_id: id(number), addresses: vec![] }
}

/// A member that we dial.
pub(crate) fn at(number: u8, addresses: Vec<Multiaddr>) -> Member {
    Member { peer_id: id(number), addresses }
}

pub(crate) fn config(listen: &str, members: Vec<Member>) -> Config {
    Config { listen: vec![listen.parse().unwrap()], members, ..Config::default() }
}

pub(crate) async fn start(number: u8, config: Config) -> Node {
    let (network, events, run) = Network::start(config, identity(number)).await.unwrap();
    Node { network, events, task: tokio::spawn(run) }
}

/// An address with a port that was free a moment ago.
pub(crate) fn free_address(listen: &str) -> String {
    let port = if listen == TCP {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    } else {
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    };
    listen.replace("/0", &format!("/{port}"))
}

/// Members 1 to `count`, connected each with each; the later ones have dialled the earlier ones.
pub(crate) async fn committee<const COUNT: usize>(listen: &str, limits: &Limits) -> [Node; COUNT] {
    let mut nodes: Vec<Node> = Vec::new();
    for number in 1..=u8::try_from(COUNT).unwrap() {
        let members = (1..=u8::try_from(COUNT).unwrap()).filter(|other| *other != number).map(|other| {
            let started = nodes.get(usize::from(other) - 1);
            at(other, started.map(|node| node.network.listen_addresses()).unwrap_or_default())
        });
        nodes.push(start(number, Config { limits: limits.clone(), ..config(listen, members.collect()) }).await);
    }
    for node in &nodes {
        eventually("everybody is connected", || node.network.connected() == COUNT - 1).await;
    }
    nodes.try_into().ok().unwrap()
}

pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    patiently(what, async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
}

pub(crate) fn received(from: u8, channel: Channel, bytes: &[u8]) -> Event {
    Event::Received { from: id(from), channel, bytes: bytes.to_vec() }
}

impl Node {
    pub(crate) async fn next(&mut self) -> Event {
        patiently("an event", self.events.recv()).await.expect("the network has stopped")
    }

    /// Waits for this event; gives those before it.
    pub(crate) async fn until(&mut self, wanted: &Event) -> Vec<Event> {
        let mut before = Vec::new();
        loop {
            let event = self.next().await;
            if event == *wanted {
                return before;
            }
            before.push(event);
        }
    }

    pub(crate) async fn until_connected(&mut self, number: u8) {
        self.until(&Event::Connected(id(number))).await;
    }

    /// The value of one sample, zero when there is none yet.
    pub(crate) fn metric(&self, sample: &str) -> u64 {
        let text = self.network.metrics_text();
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    pub(crate) fn must_send(&self, to: u8, bytes: &[u8]) {
        assert_eq!(self.network.send(id(to), bytes.to_vec()), Feedback::Accepted);
    }

    pub(crate) fn must_broadcast(&self, bytes: &[u8]) {
        assert_eq!(self.network.broadcast(bytes.to_vec()), Feedback::Accepted);
    }
}
