//! All providers of both layers: every query goes to each of them at once, but for fallbacks, one query at a time to each, and every answer comes
//! back beside its provider's name. Which to believe is not decided here. Two things are: when enough have answered
//! ([`asking`]), and that a provider that serves another chain than the majority has no answer.

mod asking;
mod capabilities;
mod health;
mod provider;
mod route;
mod survey;

pub use asking::Asked;
pub use capabilities::Capabilities;
pub use survey::LogsServed;

use crate::{
    beacon::{client::BeaconClient, events, fingerprint::BeaconFingerprint, proving::StateHasher},
    config::{ChainConfig, Endpoint, Limits, Role},
    error::{Error, Layer},
    execution::{client::ExecutionClient, reader::FinalKey},
    http::Http,
    network::{Chain, agree},
    stats::ProviderStats,
};
use futures::{Stream, StreamExt, future::join_all, stream};
use guardian_protocol::{ChainSpec, Epoch, ProviderId, ReadFailure, SignedExit};
use provider::{Client, Provider, now};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::Mutex;

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

impl Readers {
    /// Asks every provider which chain it serves. A majority of each layer must answer and agree; a provider that does not
    /// answer now is asked again before its first answer counts.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the providers or the configuration.
    pub async fn connect(config: ChainConfig) -> Result<(Self, ChainSpec), Error> {
        let beacon = clients(Layer::Beacon, &config.beacon, config.limits, BeaconClient::new)?;
        let execution = clients(Layer::Execution, &config.execution, config.limits, ExecutionClient::new)?;
        let (beacon_says, execution_says) = {
            let patience = config.limits.answer_timeout;
            futures::join!(fingerprints(&beacon, patience), fingerprints(&execution, patience))
        };
        let reference = agree_on_beacon(&beacon_says);
        let differ = |a: &u64, b: &u64| (a != b).then(|| format!("chain id {b} instead of {a}"));
        let chain_id = agree(Layer::Execution, &execution_says, differ, |a, b| a == b, |_| 0);
        let (reference, chain_id) = Error::both(reference, chain_id)?;
        let chain = Chain::new(reference, chain_id, &config, now())?;
        compare(&chain, &beacon, &beacon_says).await;
        compare(&chain, &execution, &execution_says).await;
        let network = chain.network();
        Ok((Self { beacon, execution, chain, hasher: StateHasher::default(), proved: Mutex::default() }, network))
    }

    /// Asks every beacon provider once more which chain it serves, and takes over the forks that a majority states: clients learn of them
    /// when they are updated, and each at another time. To be done once in an [`Self::epoch`].
    pub async fn refresh(&self) {
        let said = fingerprints(&self.beacon, self.chain.limits.answer_timeout).await;
        if let Ok(stated) = agree_on_beacon(&said) {
            self.chain.adopt(stated);
        }
        compare(&self.chain, &self.beacon, &said).await;
    }

    /// How long an epoch lasts.
    #[must_use]
    pub fn epoch(&self) -> Duration {
        self.chain.beacon().epoch_length()
    }

    /// Forks that the providers schedule and this version does not know, and when they begin: from then on no state is proved, and blocks
    /// may not be understood.
    #[must_use]
    pub fn unknown_forks(&self) -> Vec<(String, Epoch)> {
        self.chain.beacon().unknown_forks()
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
        // What a fallback finalizes the others tell, or the next poll.
        let watched = self.beacon.iter().filter(|provider| provider.client.http.role() != Role::Fallback);
        stream::select_all(watched.map(|provider| {
            let id = provider.id;
            events::finality_nudges(Arc::clone(&provider.client)).map(move |()| id).boxed()
        }))
    }

    /// Puts an exit into every beacon node's pool. `Ok` is not acceptance: some clients answer so to anything once they
    /// know of an exit of that validator. Only inclusion proves an exit.
    pub async fn publish_exit(&self, exit: &SignedExit) -> Vec<(ProviderId, Result<(), ReadFailure>)> {
        let patience = self.chain.limits.answer_timeout;
        join_all(self.beacon.iter().map(|provider| provider.bring(patience, provider.client.publish_exit(exit)))).await
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

async fn fingerprints<C: Client>(providers: &[Provider<C>], patience: Duration) -> Said<C::Fingerprint> {
    let asked = providers.iter().map(|provider| async move {
        (provider.client.http().name().to_owned(), provider.fingerprint(patience).await)
    });
    join_all(asked).await
}

fn agree_on_beacon(said: &Said<BeaconFingerprint>) -> Result<BeaconFingerprint, Error> {
    let now = now();
    let alike = |a: &BeaconFingerprint, b: &BeaconFingerprint| a.forks == b.forks;
    agree(Layer::Beacon, said, |a, b| a.difference(b, now), alike, |print| print.forks.len())
}

/// Spares those that have just been asked from being asked again.
async fn compare<C: Client>(chain: &Chain, providers: &[Provider<C>], said: &Said<C::Fingerprint>) {
    for (provider, (_, said)) in providers.iter().zip(said) {
        if let Ok(fingerprint) = said {
            provider.compare(chain, fingerprint).await;
        }
    }
}
