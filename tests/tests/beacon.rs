//! Three beacon nodes, of which some lie or fail: which report goes out, how it is known, and who is named. The nodes are HTTP
//! servers of a synthetic chain; readers, observation and rules are the product's own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a broken assumption must stop the test"
)]

use axum::{Json, Router, routing::post};
use guardian_chain::{
    ChainConfig, Endpoint, Limits, Readers,
    state::{MAINNET, MINIMAL},
};
use guardian_protocol::{
    decide::decide,
    effects::Effects,
    event::{Event, Layer},
    observe::{Observer, QueryIds, Registry, Trouble},
    ports::{Answers, Query, Reading},
    record::Record,
    setup::{ProviderQuorum, Setup, Timing},
    types::{
        Accepted, BlockRef, BlsPubkey, ChainView, Contracts, DutyBody, Evidence, MemberId, Network, Policy, Proof,
        ProtocolEvent, ProviderId, Timestamp,
    },
};
use guardian_tests::{
    simulation::keys::Keys,
    synthetic::{BeaconServer, Manner, Synthetic, validator::Registry as Validators},
};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use tokio::net::TcpListener;

const TRACKED: [u64; 5] = [0, 1, 7, 300, 599];

fn synthetic(fork: &'static str, skipped: bool) -> Synthetic {
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
struct Guardian {
    servers: Vec<BeaconServer>,
    readers: Readers,
    setup: Setup,
    observer: Observer,
    ids: QueryIds,
    now: u64,
    events: Vec<Event>,
}

struct Nowhere;

impl guardian_protocol::ports::AppendRecords for Nowhere {
    type Error = Infallible;

    fn append(&mut self, _: &[Record]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Guardian {
    async fn new(state: Synthetic, manners: [Manner; 3], limits: Limits) -> Self {
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
    async fn observe(&mut self) -> Option<Evidence> {
        self.now += 1_000_000;
        let mut fx = Effects::default();
        self.observer.nudge();
        self.observer.poll(Timestamp(self.now), &mut self.ids, &self.setup, &mut fx);
        loop {
            let released = fx.commit(&mut Nowhere).unwrap();
            self.events.extend(released.events);
            let (id, query) = released.queries.into_iter().next()?;
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
    fn reported(&self, evidence: &Evidence) -> u128 {
        let duties = decide(evidence, |_| false, self.setup.network.slots_per_epoch);
        let sum = duties.iter().find_map(|duty| match &duty.body {
            DutyBody::Reserves(report) => Some(u128::from(report.validators.0)),
            DutyBody::Ejection(_) => None,
        });
        sum.unwrap()
    }

    fn named(&self) -> Vec<u8> {
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

fn truth(state: Synthetic) -> u128 {
    TRACKED.iter().map(|index| u128::from(state.registry.validator(*index).balance)).sum()
}

fn quick() -> Limits {
    Limits {
        request_timeout: Duration::from_secs(5),
        state_timeout: Duration::from_secs(20),
        answer_timeout: Duration::from_secs(20),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_proved_report_is_right_in_every_fork_and_one_node_is_asked() {
    for fork in guardian_tests::synthetic::state::FORKS {
        let state = synthetic(fork, false);
        let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
        let evidence = guardian.observe().await.expect(fork);
        assert!(matches!(evidence.proof, Proof::State { root } if root == evidence.checkpoint.state_root), "{fork}");
        assert_eq!(guardian.reported(&evidence), truth(state), "{fork}");
        assert_eq!(guardian.servers.iter().map(BeaconServer::states).sum::<u64>(), 1, "{fork}");
    }
}

#[tokio::test]
async fn with_one_that_lies_or_fails_the_right_report_goes_out() {
    let state = synthetic("electra", false);
    for (manner, is_named) in [
        (Manner::LiesAboutBalances, true),
        (Manner::LiesAboutHeader, true),
        (Manner::Truncates, false),
        (Manner::IsBehind, false),
        (Manner::IsEmpty, false),
        (Manner::HasNoStates, false),
        (Manner::MislabelsStates, false),
        (Manner::IsOfTheFuture, false),
    ] {
        // The liar is the one that is asked first.
        let mut guardian = Guardian::new(state, [manner, Manner::Honest, Manner::Honest], quick()).await;
        let evidence = guardian.observe().await.unwrap_or_else(|| panic!("{manner:?}: {:?}", guardian.events));
        assert!(matches!(evidence.proof, Proof::State { .. }), "{manner:?}");
        assert_eq!(guardian.reported(&evidence), truth(state), "{manner:?}");
        assert_eq!(guardian.named(), if is_named { vec![0] } else { vec![] }, "{manner:?}");
    }
}

#[tokio::test]
async fn where_no_node_serves_states_a_majority_of_words_counts() {
    let state = synthetic("deneb", false);
    let no_states = Limits { prove_states: false, ..quick() };
    let manners = [Manner::LiesAboutBalances, Manner::Honest, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, no_states).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Quorum, truth(state)));
    assert_eq!(guardian.named(), [0]);
    // An empty list is no answer, and no zero.
    let manners = [Manner::IsEmpty, Manner::IsEmpty, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
    assert_eq!(guardian.observer.trouble(), Some(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[tokio::test]
async fn two_that_lie_alike_are_named_and_their_report_never_goes_out() {
    let state = synthetic("electra", false);
    // The third has no state that could prove the truth: nothing goes out.
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
    assert_eq!(guardian.observer.trouble(), Some(Trouble::Contradiction(Layer::Beacon)));
    assert_eq!(guardian.named(), [0, 1]);
    assert!(guardian.events.iter().any(|event| matches!(event, Event::NoQuorum { .. })));
    // The third has: one proof outweighs them.
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!(guardian.reported(&evidence), truth(state));
    assert_eq!(guardian.named(), [0, 1]);
}

#[tokio::test]
async fn a_skipped_slots_state_needs_its_root_from_a_majority() {
    let state = synthetic("deneb", true);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert!(matches!(evidence.proof, Proof::AdvancedState { root } if root != evidence.checkpoint.state_root));
    assert_eq!(guardian.reported(&evidence), truth(state));
    // A state with another balance names the same block, but nobody else has its root.
    let manners = [Manner::LiesAboutBalances, Manner::Honest, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert!(matches!(evidence.proof, Proof::AdvancedState { .. }));
    assert_eq!(guardian.reported(&evidence), truth(state));
    assert_eq!(guardian.named(), [0]);
    // One says this and one says that: nothing is believed.
    let manners = [Manner::LiesAboutBalances, Manner::IsBroken, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
}

#[tokio::test]
async fn a_slow_node_is_given_up_and_its_budget_is_kept() {
    let state = Synthetic { preset: MAINNET, validators: 20_000, ..synthetic("electra", false) };
    let limits = Limits { state_timeout: Duration::from_secs(2), ..quick() };
    let mut guardian = Guardian::new(state, [Manner::IsSlow(1000); 3], limits).await;
    let evidence = guardian.observe().await.unwrap();
    // Not proved in time, but all three say the same.
    assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Quorum, truth(state)));

    // Each may be asked for one state in the hour.
    let state = synthetic("deneb", false);
    let limits = Limits { state_budget: state.length() * 3 / 2, ..quick() };
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], limits).await;
    for turn in 1..=5 {
        let mut next = state;
        next.registry.epoch += turn;
        for server in &guardian.servers {
            server.finalize(next).unwrap();
        }
        let evidence = guardian.observe().await.unwrap();
        assert_eq!(matches!(evidence.proof, Proof::State { .. }), turn <= 3, "{turn}");
        assert_eq!(guardian.reported(&evidence), truth(next));
    }
    assert_eq!(guardian.servers.iter().map(BeaconServer::states).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(guardian.servers.iter().all(|server| server.served() <= state.length() * 3 / 2));
}

#[tokio::test]
async fn validators_are_found_as_the_generator_made_them() {
    let state = synthetic("fulu", false);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!(evidence.validators.len(), TRACKED.len());
    for (record, index) in evidence.validators.iter().zip(TRACKED) {
        let validator = state.registry.validator(index);
        assert_eq!((record.index.0, record.pubkey), (index, BlsPubkey::from(validator.pubkey)));
        assert_eq!((record.balance.0, record.slashed), (validator.balance, validator.slashed));
        assert_eq!(record.exit_epoch.0, validator.epochs[2]);
    }
}
