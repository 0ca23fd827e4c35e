//! What only a whole network shows: how soon after finality a transaction is on its way, and how much memory a guardian takes.

use super::{Figure, memory};
use crate::devnet::{Devnet, options::Options};
use eyre::{Result, bail, eyre};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Runs a devnet until it has posted `reports` reports.
///
/// # Errors
/// If it does not come that far.
pub async fn measure(reports: usize) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir()?;
    let options = Options { report_period: 1, ..Options::for_tests(dir.path().join("devnet")) };
    let devnet = Devnet::start(options, |_| {}).await?;
    let started = Instant::now();
    while devnet.contracts.reports().await?.len() < reports {
        if started.elapsed() > Duration::from_secs(600) {
            bail!("the devnet posted too few reports");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
    let mut memory = 0.0f64;
    for guardian in &devnet.guardians {
        for (bound, count) in histogram(&guardian.metrics().await?, "guardian_finality_to_submit_seconds") {
            *buckets.entry((bound * 1000.0) as u64).or_default() += count;
        }
        memory = memory.max(memory::resident_of(guardian.pid().ok_or_else(|| eyre!("a guardian is down"))?)?);
    }
    let p50 = quantile(&buckets, 0.5).ok_or_else(|| eyre!("no guardian has submitted"))?;
    Ok(vec![
        Figure {
            name: "finality_to_tx_p50_ms",
            value: p50,
            unit: "ms",
            reference: "Lido's oracle, about 13 minutes, quoted",
            reference_value: 780_000.0,
        },
        Figure {
            name: "guardian_rss_mib",
            value: memory,
            unit: "MiB",
            reference: "the smallest of the other oracles' nodes, 1 GB, quoted",
            reference_value: 1_024.0,
        },
    ])
}

/// The finite buckets of a histogram: upper bound and cumulative count.
fn histogram(metrics: &str, name: &str) -> Vec<(f64, f64)> {
    let prefix = format!("{name}_bucket{{le=\"");
    metrics
        .lines()
        .filter_map(|line| {
            let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        })
        .filter(|(bound, _): &(f64, f64)| bound.is_finite())
        .collect()
}

/// As Prometheus' `histogram_quantile` does it: linear within the bucket.
fn quantile(cumulative: &BTreeMap<u64, f64>, q: f64) -> Option<f64> {
    let total = cumulative.values().copied().fold(0.0, f64::max);
    let wanted = total * q;
    let (mut low, mut below) = (0.0, 0.0);
    for (bound, count) in cumulative {
        if total > 0.0 && *count >= wanted {
            return Some(low + (*bound as f64 - low) * ((wanted - below) / (count - below).max(1e-9)));
        }
        (low, below) = (*bound as f64, *count);
    }
    None
}
