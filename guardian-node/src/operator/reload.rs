//! `guardian reload`: the configuration as it is now, applied as far as a running node can take it over. What needs a restart is named.

use super::Answer;
use crate::{committee_watch, config::Config, hint::Hinted, telemetry::LogFilter};
use guardian_protocol::Limits;
use std::{collections::BTreeMap, path::PathBuf};
use toml::Value;

/// Everything that a reload compares with and changes.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    /// The configuration's file.
    pub(crate) path: PathBuf,
    /// The configuration that the node was started with.
    pub(crate) started: Config,
    /// The log's filter, which can change.
    pub(crate) log: LogFilter,
}

impl Reload {
    /// Reads everything again. Nothing is applied unless the configuration as a whole is valid.
    /// The new limits are the brain's to put in force.
    pub(super) async fn run(&self) -> Result<(String, Limits), Answer> {
        let this = self.clone();
        // Files are read, and a share is opened, which is made to take time.
        match tokio::task::spawn_blocking(move || this.read()).await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(refused(&error)),
            Err(error) => Err(Answer::refused(format!("the reload broke off: {error}"), "this is a defect: report it")),
        }
    }

    fn read(&self) -> Result<(String, Limits), Hinted> {
        let config = Config::load(&self.path)?;
        let mut lines = vec![self.log.apply(&config.log)?];
        lines.push(committee_watch::examine(&self.started));
        let changed = changed(&self.started, &config)?;
        lines.push(if changed.is_empty() {
            "nothing else has changed since the start".to_owned()
        } else {
            format!("changed, and in force after a restart: {}", changed.join(", "))
        });
        Ok((lines.join("\n"), config.limits.limits()))
    }
}

fn refused(error: &Hinted) -> Answer {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Answer::refused(format!("{error}{cause}"), error.advice())
}

/// The settings that differ, by name; values are not told, since some urls hold credentials.
fn changed(before: &Config, after: &Config) -> Result<Vec<String>, Hinted> {
    let (mut before, mut after) = (settings(before)?, settings(after)?);
    let is_applied = |name: &str| name == "log.filter" || name.starts_with("limits.");
    before.retain(|name, _| !is_applied(name));
    after.retain(|name, _| !is_applied(name));
    let names = before.keys().chain(after.keys());
    let mut names: Vec<String> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Every setting as `table.key`.
fn settings(config: &Config) -> Result<BTreeMap<String, Value>, Hinted> {
    let tables = toml::Table::try_from(config)
        .map_err(|error| Hinted::caused("can't compare configurations", "this is a defect: report it", error))?;
    let mut settings = BTreeMap::new();
    for (table, keys) in tables {
        let Value::Table(keys) = keys else { continue };
        settings.extend(keys.into_iter().map(|(key, value)| (format!("{table}.{key}"), value)));
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
            .replace("per_day = 64", "per_day = 65")
            .replace("# quorum = 2", "quorum = 1");
        assert_eq!(changed(&before, &config(&other)).unwrap(), ["beacon.providers", "beacon.quorum", "timing.poll"]);
    }
}
