//! A guardian's eyes on a synthetic chain: the product's readers and observation, and its brain's other parts left out. Made up are the
//! contracts' view, and an execution node that knows its chain id.

use crate::simulation::{keys::Keys, store::MemoryStore};
use axum::{Json, Router, routing::post};
use eyre::{Result, bail, eyre};
use guardian_chain::{ChainConfig, Endpoint, Limits, Readers};
use guardian_protocol::{
    Answers, BlockRef, BlsPubkey, ChainSpec, ChainView, Contracts, Effects, Event, Evidence, MemberId, ProtocolEvent,
    ProviderId, ProviderQuorum, Query, Reading, Setup, Timestamp, Timing,
    testing::{Observer, QueryIds, Registry},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// See the module.
#[derive(Debug)]
pub struct Watch {
    /// The eyes.
    pub readers: Readers,
    /// What is made of what they see.
    pub observer: Observer,
    /// Everything that was reported so far.
    pub events: Vec<Event>,
    setup: Setup,
    ids: QueryIds,
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
        let named = |(place, url): (usize, Url)| Endpoint { name: format!("beacon-{}", place + 1), url };
        let config = ChainConfig {
            beacon: urls.into_iter().enumerate().map(named).collect(),
            execution: vec![Endpoint { name: "execution".to_owned(), url: execution().await? }],
            contracts: contracts(),
            start_block: 0,
            chain_id: None,
            limits,
        };
        let (readers, network) = Readers::connect(config).await?;
        let events: Vec<ProtocolEvent> = tracked.into_iter().map(ProtocolEvent::Provisioned).collect();
        let mut registry = Registry::default();
        registry.advance(block(), &events);
        let (observer, setup) = (Observer::restore(registry), setup(network)?);
        Ok(Self { readers, observer, events: Vec::new(), setup, ids: QueryIds::default() })
    }

    /// Looks once, at `now`: evidence, if something new is final and enough nodes agree on it. Each question `happens` before it is put.
    ///
    /// # Errors
    /// If something is asked that the made-up contracts don't know.
    pub async fn look(&mut self, now: Timestamp, mut happens: impl FnMut(&Query)) -> Result<Option<Evidence>> {
        let mut fx = Effects::default();
        self.observer.nudge();
        self.observer.poll(now, &mut self.ids, &self.setup, &mut fx);
        loop {
            let released = fx.commit(&mut MemoryStore::default())?;
            self.events.extend(released.events);
            let Some((id, query)) = released.queries.into_iter().next() else { return Ok(None) };
            happens(&query);
            let answers = match &query {
                Query::Finalized | Query::Validators { .. } => self.readers.read(&query).await,
                Query::Chain(_) => vec![(ProviderId(0), Ok(Reading::Chain(Box::new(self.view()))))],
                other => bail!("nobody can answer {other:?}"),
            };
            fx = Effects::default();
            let answers = Answers { id, answers };
            if let Some(evidence) = self.observer.answered(now, answers, &mut self.ids, &self.setup, &mut fx) {
                self.events.extend(fx.commit(&mut MemoryStore::default())?.events);
                return Ok(Some(evidence));
            }
        }
    }

    /// What the chain is.
    #[must_use]
    pub const fn network(&self) -> &ChainSpec {
        &self.setup.network
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
}

fn block() -> BlockRef {
    BlockRef { number: 5, hash: [9; 32].into(), timestamp: 77 }
}

fn contracts() -> Contracts {
    let [guardian_keys, ejection_registry, reserve_feed, protocol] = [1, 2, 3, 4].map(|byte| [byte; 20].into());
    Contracts { guardian_keys, ejection_registry, reserve_feed, protocol }
}

fn setup(network: ChainSpec) -> Result<Setup> {
    Ok(Setup {
        me: MemberId::new(1).ok_or_else(|| eyre!("no member"))?,
        committee: Keys::deal(3, 2, 0, false).committee().clone(),
        network,
        contracts: contracts(),
        quorum: ProviderQuorum { beacon: 2, execution: 1 },
        timing: Timing::default(),
        start_block: 0,
    })
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
