//! A committee in one process, all connected with all.

use super::{
    fault::Fault,
    node::{self, Command, Handle, Report, Surroundings, What},
};
use crate::simulation::{chain::Chain, keys::Keys};
use eyre::{Result, bail, eyre};
use guardian_p2p::{Config, Member, Multiaddr};
use guardian_protocol::{Input, MemberId};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// For a hundred members on two cores, all of whom shake hands with all.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the connections run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP with Noise and Yamux.
    Tcp,
    /// QUIC.
    Quic,
}

impl Transport {
    const fn address(self) -> &'static str {
        match self {
            Self::Tcp => "/ip4/127.0.0.1/tcp/0",
            Self::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        })
    }
}

/// The running nodes. Dropping it leaves their threads behind: call [`Cluster::stop`].
#[derive(Debug)]
pub(super) struct Cluster {
    nodes: BTreeMap<MemberId, Handle>,
    chain: Arc<Mutex<Chain>>,
    reports: Receiver<Report>,
}

impl Cluster {
    /// Starts everybody whom `fault` does not keep down, and waits until all are connected.
    pub(super) fn start(keys: &Arc<Keys>, fault: Fault, round_trip: Duration, transport: Transport) -> Result<Self> {
        let chain = Arc::new(Mutex::new(Chain::new(keys.committee().group_key(), keys.validators(), 1)));
        let (sender, reports) = sync_channel(1 << 20);
        let surroundings = Surroundings { keys: Arc::clone(keys), chain: Arc::clone(&chain), fault, reports: sender };
        let mut cluster = Self { nodes: BTreeMap::new(), chain, reports };
        for member in keys.members().filter(|member| fault != Fault::Crashed || !fault.befalls(*member, keys)) {
            let config = cluster.config(member, keys, round_trip, transport)?;
            cluster.nodes.insert(member, node::start(member, config, surroundings.clone())?);
            cluster.until_connected()?;
        }
        Ok(cluster)
    }

    /// Who comes later dials those that are there.
    fn config(&self, member: MemberId, keys: &Keys, round_trip: Duration, transport: Transport) -> Result<Config> {
        let mut members = Vec::new();
        for other in keys.members().filter(|other| *other != member) {
            let peer_id = guardian_p2p::peer_id_of(keys.identity(other).public().to_bytes())?;
            let addresses: Vec<Multiaddr> =
                self.nodes.get(&other).map(|node| node.network.listen_addresses()).unwrap_or_default();
            members.push(Member { peer_id, addresses });
        }
        let listen = vec![transport.address().parse()?];
        Ok(Config { listen, members, simulated_round_trip: round_trip, ..Config::default() })
    }

    fn until_connected(&self) -> Result<()> {
        let started = Instant::now();
        while self.nodes.values().any(|node| node.network.connected() + 1 < self.nodes.len()) {
            if started.elapsed() > PATIENCE {
                bail!("{} members do not all connect", self.nodes.len());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Something new is final, and everybody looks.
    pub(super) fn next_period(&self) -> Result<()> {
        // Two epochs to finality, and two more until the last report is visible at the reference.
        for _ in 0..4 {
            self.chain.lock().map_err(|_| eyre!("a node has died"))?.next_epoch();
        }
        self.tell_all(|| Command::Input(Input::Nudged))
    }

    /// Everybody forgets the faults of others.
    pub(super) fn restart(&self) -> Result<()> {
        self.tell_all(|| Command::Restart)
    }

    fn tell_all(&self, command: impl Fn() -> Command) -> Result<()> {
        for node in self.nodes.values() {
            node.commands.blocking_send(command()).map_err(|_| eyre!("a node has died"))?;
        }
        Ok(())
    }

    /// How long questions from the first member to the last take until they are answered, one after the other.
    pub(super) fn echoes(&self, count: usize) -> Result<Vec<Duration>> {
        let ends = (self.nodes.first_key_value(), self.nodes.last_key_value());
        let (Some((_, asks)), Some((answers, _))) = ends else { bail!("there are no nodes") };
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            asks.commands.blocking_send(Command::Echo(*answers)).map_err(|_| eyre!("a node has died"))?;
            loop {
                match self.next(PATIENCE)? {
                    Some(Report { what: What::Echo(after), .. }) => break took.push(after),
                    Some(_) => {}
                    None => bail!("an echo does not come back"),
                }
            }
        }
        Ok(took)
    }

    /// What the nodes report next; `None` if nothing comes for so long.
    pub(super) fn next(&self, patience: Duration) -> Result<Option<Report>> {
        match self.reports.recv_timeout(patience) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(eyre!("every node has died")),
        }
    }

    /// Ends every node and waits for its thread.
    pub(super) fn stop(self) {
        self.nodes.values().for_each(|node| node.network.shutdown());
        for node in self.nodes.into_values() {
            node.commands.blocking_send(Command::Stop).ok();
            node.thread.join().ok();
        }
    }
}
