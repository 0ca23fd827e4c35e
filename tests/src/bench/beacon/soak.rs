//! A guardian's observation beside a network of mainnet's size, for as long as one likes: whether its memory stays flat, and what it
//! asks of its providers. Two processes: one serves and finalizes an epoch every few seconds, one does nothing but observe.

use crate::{
    bench::{beacon, memory},
    synthetic::{BeaconServer, Manner, Watch},
};
use eyre::{Result, ensure, eyre};
use guardian_chain::Limits;
use guardian_protocol::Timestamp;
use std::time::{Duration, Instant};
use tokio::{io::AsyncBufReadExt, process::Command};
use url::Url;

/// Validators that the protocol has.
const TRACKED: u64 = 1000;
/// The first finalized epoch: about mainnet's today.
const FIRST: u64 = 400_000;

/// How long, how large, how fast.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// Entries of the registry.
    pub validators: u64,
    /// How long to observe.
    pub duration: Duration,
    /// Between two finalized epochs.
    pub epoch: Duration,
    /// How many bytes of states one provider may be asked for in an hour.
    pub budget: u64,
}

/// Serves two beacon nodes, starts the observing process, and says what it says.
///
/// # Errors
/// If a process fails, or a provider was asked for more than its budget.
pub async fn serve(soak: Soak, say: impl Fn(&str)) -> Result<()> {
    let state = |epoch| beacon::state(soak.validators, epoch);
    let first = BeaconServer::start(state(FIRST), Manner::Honest).await?;
    let second = BeaconServer::start(state(FIRST), Manner::Honest).await?;
    for server in [&first, &second] {
        server.keep();
    }
    let mut observing = Command::new(std::env::current_exe()?)
        .args(["--soak-urls", &format!("{},{}", first.url, second.url)])
        .args(["--validators", &soak.validators.to_string(), "--minutes", &minutes(soak.duration).to_string()])
        .args(["--budget-gb", &(soak.budget / 1_000_000_000).to_string()])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let said = observing.stdout.take().ok_or_else(|| eyre!("the observing process says nothing"))?;
    let mut lines = tokio::io::BufReader::new(said).lines();
    let mut epoch = FIRST;
    let mut turn = tokio::time::interval(soak.epoch);
    turn.tick().await;
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => say(&line),
                None => break,
            },
            _ = turn.tick() => {
                epoch += 1;
                let next = state(epoch);
                let prepared = tokio::task::spawn_blocking(move || BeaconServer::prepare(next)).await??;
                // What is being sent of the old one comes to its end.
                first.serve(prepared.clone());
                second.serve(prepared);
            }
        }
    }
    ensure!(observing.wait().await?.success(), "the observing process failed");
    for (name, server) in [("beacon-1", &first), ("beacon-2", &second)] {
        let (gb, budget) = (server.served() as f64 / 1e9, soak.budget as f64 / 1e9);
        say(&format!("{name} has sent {gb:.3} GB of states of the {budget:.3} GB that it may be asked for in an hour"));
        // What is in the sockets' buffers when a download is cut off was sent, and not read.
        ensure!(server.served() <= soak.budget + (64 << 20), "{name} exceeds its budget");
    }
    Ok(())
}

fn minutes(duration: Duration) -> u64 {
    duration.as_secs().div_ceil(60)
}

/// Observes until the time is over; `say` gets a line for each minute, and a summary.
///
/// # Errors
/// If nothing can be observed.
pub async fn observe(urls: &str, soak: Soak, say: impl Fn(&str)) -> Result<()> {
    let urls: Vec<Url> = urls.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let keys = beacon::state(soak.validators, FIRST).registry;
    let step = soak.validators.div_ceil(TRACKED).max(1) as usize;
    let tracked = (0..soak.validators).step_by(step).map(|index| keys.pubkey(index).into());
    let mut watch = Watch::open(urls, tracked, Limits { state_budget: soak.budget, ..Limits::default() }).await?;
    let asked_for = |watch: &Watch| watch.readers.stats().iter().map(|provider| provider.bytes).sum::<u64>();
    let (started, mut told) = (Instant::now(), Duration::ZERO);
    let mut seen: Vec<Seen> = Vec::new();
    say(&format!(
        "{:>7} {:>7} {:>16} {:>9} {:>9} {:>10} {:>9}",
        "minute", "epochs", "proof", "observe s", "MB/epoch", "GB so far", "RSS MiB"
    ));
    while started.elapsed() < soak.duration {
        let (begun, before) = (Instant::now(), asked_for(&watch));
        let now = Timestamp(1 + started.elapsed().as_millis() as u64);
        if let Some(evidence) = watch.look(now, |_| {}).await? {
            let (took, bytes) = (begun.elapsed().as_secs_f64(), asked_for(&watch) - before);
            seen.push(Seen { proof: evidence.proof.as_str(), took, bytes, rss: memory::resident()? });
        }
        if started.elapsed() >= told
            && let Some(last) = seen.last()
        {
            told += Duration::from_secs(60);
            let (minute, total) = (started.elapsed().as_secs() / 60, asked_for(&watch) as f64 / 1e9);
            say(&format!(
                "{minute:>7} {:>7} {:>16} {:>9.3} {:>9.1} {total:>10.3} {:>9.1}",
                seen.len(),
                last.proof,
                last.took,
                last.bytes as f64 / 1e6,
                last.rss
            ));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    summary(&seen).iter().for_each(|line| say(line));
    Ok(())
}

/// One epoch that was observed.
struct Seen {
    proof: &'static str,
    took: f64,
    bytes: u64,
    rss: f64,
}

fn summary(seen: &[Seen]) -> Vec<String> {
    let most = |part: &[Seen]| part.iter().map(|seen| seen.rss).fold(0.0, f64::max);
    let (early, late) = seen.split_at(seen.len() / 3);
    let mut lines = vec![format!(
        "{} epochs; largest resident size: {:.1} MiB in the first third, {:.1} MiB after it",
        seen.len(),
        most(early),
        most(late)
    )];
    let mut proofs: Vec<&str> = seen.iter().map(|seen| seen.proof).collect();
    proofs.sort_unstable();
    proofs.dedup();
    for proof in proofs {
        let mut of: Vec<&Seen> = seen.iter().filter(|seen| seen.proof == proof).collect();
        of.sort_by(|a, b| a.took.total_cmp(&b.took));
        let bytes: u64 = of.iter().map(|seen| seen.bytes).sum();
        let median = of.get(of.len() / 2).map_or(0.0, |seen| seen.took);
        lines.push(format!(
            "known by {proof}: {} epochs, {median:.3} s (median), {:.1} MB each",
            of.len(),
            bytes as f64 / 1e6 / of.len() as f64
        ));
    }
    lines
}
