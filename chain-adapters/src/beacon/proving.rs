//! Validators from a whole state, hashed while it arrives: nothing of the answer has to be believed, because its root can be
//! compared with the one in a block. The bytes go to a thread that may block, through a short queue, so a provider that sends
//! faster than can be hashed waits.

use super::{
    client::{BeaconClient, Routed},
    fingerprint::BeaconFingerprint,
    state::{Expected, ProvedState, StateError, StateProver, Tracked, Wanted, WarmCache},
};
use crate::http::content_type;
use alloy::primitives::B256;
use bytes::Bytes;
use guardian_protocol::{BlsPubkey, ReadFailure, Reading, Slot, StateReading};
use reqwest::Response;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{sync::mpsc, time::Instant};

/// Pieces of a body that wait to be hashed.
const QUEUE: usize = 8;

/// What the last state left, whoever served it: it makes the next one cheap. Not held while a state comes, or one that drips would hold up
/// the others.
pub(crate) type StateHasher = Arc<Mutex<WarmCache>>;

/// What to do to the bytes of a state.
enum Piece {
    Next(Bytes),
    End,
}

impl BeaconClient {
    /// The validators with `pubkeys` in the state at `slot`, and what the state's root is.
    pub(crate) async fn read_state(
        &self,
        chain: &BeaconFingerprint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        hasher: &StateHasher,
    ) -> Result<Reading, ReadFailure> {
        self.check_sync(chain).await?;
        // 'finalized' is the asked state unless finality has moved on; the state's own slot tells.
        let mut said = String::new();
        for id in [slot.to_string().as_str(), "finalized"] {
            match self.state(id).await? {
                Routed::Absent(reason) => said = reason,
                Routed::Found(response) => {
                    let state = self.prove(chain, slot, pubkeys, response, hasher).await?;
                    return reading(&state).map(|reading| Reading::State(Box::new(reading)));
                }
            }
        }
        Err(ReadFailure::NotAvailable(said))
    }

    /// The root that this node says the state at `slot`, a skipped one, has. `own` is the root of the last block's own state: a node that
    /// names that one has not advanced the state, and has not answered the question.
    pub(crate) async fn read_state_root(&self, slot: Slot, own: B256) -> Result<Reading, ReadFailure> {
        let mut said = String::new();
        for id in [slot.to_string().as_str(), "finalized"] {
            match self.state_root(id).await? {
                Routed::Absent(reason) => said = reason,
                Routed::Found(root) if root == own => said = "it has the block's own state alone".to_owned(),
                Routed::Found(root) => return Ok(Reading::StateRoot(root)),
            }
        }
        Err(ReadFailure::NotAvailable(said))
    }

    async fn prove(
        &self,
        chain: &BeaconFingerprint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        mut response: Response,
        hasher: &StateHasher,
    ) -> Result<ProvedState, ReadFailure> {
        if content_type(&response) != "application/octet-stream" {
            return Err(ReadFailure::NotAvailable("it serves no states in SSZ".to_owned()));
        }
        let fork = response.headers().get("eth-consensus-version").and_then(|fork| fork.to_str().ok());
        // Older clients send no such header.
        let fork = fork.unwrap_or_else(|| chain.fork_at(slot)).to_owned();
        if !StateProver::knows(&fork) {
            let provider = self.http.name();
            tracing::error!(
                provider,
                fork = self.http.sanitise(&fork),
                "the state is of a fork that this version can't prove"
            );
            return Err(ReadFailure::NotAvailable("the state is of a fork that this version does not know".to_owned()));
        }
        let Some(preset) = chain.preset else {
            return Err(ReadFailure::NotAvailable("its spec does not state the preset".to_owned()));
        };
        let (genesis_time, genesis_validators_root) = (chain.genesis_time, chain.genesis_validators_root);
        let expected = Expected { genesis_time, genesis_validators_root, slot: slot.0 };
        let wanted = Wanted::validators(pubkeys.iter().copied());
        let start = move |warm| StateProver::new(&fork, preset, Some(expected), wanted, warm);
        if !self.budget.begin(response.content_length(), self.http.limits.state_budget, Instant::now()) {
            return Err(self.exhausted());
        }
        let (pieces, inbox) = mpsc::channel(QUEUE);
        let cache = Arc::clone(hasher);
        let work = tokio::task::spawn_blocking(move || hash(start, inbox, &cache));
        self.send_pieces(&mut response, pieces).await?;
        let state = work.await.map_err(|_| ReadFailure::Malformed("hashing the state broke off".to_owned()))?;
        state.map_err(failure)
    }

    /// The body's pieces, until its end or until nobody takes them any more.
    async fn send_pieces(&self, response: &mut Response, pieces: mpsc::Sender<Piece>) -> Result<(), ReadFailure> {
        let limits = &self.http.limits;
        let mut left = limits.state_bytes;
        while let Some(piece) = self.http.next_chunk(response, limits.request_timeout).await? {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if !self.budget.spend(length, limits.state_budget, Instant::now()) {
                return Err(self.exhausted());
            }
            left = left
                .checked_sub(length)
                .ok_or_else(|| ReadFailure::Malformed("a state larger than the limit".to_owned()))?;
            if pieces.send(Piece::Next(piece)).await.is_err() {
                return Ok(());
            }
        }
        // If nobody listens, the work has ended with an error of its own.
        pieces.send(Piece::End).await.ok();
        Ok(())
    }

    /// Not its fault, but its state can't be had in this hour.
    fn exhausted(&self) -> ReadFailure {
        let (provider, budget) = (self.http.name(), self.http.limits.state_budget);
        tracing::warn!(provider, budget, "a state is cut off: this provider must not send more in an hour");
        ReadFailure::NotAvailable(format!("the state would exceed the budget of {budget} bytes an hour"))
    }
}

/// Hashes what comes. If it ends without [`Piece::End`], the download was given up.
fn hash(
    start: impl FnOnce(WarmCache) -> Result<StateProver, StateError>,
    mut inbox: mpsc::Receiver<Piece>,
    cache: &Mutex<WarmCache>,
) -> Result<ProvedState, StateError> {
    let cache = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    let warm = cache().clone();
    let mut prover = start(warm)?;
    let outcome = loop {
        match inbox.blocking_recv() {
            Some(Piece::Next(bytes)) => {
                if let Err(error) = prover.feed(&bytes) {
                    break Err(error);
                }
            }
            Some(Piece::End) => {
                let (state, warm) = prover.finish();
                *cache() = warm;
                return state;
            }
            None => break Err(StateError::GivenUp),
        }
    };
    *cache() = prover.into_warm();
    outcome
}

fn reading(state: &ProvedState) -> Result<StateReading, ReadFailure> {
    if !state.lists_fit {
        return Err(failure(StateError::Lists));
    }
    Ok(StateReading {
        slot: state.slot,
        root: state.root.into(),
        block_root: state.block_root().into(),
        own: state.is_of_block(),
        validators: state.extract.validators.iter().map(Tracked::complete).collect(),
        census: state.extract.network,
    })
}

fn failure(error: StateError) -> ReadFailure {
    let said = error.to_string();
    match error {
        StateError::WrongChain => ReadFailure::WrongChain(said),
        StateError::WrongSlot { .. } | StateError::UnknownFork(_) => ReadFailure::NotAvailable(said),
        StateError::GivenUp => ReadFailure::Unreachable(said),
        StateError::Encoding(_) | StateError::Field { .. } | StateError::Lists | StateError::BrokenOff(_) => {
            ReadFailure::Malformed(said)
        }
    }
}
