//! What one beacon node can do besides the least that is asked of it: a question each, asked once, at the start. `None` is "could
//! not be found out", which is not a no: nothing is decided from it.

use super::{
    client::{BeaconClient, Routed},
    wire::{Identity, ValidatorEntry, Version},
};
use crate::http::content_type;
use guardian_protocol::{ReadFailure, Slot};
use reqwest::{Method, StatusCode};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};

/// How long the head of the event stream is waited for. One client sends it only with the first event, which may be an epoch
/// away: then it is not known whether events will come.
const EVENTS_PATIENCE: Duration = Duration::from_secs(3);
/// So many epochs before the finalized one, the past begins.
const PAST: u64 = 8;
/// Slots that are tried there: any may have been skipped.
const TRIES: usize = 3;

impl BeaconClient {
    /// How the node names itself, fit for a log.
    pub(crate) async fn version(&self) -> Result<String, ReadFailure> {
        let request = self.json_request(Method::GET, ["eth", "v1", "node", "version"], &[]);
        match self.routed::<Version>(request, self.http.limits.json_bytes).await? {
            Routed::Found(answer) => Ok(self.http.sanitise(&answer.data.version)),
            Routed::Absent(said) => Err(ReadFailure::NotAvailable(said)),
        }
    }

    /// Its name among beacon nodes, which no other one has. `None`: it does not tell.
    pub(crate) async fn peer_id(&self) -> Result<Option<String>, ReadFailure> {
        let request = self.json_request(Method::GET, ["eth", "v1", "node", "identity"], &[]);
        match self.routed::<Identity>(request, self.http.limits.json_bytes).await? {
            Routed::Found(answer) => Ok(Some(self.http.sanitise(&answer.data.peer_id))),
            Routed::Absent(_) => Ok(None),
        }
    }

    /// Whether it serves whole states in SSZ.
    ///
    /// Only the head of the answer is looked at; then the connection is dropped, with the body unread. It costs the node what it
    /// does before the first byte, as a rule to encode the state (a second or two, and 300 MB for a moment), and the few
    /// megabytes that fit into the connection's buffers. There is no cheaper question that all clients answer: to HEAD some
    /// say that there is no such route.
    pub(crate) async fn has_states(&self) -> Option<bool> {
        let limits = &self.http.limits;
        let response = self.http.open(self.state_request("finalized"), limits.request_timeout).await.ok()?;
        is_offered(response.status()).map(|is| is && content_type(&response) == "application/octet-stream")
    }

    /// Whether it can be asked for validators by POST. What is found out is remembered for the questions to come.
    pub(crate) async fn has_post(&self) -> Result<Option<bool>, ReadFailure> {
        let path = ["eth", "v1", "beacon", "states", "finalized", "validators"];
        let request = self.json_request(Method::POST, path, &[]).json(&serde_json::json!({ "ids": ["0"] }));
        if let Routed::Found(_) = self.routed::<Vec<ValidatorEntry>>(request, self.http.limits.json_bytes).await? {
            return Ok(Some(true));
        }
        // A missing route and a missing state are both 404: whether GET has it tells which it was.
        let is_there = self.has_validators("finalized").await?;
        self.post_unsupported.fetch_or(is_there, Relaxed);
        Ok(is_there.then_some(false))
    }

    /// Whether it tells of finality by events.
    pub(crate) async fn has_events(&self) -> Option<bool> {
        let response = self.http.open(self.events_request(), EVENTS_PATIENCE).await.ok()?;
        is_offered(response.status()).map(|is| is && content_type(&response) == "text/event-stream")
    }

    /// Whether it still knows validators of some epochs ago. `slots_per_epoch` are the chain's.
    pub(crate) async fn has_past(&self, slots_per_epoch: u64) -> Result<Option<bool>, ReadFailure> {
        let Some(epoch) = self.finalized().await?.epoch.0.checked_sub(PAST) else { return Ok(None) };
        let first = epoch.saturating_mul(slots_per_epoch);
        for slot in (first..).take(TRIES) {
            if self.has_validators(&Slot(slot).to_string()).await? {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    async fn has_validators(&self, state: &str) -> Result<bool, ReadFailure> {
        let path = ["eth", "v1", "beacon", "states", state, "validators"];
        let request = self.json_request(Method::GET, path, &[("id", "0")]);
        let answer = self.routed::<Vec<ValidatorEntry>>(request, self.http.limits.json_bytes).await?;
        Ok(matches!(answer, Routed::Found(_)))
    }
}

/// A status is no answer if it may be another one the next time.
fn is_offered(status: StatusCode) -> Option<bool> {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => None,
        StatusCode::NOT_IMPLEMENTED => Some(false),
        status if status.is_success() => Some(true),
        status if status.is_client_error() => Some(false),
        _ => None,
    }
}
