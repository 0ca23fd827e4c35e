//! How long a committee needs from knowing that t digests are equal to its signature: n brains with n real libp2p networks on
//! loopback, on chains that answer at once.

use super::Figure;
use crate::simulation::{
    chain::{self, Chain},
    keys::Keys,
    store::MemoryStore,
};
use eyre::{Result, WrapErr, eyre};
use futures::FutureExt;
use guardian_p2p::{Config, Event as NetworkEvent, Identity, Limits, Member, Network, PeerId};
use guardian_protocol::{
    Guardian,
    effects::{Effects, Recipient, Released},
    event::Event,
    input::Input,
    ports::{Answers, Call},
    setup::{ProviderQuorum, Setup, Timing},
    types::{DutyId, MemberId, ProviderId, Timestamp},
};
use hdrhistogram::Histogram;
use rand_core::OsRng;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

/// Something that one brain reported, and when.
#[derive(Debug)]
struct Report {
    member: MemberId,
    at: Instant,
    event: Event,
}

/// Signs `rounds` reports with `t` of `n` guardians.
///
/// # Errors
/// If a network can't be started, or a report is not signed.
pub async fn measure(n: u16, t: u16, rounds: usize) -> Result<Vec<Figure>> {
    let keys = Arc::new(Keys::deal(n, t, 1));
    let chain = Arc::new(Mutex::new(Chain::new(keys.committee().group_key(), keys.validators())));
    let (reports, mut heard) = mpsc::channel(4096);
    let mut nudges = Vec::new();
    let addresses: BTreeMap<MemberId, String> = keys
        .members()
        .map(|member| Ok((member, format!("/ip4/127.0.0.1/udp/{}/quic-v1", crate::devnet::process::free_port(0)?))))
        .collect::<Result<_>>()?;
    for member in keys.members() {
        nudges.push(spawn(member, &keys, &chain, &addresses, reports.clone()).await?);
    }
    // Connections come up by themselves; what is late is told again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut histogram = Histogram::<u64>::new(3).wrap_err("histogram")?;
    warm_up(&chain, &nudges, &mut heard).await?;
    for round in 0..rounds {
        next_period(&chain, &nudges).await?;
        let took = tokio::time::timeout(Duration::from_secs(20), signature(&mut heard)).await;
        let took = took.wrap_err_with(|| format!("no signature in round {round}"))?;
        histogram.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)).ok();
    }
    let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    let reference = "NEAR MPC with presignatures on a 100 ms network, quoted";
    let figure = |name, value| Figure { name, value, unit: "ms", reference, reference_value: 100.6 };
    Ok(vec![figure("sign_5of7_p50_ms", ms(0.50)), figure("sign_5of7_p99_ms", ms(0.99))])
}

/// Guardians with new stores leave out the first period that they see; the first signature is then not counted either.
async fn warm_up(
    chain: &Mutex<Chain>,
    nudges: &[mpsc::Sender<Input>],
    heard: &mut mpsc::Receiver<Report>,
) -> Result<()> {
    for _ in 0..10 {
        next_period(chain, nudges).await?;
        if tokio::time::timeout(Duration::from_secs(2), signature(heard)).await.is_ok() {
            return Ok(());
        }
    }
    Err(eyre!("the committee does not sign"))
}

/// Something new is final, and everybody looks.
async fn next_period(chain: &Mutex<Chain>, nudges: &[mpsc::Sender<Input>]) -> Result<()> {
    // Two epochs to finality, and two more until the last report is visible at the reference.
    for _ in 0..4 {
        chain.lock().map_err(|_| eyre!("poisoned"))?.next_epoch();
    }
    for nudge in nudges {
        nudge.send(Input::Nudged).await.ok();
    }
    Ok(())
}

/// Waits until the next report is signed and brought to its contract (or the next could not be decided); how long signing took,
/// from the coordinator's knowing that it is agreed.
async fn signature(heard: &mut mpsc::Receiver<Report>) -> Duration {
    let mut agreed: BTreeMap<(MemberId, DutyId), Instant> = BTreeMap::new();
    let mut took = None;
    while let Some(report) = heard.recv().await {
        match report.event {
            Event::Agreed { id } => drop(agreed.insert((report.member, id), report.at)),
            Event::Signed { id, coordinated: true, .. } => {
                let since = agreed.get(&(report.member, id));
                took = took.or(since.map(|since| report.at.duration_since(*since)));
            }
            Event::Submitted { .. } => {
                if let Some(took) = took {
                    return took;
                }
            }
            _ => {}
        }
    }
    Duration::ZERO
}

