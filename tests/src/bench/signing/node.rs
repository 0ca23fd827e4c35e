//! One guardian on a thread of its own: a brain, a real libp2p network, and the plainest possible driver. Its chains answer at once.

use super::{
    fault::Fault,
    meter::{self, Moment},
};
use crate::simulation::{
    chain::{self, Chain},
    keys::Keys,
    store::MemoryStore,
};
use eyre::{Result, eyre};
use guardian_p2p::{Config, Event as NetworkEvent, Identity, Network, PeerId};
use guardian_protocol::{
    Answers, Call, DutyId, Effects, Event, Guardian, Input, MemberId, Outgoing, ProviderId, Recipient, Record,
    Released, Setup, Timestamp, Timing,
    testing::{self, Message},
};
use rand_core::OsRng;
use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{runtime::Builder, sync::mpsc};

/// The first byte of an echo and of its answer. No message of a guardian begins with them.
const QUESTION: u8 = 0xfe;
const ANSWER: u8 = 0xff;
/// As large as a share's message, roughly.
const ECHO_BYTES: usize = 256;

/// What a node is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Something for the brain.
    Input(Input),
    /// Ask this member for an echo.
    Echo(MemberId),
    /// Start anew from the records, without those of members' faults.
    Restart,
    /// End.
    Stop,
}

/// What a node tells.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) member: MemberId,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// The brain reported this in a step.
    Event { event: Box<Event>, begun: Moment, ended: Moment },
    /// A package was answered; what it cost, all in all.
    Answered { duty: DutyId, cpu: Duration },
    /// An echo came back.
    Echo(Duration),
}

/// Where and with whom a node lives.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) keys: Arc<Keys>,
    pub(super) chain: Arc<Mutex<Chain>>,
    pub(super) fault: Fault,
    pub(super) reports: SyncSender<Report>,
}

/// A running node.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) network: Network,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) thread: JoinHandle<()>,
}

