//! A beacon node of a synthetic chain: the routes that a guardian asks, over HTTP, from the generator; with bad manners on request.

use super::{
    state::{GENESIS_ROOT, GENESIS_TIME, Synthetic},
    validator::Validator,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use eyre::Result;
use futures::{Stream, StreamExt, stream};
use guardian_chain::state::{StateProver, Wanted, WarmCache};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

/// Bytes of a state that is kept, sent at once.
const PIECE: usize = 1 << 18;

/// How a node behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Honest,
    /// Balances are higher than they are, by both routes.
    LiesAboutBalances,
    /// Its finalized block has another root.
    LiesAboutHeader,
    /// States break off in the middle.
    Truncates,
    /// It serves the state of the epoch before.
    IsBehind,
    /// It knows no validators, and serves no states.
    IsEmpty,
    /// It serves no states.
    HasNoStates,
    /// It serves states, and says that they are JSON.
    MislabelsStates,
    /// It serves states of a fork that nobody knows.
    IsOfTheFuture,
    /// It sends a piece of a state in so many milliseconds.
    IsSlow(u64),
    /// It is not there: every answer is an error.
    IsBroken,
    /// It sends a state's head and nothing more.
    Drips,
    /// It serves no states; of a skipped slot's it names the root that the block's own state has.
    KnowsOwnRootAlone,
    /// It keeps states from being proved: it serves none, names a false block, and says that the validators have lost everything.
    KeepsProofsAway,
}

/// A running node. Dropping it ends it.
#[derive(Debug)]
pub struct BeaconServer {
    /// Where it listens.
    pub url: url::Url,
    node: Arc<Node>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Node {
    manner: Manner,
    /// It takes questions and answers none.
    silent: AtomicBool,
    delay_ms: AtomicU64,
    finalized: Mutex<Rooted>,
    /// Indices by public key; made when first asked for, the same in all epochs.
    indices: OnceLock<HashMap<[u8; 48], u64>>,
    /// Its bytes, if they are kept.
    kept: Mutex<Option<Bytes>>,
    served: AtomicU64,
    states: AtomicU64,
    /// States that are being sent, and the most that were at once.
    under_way: AtomicU64,
    most_under_way: AtomicU64,
}

/// A state, its root and its block's root.
pub type Rooted = (Synthetic, [u8; 32], [u8; 32]);

impl Drop for BeaconServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BeaconServer {
    /// Starts a node whose finalized state is `state`.
    ///
    /// # Errors
    /// If there is no port, or `state` is none.
    pub async fn start(state: Synthetic, manner: Manner) -> Result<Self> {
        let node = Node {
            manner,
            silent: AtomicBool::new(false),
            delay_ms: AtomicU64::new(0),
            finalized: Mutex::new(rooted(state)?),
            indices: OnceLock::new(),
            kept: Mutex::new(None),
            served: AtomicU64::new(0),
            states: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            most_under_way: AtomicU64::new(0),
        };
        let node = Arc::new(node);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?).parse()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&node));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { url, node, task })
    }

    /// Another state is the finalized one now.
    ///
    /// # Errors
    /// If it is none.
    pub fn finalize(&self, state: Synthetic) -> Result<()> {
        *self.node.finalized.lock().unwrap_or_else(PoisonError::into_inner) = rooted(state)?;
        *self.node.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// What [`Self::serve`] needs of `state`. Takes seconds for a large one.
    ///
    /// # Errors
    /// If it is none.
    pub fn prepare(state: Synthetic) -> Result<(Bytes, Rooted)> {
        Ok((state.bytes().into(), rooted(state)?))
    }

    /// Another state is the finalized one now, and is kept in memory.
    pub fn serve(&self, (bytes, rooted): (Bytes, Rooted)) {
        *self.node.finalized.lock().unwrap_or_else(PoisonError::into_inner) = rooted;
        *self.node.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// From now on it takes questions and answers none, or answers again.
    pub fn be_silent(&self, silent: bool) {
        self.node.silent.store(silent, Relaxed);
    }

    /// From now on each answer comes only after this long.
    pub fn be_slow(&self, delay: Duration) {
        self.node.delay_ms.store(delay.as_millis().try_into().unwrap_or(u64::MAX), Relaxed);
    }

    /// Keeps the finalized state in memory: sending it costs no more than sending then.
    pub fn keep(&self) {
        let (state, ..) = *self.node.finalized.lock().unwrap_or_else(PoisonError::into_inner);
        *self.node.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.bytes().into());
    }

    /// Bytes of states sent.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.node.served.load(Relaxed)
    }

    /// States asked for.
    #[must_use]
    pub fn states(&self) -> u64 {
        self.node.states.load(Relaxed)
    }

    /// The most states that were being sent at once.
    #[must_use]
    pub fn most_under_way(&self) -> u64 {
        self.node.most_under_way.load(Relaxed)
    }
}

