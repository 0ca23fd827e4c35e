//! How long seven guardians need to make a key: real processes on this machine, that pretend to be a round trip of 100 ms apart.
//!
//! From the moment the processes are started until the last of them has its share in force on disk: connecting, four
//! exchanges of posts, the signature of all seven, sealing and activation included. The reference is the same without the distance.

use super::Figure;
use crate::devnet::{
    ceremony::{all_end, start},
    operators::Operators,
};
use eyre::{Result, ensure};
use std::time::{Duration, Instant};

const MEMBERS: u16 = 7;
const THRESHOLD: u16 = 5;
const RUNS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes some keys; the figure is the median.
///
/// # Errors
/// If a ceremony does not succeed.
pub async fn measure() -> Result<Vec<Figure>> {
    let apart = median(Duration::from_millis(100)).await?;
    let together = median(Duration::ZERO).await?;
    Ok(vec![Figure {
        name: "dkg_7_rtt100_s",
        value: apart.as_secs_f64(),
        unit: "s",
        reference: "the same seven processes without the round trip, measured",
        reference_value: together.as_secs_f64(),
    }])
}

async fn median(round_trip: Duration) -> Result<Duration> {
    let mut taken = Vec::new();
    for _ in 0..RUNS {
        taken.push(one(round_trip).await?);
    }
    taken.sort_unstable();
    Ok(taken.get(RUNS / 2).copied().unwrap_or_default())
}

async fn one(round_trip: Duration) -> Result<Duration> {
    let dir = tempfile::tempdir()?;
    let operators = Operators::new(dir.path(), MEMBERS, round_trip)?;
    let plan = operators.plan_key("bench", usize::from(MEMBERS), THRESHOLD)?;
    let mut all = operators.participants("generate", usize::from(MEMBERS), &plan);
    let started = Instant::now();
    start(&mut all)?;
    while !all.iter().all(|participant| participant.dir.join("committee.toml").exists()) {
        ensure!(started.elapsed() < PATIENCE, "no key within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = started.elapsed();
    all_end(&mut all, 0, PATIENCE).await?;
    operators.sign(1..=usize::from(THRESHOLD))?;
    Ok(took)
}
