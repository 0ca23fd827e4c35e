//! The node's tasks. Death is loud: if one ends before it was told to, the node stops and says which. Stopping is ordered and bounded.

use eyre::{Result, eyre};
use std::{future::Future, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// All long-lived tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: CancellationToken,
    running: JoinSet<(&'static str, Result<()>)>,
}

impl Tasks {
    /// How long tasks may take to end once told to.
    const PATIENCE: Duration = Duration::from_secs(10);

    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop, running: JoinSet::new() }
    }

    /// Runs `task` until it ends. It must not end before it is told to.
    pub(crate) fn critical(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        self.running.spawn(async move { (name, task.await) });
    }

    /// Runs `task` on a thread of its own: it may block.
    pub(crate) fn critical_blocking(&mut self, name: &'static str, task: impl FnOnce() -> Result<()> + Send + 'static) {
        self.running.spawn_blocking(move || (name, task()));
    }

    /// Waits until told to stop or until a task dies; then tells all others and waits for them.
    ///
    /// # Errors
    /// The first death, or the tasks that did not end in time.
    pub(crate) async fn until_stopped(mut self) -> Result<()> {
        let first = tokio::select! {
            () = self.stop.cancelled() => None,
            ended = self.running.join_next() => ended,
        };
        let told = self.stop.is_cancelled();
        self.stop.cancel();
        let mut outcome = first.map_or(Ok(()), |ended| verdict(ended, told));
        let drained = tokio::time::timeout(Self::PATIENCE, async {
            while let Some(ended) = self.running.join_next().await {
                let ended = verdict(ended, true);
                if outcome.is_ok() {
                    outcome = ended;
                }
            }
        });
        if drained.await.is_err() {
            return Err(eyre!("{} tasks did not stop within {:?}", self.running.len(), Self::PATIENCE));
        }
        outcome
    }
}

fn verdict(ended: Result<(&'static str, Result<()>), tokio::task::JoinError>, told: bool) -> Result<()> {
    match ended {
        Ok((name, Err(error))) => Err(error.wrap_err(format!("the task `{name}` failed"))),
        Ok((_, Ok(()))) if told => Ok(()),
        Ok((name, Ok(()))) => Err(eyre!("the task `{name}` ended before it was told to")),
        Err(error) => Err(eyre!("a task panicked: {error}")),
    }
}
