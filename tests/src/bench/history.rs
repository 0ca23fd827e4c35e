//! The first history: everything that the contracts ever logged, from an execution node that takes few blocks a request and its time for
//! each answer, as hosted ones do. Brain, readers and store are the product's, in a process of their own, so that its memory is their own;
//! the beacon node, the execution node and the contracts' rules are made up. The reference is the same requests one after the other.

use super::{Figure, memory};
use crate::synthetic::{
    self, BeaconServer, ExecutionServer, Manner, Synthetic,
    execution::{CHAIN_ID, Past},
    validator::Registry,
};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_chain::{ChainConfig, Endpoint, Limits, Readers, state::MINIMAL};
use guardian_node::store::Store;
use guardian_protocol::{
    Answers, ChainView, Effects, Epoch, Guardian, Input, ProviderId, ProviderQuorum, Query, QueryId, Reading, Record,
    Setup, Timestamp,
    testing::{self, Dealt, contracts, member},
};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{process::Command, sync::mpsc};
use url::Url;

/// What the figures are for, about two and a half years of mainnet; measurements of fewer blocks are scaled.
pub const BLOCKS: u64 = 6_800_000;
/// Validators in the protocol's past.
const VALIDATORS: u64 = 5_000;
/// Blocks that one request may be about.
const WIDEST: u64 = 2_000;
/// How long each answer takes.
const DELAY: Duration = Duration::from_millis(150);
/// Requests of which the reference's pace is taken.
const SAMPLE: u64 = 40;
/// After this long without an answer, the guardian is woken.
const POLL: Duration = Duration::from_secs(1);
/// No page takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the measuring process has seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    seconds: f64,
    /// When it was connected, in MiB.
    before_mib: f64,
    peak_mib: f64,
    pages: usize,
}

/// Measures a history of so many blocks; `say` gets a line.
///
/// # Errors
/// If it does not arrive whole.
pub async fn measure(blocks: u64, say: impl Fn(&str)) -> Result<Vec<Figure>> {
    let beacon = BeaconServer::start(finalized(), Manner::Honest).await?;
    let execution = ExecutionServer::start(past(blocks)).await?;
    let plain = one_by_one(&execution.url, blocks).await?;
    let before = execution.ranges();
    let child = Command::new(std::env::current_exe()?)
        .args(["--history-blocks", &blocks.to_string()])
        .args(["--history-urls", &format!("{},{}", beacon.url, execution.url)])
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&child.stderr);
    ensure!(child.status.success(), "reading the history failed: {said}");
    let line = String::from_utf8(child.stdout)?;
    let measured: Measured = serde_json::from_str(line.trim()).wrap_err("the measuring process said something else")?;
    say(&format!(
        "{blocks} blocks in {:.1} s: {} requests for logs answered, {} refused, {} at once; {} pages kept",
        measured.seconds,
        execution.ranges() - before,
        execution.refused(),
        execution.most_under_way(),
        measured.pages,
    ));
    let scale = BLOCKS as f64 / blocks as f64;
    Ok(vec![
        Figure {
            name: "history_6800k_s",
            value: measured.seconds * scale,
            unit: "s",
            reference: "requests for 2,000 blocks, one after the other, 150 ms each, 40 measured",
            reference_value: plain * scale,
        },
        Figure {
            name: "history_6800k_mib",
            value: measured.peak_mib,
            unit: "MiB",
            reference: "the same process before the first page",
            reference_value: measured.before_mib,
        },
    ])
}

/// The seconds that as many requests as the node needs at least would take one after the other.
async fn one_by_one(url: &Url, blocks: u64) -> Result<f64> {
    let (client, needed) = (reqwest::Client::new(), blocks.div_ceil(WIDEST));
    let sample = needed.min(SAMPLE);
    let begun = Instant::now();
    for number in 0..sample {
        let from = number * WIDEST;
        let filter = json!({ "fromBlock": format!("{from:#x}"), "toBlock": format!("{:#x}", from + WIDEST - 1) });
        let asked = json!({ "jsonrpc": "2.0", "id": number, "method": "eth_getLogs", "params": [filter] });
        client.post(url.clone()).json(&asked).send().await?.error_for_status()?.bytes().await?;
    }
    Ok(begun.elapsed().as_secs_f64() * needed as f64 / sample as f64)
}

