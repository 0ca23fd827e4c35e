//! One beacon node's API, route by route: what to send, and what the answer must look like. Which routes make an answer to a
//! query is the reader's business.

use super::{
    budget::Budget,
    wire::{
        CheckpointEntry, Envelope, FinalityCheckpoints, ForkEntry, Genesis, HeaderEntry, RootEntry, SignedBlock, Spec,
        Syncing, ValidatorEntry, WholeHeader, WholeHeaderEntry,
    },
};
use crate::{
    dialect::{
        exits::{self, ExitRefusal},
        routes,
    },
    http::{Answer, Http},
};
use alloy::primitives::{B256, hex};
use guardian_protocol::{BlsPubkey, ReadFailure, SignedExit, Slot};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use std::sync::atomic::AtomicBool;

/// A beacon node.
#[derive(Debug)]
pub(crate) struct BeaconClient {
    pub(crate) http: Http,
    /// It has no POST route for validators (older clients).
    pub(crate) post_unsupported: AtomicBool,
    /// What it is made to send for whole states.
    pub(crate) budget: Budget,
}

/// What a route said: the value, or that it does not have it. The two are told apart because another route may have it.
#[derive(Debug)]
pub(crate) enum Routed<T> {
    Found(T),
    /// No such state or block, or no such route ([`routes::is_absent`]).
    Absent(String),
}

