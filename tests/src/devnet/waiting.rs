//! Waiting for what must happen on busy chains: for a condition, never for a time.

use super::{Devnet, guardians::GuardianProcess};
use eyre::{Result, bail, eyre};
use std::time::{Duration, Instant};

/// Until everything that somebody waits for must have happened.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for `condition`; returns how long. An error while waiting is not the end: chains are busy.
///
/// # Errors
/// If `what` did not come in time, with how the condition stood at last.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<Duration> {
    let started = Instant::now();
    loop {
        let outcome = condition().await;
        if matches!(outcome, Ok(true)) {
            return Ok(started.elapsed());
        }
        if started.elapsed() > PATIENCE {
            bail!("{what} did not come within {PATIENCE:?}: {outcome:?}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// [`until`], told to whoever reads a test's output.
///
/// # Errors
/// As there.
#[allow(clippy::print_stdout, reason = "only tests call it")]
pub async fn wait(what: &str, condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let waited = until(what, condition).await?;
    println!("{what}: after {} s", waited.as_secs());
    Ok(())
}

impl Devnet {
    /// The guardian at place `at`, from 0.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn nth(&mut self, at: usize) -> Result<&mut GuardianProcess> {
        self.guardians.get_mut(at).ok_or_else(|| eyre!("no guardian {at}"))
    }
}
