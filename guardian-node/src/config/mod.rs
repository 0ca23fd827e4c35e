//! The configuration: one TOML file, the network that it names, the deployment of the contracts, and the environment, which wins. Unknown
//! keys are refused, durations are written as `"12s"`, secrets are named by path.
//!
//! `guardian init` writes [`TEMPLATE`], which is this file's documentation; tests keep the two in step.

mod account;
mod endpoints;
mod environment;
mod exits;
mod file;
mod layers;
mod limits;
mod networks;
mod shown;
mod sources;

pub use account::AccountConfig;
pub(crate) use endpoints::endpoints;
pub use endpoints::{ProviderConfig, ProviderRole};
pub(crate) use environment::Environment;
pub use exits::ExitsConfig;
pub use file::{
    BeaconConfig, Config, ContractsConfig, ExecutionConfig, GuardianConfig, HttpConfig, KeysConfig, LogConfig,
    LogFormat, P2pConfig, TimingConfig,
};
pub(crate) use layers::{Origin, Origins};
pub use limits::LimitsConfig;
pub use networks::Network;
pub(crate) use shown::Shown;

use crate::hint::{Hinted, WithHint};

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The annotated default.
pub const TEMPLATE: &str = include_str!("default.toml");

/// The key of the path that leads out of the folder on purpose.
pub(crate) const PASSPHRASE_FILE: &str = "passphrase_file";

/// A path, and where in the file it stands.
#[derive(Debug)]
pub(crate) struct ConfiguredPath<'a> {
    /// The table's name.
    pub(crate) table: &'static str,
    /// The key in it.
    pub(crate) key: &'static str,
    /// What `guardian init` writes there.
    pub(crate) usual: &'static str,
    /// What stands there.
    pub(crate) path: &'a mut PathBuf,
}

