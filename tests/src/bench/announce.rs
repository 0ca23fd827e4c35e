//! From finality to a guardian's announcement, beside three beacon nodes: all well, one silent, one that answers each question only after
//! nearly the time it is given. The guardian's brain and readers are the product's; the contracts and its execution node are made up.

use super::Figure;
use crate::{
    simulation::store::MemoryStore,
    synthetic::{self, BeaconServer, Manner, Synthetic, validator::Registry},
};
use eyre::{Result, ensure, eyre};
use guardian_chain::{Limits, Readers, state::MINIMAL};
use guardian_crypto::schnorr::GroupKey;
use guardian_protocol::{
    Answers, BootId, ChainView, Effects, Envelope, Epoch, EventPage, Guardian, Input, ProtocolEvent, ProviderId,
    ProviderQuorum, Query, QueryId, Reading, Record, Released, Setup, Timestamp,
    testing::{self, Dealt, Message, member},
};
use rand_core::OsRng;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Announcements that are measured in each case.
const TIMES: u64 = 50;
/// Announcements before that are not counted: connections are made, and the slow one is found out.
const WARM_UP: u64 = 2;
/// Just below the time that a request is given ([`Limits::request_timeout`]).
const DRIP: Duration = Duration::from_millis(9_900);
/// The first epoch.
const FIRST: u64 = 40;

/// What happens to the first node, and what its 50th and 99th percentiles are called.
type Case = (fn(&BeaconServer), [&'static str; 2]);

/// Measures all three; `say` gets a line for each.
///
/// # Errors
/// If a guardian announces nothing.
pub async fn measure(say: impl Fn(&str)) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let cases: [Case; 3] = [
        (|_| (), ["announce_well_p50_ms", "announce_well_p99_ms"]),
        (|server| server.be_silent(true), ["announce_silent_p50_ms", "announce_silent_p99_ms"]),
        (|server| server.be_slow(DRIP), ["announce_dripping_p50_ms", "announce_dripping_p99_ms"]),
    ];
    for (happens, names) in cases {
        let mut took = announcements(happens).await?;
        took.sort_unstable();
        for (name, percent) in names.into_iter().zip([50, 99]) {
            // The largest of 50 is their 99th percentile.
            let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
            let value = took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3);
            say(&format!("{name} {value:.1}"));
            let reference = "the goal: finality to transaction, one provider silent or dripping";
            figures.push(Figure { name, value, unit: "ms", reference, reference_value: 1_000.0 });
        }
    }
    Ok(figures)
}

/// How long each announcement took when this has happened to the first of three nodes.
async fn announcements(happens: fn(&BeaconServer)) -> Result<Vec<Duration>> {
    let state = |epoch| Synthetic {
        fork: "electra",
        preset: MINIMAL,
        validators: 600,
        registry: Registry { seed: 5, epoch },
        skipped: false,
        lie: 0,
    };
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(BeaconServer::start(state(FIRST), Manner::Honest).await?);
    }
    let mut node = Node::start(&servers, &state(FIRST)).await?;
    servers.first().into_iter().for_each(happens);
    let mut took = Vec::new();
    for turn in 1..=WARM_UP + TIMES {
        let next = state(FIRST + turn);
        for server in &servers {
            server.finalize(next)?;
        }
        let begun = Instant::now();
        node.announce(Epoch(FIRST + turn)).await?;
        took.extend((turn > WARM_UP).then(|| begun.elapsed()));
    }
    Ok(took)
}

struct Node {
    guardian: Guardian,
    readers: Arc<Readers>,
    store: MemoryStore,
    inputs: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
    group_key: GroupKey,
    provisioned: Vec<ProtocolEvent>,
    begun: Instant,
}

impl Node {
    async fn start(servers: &[BeaconServer], state: &Synthetic) -> Result<Self> {
        let quorum = ProviderQuorum { beacon: 2, execution: 1 };
        let urls = servers.iter().map(|server| server.url.clone());
        let (readers, network) = synthetic::connect(urls, Limits::default(), quorum).await?;
        let dealt = Dealt::new(3, 2, 7);
        let me = member(1);
        let setup = Setup { network, quorum, ..testing::setup(dealt.committee.clone(), me) };
        let records = [Record::Floor { epoch: Epoch(0), is_settled: true }];
        let guardian = Guardian::restore(Timestamp(0), setup, dealt.secrets(me), records, &mut OsRng)?;
        let (inputs, inbox) = mpsc::channel(1024);
        // Nothing is announced before somebody else has greeted.
        let (from, key) = (member(2), dealt.identity(member(2)));
        let greeting = testing::first_greeting(BootId { number: 1, name: [2; 16] }, &dealt.committee, &key);
        let bytes = Envelope::seal(from, greeting, &dealt.committee, &key).encode();
        inputs.try_send(Input::Heard { from, bytes })?;
        let key = |index| ProtocolEvent::Provisioned(state.registry.pubkey(index).into());
        Ok(Self {
            guardian,
            readers: Arc::new(readers),
            store: MemoryStore::default(),
            inputs,
            inbox,
            group_key: dealt.committee.group_key(),
            provisioned: (0..100).map(key).collect(),
            begun: Instant::now(),
        })
    }

    /// Nudges the guardian, and serves it until it announces something of `epoch`.
    async fn announce(&mut self, epoch: Epoch) -> Result<()> {
        let mut input = Input::Nudged;
        loop {
            let now = u64::try_from(self.begun.elapsed().as_millis())?;
            let mut fx = Effects::default();
            self.guardian.step(Timestamp(now), input, &mut OsRng, &mut fx);
            let released = fx.commit(&mut self.store)?;
            if is_announced(&released, epoch) {
                return Ok(());
            }
            for (id, query) in released.queries {
                self.ask(id, query);
            }
            let next = tokio::time::timeout(Duration::from_secs(120), self.inbox.recv()).await;
            ensure!(next.is_ok(), "nothing is announced of epoch {epoch}");
            input = next?.ok_or_else(|| eyre!("nothing comes any more"))?;
        }
    }

    /// As the node does it: the brain gets what enough have said, and the rest when it comes.
    fn ask(&self, id: QueryId, query: Query) {
        let (readers, inputs) = (Arc::clone(&self.readers), self.inputs.clone());
        let made_up = match &query {
            Query::Chain(_) => {
                let active_validators = u64::try_from(self.provisioned.len()).ok();
                Some(Reading::Chain(Box::new(ChainView { active_validators, ..synthetic::view(self.group_key) })))
            }
            Query::Events { from, at, .. } => {
                Some(Reading::Events(EventPage { from: *from, upto: *at, events: self.provisioned.clone() }))
            }
            Query::Progress(_) => Some(Reading::Progress(BTreeMap::new())),
            Query::Finalized | Query::State { .. } => None,
        };
        tokio::spawn(async move {
            if let Some(reading) = made_up {
                let answers = vec![(ProviderId(0), Ok(reading))];
                inputs.send(Input::Read(Answers { id, answers })).await.ok();
                return;
            }
            let mut asked = readers.ask(&query).await;
            inputs.send(Input::Read(Answers { id, answers: asked.take() })).await.ok();
            let answers = asked.rest().await;
            if !answers.is_empty() {
                inputs.send(Input::Read(Answers { id, answers })).await.ok();
            }
        });
    }
}

fn is_announced(released: &Released, epoch: Epoch) -> bool {
    released.messages.iter().any(|outgoing| match outgoing.envelope.message() {
        Message::Announcement(announcement) => announcement.duty.period == epoch,
        _ => false,
    })
}
