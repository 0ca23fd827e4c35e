//! One provider: whether it may answer, and one question to it at a time.

use super::health::ProviderHealth;
use crate::{
    beacon::{client::BeaconClient, fingerprint::BeaconFingerprint},
    execution::client::ExecutionClient,
    http::Http,
    network::Chain,
};
use guardian_protocol::{ProviderId, ReadFailure};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// A provider of another chain is asked again after this: it can't become one of ours by itself. A slot of mainnet.
const FOREIGN_PAUSE: Duration = Duration::from_secs(12);

/// One provider and what is known of it.
#[derive(Debug)]
pub(super) struct Provider<C> {
    pub(super) id: ProviderId,
    pub(super) client: Arc<C>,
    /// Its fingerprint was the chain's, and it has not been away since: behind the same address there may be another node.
    pub(super) verified: AtomicBool,
    /// How its chain differs, and when it was last asked.
    foreign: Mutex<Option<(String, Instant)>>,
    /// Protects the operator's node: one query at a time.
    flight: Mutex<()>,
    /// Another lane for what is brought to the node, one thing at a time: however much that is, no question waits for it.
    errands: Mutex<()>,
    /// It did not answer its last question as soon as the others, or not long after: its answer is waited for no more, only heard.
    pub(super) slow: AtomicBool,
    /// As a source of whole states.
    pub(super) health: ProviderHealth,
}

/// What both layers' clients can do.
pub(super) trait Client: Send + Sync {
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
        chain.beacon().difference(fingerprint, now())
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
        self.forget_pace();
    }

    fn http(&self) -> &Http {
        &self.http
    }
}

impl<C: Client> Provider<C> {
    pub(super) fn new(id: ProviderId, client: C) -> Self {
        Self {
            id,
            client: Arc::new(client),
            verified: AtomicBool::new(false),
            foreign: Mutex::new(None),
            flight: Mutex::new(()),
            errands: Mutex::new(()),
            slow: AtomicBool::new(false),
            health: ProviderHealth::default(),
        }
    }

    /// `work`'s answer, if this provider's turn comes and the answer is complete within `patience`.
    pub(super) async fn answer<T>(
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
        if matches!(
            answer,
            Err(ReadFailure::Unreachable(_) | ReadFailure::Unauthorized(_) | ReadFailure::WrongChain(_))
        ) {
            self.verified.store(false, Relaxed);
        }
        (self.id, answer)
    }

    /// Brings something to this provider, when the errands before are done. It says nothing of the chain, so nothing is learnt of the provider
    /// by it; one whose chain is not known at the moment is passed over, since a question finds that out sooner.
    pub(super) async fn bring(
        &self,
        patience: Duration,
        errand: impl Future<Output = Result<(), ReadFailure>>,
    ) -> (ProviderId, Result<(), ReadFailure>) {
        let done = timeout(patience, async {
            let _lane = self.errands.lock().await;
            if !self.verified.load(Relaxed) {
                return Err(ReadFailure::NotAvailable("which chain it serves is not known now".to_owned()));
            }
            errand.await
        });
        let done =
            done.await.unwrap_or_else(|_| Err(ReadFailure::Unreachable(format!("not done within {patience:?}"))));
        (self.id, done)
    }

    async fn verify(&self, chain: &Chain) -> Result<(), ReadFailure> {
        if self.verified.load(Relaxed) {
            return Ok(());
        }
        let mut foreign = self.foreign.lock().await;
        if let Some((difference, asked)) = foreign.as_ref()
            && asked.elapsed() < FOREIGN_PAUSE
        {
            return Err(ReadFailure::WrongChain(difference.clone()));
        }
        self.client.forget();
        self.health.forget();
        let fingerprint = self.client.fingerprint().await?;
        self.tell_difference(C::difference(chain, &fingerprint), &mut foreign)
    }

    /// Notes what its fingerprint says. That it is of another chain is told once, and once that it is not any more.
    fn tell_difference(
        &self,
        difference: Option<String>,
        foreign: &mut Option<(String, Instant)>,
    ) -> Result<(), ReadFailure> {
        let provider = self.client.http().name();
        self.verified.store(difference.is_none(), Relaxed);
        self.client.http().stats.is_foreign(difference.is_some());
        let Some(difference) = difference else {
            if foreign.take().is_some() {
                tracing::info!(provider, "the provider serves our chain again");
            }
            return Ok(());
        };
        if foreign.as_ref().is_none_or(|(told, _)| *told != difference) {
            tracing::warn!(provider, difference, "a provider serves another chain: it does not count");
        }
        *foreign = Some((difference.clone(), Instant::now()));
        Err(ReadFailure::WrongChain(difference))
    }

    /// Compares what it has just said of its chain.
    pub(super) async fn compare(&self, chain: &Chain, fingerprint: &C::Fingerprint) {
        let mut foreign = self.foreign.lock().await;
        self.tell_difference(C::difference(chain, fingerprint), &mut foreign).ok();
    }

    /// What it says of its chain, in its turn.
    pub(super) async fn fingerprint(&self, patience: Duration) -> Result<C::Fingerprint, ReadFailure> {
        let asked = timeout(patience, async {
            let _flight = self.flight.lock().await;
            self.client.fingerprint().await
        });
        asked.await.unwrap_or_else(|_| Err(ReadFailure::Unreachable(format!("no complete answer within {patience:?}"))))
    }
}

/// Unix time in seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