impl Config {
    /// Reads and checks the file at `path`, with everything that belongs to it. Relative paths are relative to its folder.
    ///
    /// # Errors
    /// If it can't be read, has an unknown key or a wrong type, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Hinted> {
        Ok(Self::load_with_origins(path)?.0)
    }

    /// The same, and where each value comes from.
    ///
    /// # Errors
    /// As of [`Config::load`].
    pub(crate) fn load_with_origins(path: &Path) -> Result<(Self, Origins), Hinted> {
        let text = std::fs::read_to_string(path).hint(
            format!("can't read the configuration {}", path.display()),
            "`guardian init` writes one; pass its path with --config",
        )?;
        Self::of_sources(&text, path, &Environment::of_process()?)
    }

    /// Reads and checks `text`, which stands in the file at `path`, alone: paths stay as they are written, and neither a deployment nor
    /// the environment is asked.
    ///
    /// # Errors
    /// If it has an unknown key or a wrong type, or contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Hinted> {
        let config = sources::of_text(text, path)?;
        config.check()?;
        Ok(config)
    }

    /// Every path in it.
    pub(crate) fn paths(&mut self) -> Vec<ConfiguredPath<'_>> {
        let configured = |table, key, usual, path| ConfiguredPath { table, key, usual, path };
        let keys = &mut self.keys;
        let mut paths = vec![
            configured("guardian", "data_dir", "data", &mut self.guardian.data_dir),
            configured("guardian", "committee", "committee.toml", &mut self.guardian.committee),
            configured("keys", "identity", "keys/identity.sealed", &mut keys.identity),
            configured("keys", "shares", "keys/shares", &mut keys.shares),
            configured("keys", "account", "keys/account.sealed", &mut keys.account),
            configured("contracts", "deployment", "deployment.json", &mut self.contracts.deployment),
        ];
        let passphrase = keys.passphrase_file.as_mut();
        paths.extend(passphrase.map(|path| configured("keys", PASSPHRASE_FILE, "../guardian.passphrase", path)));
        paths.extend(keys.exits.as_mut().map(|exits| configured("keys", "exits", "keys/exits.sealed", exits)));
        paths
    }

    fn resolve(&mut self, base: &Path) {
        for configured in self.paths() {
            *configured.path = absolute(base, configured.path);
        }
        for provider in self.beacon.providers.iter_mut().chain(&mut self.execution.providers) {
            for path in provider.url_file.iter_mut().chain(&mut provider.headers_file) {
                *path = absolute(base, path);
            }
        }
        for path in self.account.paths() {
            *path = absolute(base, path);
        }
    }

    fn check(&self) -> Result<(), Hinted> {
        if self.guardian.name.is_empty() {
            return Err(Hinted::new(
                "[guardian] name is not set",
                "it is your name in the committee file; GUARDIAN_NAME sets it, too",
            ));
        }
        if self.contracts.chain_id == 0 {
            return Err(Hinted::new(
                "the chain is not set",
                "set `network` to mainnet, hoodi or devnet, or [contracts] chain_id for a network without a name",
            ));
        }
        self.timing.check()?;
        self.limits.check()?;
        self.exits.check()?;
        self.keys.passphrase()?;
        self.account.check()?;
        self.contracts.check()?;
        for (layer, providers, quorum) in [
            ("beacon", &self.beacon.providers, self.beacon.quorum),
            ("execution", &self.execution.providers, self.execution.quorum),
        ] {
            let n = providers.len();
            if n == 0 || n > 16 {
                return Err(Hinted::new(
                    format!("[{layer}] lists {n} providers"),
                    "list 1 to 16; three independent ones are the recommended minimum",
                ));
            }
            if providers.iter().all(|provider| provider.role == Some(ProviderRole::Fallback)) {
                return Err(Hinted::new(
                    format!("[{layer}] lists fallbacks alone"),
                    "a fallback is asked when others do not suffice: leave out the role of one that is always asked",
                ));
            }
            if let Some(k) = quorum
                && (k > n || k.saturating_mul(2) <= n)
            {
                return Err(Hinted::new(
                    format!("[{layer}] quorum = {k} of {n} providers is not a majority"),
                    "leave it out for the smallest safe value; a smaller one would believe two truths at once",
                ));
            }
            let mut names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                return Err(Hinted::new(
                    format!("[{layer}] two providers have the same name"),
                    "alarms and metrics name providers: give each its own",
                ));
            }
            if let Some(odd) = providers.iter().find(|provider| provider.url.is_some() == provider.url_file.is_some()) {
                odd.address()?;
            }
            let known = providers.iter().filter_map(|provider| Some((provider.name.as_str(), provider.url.as_ref()?)));
            endpoints::once_each(layer, known)?;
        }
        Ok(())
    }

    /// Whether the contracts are known, without which a guardian can't run.
    ///
    /// # Errors
    /// Says which are not, and where they come from.
    pub(crate) fn require_contracts(&self) -> Result<(), Hinted> {
        let deployment = self.contracts.deployment.display();
        if self.contracts.guardian_keys.is_zero() {
            return Err(Hinted::new(
                "the guardians' contracts are not known",
                format!(
                    "put the file that `guardian contracts deploy` wrote at {deployment}: it is the same for every guardian"
                ),
            ));
        }
        if self.contracts.protocol.is_zero() {
            return Err(Hinted::new(
                "the address of PufferProtocol is not known",
                "set [contracts] protocol: for this network it is not published",
            ));
        }
        Ok(())
    }

    /// Layer and name of the providers whose answers can be read and changed on their way here.
    pub(crate) fn readable_on_the_way(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let layers = [("beacon", &self.beacon.providers), ("execution", &self.execution.providers)];
        let named = layers.into_iter().flat_map(|(layer, list)| list.iter().map(move |provider| (layer, provider)));
        let is_open =
            |provider: &ProviderConfig| provider.address().is_ok_and(|url| endpoints::is_readable_on_the_way(&url));
        let open = named.filter(move |(_, provider)| is_open(provider));
        open.map(|(layer, provider)| (layer, provider.name.as_str()))
    }
}

impl TimingConfig {
    /// What comes more often than this is a typing error, and would flood the others or the providers.
    const SHORTEST: Duration = Duration::from_millis(10);

    fn check(&self) -> Result<(), Hinted> {
        let Self { poll, coordinator_stagger, share_timeout, reannounce, submit_stagger } = *self;
        let all = [
            ("poll", poll),
            ("coordinator_stagger", coordinator_stagger),
            ("share_timeout", share_timeout),
            ("reannounce", reannounce),
            ("submit_stagger", submit_stagger),
        ];
        match all.into_iter().find(|(_, value)| *value < Self::SHORTEST) {
            Some((key, value)) => Err(Hinted::new(
                format!("[timing] {key} = \"{}\" is too short", humantime::format_duration(value)),
                "leave it out: the default suits mainnet",
            )),
            None => Ok(()),
        }
    }
}

fn absolute(base: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { base.join(path) }
}

#[cfg(test)]
mod tests;
