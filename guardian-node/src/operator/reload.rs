//! `guardian reload` and SIGHUP: the configuration as it is now, applied as far as a running node can take it over. What needs a restart is
//! named. Either everything that can be applied is, or nothing: a configuration that is not valid as a whole changes nothing.

use super::{Answer, Asked, Request};
use crate::{
    committee_watch,
    config::{Config, Origins},
    hint::Hinted,
    metrics::{Metrics, ReloadMetrics},
    telemetry::{LogFilter, NextFilter},
};
use guardian_chain::FeeCeiling;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use toml::Value;

/// Whether a setting is taken over by a running node.
fn is_applied(name: &str) -> bool {
    ["log.filter", "execution.fee_ceiling_gwei"].contains(&name) || name.starts_with("limits.")
}

/// What a reload needs that lives as long as the process: committees come and go meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    path: PathBuf,
    in_force: Arc<Mutex<InForce>>,
    log: LogFilter,
    /// SIGHUP asks for a reload.
    asked: Arc<Notify>,
}

/// The settings that the node runs with: those of its start, and what was taken over since.
#[derive(Debug)]
struct InForce {
    config: Config,
    origins: Origins,
    /// How many settings in the file differ and wait for a restart.
    waiting: usize,
}

/// Reloads for the node as it runs now.
#[derive(Clone, Debug)]
pub(crate) struct Reloading {
    reload: Reload,
    brain: mpsc::Sender<Asked>,
    fee_ceiling: FeeCeiling,
    metrics: ReloadMetrics,
}

/// A configuration that was read and is valid.
struct Read {
    config: Config,
    origins: Origins,
    filter: NextFilter,
    committee: String,
}

impl Reload {
    /// Of the node that was started with `config`, which stands in the file at `path`.
    pub(crate) fn new(path: PathBuf, (config, origins): (Config, Origins), log: LogFilter, asked: Arc<Notify>) -> Self {
        Self { path, in_force: Arc::new(Mutex::new(InForce { config, origins, waiting: 0 })), log, asked }
    }

    /// The settings in force.
    pub(crate) async fn config(&self) -> Config {
        self.in_force.lock().await.config.clone()
    }

    fn read(&self, in_force: &Config) -> Result<Read, Hinted> {
        let (config, origins) = Config::load_with_origins(&self.path)?;
        let filter = self.log.next(&config.log)?;
        Ok(Read { config, origins, filter, committee: committee_watch::examine(in_force) })
    }
}

impl Reloading {
    pub(crate) fn new(reload: Reload, brain: mpsc::Sender<Asked>, fees: &FeeCeiling, metrics: &Metrics) -> Self {
        Self { reload, brain, fee_ceiling: fees.clone(), metrics: metrics.reload.clone() }
    }

    /// The way to the brain.
    pub(super) const fn brain(&self) -> &mpsc::Sender<Asked> {
        &self.brain
    }

    /// Reads everything again and applies it. It ends also when whoever asked does not wait for it.
    pub(crate) async fn run(self) -> Answer {
        // One at a time: what one compares with, another must not change meanwhile.
        let mut in_force = self.reload.in_force.lock().await;
        let answer = self.attempt(&mut in_force).await.unwrap_or_else(|refusal| refusal);
        self.metrics.show(answer.ok, in_force.waiting);
        answer
    }

    /// Reloads at each SIGHUP, and tells the log. Never ends.
    pub(crate) async fn on_hangups(self) {
        self.metrics.show(true, self.reload.in_force.lock().await.waiting);
        loop {
            self.reload.asked.notified().await;
            match self.clone().run().await {
                Answer { ok: true, text, .. } => {
                    text.lines().for_each(|line| tracing::info!("SIGHUP: {line}"));
                }
                Answer { text, hint, .. } => tracing::error!(
                    error = text,
                    hint,
                    "SIGHUP: the configuration is not taken over; going on with the one in force"
                ),
            }
        }
    }

    /// Every setting in force, as `guardian config show --json` has them.
    pub(super) async fn settings(&self) -> Answer {
        let in_force = self.reload.in_force.lock().await;
        match in_force.config.shown(&in_force.origins) {
            Ok(shown) => Answer::done(serde_json::to_string(&shown).unwrap_or_default()),
            Err(error) => refused(&error),
        }
    }

