//! How soon a guardian that was restarted is connected to enough others: in peace, and while strangers hold 2,000 idle sockets at its port
//! and send it first packets of QUIC connections, hundreds at a time, under addresses of members and of others. Once both sides dial, and once
//! the others alone can, so that each connection has to get through the flood. The members are the product's networks, in this process.

use super::Figure;
use crate::flood::{Flood, first_packets, idle_sockets, stream_of};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_p2p::{Config, Error, Event, Identity, Member, Multiaddr, Network};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinHandle};

const MEMBERS: u8 = 7;
/// Connections to others that are waited for: t of them.
const THRESHOLD: usize = 5;
/// The member that is restarted.
const RESTARTED: u8 = 1;
const SOCKETS: usize = 2_000;
const PACKETS: usize = 600;
/// A port where nobody listens.
const NOBODY: u16 = 9;
/// Restarts of which the slowest counts.
const RUNS: usize = 5;
/// Far above every pause of the network.
const PATIENCE: Duration = Duration::from_secs(120);
/// Connections that were refused before their handshake.
const CROWDED: &str = "guardian_p2p_crowded_total";

/// Whether the restarted member can reach the others.
#[derive(Clone, Copy, Debug)]
enum Reach {
    /// It dials them, and they dial it.
    Both,
    /// It knows where they are, but nobody listens there.
    Inwards,
}

/// Measures both; `say` gets a line for each.
///
/// # Errors
/// If the restarted member stays alone.
pub async fn measure(say: impl Fn(&str)) -> Result<Vec<Figure>> {
    let committee = Committee::start().await?;
    let packets = first_packets(PACKETS).await;
    let mut figures = Vec::new();
    for (reach, name) in [(Reach::Both, "reconnect_flooded_s"), (Reach::Inwards, "reconnect_dialled_flooded_s")] {
        let (mut calm, mut flooded) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            calm.push(committee.restart(reach, &[]).await?.as_secs_f64());
            flooded.push(committee.restart(reach, &packets).await?.as_secs_f64());
        }
        let worst = |taken: &[f64]| taken.iter().copied().fold(0.0, f64::max);
        say(&format!("{name}: in peace {calm:.2?} s, flooded {flooded:.2?} s"));
        figures.push(Figure {
            name,
            value: worst(&flooded),
            unit: "s",
            reference: "the same seven networks without the flood, slowest of five, measured",
            reference_value: worst(&calm),
        });
    }
    Ok(figures)
}

/// A running member.
struct Running {
    network: Network,
    events: mpsc::Receiver<Event>,
    task: JoinHandle<Result<(), Error>>,
}

/// All but the one that is restarted, and where that one is.
struct Committee {
    others: Vec<Running>,
    door: [SocketAddr; 2],
}

impl Committee {
    async fn start() -> Result<Self> {
        let door = [
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?,
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?,
        ];
        let mut others: Vec<Running> = Vec::new();
        for number in RESTARTED + 1..=MEMBERS {
            // The later ones dial the earlier ones, and all of them the one that is restarted.
            let before = (RESTARTED + 1..).zip(&others).map(|(n, other)| member(n, other.network.listen_addresses()));
            let behind = (number + 1..=MEMBERS).map(|n| member(n, Vec::new()));
            let members = before.chain(behind).chain([member(RESTARTED, addresses(door))]).collect();
            let free = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 2];
            others.push(Running::start(number, addresses(free), members).await?);
        }
        let committee = Self { others, door };
        let first = committee.join(Reach::Both).await?;
        committee.leave(first).await?;
        Ok(committee)
    }

    /// The one that is restarted comes back, while it is flooded with `packets` and idle sockets if there are any. How long it takes until
    /// it is connected to t members.
    async fn restart(&self, reach: Reach, packets: &[Vec<u8>]) -> Result<Duration> {
        let [tcp, udp] = self.door;
        let flood: Vec<Flood> = if packets.is_empty() {
            Vec::new()
        } else {
            // Under the members' address and under another one.
            let streams = [[127, 0, 0, 1], [127, 0, 0, 2]].map(|from| stream_of(packets.to_vec(), from, udp));
            streams.into_iter().chain([idle_sockets(tcp, SOCKETS)]).collect()
        };
        let begun = Instant::now();
        let restarted = self.join(reach).await?;
        let took = begun.elapsed();
        if !flood.is_empty() {
            // Else nothing was measured.
            wait("strangers are refused", || restarted.metric(CROWDED) > 0).await?;
        }
        drop(flood);
        self.leave(restarted).await?;
        Ok(took)
    }

    /// The restarted member ends, and its ports are free again, as after a process.
    async fn leave(&self, restarted: Running) -> Result<()> {
        restarted.stop().await?;
        let [tcp, udp] = self.door;
        wait("its ports are free", || TcpListener::bind(tcp).is_ok() && UdpSocket::bind(udp).is_ok()).await
    }

    /// The restarted member, once it is connected to t others.
    async fn join(&self, reach: Reach) -> Result<Running> {
        let addresses_of = |other: &Running| match reach {
            Reach::Both => other.network.listen_addresses(),
            Reach::Inwards => addresses([SocketAddr::from((Ipv4Addr::LOCALHOST, NOBODY)); 2]),
        };
        let others = (RESTARTED + 1..).zip(&self.others);
        let members = others.map(|(n, other)| member(n, addresses_of(other))).collect();
        let restarted = Running::start(RESTARTED, addresses(self.door), members).await?;
        wait("it is connected to t members", || restarted.network.connected() >= THRESHOLD).await?;
        Ok(restarted)
    }
}

impl Running {
    async fn start(number: u8, listen: Vec<Multiaddr>, members: Vec<Member>) -> Result<Self> {
        let config = Config { listen, members, ..Config::default() };
        let (network, events, run) = Network::start(config, identity(number)?).await?;
        Ok(Self { network, events, task: tokio::spawn(run) })
    }

    async fn stop(mut self) -> Result<()> {
        self.network.shutdown();
        self.events.close();
        tokio::time::timeout(PATIENCE, self.task).await.wrap_err("it does not end")??.map_err(Into::into)
    }

    /// The value of one sample, zero when there is none yet.
    fn metric(&self, sample: &str) -> u64 {
        let text = self.network.metrics_text();
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

fn identity(number: u8) -> Result<Identity> {
    Ok(Identity::from_seed([number; 32])?)
}

fn member(number: u8, addresses: Vec<Multiaddr>) -> Member {
    let peer_id = Identity::from_seed([number; 32]).unwrap().peer_id();
    Member { peer_id, addresses }
}

/// QUIC first, as committee files have it.
fn addresses([tcp, udp]: [SocketAddr; 2]) -> Vec<Multiaddr> {
    let quic = format!("/ip4/{}/udp/{}/quic-v1", udp.ip(), udp.port());
    let tcp = format!("/ip4/{}/tcp/{}", tcp.ip(), tcp.port());
    [quic, tcp].iter().map(|address| address.parse().unwrap()).collect()
}

async fn wait(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < PATIENCE, eyre!("in vain: {what}"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_guardian_restarted_in_a_flood_is_connected_to_t_members() {
        let committee = Committee::start().await.unwrap();
        let packets = first_packets(PACKETS).await;
        // Waits for it; how long it takes is for the benchmark.
        for reach in [Reach::Both, Reach::Inwards] {
            committee.restart(reach, &packets).await.unwrap();
        }
    }
}
