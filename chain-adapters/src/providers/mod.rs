//! All providers of both layers: every query goes to each of them at once, one query at a time to each, and every answer comes
//! back beside its provider's name. Which to believe is not decided here. The one thing that is: a provider that serves another
//! chain than the majority did at the start has no answer.

mod capabilities;
mod health;
mod route;
mod survey;

pub use capabilities::Capabilities;

use crate::{
    beacon::{client::BeaconClient, events, fingerprint::BeaconFingerprint, proving::StateHasher},
    config::{ChainConfig, Endpoint, Limits},
    error::{Error, Layer},
    execution::{client::ExecutionClient, reader::FinalKey},
    http::Http,
    network::{Chain, agree},
    stats::ProviderStats,
};
use futures::{Stream, StreamExt, future::join_all, stream};
use guardian_protocol::{ChainSpec, ProviderId, Query, ReadFailure, Reading, SignedExit};
use health::ProviderHealth;
use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::Mutex, time::timeout};

/// The eyes: all configured providers, checked to serve one chain.
#[derive(Debug)]
pub struct Readers {
    beacon: Vec<Provider<BeaconClient>>,
    execution: Vec<Provider<ExecutionClient>>,
    chain: Chain,
    hasher: StateHasher,
    /// The last state that was proved.
    proved: Mutex<Option<route::Proved>>,
}

/// One provider and what is known of it.
#[derive(Debug)]
struct Provider<C> {
    id: ProviderId,
    client: Arc<C>,
    /// Its fingerprint was the chain's, and it has not been away since: behind the same address there may be another node.
    verified: AtomicBool,
    /// Protects the operator's node: one query at a time.
    flight: Mutex<()>,
    /// As a source of whole states.
    health: ProviderHealth,
}

/// What both layers' clients can do.
trait Client: Send + Sync {
    /// What tells chains apart.
    type Fingerprint: Clone + fmt::Debug + Send;

    fn fingerprint(&self) -> impl Future<Output = Result<Self::Fingerprint, ReadFailure>> + Send;

    /// How this provider's chain differs from `chain`.
    fn difference(chain: &Chain, fingerprint: &Self::Fingerprint) -> Option<String>;

    /// Forgets what was learnt about the node behind the address.
    fn forget(&self);

    fn http(&self) -> &Http;
}

impl Client for BeaconClient {
    type Fingerprint = BeaconFingerprint;

    async fn fingerprint(&self) -> Result<BeaconFingerprint, ReadFailure> {
        Self::fingerprint(self).await
    }

    fn difference(chain: &Chain, fingerprint: &BeaconFingerprint) -> Option<String> {
        chain.beacon.difference(fingerprint, now())
    }

    fn forget(&self) {
        self.post_unsupported.store(false, Relaxed);
    }

    fn http(&self) -> &Http {
        &self.http
    }
}

impl Client for ExecutionClient {
    type Fingerprint = u64;

    async fn fingerprint(&self) -> Result<u64, ReadFailure> {
        self.chain_id().await
    }

    fn difference(chain: &Chain, chain_id: &u64) -> Option<String> {
        (chain.chain_id != *chain_id).then(|| format!("chain id {chain_id} instead of {}", chain.chain_id))
    }

    fn forget(&self) {
        self.log_range_known.store(false, Relaxed);
    }

    fn http(&self) -> &Http {
        &self.http
    }
}

impl<C: Client> Provider<C> {
    fn new(id: ProviderId, client: C) -> Self {
        Self {
            id,
            client: Arc::new(client),
            verified: AtomicBool::new(false),
            flight: Mutex::new(()),
            health: ProviderHealth::default(),
        }
    }

    /// `work`'s answer, if this provider's turn comes and the answer is complete within `patience`.
    async fn answer<T>(
        &self,
        chain: &Chain,
        patience: Duration,
        work: impl Future<Output = Result<T, ReadFailure>>,
    ) -> (ProviderId, Result<T, ReadFailure>) {
        let answer = timeout(patience, async {
            let _flight = self.flight.lock().await;
            self.verify(chain).await?;
            work.await
        });
        let answer = answer
            .await
            .unwrap_or_else(|_| Err(ReadFailure::Unreachable(format!("no complete answer within {patience:?}"))));
        if matches!(answer, Err(ReadFailure::Unreachable(_) | ReadFailure::WrongChain(_))) {
            self.verified.store(false, Relaxed);
        }
        (self.id, answer)
    }