    async fn attempt(&self, in_force: &mut InForce) -> Result<Answer, Answer> {
        let (reload, before) = (self.reload.clone(), in_force.config.clone());
        // Files are read, and a share is opened, which is made to take time.
        let read = tokio::task::spawn_blocking(move || reload.read(&before)).await;
        let read = read.map_err(|error| Answer::refused(format!("the reload broke off: {error}"), DEFECT))?;
        let Read { config, origins, filter, committee } = read.map_err(|error| refused(&error))?;
        let changed = changed(&in_force.config, &config).map_err(|error| refused(&error))?;
        let (now, later): (Vec<String>, Vec<String>) = changed.into_iter().partition(|name| is_applied(name));

        // The only part that may still be refused comes first.
        let limited = self.put_limits(&config).await?;
        let filter = self.reload.log.put(filter);
        self.fee_ceiling.set_gwei(config.execution.fee_ceiling_gwei);
        in_force.take(config, &origins, later.len());
        let named = |what: &str, names: &[String]| {
            let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            format!("{what}: {names}")
        };
        let lines = [
            named("changed, and in force now", &now),
            named("changed, and in force after a restart", &later),
            filter,
            limited.text,
            committee,
        ];
        Ok(Answer::done(lines.join("\n")))
    }

    /// However long the brain takes: what is half done would be worse than late.
    async fn put_limits(&self, config: &Config) -> Result<Answer, Answer> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Limit { limits: Box::new(config.limits.limits()) };
        let stopping = || Answer::refused("the node is stopping", "start it: it reads the configuration then");
        self.brain.send((request, reply)).await.map_err(|_| stopping())?;
        let answer = answer.await.map_err(|_| stopping())?;
        if answer.ok { Ok(answer) } else { Err(answer) }
    }
}

impl InForce {
    /// Takes over what a running node can of `config`.
    fn take(&mut self, config: Config, origins: &Origins, waiting: usize) {
        self.config.log.filter = config.log.filter;
        self.config.limits = config.limits;
        self.config.execution.fee_ceiling_gwei = config.execution.fee_ceiling_gwei;
        self.origins.retain(|name, _| !is_applied(name));
        let taken = origins.iter().filter(|(name, _)| is_applied(name));
        self.origins.extend(taken.map(|(name, origin)| (name.clone(), *origin)));
        self.waiting = waiting;
    }
}

const DEFECT: &str = "this is a defect: report it";

fn refused(error: &Hinted) -> Answer {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Answer::refused(format!("{error}{cause}"), error.advice())
}

/// The settings that differ, by name; values are not told, since some urls hold credentials.
fn changed(before: &Config, after: &Config) -> Result<Vec<String>, Hinted> {
    let (before, after) = (settings(before)?, settings(after)?);
    let names = before.keys().chain(after.keys());
    let mut names: Vec<String> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Every setting as `table.key`, and those outside of all tables by their keys.
fn settings(config: &Config) -> Result<BTreeMap<String, Value>, Hinted> {
    let tables =
        toml::Table::try_from(config).map_err(|error| Hinted::caused("can't compare configurations", DEFECT, error))?;
    let mut settings = BTreeMap::new();
    for (table, value) in tables {
        if let Value::Table(keys) = value {
            settings.extend(keys.into_iter().map(|(key, value)| (format!("{table}.{key}"), value)));
        } else {
            settings.insert(table, value);
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TEMPLATE;

    #[test]
    fn a_changed_setting_is_named_and_its_value_is_not_told() {
        let config = |text: &str| -> Config { toml::from_str(text).unwrap() };
        let before = config(TEMPLATE);
        assert_eq!(changed(&before, &before).unwrap(), Vec::<String>::new());
        let other = TEMPLATE
            .replace("# poll = \"12s\"", "poll = \"6s\"")
            .replace("http://127.0.0.1:5052", "http://user:secret@127.0.0.1:5052")
            .replace("# filter = \"info\"", "filter = \"debug\"")
            .replace("network = \"mainnet\"", "network = \"hoodi\"")
            .replace("per_day = 64", "per_day = 65")
            .replace("# quorum = 2", "quorum = 1");
        let changed = changed(&before, &config(&other)).unwrap();
        let (now, later): (Vec<&String>, Vec<&String>) = changed.iter().partition(|name| is_applied(name));
        assert_eq!(now, ["limits.soft", "log.filter"]);
        assert_eq!(later, ["beacon.providers", "beacon.quorum", "network", "timing.poll"]);
    }
}