impl BeaconClient {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, post_unsupported: AtomicBool::new(false), budget: Budget::default() }
    }

    pub(crate) async fn genesis(&self) -> Result<Genesis, ReadFailure> {
        Ok(self.must(["eth", "v1", "beacon", "genesis"]).await?.data)
    }

    pub(crate) async fn spec(&self) -> Result<Spec, ReadFailure> {
        Ok(self.must(["eth", "v1", "config", "spec"]).await?.data)
    }

    pub(crate) async fn fork_schedule(&self) -> Result<Vec<ForkEntry>, ReadFailure> {
        Ok(self.must(["eth", "v1", "config", "fork_schedule"]).await?.data)
    }

    pub(crate) async fn syncing(&self) -> Result<Syncing, ReadFailure> {
        Ok(self.must(["eth", "v1", "node", "syncing"]).await?.data)
    }

    /// The finalized checkpoint as the head state has it.
    pub(crate) async fn finalized(&self) -> Result<CheckpointEntry, ReadFailure> {
        let path = ["eth", "v1", "beacon", "states", "head", "finality_checkpoints"];
        let answer: Envelope<FinalityCheckpoints> = self.must(path).await?;
        reject_optimistic(&answer)?;
        Ok(answer.data.finalized)
    }

    pub(crate) async fn header(&self, root: B256) -> Result<HeaderEntry, ReadFailure> {
        let root = root.to_string();
        let answer: Envelope<HeaderEntry> = self.must(["eth", "v1", "beacon", "headers", &root]).await?;
        reject_optimistic(&answer)?;
        Ok(answer.data)
    }

    /// The header that should have `root`, whole. It is for the caller to hash it; what the node thinks of the block does not matter then.
    pub(crate) async fn whole_header(&self, root: B256) -> Result<WholeHeader, ReadFailure> {
        let root = root.to_string();
        let answer: Envelope<WholeHeaderEntry> = self.must(["eth", "v1", "beacon", "headers", &root]).await?;
        Ok(answer.data.header.message)
    }

    /// The block with `root`, blinded if the client can: the payload's header is all that is needed.
    pub(crate) async fn block(&self, root: B256) -> Result<SignedBlock, ReadFailure> {
        let root = root.to_string();
        let limit = self.http.limits.block_bytes;
        let blinded = self.json_request(Method::GET, ["eth", "v1", "beacon", "blinded_blocks", &root], &[]);
        let answer = match self.routed::<SignedBlock>(blinded, limit).await? {
            Routed::Found(answer) => answer,
            Routed::Absent(_) => {
                let full = self.json_request(Method::GET, ["eth", "v2", "beacon", "blocks", &root], &[]);
                require_found(self.routed(full, limit).await?)?
            }
        };
        reject_optimistic(&answer)?;
        Ok(answer.data)
    }

    /// Validators by POST.
    pub(crate) async fn validators_by_post(
        &self,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> Result<Routed<Envelope<Vec<ValidatorEntry>>>, ReadFailure> {
        let state = slot.to_string();
        let request = self
            .json_request(Method::POST, ["eth", "v1", "beacon", "states", &state, "validators"], &[])
            .json(&serde_json::json!({ "ids": pubkeys }));
        self.routed(request, self.http.limits.json_bytes).await
    }

    /// Validators by GET with repeated parameters: one client takes a comma for part of the id and answers an empty list.
    pub(crate) async fn validators_by_get(
        &self,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> Result<Routed<Envelope<Vec<ValidatorEntry>>>, ReadFailure> {
        let state = slot.to_string();
        let ids: Vec<String> = pubkeys.iter().map(ToString::to_string).collect();
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("id", id.as_str())).collect();
        let request = self.json_request(Method::GET, ["eth", "v1", "beacon", "states", &state, "validators"], &query);
        self.routed(request, self.http.limits.json_bytes).await
    }

    /// The network's first validator, by number.
    pub(crate) async fn validator_zero(
        &self,
        slot: Slot,
    ) -> Result<Routed<Envelope<Vec<ValidatorEntry>>>, ReadFailure> {
        let state = slot.to_string();
        let path = ["eth", "v1", "beacon", "states", &state, "validators"];
        let request = self.json_request(Method::GET, path, &[("id", "0")]);
        self.routed(request, self.http.limits.json_bytes).await
    }

    /// The root of the state with this id, as the node has it.
    pub(crate) async fn state_root(&self, id: &str) -> Result<Routed<B256>, ReadFailure> {
        let request = self.json_request(Method::GET, ["eth", "v1", "beacon", "states", id, "root"], &[]);
        Ok(match self.routed::<RootEntry>(request, self.http.limits.json_bytes).await? {
            Routed::Absent(said) => Routed::Absent(said),
            Routed::Found(answer) => {
                reject_optimistic(&answer)?;
                Routed::Found(B256::from(answer.data.root.0))
            }
        })
    }

    /// The question for a whole state in SSZ.
    pub(super) fn state_request(&self, id: &str) -> RequestBuilder {
        self.http
            .request(Method::GET, ["eth", "v2", "debug", "beacon", "states", id], &[])
            .header(header::ACCEPT, "application/octet-stream")
            // Compressing it takes a node longer than sending it.
            .header(header::ACCEPT_ENCODING, "identity")
    }

    /// The body of a whole state in SSZ, to be streamed.
    pub(crate) async fn state(&self, id: &str) -> Result<Routed<Response>, ReadFailure> {
        let response = self.http.open(self.state_request(id), self.http.limits.request_timeout).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Routed::Found(response));
        }
        let answer = self.http.finish(response, self.http.limits.json_bytes).await?;
        let said = self.http.quote(&answer);
        if routes::is_absent(status.as_u16(), &said) {
            Ok(Routed::Absent(said))
        } else {
            Err(ReadFailure::Unreachable(said))
        }
    }

    /// The question for finality events.
    pub(super) fn events_request(&self) -> RequestBuilder {
        self.http
            .request(Method::GET, ["eth", "v1", "events"], &[("topics", "finalized_checkpoint")])
            .header(header::ACCEPT, "text/event-stream")
            // A compressed stream is held back until there is enough to compress.
            .header(header::ACCEPT_ENCODING, "identity")
    }

    /// The stream of finality events, if the client opens one.
    pub(crate) async fn finality_events(&self) -> Result<Response, ReadFailure> {
        // One client sends the head of its answer only with the first event.
        let response = self.http.open(self.events_request(), self.http.limits.silence).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(ReadFailure::Unreachable(format!("HTTP {} to the event stream", response.status().as_u16())))
        }
    }

    /// Puts an exit into the node's pool, unless the pool has one of this validator or the validator is leaving. `Ok` is not acceptance:
    /// a client that has seen any exit of this validator may answer 200 to everything. Only inclusion proves an exit.
    pub(crate) async fn publish_exit(&self, exit: &SignedExit) -> Result<(), ReadFailure> {
        let body = serde_json::json!({
            "message": { "epoch": exit.epoch.to_string(), "validator_index": exit.index.to_string() },
            "signature": hex::encode_prefixed(exit.signature),
        });
        let request =
            self.json_request(Method::POST, ["eth", "v1", "beacon", "pool", "voluntary_exits"], &[]).json(&body);
        let answer = self.http.fetch(request, self.http.limits.json_bytes).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let said = self.http.quote(&answer);
        match exits::refusal(&said) {
            Some(ExitRefusal::Known | ExitRefusal::Leaving) => Ok(()),
            Some(ExitRefusal::NotYet | ExitRefusal::Invalid) => {
                Err(ReadFailure::NotAvailable(format!("refused: {said}")))
            }
            // Of a proxy, or of a node that can't at the moment: nothing was said of the exit.
            None if routes::is_unavailable(answer.status.as_u16()) => Err(ReadFailure::Unreachable(said)),
            None => {
                self.http.not_understood("an exit", &said);
                Err(ReadFailure::NotAvailable(format!("refused: {said}")))
            }
        }
    }

    async fn must<'a, T: DeserializeOwned>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
    ) -> Result<Envelope<T>, ReadFailure> {
        let request = self.json_request(Method::GET, path, &[]);
        require_found(self.routed(request, self.http.limits.json_bytes).await?)
    }

    pub(super) fn json_request<'a>(
        &self,
        method: Method,
        path: impl IntoIterator<Item = &'a str>,
        query: &[(&str, &str)],
    ) -> RequestBuilder {
        self.http.request(method, path, query).header(header::ACCEPT, "application/json")
    }

    pub(super) async fn routed<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        limit: usize,
    ) -> Result<Routed<Envelope<T>>, ReadFailure> {
        let answer = self.http.fetch(request, limit).await?;
        if answer.status != StatusCode::OK {
            let said = self.http.quote(&answer);
            if routes::is_absent(answer.status.as_u16(), &said) {
                return Ok(Routed::Absent(said));
            }
        }
        match answer.status {
            StatusCode::OK => self.decode(&answer).map(Routed::Found),
            StatusCode::BAD_REQUEST => Err(ReadFailure::NotAvailable(self.http.quote(&answer))),
            StatusCode::TOO_MANY_REQUESTS => Err(ReadFailure::RateLimited(self.http.quote(&answer))),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(ReadFailure::Unauthorized(self.http.quote(&answer)))
            }
            _ => Err(ReadFailure::Unreachable(self.http.quote(&answer))),
        }
    }

    fn decode<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ReadFailure> {
        if answer.content_type != "application/json" {
            let said = self.http.sanitise(&answer.content_type);
            return Err(ReadFailure::Malformed(format!("content type '{said}' instead of JSON")));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| ReadFailure::Malformed(self.http.sanitise(&error.to_string())))
    }
}

/// The value, where no other route can have it.
///
/// # Errors
/// [`ReadFailure::NotAvailable`].
pub(crate) fn require_found<T>(routed: Routed<T>) -> Result<T, ReadFailure> {
    match routed {
        Routed::Found(value) => Ok(value),
        Routed::Absent(said) => Err(ReadFailure::NotAvailable(said)),
    }
}

/// Refuses an answer that the client itself is not sure of.
///
/// # Errors
/// [`ReadFailure::NotInSync`].
pub(crate) fn reject_optimistic<T>(answer: &Envelope<T>) -> Result<(), ReadFailure> {
    if answer.execution_optimistic == Some(true) {
        return Err(ReadFailure::NotInSync(
            "the answer is optimistic: its execution payload is not verified".to_owned(),
        ));
    }
    Ok(())
}