    async fn verify(&self, chain: &Chain) -> Result<(), ReadFailure> {
        if self.verified.load(Relaxed) {
            return Ok(());
        }
        self.client.forget();
        self.health.forget();
        let fingerprint = self.client.fingerprint().await?;
        if let Some(difference) = C::difference(chain, &fingerprint) {
            tracing::warn!(provider = self.client.http().name(), difference, "a provider serves another chain");
            return Err(ReadFailure::WrongChain(difference));
        }
        self.verified.store(true, Relaxed);
        Ok(())
    }
}

impl Readers {
    /// Asks every provider which chain it serves. A majority of each layer must answer and agree; a provider that does not
    /// answer now is asked again before its first answer counts.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the providers or the configuration.
    pub async fn connect(config: ChainConfig) -> Result<(Self, ChainSpec), Error> {
        let beacon = clients(Layer::Beacon, &config.beacon, config.limits, BeaconClient::new)?;
        let execution = clients(Layer::Execution, &config.execution, config.limits, ExecutionClient::new)?;
        let (beacon_says, execution_says) = futures::join!(fingerprints(&beacon), fingerprints(&execution));
        let now = now();
        let reference = agree(Layer::Beacon, &beacon_says, |a, b| a.difference(b, now));
        let chain_id =
            agree(Layer::Execution, &execution_says, |a, b| (a != b).then(|| format!("chain id {b} instead of {a}")));
        let (reference, chain_id) = Error::both(reference, chain_id)?;
        let chain = Chain::new(reference, chain_id, &config, now)?;
        note_verified(&chain, &beacon, &beacon_says);
        note_verified(&chain, &execution, &execution_says);
        let network = chain.network();
        Ok((Self { beacon, execution, chain, hasher: StateHasher::default(), proved: Mutex::default() }, network))
    }

    /// Every provider's answer to `query`, of the layer that it is about. Where one answer can prove itself, the others may be spared.
    pub async fn read(&self, query: &Query) -> Vec<(ProviderId, Result<Reading, ReadFailure>)> {
        let patience = self.chain.patience(query);
        match query {
            Query::State { checkpoint, slot, pubkeys } => self.read_validators(checkpoint, *slot, pubkeys).await,
            Query::Finalized => {
                join_all(self.beacon.iter().map(|provider| async move {
                    let work = provider.client.read_finalized(&self.chain.beacon);
                    let answer = provider.answer(&self.chain, patience, work).await;
                    if let Ok(Reading::Finalized(Some(checkpoint))) = &answer.1 {
                        provider.health.finalized(checkpoint.epoch);
                    }
                    answer
                }))
                .await
            }
            Query::Chain(_) | Query::Events { .. } | Query::Progress(_) => {
                join_all(self.execution.iter().map(|provider| {
                    let work = read_execution(&provider.client, &self.chain, query);
                    provider.answer(&self.chain, patience, work)
                }))
                .await
            }
        }
    }

    /// The key against which the contracts verify at the finalized block, as every execution provider says.
    pub async fn final_key(&self) -> Vec<(ProviderId, Result<FinalKey, ReadFailure>)> {
        let patience = self.chain.limits.answer_timeout;
        join_all(self.execution.iter().map(|provider| {
            provider.answer(&self.chain, patience, provider.client.read_final_key(&self.chain.contracts))
        }))
        .await
    }

    /// Yields a beacon provider's id whenever it may have finalized something. Never ends; dropping it closes the
    /// connections.
    pub fn finality_nudges(&self) -> impl Stream<Item = ProviderId> + Send + use<> {
        stream::select_all(self.beacon.iter().map(|provider| {
            let id = provider.id;
            events::finality_nudges(Arc::clone(&provider.client)).map(move |()| id).boxed()
        }))
    }

