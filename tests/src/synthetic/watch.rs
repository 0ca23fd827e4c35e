//! A guardian's eyes on a synthetic chain: the product's readers and observation, and its brain's other parts left out. Made up are the
//! contracts' view, and an execution node that knows its chain id.

use crate::simulation::store::MemoryStore;
use axum::{Json, Router, routing::post};
use eyre::{Result, bail};
use guardian_chain::{ChainConfig, Endpoint, Limits, Readers};
use guardian_crypto::schnorr::GroupKey;
use guardian_protocol::{
    Answers, BlockRef, BlsPubkey, ChainSpec, ChainView, Effects, Event, EventPage, Evidence, ProtocolEvent, ProviderId,
    ProviderQuorum, Query, Reading, Setup, Timestamp,
    testing::{self, Dealt, Eyes, contracts, member},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// See the module.
#[derive(Debug)]
pub struct Watch {
    /// What asks the nodes.
    pub readers: Readers,
    /// What is made of their answers.
    pub eyes: Eyes,
    /// Everything that was reported so far.
    pub events: Vec<Event>,
    validators: u64,
}

impl Watch {
    /// Connects to the beacon nodes at `urls`, two of which have to agree; the protocol has the validators with these keys.
    ///
    /// # Errors
    /// If they can't be reached.
    pub async fn open(
        urls: impl IntoIterator<Item = Url>,
        tracked: impl IntoIterator<Item = BlsPubkey>,
        limits: Limits,
    ) -> Result<Self> {
        let quorum = ProviderQuorum { beacon: 2, execution: 1 };
        let (readers, network) = connect(urls, limits, quorum).await?;
        let events: Vec<ProtocolEvent> = tracked.into_iter().map(ProtocolEvent::Provisioned).collect();
        let validators = u64::try_from(events.len())?;
        let setup = Setup { network, quorum, ..testing::setup(Dealt::new(3, 2, 7).committee, member(1)) };
        Ok(Self {
            readers,
            eyes: Eyes::new(setup, EventPage { from: 0, upto: block(), events }),
            events: Vec::new(),
            validators,
        })
    }

    /// Looks once, at `now`: evidence, if something new is final and enough nodes agree on it. Each question `happens` before it is put.
    ///
    /// # Errors
    /// If something is asked that the made-up contracts don't know.
    pub async fn look(&mut self, now: Timestamp, mut happens: impl FnMut(&Query)) -> Result<Option<Evidence>> {
        let mut fx = Effects::default();
        self.eyes.look(now, &mut fx);
        loop {
            let released = fx.commit(&mut MemoryStore::default())?;
            self.events.extend(released.events);
            let Some((id, query)) = released.queries.into_iter().next() else { return Ok(None) };
            happens(&query);
            let answers = match &query {
                Query::Finalized | Query::State { .. } => self.readers.ask(&query).await.take(),
                Query::Chain(_) => vec![(ProviderId(0), Ok(Reading::Chain(Box::new(self.view()))))],
                other => bail!("nobody can answer {other:?}"),
            };
            fx = Effects::default();
            let answers = Answers { id, answers };
            if let Some(evidence) = self.eyes.answered(now, answers, &mut fx) {
                self.events.extend(fx.commit(&mut MemoryStore::default())?.events);
                return Ok(Some(evidence));
            }
        }
    }

    /// What the chain is.
    #[must_use]
    pub fn network(&self) -> &ChainSpec {
        &self.eyes.setup().network
    }

    fn view(&self) -> ChainView {
        ChainView { active_validators: Some(self.validators), ..view(self.eyes.setup().committee.group_key()) }
    }
}

/// The product's readers of the beacon nodes at `urls`, beside an execution node that knows its chain id.
///
/// # Errors
/// If they can't be reached.
pub async fn connect(
    urls: impl IntoIterator<Item = Url>,
    limits: Limits,
    quorum: ProviderQuorum,
) -> Result<(Readers, ChainSpec)> {
    let named = |(place, url): (usize, Url)| Endpoint::new(format!("beacon-{}", place + 1), url);
    let config = ChainConfig {
        beacon: urls.into_iter().enumerate().map(named).collect(),
        execution: vec![Endpoint::new("execution", execution().await?)],
        contracts: contracts(),
        start_block: 0,
        chain_id: None,
        quorum,
        limits,
    };
    Ok(Readers::connect(config).await?)
}

/// What the made-up contracts say: a report is due in every epoch.
#[must_use]
pub fn view(group_key: GroupKey) -> ChainView {
    let mut view = ChainView { block: block(), ..testing::chain_view(group_key, 5) };
    testing::reserve_rules(&mut view).period = 1;
    view
}

fn block() -> BlockRef {
    BlockRef { number: 5, hash: [9; 32].into(), timestamp: 77 }
}

async fn execution() -> Result<Url> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?).parse()?;
    let answer = |Json(asked): Json<Value>| async move {
        let id = asked.get("id").cloned().unwrap_or_default();
        Json(json!({ "jsonrpc": "2.0", "id": id, "result": "0x539" }))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    Ok(url)
}
