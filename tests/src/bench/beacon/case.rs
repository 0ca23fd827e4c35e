//! One measurement, in a process that does nothing else.

use crate::bench::memory;
use eyre::{Result, ensure, eyre};
use futures::StreamExt;
use guardian_chain::state::{MAINNET, ProvedState, StateProver, Wanted, WarmCache, bare_hashing};
use guardian_protocol::BlsPubkey;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Instant};

/// Validators that are picked out of every state.
const TRACKED: u64 = 1000;

/// How the state comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// As SSZ over HTTP, proved while it arrives.
    Streamed,
    /// As SSZ that is already in memory.
    Memory,
    /// As JSON over HTTP, into objects.
    Json,
}

impl Way {
    const ALL: [Self; 3] = [Self::Streamed, Self::Memory, Self::Json];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Streamed => "streamed",
            Self::Memory => "memory",
            Self::Json => "json",
        })
    }
}

impl FromStr for Way {
    type Err = eyre::Report;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|way| way.to_string() == text).ok_or_else(|| eyre!("no such way"))
    }
}

/// What one measurement gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    validators: u64,
    way: Way,
    /// The first state, in seconds.
    pub(super) cold_s: f64,
    /// The state of the epoch after, in seconds; 0 for JSON.
    pub(super) warm_s: f64,
    /// Bare hashing of as many blocks as the first state's tree has, on all cores, in seconds; 0 for JSON.
    pub(super) bare_s: f64,
    /// The first state's processor time over that of the bare hashing: the same on a busy machine; 0 for JSON.
    cpu_ratio: f64,
    /// Largest resident size, in MiB.
    pub(super) peak_mib: f64,
    /// Blocks of 64 bytes in the first state's tree.
    blocks: u64,
    /// Those of them that had to be hashed.
    hashed: u64,
    hashed_warm: u64,
    bytes: u64,
}

impl Measured {
    pub(super) fn head() -> String {
        format!(
            "{:>10} {:<9} {:>8} {:>8} {:>8} {:>10} {:>8} {:>9} {:>12} {:>12} {:>12} {:>7}",
            "validators",
            "way",
            "cold s",
            "warm s",
            "bare s",
            "cold/bare",
            "by CPU",
            "peak MiB",
            "blocks",
            "hashed",
            "hashed warm",
            "MB"
        )
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = if self.bare_s > 0.0 { self.cold_s / self.bare_s } else { 0.0 };
        write!(
            f,
            "{:>10} {:<9} {:>8.3} {:>8.3} {:>8.3} {:>10.3} {:>8.3} {:>9.1} {:>12} {:>12} {:>12} {:>7}",
            self.validators,
            self.way,
            self.cold_s,
            self.warm_s,
            self.bare_s,
            ratio,
            self.cpu_ratio,
            self.peak_mib,
            self.blocks,
            self.hashed,
            self.hashed_warm,
            self.bytes / 1_000_000
        )
    }
}

/// Measures `case`, which is a number of validators and a [`Way`], against servers of two epochs.
///
/// # Errors
/// If a server does not answer, or its state is not what its header says.
pub async fn measure(case: &str, urls: &str) -> Result<Measured> {
    let (validators, way) = case.split_once(',').ok_or_else(|| eyre!("a number of validators and a way"))?;
    let (validators, way): (u64, Way) = (validators.parse()?, way.parse()?);
    let (before, after) = urls.split_once(',').ok_or_else(|| eyre!("two servers"))?;
    if way == Way::Json {
        let start = Instant::now();
        let (objects, bytes) = json(before).await?;
        ensure!(objects == validators, "{objects} validators");
        let cold_s = start.elapsed().as_secs_f64();
        let (warm_s, bare_s, cpu_ratio) = (0.0, 0.0, 0.0);
        let (blocks, hashed, hashed_warm) = (0, 0, 0);
        let peak_mib = memory::peak()?;
        return Ok(Measured {
            validators,
            way,
            cold_s,
            warm_s,
            bare_s,
            cpu_ratio,
            peak_mib,
            blocks,
            hashed,
            hashed_warm,
            bytes,
        });
    }
    let (cold, cold_s, cold_cpu, warm) = proved(way, before, validators, WarmCache::default()).await?;
    let (next, warm_s, ..) = proved(way, after, validators, warm).await?;
    let peak_mib = memory::peak()?;
    let before = cpu();
    let blocks = cold.hashed + cold.spared;
    let bare_s = bare(blocks);
    let cpu_ratio = cold_cpu / (cpu() - before);
    Ok(Measured {
        validators,
        way,
        cold_s,
        warm_s,
        bare_s,
        cpu_ratio,
        peak_mib,
        blocks,
        hashed: cold.hashed,
        hashed_warm: next.hashed,
        bytes: cold.bytes,
    })
}

