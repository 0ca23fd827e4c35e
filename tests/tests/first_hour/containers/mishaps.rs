//! What happens to containers: one is killed, one stopped, one stands still, one is cut off. The others report on, and it comes back: by itself, but
//! for the one that its operator stopped. As docs/operating.md says.

use super::{Containers, docker::docker};
use crate::{operators::Operators, site::NAMES};
use eyre::{Result, ensure, eyre};
use std::time::{Duration, Instant};

/// Until something that must happen has happened.
const PATIENCE: Duration = Duration::from_secs(180);

/// What can happen to an operator's container. Its end undoes it, where the machine does not do so itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mishap {
    /// The program dies without a word; Docker starts it again.
    Killed,
    /// Its operator stops it, and starts it again.
    Stopped,
    /// Nothing in it moves.
    Paused,
    /// It reaches nobody.
    CutOff,
}

impl Mishap {
    /// All of them, each to another operator.
    pub(crate) const ALL: [(Self, usize); 4] =
        [(Self::Killed, 3), (Self::Stopped, 0), (Self::Paused, 1), (Self::CutOff, 2)];

    /// It happens to the operator at `place`.
    pub(crate) fn begins(self, place: usize) -> Result<()> {
        let id = Containers::container(place)?;
        match self {
            Self::Killed => {
                let before = starts(&id)?;
                // Inside, as the kernel would: Docker takes its own kill for the operator's wish.
                docker(&["exec", &id, "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)"])?;
                until("Docker starts it again", || Ok(starts(&id)? > before))
            }
            Self::Stopped => docker(&["stop", &id]).map(drop),
            Self::Paused => docker(&["pause", &id]).map(drop),
            Self::CutOff => docker(&["network", "disconnect", &Containers::network(place), &id]).map(drop),
        }
    }

    /// It is over. `up` is how an operator starts the node.
    pub(crate) fn ends(self, place: usize, operators: &mut Operators, up: &str) -> Result<()> {
        let id = Containers::container(place)?;
        match self {
            Self::Killed => Ok(()),
            Self::Stopped => {
                let state = docker(&["inspect", "--format", "{{.State.Status}}", &id])?;
                ensure!(state == "exited", "what its operator stopped is {state}");
                operators.one_of_them_runs(place, up)
            }
            Self::Paused => docker(&["unpause", &id]).map(drop),
            Self::CutOff => docker(&["network", "connect", &Containers::network(place), &id]).map(drop),
        }
    }
}

/// How often Docker has started it again.
fn starts(id: &str) -> Result<u32> {
    Ok(docker(&["inspect", "--format", "{{.RestartCount}}", id])?.parse()?)
}

/// Waits until Prometheus at `url` has `count` targets, and all of them are up.
pub(crate) async fn targets_are_up(url: &str, count: usize) -> Result<()> {
    let started = Instant::now();
    loop {
        let answer = async {
            let body = reqwest::get(format!("{url}/api/v1/targets")).await?.error_for_status()?.bytes().await?;
            let body: serde_json::Value = serde_json::from_slice(&body)?;
            let targets = body.pointer("/data/activeTargets").and_then(|targets| targets.as_array().cloned());
            targets.ok_or_else(|| eyre!("Prometheus names no targets: {body}"))
        };
        let answer = answer.await;
        if let Ok(targets) = &answer
            && targets.len() == count
            && targets.iter().all(|target| target["health"] == "up")
        {
            return Ok(());
        }
        ensure!(started.elapsed() < PATIENCE, "not all targets are up: {answer:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !is_so()? {
        ensure!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

impl std::fmt::Display for Mishap {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Killed => "is killed",
            Self::Stopped => "is stopped by its operator",
            Self::Paused => "stands still",
            Self::CutOff => "is cut off",
        })
    }
}

/// The mishap's sentence.
pub(crate) fn sentence(mishap: Mishap, place: usize) -> String {
    format!("the container of {} {mishap}", NAMES[place])
}