fn rooted(state: Synthetic) -> Result<Rooted> {
    let mut prover = StateProver::new(state.fork, state.preset, None, Wanted::default(), WarmCache::default())?;
    let mut outcome = Ok(());
    state.write(&mut |piece| {
        outcome = prover.feed(piece);
        outcome.is_ok()
    });
    outcome?;
    let proved = prover.finish().0?;
    Ok((state, proved.root, proved.block_root()))
}

async fn answer(State(node): State<Arc<Node>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else { return not_found() };
    if node.silent.load(Relaxed) {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_millis(node.delay_ms.load(Relaxed))).await;
    if node.manner == Manner::IsBroken {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (state, root, block_root) = *node.finalized.lock().unwrap_or_else(PoisonError::into_inner);
    let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    let block_root =
        if matches!(node.manner, Manner::LiesAboutHeader | Manner::KeepsProofsAway) { [0x66; 32] } else { block_root };
    match path.as_slice() {
        ["eth", "v1", "beacon", "genesis"] => data(json!({
            "genesis_time": GENESIS_TIME.to_string(), "genesis_validators_root": hex(&GENESIS_ROOT),
            "genesis_fork_version": "0x00000000",
        })),
        ["eth", "v1", "config", "spec"] => data(spec(&state)),
        ["eth", "v1", "config", "fork_schedule"] => data(json!([
            { "previous_version": "0x00000000", "current_version": "0x00000000", "epoch": "0" },
        ])),
        ["eth", "v1", "node", "syncing"] => data(json!({
            "is_syncing": false, "is_optimistic": false, "el_offline": false, "sync_distance": "0",
            "head_slot": (state.slot() + 2 * state.preset.slots_per_epoch).to_string(),
        })),
        ["eth", "v1", "beacon", "states", "head", "finality_checkpoints"] => {
            let checkpoint = json!({ "epoch": state.registry.epoch.to_string(), "root": hex(&block_root) });
            data(json!({ "previous_justified": checkpoint, "current_justified": checkpoint, "finalized": checkpoint }))
        }
        ["eth", "v1", "beacon", "headers", _] => data(header_of(&state, &root, &block_root)),
        ["eth", "v1", "beacon", "states", id, rest] if is_known(id, &state) => match *rest {
            "root" if node.manner == Manner::KnowsOwnRootAlone && state.skipped => {
                data(json!({ "root": hex(&[0x77; 32]) }))
            }
            "root" => data(json!({ "root": hex(&root) })),
            "validators" => validators(&node, state, &body),
            _ => not_found(),
        },
        ["eth", "v2", "debug", "beacon", "states", id] if is_known(id, &state) => debug_state(node, state),
        ["eth", "v1", "events"] => events(&state, &block_root),
        _ => not_found(),
    }
}

fn is_known(id: &str, state: &Synthetic) -> bool {
    id == "finalized" || id == state.slot().to_string()
}

fn spec(state: &Synthetic) -> Value {
    let preset = &state.preset;
    json!({
        "SECONDS_PER_SLOT": "12", "SLOTS_PER_EPOCH": preset.slots_per_epoch.to_string(), "DEPOSIT_CHAIN_ID": "1337",
        // No payloads: there is no execution chain beside this one.
        "BELLATRIX_FORK_EPOCH": u64::MAX.to_string(),
        "SLOTS_PER_HISTORICAL_ROOT": preset.historical_root_slots.to_string(),
        "EPOCHS_PER_HISTORICAL_VECTOR": preset.historical_vector.to_string(),
        "EPOCHS_PER_SLASHINGS_VECTOR": preset.slashings_vector.to_string(),
        "EPOCHS_PER_ETH1_VOTING_PERIOD": preset.eth1_voting_epochs.to_string(),
        "SYNC_COMMITTEE_SIZE": preset.sync_committee.to_string(),
        "PENDING_PARTIAL_WITHDRAWALS_LIMIT": preset.partial_withdrawals.to_string(),
        "PENDING_CONSOLIDATIONS_LIMIT": preset.consolidations.to_string(),
    })
}

fn header_of(state: &Synthetic, root: &[u8; 32], block_root: &[u8; 32]) -> Value {
    let (slot, root) = if state.skipped { (state.slot() - 1, &[0x77; 32]) } else { (state.slot(), root) };
    json!({ "root": hex(block_root), "canonical": true, "header": { "signature": "0x00", "message": {
        "slot": slot.to_string(), "proposer_index": "7", "parent_root": hex(&[0x11; 32]), "state_root": hex(root),
        "body_root": hex(&[0x22; 32]),
    } } })
}

/// The validators named in the body, or all of them.
fn validators(node: &Node, state: Synthetic, body: &Bytes) -> Response {
    let lie = if node.manner == Manner::LiesAboutBalances { 1_000_000_000 } else { 0 };
    let is_thief = node.manner == Manner::KeepsProofsAway;
    let entry = move |(index, mut validator): (u64, Validator)| {
        validator.balance += lie;
        if is_thief {
            validator.balance = 1;
        }
        json_entry(index, &validator)
    };
    if node.manner == Manner::IsEmpty {
        return data(json!([]));
    }
    let registry = state.registry;
    let all = (0..state.validators).map(move |index| (index, registry.validator(index)));
    let asked: Option<Vec<String>> = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|body| serde_json::from_value(body.get("ids")?.clone()).ok());
    if let Some(ids) = asked {
        let known = node.indices.get_or_init(|| (0..state.validators).map(|i| (registry.pubkey(i), i)).collect());
        let key = |id: &String| alloy::primitives::hex::decode_to_array(id).ok();
        let mut indices: Vec<u64> = ids.iter().filter_map(|id| known.get(&key(id)?).copied()).collect();
        indices.sort_unstable();
        return data(indices.into_iter().map(|index| entry((index, registry.validator(index)))).collect());
    }
    let head = r#"{"execution_optimistic":false,"finalized":true,"data":["#;
    let mut first = true;
    let pieces = all.map(move |validator| {
        let comma = if std::mem::take(&mut first) { "" } else { "," };
        format!("{comma}{}", entry(validator))
    });
    let mut pieces = std::iter::once(head.to_owned()).chain(pieces).chain(["]}".to_owned()]);
    let body = generated(move |take| {
        let mut piece = String::new();
        for part in pieces.by_ref() {
            piece.push_str(&part);
            if piece.len() > 1 << 18 && !take(std::mem::take(&mut piece).as_bytes()) {
                return;
            }
        }
        take(piece.as_bytes());
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response()
}

fn json_entry(index: u64, validator: &Validator) -> Value {
    let [eligibility, activation, exit, withdrawable] = validator.epochs.map(|epoch| epoch.to_string());
    json!({
        "index": index.to_string(), "balance": validator.balance.to_string(), "status": "active_ongoing",
        "validator": {
            "pubkey": hex(&validator.pubkey), "withdrawal_credentials": hex(&validator.credentials),
            "effective_balance": validator.effective_balance.to_string(), "slashed": validator.slashed,
            "activation_eligibility_epoch": eligibility, "activation_epoch": activation, "exit_epoch": exit,
            "withdrawable_epoch": withdrawable,
        },
    })
}

fn debug_state(node: Arc<Node>, mut state: Synthetic) -> Response {
    node.states.fetch_add(1, Relaxed);
    let (mut kind, mut fork, mut most, mut delay) = ("application/octet-stream", state.fork, u64::MAX, None);
    match node.manner {
        Manner::IsEmpty | Manner::HasNoStates | Manner::KnowsOwnRootAlone | Manner::KeepsProofsAway => {
            return not_found();
        }
        Manner::Drips => {
            let body = Body::from_stream(stream::pending::<io::Result<Bytes>>());
            return ([("content-type", kind), ("eth-consensus-version", fork)], body).into_response();
        }
        Manner::LiesAboutBalances => state.lie = 1_000_000_000,
        Manner::IsBehind => state.registry.epoch -= 1,
        Manner::Truncates => most = state.length() / 2,
        Manner::MislabelsStates => kind = "application/json",
        Manner::IsOfTheFuture => fork = "heze",
        Manner::IsSlow(ms) => delay = Some(Duration::from_millis(ms)),
        Manner::Honest | Manner::LiesAboutHeader | Manner::IsBroken => {}
    }
    let kept = node.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(bytes) = kept.filter(|_| node.manner == Manner::Honest) {
        let length = bytes.len().to_string();
        let body = stream::unfold(bytes, move |mut left| {
            let piece = left.split_to(left.len().min(PIECE));
            node.served.fetch_add(piece.len() as u64, Relaxed);
            async move { (!piece.is_empty()).then(|| (io::Result::Ok(piece), left)) }
        });
        let head = [("content-type", kind), ("eth-consensus-version", fork), ("content-length", length.as_str())];
        return (head, Body::from_stream(body)).into_response();
    }
    let body = generated(move |take| {
        node.most_under_way.fetch_max(node.under_way.fetch_add(1, Relaxed) + 1, Relaxed);
        let mut left = most;
        state.write(&mut |piece| {
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            left -= now as u64;
            node.served.fetch_add(now as u64, Relaxed);
            if let Some(delay) = delay {
                std::thread::sleep(delay);
            }
            take(piece.get(..now).unwrap_or_default()) && left > 0
        });
        node.under_way.fetch_sub(1, Relaxed);
    });
    ([("content-type", kind), ("eth-consensus-version", fork)], Body::from_stream(body)).into_response()
}

/// A body that a thread writes, as fast as it is read.
fn generated(
    write: impl FnOnce(&mut dyn FnMut(&[u8]) -> bool) + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (pieces, inbox) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        write(&mut |piece| pieces.blocking_send(Bytes::copy_from_slice(piece)).is_ok());
    });
    stream::unfold(inbox, |mut inbox| async move { Some((Ok(inbox.recv().await?), inbox)) })
}

fn events(state: &Synthetic, block_root: &[u8; 32]) -> Response {
    let data = json!({ "block": hex(block_root), "state": hex(block_root), "epoch": state.registry.epoch.to_string() });
    let event = format!("event: finalized_checkpoint\ndata: {data}\n\n");
    let once = stream::once(async { io::Result::Ok(Bytes::from(event)) });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(once.chain(stream::pending()))).into_response()
}

fn data(value: Value) -> Response {
    let body = json!({ "execution_optimistic": false, "finalized": true, "data": value }).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn not_found() -> Response {
    let body = json!({ "code": 404, "message": "NOT_FOUND" }).to_string();
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn hex(bytes: &[u8]) -> String {
    alloy::primitives::hex::encode_prefixed(bytes)
}