/// One guardian: a brain, a network, and the plainest possible driver.
async fn spawn(
    member: MemberId,
    keys: &Arc<Keys>,
    chain: &Arc<Mutex<Chain>>,
    addresses: &BTreeMap<MemberId, String>,
    reports: mpsc::Sender<Report>,
) -> Result<mpsc::Sender<Input>> {
    let mut members = Vec::new();
    let mut peers = BTreeMap::new();
    for (other, address) in addresses.iter().filter(|(other, _)| **other != member) {
        let peer_id = guardian_p2p::peer_id_of(keys.identity(*other).public().to_bytes())?;
        members.push(Member { peer_id, addresses: vec![address.parse()?] });
        peers.insert(*other, peer_id);
    }
    let listen = addresses.get(&member).ok_or_else(|| eyre!("no address"))?.parse()?;
    let identity = Identity::from_seed(*keys.identity(member).expose_seed())?;
    let config = Config { listen: vec![listen], members, limits: Limits::default() };
    let (network, mut events, actor) = Network::start(config, identity).await?;
    tokio::spawn(actor.map(drop));
    let (inputs, mut queue) = mpsc::channel::<Input>(1024);
    let by_peer: BTreeMap<PeerId, MemberId> = peers.iter().map(|(member, peer)| (*peer, *member)).collect();
    let network_inputs = inputs.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Some(input) = translate(event, &by_peer) {
                network_inputs.send(input).await.ok();
            }
        }
    });
    let guardian = Guardian::restore(now(), setup(member, keys), keys.secrets(member), Vec::new(), &mut OsRng)?;
    let mut node =
        Node { member, guardian, store: MemoryStore::default(), network, peers, chain: Arc::clone(chain), reports };
    let own = inputs.clone();
    tokio::spawn(async move {
        let mut input = Input::Woke;
        loop {
            let (wake, mut follow) = node.step(input);
            while let Some(next) = follow.pop() {
                let (_, more) = node.step(next);
                follow.extend(more);
            }
            input = tokio::select! {
                received = queue.recv() => received.unwrap_or(Input::Woke),
                () = tokio::time::sleep(wake) => Input::Woke,
            };
        }
    });
    Ok(own)
}

fn translate(event: NetworkEvent, members: &BTreeMap<PeerId, MemberId>) -> Option<Input> {
    match event {
        NetworkEvent::Connected(peer) => members.get(&peer).copied().map(Input::PeerUp),
        NetworkEvent::Disconnected(peer) => members.get(&peer).copied().map(Input::PeerDown),
        NetworkEvent::Received { from, bytes, .. } => {
            members.get(&from).map(|from| Input::Heard { from: *from, bytes })
        }
    }
}

struct Node {
    member: MemberId,
    guardian: Guardian,
    store: MemoryStore,
    network: Network,
    peers: BTreeMap<MemberId, PeerId>,
    chain: Arc<Mutex<Chain>>,
    reports: mpsc::Sender<Report>,
}

impl Node {
    /// One step; chains answer at once, so their answers are inputs to follow.
    fn step(&mut self, input: Input) -> (Duration, Vec<Input>) {
        let time = now();
        let mut fx = Effects::default();
        self.guardian.step(time, input, &mut OsRng, &mut fx);
        let Ok(released) = fx.commit(&mut self.store) else { return (Duration::from_secs(1), Vec::new()) };
        let wake = released.wake.map_or(Duration::from_secs(1), |wake| wake.since(time));
        (wake.max(Duration::from_millis(1)), self.perform(released))
    }

    fn perform(&self, released: Released) -> Vec<Input> {
        for outgoing in released.messages {
            let bytes = outgoing.envelope.encode();
            match outgoing.to {
                Recipient::All => drop(self.network.broadcast(bytes)),
                Recipient::One(to) => drop(self.peers.get(&to).map(|peer| self.network.send(*peer, bytes))),
            }
        }
        for event in released.events {
            let (member, at) = (self.member, Instant::now());
            self.reports.try_send(Report { member, at, event }).ok();
        }
        let Ok(mut chain) = self.chain.lock() else { return Vec::new() };
        let mut follow = Vec::new();
        for (id, query) in released.queries {
            follow.push(Input::Read(Answers { id, answers: vec![(ProviderId(0), chain.answer(&query, 0))] }));
        }
        for call in released.calls {
            match call {
                Call::Submit(signed) => {
                    let outcome = chain.submit(&signed);
                    follow.push(Input::Called { id: signed.id(), outcome });
                }
                Call::PublishExit(exit) => chain.publish(&exit),
            }
        }
        follow
    }
}

fn setup(me: MemberId, keys: &Keys) -> Setup {
    Setup {
        me,
        committee: keys.committee(),
        network: chain::network(),
        contracts: chain::contracts(),
        quorum: ProviderQuorum { beacon: 1, execution: 1 },
        // Long enough that nothing but the nudge makes anybody look.
        timing: Timing { poll: Duration::from_secs(5), ..Timing::default() },
        start_block: 0,
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
