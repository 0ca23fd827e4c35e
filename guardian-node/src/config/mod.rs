//! The configuration: one TOML file. Unknown keys are refused, durations are written as `"12s"`, secrets are named by path.
//!
//! `guardian init` writes [`TEMPLATE`], which is this file's documentation; a test keeps the two in step.

mod endpoints;
mod file;
mod limits;

pub use file::{
    BeaconConfig, Config, ContractsConfig, ExecutionConfig, GuardianConfig, HttpConfig, KeysConfig, LogConfig,
    LogFormat, NetworkConfig, ProviderConfig, TimingConfig,
};
pub use limits::LimitsConfig;

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
    /// Reads and checks the file at `path`. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// If it can't be read, has an unknown key or a wrong type, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Hinted> {
        let text = std::fs::read_to_string(path).hint(
            format!("can't read the configuration {}", path.display()),
            "`guardian init` writes one; pass its path with --config",
        )?;
        let mut config = Self::parse(&text, path)?;
        config.resolve(path.parent().unwrap_or_else(|| Path::new(".")));
        Ok(config)
    }

    /// Reads and checks `text`, which stands in the file at `path`. Paths stay as they are written.
    ///
    /// # Errors
    /// If it has an unknown key or a wrong type, or contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Hinted> {
        let config: Self = toml::from_str(text).hint(
            format!("the configuration {} is not valid", path.display()),
            "every key is explained in the file that `guardian init` writes; unknown keys are refused so that a typing error can't go unnoticed",
        )?;
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
    }

    fn check(&self) -> Result<(), Hinted> {
        self.timing.check()?;
        self.limits.check()?;
        self.keys.passphrase()?;
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
            if let Some([a, b]) = endpoints::twice(providers) {
                return Err(Hinted::new(
                    format!("[{layer}] the providers `{}` and `{}` have the same url", a.name, b.name),
                    "one node that counts twice would be its own majority: list each once; three independent ones let one of them fail",
                ));
            }
        }
        Ok(())
    }

    /// Layer and name of the providers whose answers can be read and changed on their way here.
    pub(crate) fn readable_on_the_way(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let layers = [("beacon", &self.beacon.providers), ("execution", &self.execution.providers)];
        let named = layers.into_iter().flat_map(|(layer, list)| list.iter().map(move |provider| (layer, provider)));
        let open = named.filter(|(_, provider)| endpoints::is_readable_on_the_way(&provider.url));
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
mod tests {
    use super::*;
    use crate::passphrase::Source;

    #[test]
    fn the_template_is_a_valid_configuration() {
        let config: Config = toml::from_str(TEMPLATE).unwrap();
        config.check().unwrap();
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = toml::from_str::<Config>(&TEMPLATE.replace("data_dir", "data_folder")).unwrap_err();
        assert!(error.to_string().contains("data_folder"), "{error}");
    }

    #[test]
    fn states_are_proved_unless_the_operator_says_otherwise() {
        let template = |key: &str| TEMPLATE.replace("[beacon]", &format!("[beacon]\n{key}"));
        for (key, proved) in [("", true), ("prove_states = true", true), ("prove_states = false", false)] {
            let config: Config = toml::from_str(&template(key)).unwrap();
            assert_eq!(crate::node::chain_config(&config).limits.prove_states, proved, "{key}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_refused() {
        assert!(toml::from_str::<Config>(&TEMPLATE.replace("poll = \"12s\"", "poll = 12")).is_err());
    }

    #[test]
    fn a_quorum_that_is_no_majority_is_refused() {
        let mut config: Config = toml::from_str(TEMPLATE).unwrap();
        config.beacon.quorum = Some(1);
        config.beacon.providers = (0..3)
            .map(|i| ProviderConfig { name: format!("p{i}"), url: format!("http://127.0.0.1:{i}").parse().unwrap() })
            .collect();
        let error = config.check().unwrap_err();
        assert!(error.to_string().contains("not a majority"), "{error}");
    }

    #[test]
    fn no_node_counts_twice() {
        for (first, second) in [
            ("http://127.0.0.1:5052", "http://127.0.0.1:5052/"),
            ("http://127.0.0.1:5052", "http://LOCALHOST:5052"),
            ("http://[::1]:5052", "http://127.1:5052"),
            ("http://[::ffff:10.0.0.1]/", "http://10.0.0.1:80"),
            ("http://0.0.0.0:5052", "http://localhost.:5052"),
            ("https://alice:secret@rpc.example/v3/key", "https://RPC.example.:443/v3/key//"),
            ("https://rpc.example/a/../v3?x=1", "http://rpc.example:443/v3?x=1"),
        ] {
            for layer in ["beacon", "execution"] {
                let mut config: Config = toml::from_str(TEMPLATE).unwrap();
                let providers = [("a", first), ("b", "http://10.9.9.9:1"), ("c", second)];
                let providers =
                    providers.map(|(name, url)| ProviderConfig { name: name.into(), url: url.parse().unwrap() });
                match layer {
                    "beacon" => config.beacon.providers = providers.to_vec(),
                    _ => config.execution.providers = providers.to_vec(),
                }
                let error = config.check().unwrap_err().to_string();
                assert!(error.contains(layer) && error.contains("`a` and `c` have the same url"), "{second}: {error}");
            }
        }
    }

    #[test]
    fn different_nodes_are_told_apart() {
        let mut config: Config = toml::from_str(TEMPLATE).unwrap();
        let urls =
            ["http://127.0.0.1:5052", "http://127.0.0.1:5053", "https://rpc.example/key1", "https://rpc.example/key2"];
        let named = |(i, url): (usize, &str)| ProviderConfig { name: format!("p{i}"), url: url.parse().unwrap() };
        config.beacon.providers = urls.into_iter().enumerate().map(named).collect();
        config.check().unwrap();
    }

    #[test]
    fn urls_that_anybody_on_the_way_can_read_are_named() {
        let mut config: Config = toml::from_str(TEMPLATE).unwrap();
        let urls = [
            "http://127.0.0.1:1",
            "http://lighthouse:5052",
            "http://10.0.0.5:5052",
            "http://box.lan:1",
            "https://rpc.example",
            "http://rpc.example",
            "http://8.8.8.8:1",
            "http://[fd00::1]:1",
            "http://[2001:db8::1]:1",
        ];
        let named = |url: &str| ProviderConfig { name: url.to_owned(), url: url.parse().unwrap() };
        config.execution.providers = urls.into_iter().map(named).collect();
        let open: Vec<_> = config.readable_on_the_way().map(|(_, name)| name).collect();
        assert_eq!(open, ["http://rpc.example", "http://8.8.8.8:1", "http://[2001:db8::1]:1"]);
    }

    #[test]
    fn the_passphrase_comes_from_one_place() {
        let file = "passphrase_file = \"../guardian.passphrase\"";
        let with = |line: &str| Config::parse(&TEMPLATE.replace(file, line), Path::new("guardian.toml"));
        let source = |line: &str| with(line).unwrap().keys.passphrase().unwrap();
        assert_eq!(source(file), Source::File("../guardian.passphrase".into()));
        assert_eq!(source("passphrase_credential = \"x\""), Source::Credential("x".into()));
        assert_eq!(source("passphrase_command = [\"a\", \"b\"]"), Source::Command(vec!["a".into(), "b".into()]));
        for (line, count) in [("", 0), ("passphrase_file = \"a\"\npassphrase_credential = \"b\"", 2)] {
            let error = with(line).unwrap_err();
            assert!(error.to_string().contains(&format!("names {count} places")), "{error}");
        }
    }

    #[test]
    fn a_timing_of_zero_is_refused_by_name() {
        for key in ["poll", "coordinator_stagger", "share_timeout", "reannounce", "submit_stagger"] {
            let line = TEMPLATE.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
            let text = TEMPLATE.replace(line, &format!("{key} = \"0s\""));
            let error = Config::parse(&text, Path::new("guardian.toml")).unwrap_err();
            assert!(error.to_string().contains(&format!("[timing] {key} = \"0s\"")), "{error}");
        }
    }
}
