//! A guardian's observation of three beacon nodes, and an execution node that knows next to nothing.

use axum::{Json, Router, routing::post};
use guardian_chain::{ChainConfig, Endpoint, Limits, Readers, state::MINIMAL};
use guardian_protocol::{
    decide::decide,
    effects::Effects,
    event::{Event, Layer},
    observe::{Observer, QueryIds, Registry},
    ports::{Answers, Query, Reading},
    record::Record,
    setup::{ProviderQuorum, Setup, Timing},
    types::{
        Accepted, BlockRef, ChainView, Contracts, DutyBody, Evidence, MemberId, Network, Policy, ProtocolEvent,
        ProviderId, Timestamp,
    },
};
use guardian_tests::{
    simulation::keys::Keys,
    synthetic::{BeaconServer, Manner, Synthetic, validator::Registry as Validators},
};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use tokio::net::TcpListener;

pub(crate) const TRACKED: [u64; 5] = [0, 1, 7, 300, 599];

pub(crate) fn synthetic(fork: &'static str, skipped: bool) -> Synthetic {
    let registry = Validators { seed: 5, epoch: 40 };
    Synthetic { fork, preset: MINIMAL, validators: 600, registry, skipped, lie: 0 }
}

fn contracts() -> Contracts {
    Contracts {
        guardian_keys: [1; 20].into(),
        ejection_registry: [2; 20].into(),
        reserve_feed: [3; 20].into(),
        protocol: [4; 20].into(),
    }
}

/// An execution node that knows its chain id, and nothing else.
async fn execution() -> url::Url {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let answer = |Json(asked): Json<Value>| async move {
        Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": "0x539" }))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await.unwrap() });
    url
}

/// A guardian's observation of some beacon nodes.
pub(crate) struct Guardian {
    pub(crate) servers: Vec<BeaconServer>,
    pub(crate) readers: Readers,
    setup: Setup,
    pub(crate) observer: Observer,
    ids: QueryIds,
    now: u64,
    pub(crate) events: Vec<Event>,
}

struct Nowhere;

impl guardian_protocol::ports::AppendRecords for Nowhere {
    type Error = Infallible;

    fn append(&mut self, _: &[Record]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Guardian {
    pub(crate) async fn new(state: Synthetic, manners: [Manner; 3], limits: Limits) -> Self {
        let mut servers = Vec::new();
        for manner in manners {
            servers.push(BeaconServer::start(state, manner).await.unwrap());
        }
        let named = |(place, url): (usize, url::Url)| Endpoint { name: format!("node-{place}"), url };
        let config = ChainConfig {
            beacon: servers.iter().map(|server| server.url.clone()).enumerate().map(named).collect(),
            execution: vec![Endpoint { name: "execution".to_owned(), url: execution().await }],
            contracts: contracts(),
            start_block: 0,
            chain_id: None,
            limits,
        };
        let (readers, network) = Readers::connect(config).await.unwrap();
        let mut registry = Registry::default();
        let provisioned = TRACKED.map(|index| ProtocolEvent::Provisioned(state.registry.pubkey(index).into()));
        registry.advance(block(), &provisioned);
        let setup = setup(network);
        let observer = Observer::restore(registry);
        Self { servers, readers, setup, observer, ids: QueryIds::default(), now: 1, events: Vec::new() }
    }

    /// Observes once: asks and answers until there is evidence or trouble.
    pub(crate) async fn observe(&mut self) -> Option<Evidence> {
        self.observe_while(|_, _| {}).await
    }

    /// The same; before each question is put to the nodes, `happens` to them.
    pub(crate) async fn observe_while(&mut self, mut happens: impl FnMut(&Query, &[BeaconServer])) -> Option<Evidence> {
        self.now += 1_000_000;
        let mut fx = Effects::default();
        self.observer.nudge();
        self.observer.poll(Timestamp(self.now), &mut self.ids, &self.setup, &mut fx);
        loop {
            let released = fx.commit(&mut Nowhere).unwrap();
            self.events.extend(released.events);
            let (id, query) = released.queries.into_iter().next()?;
            happens(&query, &self.servers);
            let answers = match &query {
                Query::Finalized | Query::Validators { .. } => self.readers.read(&query).await,
                Query::Chain(_) => vec![(ProviderId(0), Ok(Reading::Chain(Box::new(self.view()))))],
                other => panic!("{other:?}"),
            };
            fx = Effects::default();
            let answers = Answers { id, answers };
            let evidence = self.observer.answered(Timestamp(self.now), answers, &mut self.ids, &self.setup, &mut fx);
            if let Some(evidence) = evidence {
                self.events.extend(fx.commit(&mut Nowhere).unwrap().events);
                return Some(evidence);
            }
        }
    }

    fn view(&self) -> ChainView {
        ChainView {
            block: block(),
            policy: Policy { ejection_threshold: 0, report_period: 1, vaults: vec![], pods: vec![], liabilities: 0 },
            accepted: Accepted::default(),
            key_epoch: self.setup.committee.key_epoch(),
            group_key: self.setup.committee.group_key(),
        }
    }

    /// The sum of validators' balances in the report, in gwei.
    pub(crate) fn reported(&self, evidence: &Evidence) -> u128 {
        let duties = decide(evidence, |_| false, self.setup.network.slots_per_epoch);
        let sum = duties.iter().find_map(|duty| match &duty.body {
            DutyBody::Reserves(report) => Some(u128::from(report.validators.0)),
            DutyBody::Ejection(_) => None,
        });
        sum.unwrap()
    }

    pub(crate) fn named(&self) -> Vec<u8> {
        let mut named: Vec<u8> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ProviderDisagrees { provider, layer: Layer::Beacon, .. } => Some(provider.0),
                _ => None,
            })
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

fn setup(network: Network) -> Setup {
    let keys = Keys::deal(3, 2, 0, false);
    Setup {
        me: MemberId::new(1).unwrap(),
        committee: keys.committee().clone(),
        network,
        contracts: contracts(),
        quorum: ProviderQuorum { beacon: 2, execution: 1 },
        timing: Timing::default(),
        start_block: 0,
    }
}

fn block() -> BlockRef {
    BlockRef { number: 5, hash: [9; 32].into(), timestamp: 77 }
}

pub(crate) fn truth(state: Synthetic) -> u128 {
    TRACKED.iter().map(|index| u128::from(state.registry.validator(*index).balance)).sum()
}

pub(crate) fn quick() -> Limits {
    Limits {
        request_timeout: Duration::from_secs(5),
        state_timeout: Duration::from_secs(20),
        answer_timeout: Duration::from_secs(20),
        ..Limits::default()
    }
}