/// Starts `member`; comes back when it listens.
pub(super) fn start(member: MemberId, config: Config, surroundings: Surroundings) -> Result<Handle> {
    let (ready, started) = sync_channel(1);
    let (commands, queue) = mpsc::channel(64);
    let reports = surroundings.reports.clone();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .on_thread_unpark(meter::woke)
        .on_thread_park(move || {
            if let Some((duty, cpu)) = meter::rests() {
                reports.try_send(Report { member, what: What::Answered { duty, cpu } }).ok();
            }
        })
        .build()?;
    let thread = thread::Builder::new().name(format!("guardian-{member}")).spawn(move || {
        runtime.block_on(async move {
            match Node::start(member, config, surroundings).await {
                Ok((node, events)) => {
                    ready.send(Ok(node.network.clone())).ok();
                    node.run(queue, events).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    })?;
    let network = started.recv().map_err(|_| eyre!("the thread of member {member} has died"))??;
    Ok(Handle { network, commands, thread })
}

struct Node {
    member: MemberId,
    guardian: Guardian,
    store: MemoryStore,
    network: Network,
    peers: BTreeMap<MemberId, PeerId>,
    members: BTreeMap<PeerId, MemberId>,
    surroundings: Surroundings,
    asked: Instant,
}

impl Node {
    async fn start(
        member: MemberId,
        config: Config,
        surroundings: Surroundings,
    ) -> Result<(Self, mpsc::Receiver<NetworkEvent>)> {
        let keys = &surroundings.keys;
        let mut peers = BTreeMap::new();
        for other in keys.members().filter(|other| *other != member) {
            peers.insert(other, guardian_p2p::peer_id_of(keys.identity(other).public().to_bytes())?);
        }
        let identity = Identity::from_seed(*keys.identity(member).expose_seed())?;
        let (network, events, actor) = Network::start(config, identity).await?;
        drop(tokio::spawn(actor));
        let guardian =
            Guardian::restore(now(), setup(member, &surroundings), keys.secrets(member), Vec::new(), &mut OsRng)?;
        let members = peers.iter().map(|(member, peer)| (*peer, *member)).collect();
        let (store, asked) = (MemoryStore::default(), Instant::now());
        Ok((Self { member, guardian, store, network, peers, members, surroundings, asked }, events))
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut events: mpsc::Receiver<NetworkEvent>) {
        let mut inputs = vec![Input::Woke];
        loop {
            let wake = self.settle(inputs);
            inputs = tokio::select! {
                event = events.recv() => event.and_then(|event| self.hear(event)).into_iter().collect(),
                command = commands.recv() => match command {
                    Some(Command::Input(input)) => vec![input],
                    Some(Command::Echo(to)) => self.ask(to),
                    Some(Command::Restart) => self.restart(),
                    Some(Command::Stop) | None => return,
                },
                () = tokio::time::sleep(wake) => vec![Input::Woke],
            };
        }
    }

    /// Steps with `inputs` and with what the chains answer; how long to wait then.
    fn settle(&mut self, mut inputs: Vec<Input>) -> Duration {
        let mut wake = Duration::from_secs(1);
        while let Some(next) = inputs.pop() {
            let (until, more) = self.step(next);
            wake = until;
            inputs.extend(more);
        }
        wake
    }

    fn step(&mut self, input: Input) -> (Duration, Vec<Input>) {
        let (begun, time) = (Moment::now(), now());
        let mut fx = Effects::default();
        self.guardian.step(time, input, &mut OsRng, &mut fx);
        let Ok(released) = fx.commit(&mut self.store) else { return (Duration::from_secs(1), Vec::new()) };
        let wake = released.wake.map_or(Duration::from_secs(1), |wake| wake.since(time));
        (wake, self.perform(released, begun))
    }

    fn perform(&self, released: Released, begun: Moment) -> Vec<Input> {
        let mut answered = None;
        for outgoing in released.messages {
            if let Message::Share(share) = outgoing.envelope.message() {
                answered = Some(share.duty);
            }
            self.send(outgoing);
        }
        let ended = Moment::now();
        for event in released.events {
            self.report(What::Event { event: Box::new(event), begun, ended });
        }
        meter::stepped(answered);
        let Ok(mut chain) = self.surroundings.chain.lock() else { return Vec::new() };
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
                // The chain of this benchmark has no contract that takes accounts' signatures.
                Call::Attest(order) => {
                    let outcome = Err("there is no account".to_owned());
                    follow.push(Input::Attested { id: order.id(), outcome });
                }
                Call::PublishExit(exit) => drop(chain.publish(&exit)),
                // Nothing is requested on a quiet day.
                Call::RequestExit(_) => {}
            }
        }
        for job in released.jobs {
            follow.push(Input::Computed(job.run(NonZeroUsize::MIN, &mut OsRng)));
        }
        follow
    }

    fn send(&self, outgoing: Outgoing) {
        let Surroundings { fault, keys, .. } = &self.surroundings;
        let Some(envelope) = fault.distort(self.member, outgoing.envelope, keys) else { return };
        let bytes = envelope.encode();
        match outgoing.to {
            Recipient::All => Some(self.network.broadcast(bytes)),
            Recipient::One(to) => self.peers.get(&to).map(|peer| self.network.send(*peer, bytes)),
        };
    }

    fn hear(&self, event: NetworkEvent) -> Option<Input> {
        match event {
            NetworkEvent::Connected(peer) => self.members.get(&peer).copied().map(Input::PeerUp),
            NetworkEvent::Disconnected(peer) => self.members.get(&peer).copied().map(Input::PeerDown),
            NetworkEvent::Doppelgangers(peer) => self.members.get(&peer).copied().map(Input::Doppelgangers),
            NetworkEvent::Received { from, bytes, .. } => match bytes.first() {
                Some(&QUESTION) => {
                    self.network.send(from, vec![ANSWER; ECHO_BYTES]);
                    None
                }
                Some(&ANSWER) => {
                    self.report(What::Echo(self.asked.elapsed()));
                    None
                }
                _ => self.members.get(&from).map(|from| Input::Heard { from: *from, bytes }),
            },
        }
    }

    fn ask(&mut self, to: MemberId) -> Vec<Input> {
        self.asked = Instant::now();
        if let Some(peer) = self.peers.get(&to) {
            self.network.send(*peer, vec![QUESTION; ECHO_BYTES]);
        }
        Vec::new()
    }

    /// A new brain from what the old one has recorded, faults of members left out. It greets everybody anew.
    fn restart(&mut self) -> Vec<Input> {
        self.store.lose(|record| matches!(record, Record::Fault { .. }));
        let keys = &self.surroundings.keys;
        let (setup, secrets) = (setup(self.member, &self.surroundings), keys.secrets(self.member));
        match Guardian::restore(now(), setup, secrets, self.store.records().to_vec(), &mut OsRng) {
            Ok(guardian) => self.guardian = guardian,
            Err(error) => tracing::error!(%error, "a brain does not come back from its records"),
        }
        let connected = self.network.connected_members();
        connected.iter().filter_map(|peer| self.members.get(peer)).map(|member| Input::PeerUp(*member)).collect()
    }

    fn report(&self, what: What) {
        self.surroundings.reports.try_send(Report { member: self.member, what }).ok();
    }
}

fn setup(me: MemberId, surroundings: &Surroundings) -> Setup {
    let timing = Timing {
        // Long enough that nothing but the nudge makes anybody look; and a submitter that is down shall not hold up the next round.
        poll: Duration::from_secs(600),
        submit_stagger: Duration::from_millis(20),
        ..Timing::default()
    };
    Setup {
        network: chain::network(),
        timing: match surroundings.fault {
            // A hundred nodes on a few cores can take so long that others would step in, which a hundred machines would not see. Where
            // everybody answers, be it wrongly, nothing waits for anybody's patience.
            Fault::None | Fault::Culprits => {
                let patience = Duration::from_secs(20);
                Timing { coordinator_stagger: patience, share_timeout: patience, reannounce: patience * 3, ..timing }
            }
            _ => timing,
        },
        ..testing::setup(surroundings.keys.committee().clone(), me)
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
