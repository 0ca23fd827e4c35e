//! The node's tasks. Death is loud: if one ends before it was told to, the node stops and says which. Stopping is ordered and bounded.

use eyre::{Result, eyre};
use std::{future::Future, time::Duration};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// All long-lived tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: CancellationToken,
    running: JoinSet<(&'static str, Ended)>,
    /// A death that nobody was told of yet.
    first: Option<Joined>,
}

/// A task that has ended, or panicked.
type Joined = Result<(&'static str, Ended), JoinError>;

/// How a task ended.
#[derive(Debug)]
enum Ended {
    /// A task without which the node is no node.
    Critical(Result<()>),
    /// A task that may end when it has nothing left to do.
    Background,
}

impl Tasks {
    /// How long tasks may take to end once told to.
    const PATIENCE: Duration = Duration::from_secs(10);

    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop, running: JoinSet::new(), first: None }
    }

    /// Runs `task` until it ends. It must not end before it is told to.
    pub(crate) fn critical(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        self.running.spawn(async move { (name, Ended::Critical(task.await)) });
    }

    /// The same for a task that does not listen to the stop itself: it is dropped where it waits.
    pub(crate) fn stoppable(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let stop = self.stop.clone();
        self.critical(name, async move { stop.run_until_cancelled_owned(task).await.unwrap_or(Ok(())) });
    }

    /// Runs `task` until it ends or everything stops. Nothing waits for what it does.
    pub(crate) fn background(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.running.spawn(async move {
            stop.run_until_cancelled_owned(task).await;
            (name, Ended::Background)
        });
    }

    /// Runs `task` on a thread of its own: it may block.
    pub(crate) fn critical_blocking(&mut self, name: &'static str, task: impl FnOnce() -> Result<()> + Send + 'static) {
        self.running.spawn_blocking(move || (name, Ended::Critical(task())));
    }

    /// The outcome of `work`; `None` if told to stop before, or if a task has died: [`Tasks::until_stopped`] then ends at once.
    pub(crate) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            Some(ended) = self.death() => {
                self.first = Some(ended);
                None
            }
            done = work => Some(done),
        }
    }

    /// Waits until told to stop or until a task dies; then tells all others and waits for them.
    ///
    /// # Errors
    /// The first death, or the tasks that did not end in time.
    pub(crate) async fn until_stopped(mut self) -> Result<()> {
        let stop = self.stop.clone();
        let first = match self.first.take() {
            Some(ended) => Some(ended),
            None => stop.run_until_cancelled(self.death()).await.flatten(),
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

    /// The first end of a task whose end matters. Cancel-safe: what has ended is taken at once.
    async fn death(&mut self) -> Option<Joined> {
        loop {
            let ended = self.running.join_next().await?;
            if !matches!(ended, Ok((_, Ended::Background))) {
                return Some(ended);
            }
        }
    }
}

/// Whether the end of a task is a failure, which depends on whether it was `told` to end.
fn verdict(ended: Joined, told: bool) -> Result<()> {
    match ended {
        Ok((_, Ended::Background)) => Ok(()),
        Ok((name, Ended::Critical(Err(error)))) => Err(error.wrap_err(format!("the task `{name}` failed"))),
        Ok((_, Ended::Critical(Ok(())))) if told => Ok(()),
        Ok((name, Ended::Critical(Ok(())))) => Err(eyre!("the task `{name}` ended before it was told to")),
        Err(error) => Err(eyre!("a task panicked: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_background_task_may_end_and_a_critical_one_may_not() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.background("probe", async {});
        tasks.stoppable("network", pending());
        tasks.critical("nudges", async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(())
        });
        let error = tasks.until_stopped().await.unwrap_err();
        assert!(error.to_string().contains("the task `nudges` ended before it was told to"), "{error}");
    }

    #[tokio::test]
    async fn a_death_ends_what_is_waited_for_meanwhile_and_so_does_the_stop() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.stoppable("network", pending());
        assert_eq!(tasks.meanwhile(async { 7 }).await, Some(7));
        tasks.critical("http", async { Err(eyre!("the port is taken")) });
        assert_eq!(tasks.meanwhile(pending::<u8>()).await, None);
        let error = tasks.until_stopped().await.unwrap_err();
        assert!(error.to_string().contains("the task `http` failed"), "{error}");

        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        stop.cancel();
        assert_eq!(tasks.meanwhile(pending::<u8>()).await, None);
        tasks.until_stopped().await.unwrap();
    }

    #[tokio::test]
    async fn everything_ends_when_told_to() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.background("probe", pending());
        tasks.stoppable("network", pending());
        stop.cancel();
        tasks.until_stopped().await.unwrap();
    }
}