/// Reads the history of `urls` (a beacon and an execution node), in a process that does nothing else.
///
/// # Errors
/// If it does not come.
pub async fn read(blocks: u64, urls: &str) -> Result<Measured> {
    let (beacon, execution) = urls.split_once(',').ok_or_else(|| eyre!("two servers"))?;
    let dir = tempfile::tempdir()?;
    let mut reading = Newcomer::start(past(blocks), beacon.parse()?, execution.parse()?, dir.path()).await?;
    let before_mib = memory::resident()?;
    let begun = Instant::now();
    reading.read_all(blocks).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = reading.guardian.status();
    ensure!(status.validators as u64 == VALIDATORS, "{} validators instead of {VALIDATORS}", status.validators);
    Ok(Measured { seconds, before_mib, peak_mib: memory::peak()?, pages: status.history.pages })
}

fn past(blocks: u64) -> Past {
    let protocol = contracts().protocol;
    // The last block is asked for as well.
    Past { head: blocks - 1, validators: VALIDATORS, protocol, widest: WIDEST, delay: DELAY }
}

fn finalized() -> Synthetic {
    let registry = Registry { seed: 5, epoch: 40 };
    Synthetic { fork: "electra", preset: MINIMAL, validators: 600, registry, skipped: false, lie: 0 }
}

/// A guardian at its first start.
struct Newcomer {
    guardian: Guardian,
    readers: Arc<Readers>,
    store: Store,
    view: ChainView,
    inputs: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
}

impl Newcomer {
    async fn start(past: Past, beacon: Url, execution: Url, data: &std::path::Path) -> Result<Self> {
        let quorum = ProviderQuorum { beacon: 1, execution: 1 };
        let named = |name: &str, url| vec![Endpoint::new(name, url)];
        let config = ChainConfig {
            beacon: named("beacon", beacon),
            execution: named("execution", execution),
            contracts: contracts(),
            start_block: 0,
            chain_id: Some(CHAIN_ID),
            quorum,
            limits: Limits::default(),
        };
        let (readers, network) = Readers::connect(config).await?;
        let (dealt, me) = (Dealt::new(3, 2, 7), member(1));
        let setup = Setup { network, quorum, ..testing::setup(dealt.committee.clone(), me) };
        let records = [Record::Floor { epoch: Epoch(0), is_settled: true }];
        let guardian = Guardian::restore(Timestamp(0), setup, dealt.secrets(me), records, &mut OsRng)?;
        let (inputs, inbox) = mpsc::channel(1024);
        let view = ChainView {
            block: past.block(past.head),
            active_validators: Some(past.validators),
            ..synthetic::view(dealt.committee.group_key())
        };
        Ok(Self { guardian, readers: Arc::new(readers), store: Store::open(data)?, view, inputs, inbox })
    }

    /// Serves the guardian until it knows everything up to the last block.
    async fn read_all(&mut self, blocks: u64) -> Result<()> {
        let (begun, mut advanced) = (Instant::now(), Instant::now());
        let (mut input, mut read) = (Input::Nudged, None);
        while read != Some(blocks - 1) {
            let mut fx = Effects::default();
            self.guardian.step(Timestamp(begun.elapsed().as_millis().try_into()?), input, &mut OsRng, &mut fx);
            for (id, query) in fx.commit(&mut self.store)?.queries {
                self.ask(id, query);
            }
            let now = self.guardian.status().history.read;
            if now != read {
                (read, advanced) = (now, Instant::now());
            }
            ensure!(advanced.elapsed() < PATIENCE, "the history stays at block {read:?}");
            input = tokio::time::timeout(POLL, self.inbox.recv()).await.ok().flatten().unwrap_or(Input::Woke);
        }
        Ok(())
    }

    /// Asks the nodes; what contracts say is made up.
    fn ask(&self, id: QueryId, query: Query) {
        let (readers, inputs, view) = (Arc::clone(&self.readers), self.inputs.clone(), self.view.clone());
        tokio::spawn(async move {
            let answers = match &query {
                Query::Chain(_) => vec![(ProviderId(0), Ok(Reading::Chain(Box::new(view))))],
                Query::Finalized | Query::Events { .. } | Query::State { .. } | Query::Progress(_) => {
                    readers.read(&query).await
                }
            };
            inputs.send(Input::Read(Answers { id, answers })).await.ok();
        });
    }
}