    /// Puts an exit into every beacon node's pool. `Ok` is not acceptance: some clients answer so to anything once they
    /// know of an exit of that validator. Only inclusion proves an exit.
    pub async fn publish_exit(&self, exit: &SignedExit) -> Vec<(ProviderId, Result<(), ReadFailure>)> {
        let patience = self.chain.limits.answer_timeout;
        join_all(
            self.beacon
                .iter()
                .map(|provider| provider.answer(&self.chain, patience, provider.client.publish_exit(exit))),
        )
        .await
    }

    /// What each provider has cost so far, beacon nodes first.
    #[must_use]
    pub fn stats(&self) -> Vec<ProviderStats> {
        fn of<C: Client>(layer: Layer, provider: &Provider<C>) -> ProviderStats {
            let http = provider.client.http();
            http.stats.snapshot(layer, provider.id, http.name())
        }
        let beacon = self.beacon.iter().map(|provider| of(Layer::Beacon, provider));
        beacon.chain(self.execution.iter().map(|provider| of(Layer::Execution, provider))).collect()
    }

    /// The operator's name for a provider.
    #[must_use]
    pub fn name(&self, layer: Layer, id: ProviderId) -> Option<&str> {
        let place = usize::from(id.0);
        match layer {
            Layer::Beacon => self.beacon.get(place).map(|provider| provider.client.http().name()),
            Layer::Execution => self.execution.get(place).map(|provider| provider.client.http().name()),
        }
    }
}

async fn read_execution(client: &ExecutionClient, chain: &Chain, query: &Query) -> Result<Reading, ReadFailure> {
    match query {
        Query::Chain(at) => {
            let view = client.read_chain(&chain.contracts, chain.start_block, *at).await?;
            Ok(Reading::Chain(Box::new(view)))
        }
        Query::Events { from, to } => Ok(Reading::Events(client.read_events(&chain.contracts, *from, *to).await?)),
        Query::Progress(targets) => Ok(Reading::Progress(client.read_progress(&chain.contracts, targets).await?)),
        Query::Finalized | Query::State { .. } => {
            Err(ReadFailure::Malformed("a question that is not for execution providers".to_owned()))
        }
    }
}

fn clients<C: Client>(
    layer: Layer,
    endpoints: &[Endpoint],
    limits: Limits,
    client: impl Fn(Http) -> C,
) -> Result<Vec<Provider<C>>, Error> {
    checked(layer, endpoints)?
        .iter()
        .zip(0..=u8::MAX)
        .map(|(endpoint, id)| Ok(Provider::new(ProviderId(id), client(Http::new(endpoint.clone(), limits)?))))
        .collect()
}

/// `endpoints`, if they can be told apart and counted.
///
/// # Errors
/// [`Error::ProviderCount`], [`Error::DuplicateName`].
pub(crate) fn checked(layer: Layer, endpoints: &[Endpoint]) -> Result<&[Endpoint], Error> {
    if endpoints.is_empty() || endpoints.len() > 256 {
        return Err(Error::ProviderCount { layer, count: endpoints.len() });
    }
    let mut names = BTreeSet::new();
    match endpoints.iter().find(|endpoint| !names.insert(&endpoint.name)) {
        Some(twice) => Err(Error::DuplicateName { layer, name: twice.name.clone() }),
        None => Ok(endpoints),
    }
}

/// What providers said of their chains, each with its name.
type Said<F> = Vec<(String, Result<F, ReadFailure>)>;

async fn fingerprints<C: Client>(providers: &[Provider<C>]) -> Said<C::Fingerprint> {
    join_all(
        providers
            .iter()
            .map(|provider| async { (provider.client.http().name().to_owned(), provider.client.fingerprint().await) }),
    )
    .await
}

/// Spares those that have just been asked from being asked again.
fn note_verified<C: Client>(chain: &Chain, providers: &[Provider<C>], said: &Said<C::Fingerprint>) {
    for (provider, (_, said)) in providers.iter().zip(said) {
        let same = said.as_ref().is_ok_and(|fingerprint| C::difference(chain, fingerprint).is_none());
        provider.verified.store(same, Relaxed);
    }
}

/// Unix time in seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