async fn proved(way: Way, url: &str, validators: u64, warm: WarmCache) -> Result<(ProvedState, f64, f64, WarmCache)> {
    let registry = super::state(validators, 0).registry;
    let step = validators.div_ceil(TRACKED).max(1) as usize;
    let tracked: Vec<BlsPubkey> = (0..validators).step_by(step).map(|i| registry.pubkey(i).into()).collect();
    let asked = tracked.len();
    let (state, took, used, warm) = match way {
        Way::Memory => {
            let mut bytes = Vec::with_capacity(usize::try_from(super::state(validators, 0).length())?);
            let mut body = open(url).await?;
            while let Some(piece) = body.next().await {
                bytes.extend_from_slice(&piece?);
            }
            tokio::task::spawn_blocking(move || -> Result<_> {
                let (start, before) = (Instant::now(), cpu());
                let mut prover = StateProver::new("fulu", MAINNET, None, Wanted::validators(tracked), warm)?;
                prover.feed(&bytes)?;
                let (state, warm) = prover.finish();
                Ok((state?, start.elapsed(), cpu() - before, warm))
            })
            .await??
        }
        _ => {
            let (start, before) = (Instant::now(), cpu());
            let mut body = open(url).await?;
            let (pieces, mut inbox) = tokio::sync::mpsc::channel::<bytes::Bytes>(8);
            let work = tokio::task::spawn_blocking(move || -> Result<_> {
                let mut prover = StateProver::new("fulu", MAINNET, None, Wanted::validators(tracked), warm)?;
                while let Some(piece) = inbox.blocking_recv() {
                    prover.feed(&piece)?;
                }
                let (state, warm) = prover.finish();
                Ok((state?, warm))
            });
            while let Some(piece) = body.next().await {
                pieces.send(piece?).await?;
            }
            drop(pieces);
            let (state, warm) = work.await??;
            (state, start.elapsed(), cpu() - before, warm)
        }
    };
    let header: serde_json::Value =
        serde_json::from_slice(&reqwest::get(format!("{url}eth/v1/beacon/headers/finalized")).await?.bytes().await?)?;
    let root = alloy::primitives::hex::encode_prefixed(state.root);
    ensure!(
        header.pointer("/data/header/message/state_root").and_then(|root| root.as_str()) == Some(&root),
        "another root than the header's"
    );
    ensure!(state.extract.validators.len() == asked, "not all tracked validators were found");
    Ok((state, took.as_secs_f64(), used, warm))
}

async fn open(url: &str) -> Result<impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin + use<>> {
    let response = reqwest::get(format!("{url}eth/v2/debug/beacon/states/finalized")).await?.error_for_status()?;
    Ok(response.bytes_stream().boxed())
}

/// Everything into objects, as most tools do it.
async fn json(url: &str) -> Result<(u64, u64)> {
    #[derive(Deserialize)]
    struct Answer {
        data: Vec<Entry>,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "what is measured is that it is there")]
    struct Entry {
        index: String,
        balance: String,
        status: String,
        validator: std::collections::BTreeMap<String, serde_json::Value>,
    }
    let response = reqwest::get(format!("{url}eth/v1/beacon/states/finalized/validators")).await?;
    let body = response.error_for_status()?.bytes().await?;
    let answer: Answer = serde_json::from_slice(&body)?;
    Ok((answer.data.len() as u64, body.len() as u64))
}

fn bare(count: u64) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| bare_hashing(count / cores as u64));
        }
    });
    start.elapsed().as_secs_f64()
}

/// Processor time of this process so far, in seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
