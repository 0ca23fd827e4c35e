//! What the beacon providers offer, found out once of each, at the start or when it first answers, in the background: for people, for
//! metrics, and so that nobody is asked in vain for what it does not have.

use super::{Readers, provider::Provider};
use crate::beacon::client::BeaconClient;
use futures::{Stream, StreamExt, future::join_all, stream};
use guardian_protocol::{ProviderId, ReadFailure};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep};

/// What one beacon provider offers. `None`: it could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Its place in the operator's list.
    pub id: ProviderId,
    /// The operator's name for it.
    pub name: String,
    /// How it names itself.
    pub version: Option<String>,
    /// Its name among beacon nodes, which no other one has.
    pub peer_id: Option<String>,
    /// Whole states in SSZ: then nothing it says of validators has to be believed.
    pub states: Option<bool>,
    /// Validators by POST: many in one question.
    pub post: Option<bool>,
    /// Events when something is finalized.
    pub events: Option<bool>,
    /// Validators of some epochs ago.
    pub past: Option<bool>,
}

impl Capabilities {
    /// What was asked for, by name.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, Option<bool>); 4] {
        [("states", self.states), ("post", self.post), ("events", self.events), ("past", self.past)]
    }

    /// Nothing could be found out: it does not answer, or serves another chain.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.version.is_none() && self.all().iter().all(|(_, offered)| offered.is_none())
    }

    /// All of it on one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let word = |offered: Option<bool>| match offered {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        self.all().map(|(what, offered)| format!("{what} {}", word(offered))).join(", ")
    }

    /// What is missing, and what the operator can do about it.
    pub fn hints(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let missing = self.all().into_iter().filter(|(_, offered)| *offered == Some(false));
        missing.map(|(what, _)| (what, hint(what)))
    }
}

fn hint(what: &str) -> &'static str {
    match what {
        "states" => {
            "its word is compared with the others' instead of proved: Lodestar serves states with --rest.namespace '*', older \
             versions of Prysm with --enable-debug-rpc-endpoints, other clients by default; hosted providers rarely do"
        }
        "post" => "it is asked for 30 validators at a time, which is slow: update the client, or the proxy before it",
        "events" => "finality is seen by polling, up to one poll later: let the proxy before it pass /eth/v1/events",
        _ => {
            "no harm, unless it often answers too late: clients keep old states as archive nodes (Lighthouse with \
             --reconstruct-historic-states, Teku with --data-storage-mode=archive, Lodestar with --serveHistoricalState)"
        }
    }
}

impl Readers {
    /// Asks every beacon provider what it capabilities: a handful of small questions, between which other queries have their turn.
    pub async fn capabilities(&self) -> Vec<Capabilities> {
        join_all(self.beacon.iter().map(|provider| self.capabilities_of(provider))).await
    }

    /// As [`Self::capabilities`], of each as soon as it is found out: who is silent is asked again after every `pause`. Ends when all are known.
    pub fn capabilities_found(&self, pause: Duration) -> impl Stream<Item = Capabilities> + '_ {
        let probe_capabilities = move |provider| async move {
            loop {
                let capabilities = self.capabilities_of(provider).await;
                if !capabilities.is_silent() {
                    return capabilities;
                }
                sleep(pause).await;
            }
        };
        stream::iter(&self.beacon).map(probe_capabilities).buffer_unordered(self.beacon.len().max(1))
    }

    async fn capabilities_of(&self, provider: &Provider<BeaconClient>) -> Capabilities {
        let client = &provider.client;
        let version = self.asked(provider, client.version()).await;
        let peer_id = self.asked(provider, client.peer_id()).await.flatten();
        // Where no states are wanted, none is asked for. What a node that is behind lacks it may have when it is not.
        let states = async {
            client.check_sync(&self.chain.beacon()).await?;
            Ok(if self.chain.limits.prove_states { client.has_states().await } else { None })
        };
        let states = self.asked(provider, states).await.flatten();
        if states == Some(false) {
            provider.health.serves_none(Instant::now());
        }
        let post = self.asked(provider, client.has_post()).await.flatten();
        let past = self.asked(provider, client.has_past(self.chain.beacon().slots_per_epoch)).await.flatten();
        // No query, and maybe a long wait: nobody's turn is taken.
        let events = client.has_events().await;
        let name = client.http.name().to_owned();
        Capabilities { id: provider.id, name, version, peer_id, states, post, events, past }
    }

    async fn asked<T>(
        &self,
        provider: &Provider<BeaconClient>,
        work: impl Future<Output = Result<T, ReadFailure>>,
    ) -> Option<T> {
        let patience = self.chain.limits.answer_timeout;
        let (_, answer) = provider.answer(&self.chain, patience, work).await;
        answer
            .inspect_err(|failure| tracing::debug!(provider = provider.client.http.name(), %failure, "not found out"))
            .ok()
    }
}
