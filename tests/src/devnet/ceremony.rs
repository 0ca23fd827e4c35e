//! Key ceremonies among guardians: of each one a short-lived process, beside its running node.

use super::{guardian_binary, process::Process};
use eyre::{Result, bail};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// One guardian's part in a ceremony.
#[derive(Debug)]
pub struct Participant {
    /// The guardian's name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    command: String,
    plan: PathBuf,
    /// Settings that its configuration does not have.
    environment: Vec<(String, String)>,
    process: Option<Process>,
}

impl Participant {
    /// The guardian called `name`, at home in `dir`, who will run `guardian key COMMAND` with `plan`. Not started.
    #[must_use]
    pub fn new(command: &str, name: &str, dir: &Path, plan: &Path) -> Self {
        Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            command: command.to_owned(),
            plan: plan.to_owned(),
            environment: Vec::new(),
            process: None,
        }
    }

    /// With these variables, and others as usual.
    pub(super) fn with_environment(self, environment: Vec<(String, String)>) -> Self {
        Self { environment, ..self }
    }

    /// Starts it, or starts it again.
    ///
    /// # Errors
    /// If the program is missing.
    pub fn start(&mut self) -> Result<()> {
        let (config, plan) = (self.dir.join("guardian.toml"), self.plan.display().to_string());
        let config = config.display().to_string();
        let arguments = ["key", self.command.as_str(), "--config", &config, "--plan", &plan, "--devnet-seal"];
        let (program, log) = (guardian_binary()?, self.log_file());
        self.process = Some(Process::start_with(&self.name, (&program, &arguments), &self.environment, &log)?);
        Ok(())
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Its exit code, once it has ended by itself.
    ///
    /// # Errors
    /// If it was ended by a signal.
    pub fn exit_code(&mut self) -> Result<Option<i32>> {
        let Some(status) = self.process.as_mut().map(Process::ended).transpose()?.flatten() else { return Ok(None) };
        match status.code() {
            Some(code) => Ok(Some(code)),
            None => bail!("{} was ended by a signal: {status}", self.name),
        }
    }

    /// Everything it has said.
    ///
    /// # Errors
    /// If its log can't be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.log_file())?)
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.command))
    }
}

/// Starts all of them.
///
/// # Errors
/// If the program is missing.
pub fn start(participants: &mut [Participant]) -> Result<()> {
    participants.iter_mut().try_for_each(Participant::start)
}

/// Waits until all of them have ended with `code`; returns how long that took.
///
/// # Errors
/// If one ends otherwise, or not all end within `patience`: with the last lines that it said.
pub async fn all_end(participants: &mut [Participant], code: i32, patience: Duration) -> Result<Duration> {
    let started = Instant::now();
    loop {
        let mut open = Vec::new();
        for participant in participants.iter_mut() {
            match participant.exit_code()? {
                Some(ended) if ended == code => {}
                Some(other) => bail!("{} ended with {other}: {}", participant.name, tail(participant)),
                None => open.push(tail(participant)),
            }
        }
        if open.is_empty() {
            return Ok(started.elapsed());
        }
        if started.elapsed() > patience {
            bail!("not over within {patience:?}:\n{}", open.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn tail(participant: &Participant) -> String {
    let log = participant.log().unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(12).collect();
    format!("--- {}\n{}", participant.name, lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
}
