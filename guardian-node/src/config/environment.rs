//! Settings from the environment. `GUARDIAN_HTTP_LISTEN` is `listen` under `[http]`, and so on; of `[guardian]` the table's name is left out.
//! With `_FILE` appended a variable names a file that holds the value. An unknown variable is refused like an unknown key: a typing error
//! must not go unnoticed. The passphrase itself has no variable: every child process would inherit it.

use super::ProviderConfig;
use crate::hint::{Hinted, WithHint};
use guardian_protocol::{DutyKind, Measure};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// With which the names of all variables begin.
const PREFIX: &str = "GUARDIAN_";
/// The end of the name of a variable that names a file.
const FILE: &str = "_FILE";
/// Variables of others: Kubernetes announces a service that is called `guardian`, and our tests and build have some of their own.
const OTHERS: [&str; 6] =
    ["GUARDIAN_SERVICE_", "GUARDIAN_PORT", "GUARDIAN_VECTORS", "GUARDIAN_FUZZ", "GUARDIAN_COMMIT", "GUARDIAN_TEST_"];

/// How a variable's text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    /// Separated by commas, or an array of TOML.
    List,
    /// `name=url`, separated by spaces, commas or line ends.
    Providers,
}

/// One setting that a variable can have.
#[derive(Debug)]
struct Setting {
    /// Tables and key, such as `http.listen`.
    path: String,
    kind: Kind,
}

impl Setting {
    /// Its variable.
    fn variable(&self) -> String {
        let path = self.path.strip_prefix("guardian.").unwrap_or(&self.path);
        format!("{PREFIX}{}", path.replace('.', "_").to_uppercase())
    }
}

/// Those of our variables that are set, and not empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Of this process.
    ///
    /// # Errors
    /// If a variable is not text.
    pub(crate) fn of_process() -> Result<Self, Hinted> {
        let mut ours = BTreeMap::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            let value = value.into_string().map_err(|_| {
                Hinted::new(format!("the environment variable {name} is not text"), "settings are text in UTF-8")
            })?;
            ours.insert(name.to_owned(), value);
        }
        Ok(Self::of(ours))
    }

    /// These variables.
    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_ours = |name: &str| !OTHERS.iter().any(|other| name.starts_with(other));
        // An empty one is how compose files and units say that there is none.
        Self(variables.into_iter().filter(|(name, value)| is_ours(name) && !value.is_empty()).collect())
    }

    /// The file that holds the value of `setting`, such as `http.listen`, if a variable names one. Relative paths are relative to `base`.
    pub(crate) fn file_of(&self, setting: &str, base: &Path) -> Option<PathBuf> {
        let setting = settings().into_iter().find(|known| known.path == setting)?;
        self.0.get(&format!("{}{FILE}", setting.variable())).map(|path| base.join(path))
    }

    /// What they say, in tables as in the file. Relative paths of files are relative to `base`.
    ///
    /// # Errors
    /// If one is unknown, has a value of another type, or is said twice.
    pub(super) fn table(&self, base: &Path) -> Result<Table, Hinted> {
        let mut rest = self.0.clone();
        let mut table = Table::new();
        for setting in settings() {
            let variable = setting.variable();
            let file = format!("{variable}{FILE}");
            let text = match (rest.remove(&variable), rest.remove(&file)) {
                (None, None) => continue,
                (Some(text), None) => text,
                (None, Some(path)) => content(&file, &base.join(path))?,
                (Some(_), Some(_)) => {
                    return Err(Hinted::new(
                        format!("the environment has both {variable} and {file}"),
                        "leave one of the two out",
                    ));
                }
            };
            put(&mut table, &setting.path, value(&variable, setting.kind, &text)?);
        }
        match rest.keys().next() {
            None => Ok(table),
            Some(unknown) => Err(Hinted::new(
                format!("there is no setting for the environment variable {unknown}"),
                "a variable is GUARDIAN_, the table and the key of the configuration, as GUARDIAN_HTTP_LISTEN; unknown ones are refused so \
                 that a typing error can't go unnoticed",
            )),
        }
    }
}

fn content(variable: &str, path: &Path) -> Result<String, Hinted> {
    let text = fs::read_to_string(path).hint(
        format!("can't read {}, which {variable} names", path.display()),
        "name a file that holds the value and nothing else, and that the node's user can read",
    )?;
    Ok(text.trim_end().to_owned())
}

fn value(variable: &str, kind: Kind, text: &str) -> Result<Value, Hinted> {
    let refused = |hint: &str| Hinted::new(format!("the environment variable {variable} makes no sense"), hint);
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Number => text.parse().map(Value::Integer).map_err(|_| refused("it must be a whole number")),
        Kind::Flag => text.parse().map(Value::Boolean).map_err(|_| refused("it must be true or false")),
        Kind::List if text.starts_with('[') => {
            let table: Table = toml::from_str(&format!("list = {text}"))
                .map_err(|_| refused("write [\"a\", \"b\"] as in the file, or a,b"))?;
            Ok(table.get("list").cloned().unwrap_or_else(|| Value::Array(Vec::new())))
        }
        Kind::List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        Kind::Providers => {
            let parts = text.split([',', ' ', '\n', '\t', '\r']).filter(|part| !part.is_empty());
            let providers = parts.map(|part| {
                let provider: ProviderConfig = part.parse().map_err(|why: String| refused(&why))?;
                Value::try_from(provider).map_err(|_| refused("this is a defect: report it"))
            });
            Ok(Value::Array(providers.collect::<Result<_, _>>()?))
        }
    }
}

/// Puts `value` at `path` of nested tables.
fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            if let Value::Table(inner) = table.entry(first).or_insert_with(|| Value::Table(Table::new())) {
                put(inner, rest, value);
            }
        }
    }
}

/// Those that are not of a kind of duty.
const PLAIN: [(&str, Kind); 51] = [
    ("network", Kind::Text),
    ("guardian.name", Kind::Text),
    ("guardian.data_dir", Kind::Text),
    ("guardian.committee", Kind::Text),
    ("guardian.mode", Kind::Text),
    ("guardian.keep_dossiers", Kind::Number),
    ("keys.identity", Kind::Text),
    ("keys.shares", Kind::Text),
    ("keys.exits", Kind::Text),
    ("keys.account", Kind::Text),
    ("keys.passphrase_file", Kind::Text),
    ("keys.passphrase_credential", Kind::Text),
    ("keys.passphrase_command", Kind::List),
    ("account.address", Kind::Text),
    ("account.web3signer", Kind::Text),
    ("account.web3signer_file", Kind::Text),
    ("account.aws_kms", Kind::Text),
    ("account.aws_kms_endpoint", Kind::Text),
    ("account.google_kms", Kind::Text),
    ("account.authority_file", Kind::Text),
    ("account.certificate_file", Kind::Text),
    ("account.bearer_file", Kind::Text),
    ("p2p.listen", Kind::List),
    ("p2p.ceremony_listen", Kind::List),
    ("p2p.ceremony_linger", Kind::Text),
    ("p2p.simulated_round_trip", Kind::Text),
    ("beacon.providers", Kind::Providers),
    ("beacon.quorum", Kind::Number),
    ("beacon.prove_states", Kind::Flag),
    ("execution.providers", Kind::Providers),
    ("execution.quorum", Kind::Number),
    ("execution.fee_ceiling_gwei", Kind::Number),
    ("contracts.deployment", Kind::Text),
    ("contracts.chain_id", Kind::Number),
    ("contracts.protocol", Kind::Text),
    ("contracts.start_block", Kind::Number),
    ("contracts.guardian_keys", Kind::Text),
    ("contracts.guardian_module", Kind::Text),
    ("limits.soft_wait", Kind::Text),
    ("exits.request", Kind::Flag),
    ("exits.request_after_epochs", Kind::Number),
    ("exits.exit_fee_ceiling_gwei", Kind::Number),
    ("exits.exit_fees_per_day_gwei", Kind::Number),
    ("http.listen", Kind::Text),
    ("log.format", Kind::Text),
    ("log.filter", Kind::Text),
    ("timing.poll", Kind::Text),
    ("timing.coordinator_stagger", Kind::Text),
    ("timing.share_timeout", Kind::Text),
    ("timing.reannounce", Kind::Text),
    ("timing.submit_stagger", Kind::Text),
];

/// Every setting that there is. A test compares it with the file that `guardian init` writes.
fn settings() -> Vec<Setting> {
    let plain = PLAIN.into_iter().map(|(path, kind)| Setting { path: path.to_owned(), kind });
    let duties = DutyKind::ALL
        .into_iter()
        .map(|kind| Setting { path: format!("contracts.duties.{}", kind.as_str()), kind: Kind::Text });
    let with_accounts = DutyKind::ALL.into_iter().filter(|kind| kind.has_account_form());
    let accounts = with_accounts.flat_map(|kind| {
        [("module", Kind::Text), ("bound", Kind::Flag)]
            .map(|(key, value)| Setting { path: format!("contracts.accounts.{}.{key}", kind.as_str()), kind: value })
    });
    let limits = ["soft", "hard"].into_iter().flat_map(|level| {
        DutyKind::ALL.into_iter().flat_map(move |kind| {
            Measure::ALL.into_iter().map(move |measure| Setting {
                path: format!("limits.{level}.{}.{}", kind.as_str(), measure.as_str()),
                kind: Kind::Number,
            })
        })
    });
    plain.chain(duties).chain(accounts).chain(limits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TEMPLATE};
    use std::collections::BTreeSet;

    /// The template with `variables` over it.
    fn configured(variables: &[(&str, &str)]) -> Result<Config, Hinted> {
        let environment = Environment::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        Config::of_sources(TEMPLATE, Path::new("guardian.toml"), &environment).map(|(config, _)| config)
    }

    /// Every `table.key` of the template, also of what is commented out.
    fn keys_of_the_template() -> BTreeSet<String> {
        let (mut table, mut keys) = (String::new(), BTreeSet::new());
        for line in TEMPLATE.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                table = format!("{name}.");
            }
            let Some((key, value)) = line.trim_start_matches("# ").split_once(" = ") else { continue };
            if !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
                continue;
            }
            match value.strip_prefix("{ ") {
                None => drop(keys.insert(format!("{table}{key}"))),
                Some(inner) => {
                    let inner = inner.trim_end_matches(" }").split(", ").filter_map(|pair| pair.split_once(" = "));
                    keys.extend(inner.map(|(inner, _)| format!("{table}{key}.{inner}")));
                }
            }
        }
        keys
    }

    #[test]
    fn every_setting_of_the_file_has_a_variable_of_its_own() {
        let known: BTreeSet<String> = settings().into_iter().map(|setting| setting.path).collect();
        let missing: Vec<_> = keys_of_the_template().difference(&known).cloned().collect();
        assert!(missing.is_empty(), "without a variable: {missing:?}");
        let variables: BTreeSet<String> = settings().iter().map(Setting::variable).collect();
        assert_eq!(variables.len(), settings().len(), "two settings have the same variable");
        assert!(keys_of_the_template().len() > 40, "the template was not understood");
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let config = configured(&[
            ("GUARDIAN_DATA_DIR", "/var/lib/guardian"),
            ("GUARDIAN_NAME", "alice"),
            ("GUARDIAN_HTTP_LISTEN", "0.0.0.0:23702"),
            ("GUARDIAN_P2P_LISTEN", "/ip4/10.0.0.1/tcp/1, /ip4/10.0.0.2/tcp/2"),
            ("GUARDIAN_P2P_CEREMONY_LISTEN", "[\"/ip4/10.0.0.1/tcp/3\"]"),
            ("GUARDIAN_BEACON_PROVIDERS", "own=http://10.0.0.1:5052 https://user:key@rpc.example/v1?apikey=1"),
            ("GUARDIAN_BEACON_PROVE_STATES", "false"),
            ("GUARDIAN_BEACON_QUORUM", "2"),
            ("GUARDIAN_LIMITS_SOFT_EJECTION_PER_DAY", "7"),
            ("GUARDIAN_TIMING_POLL", "3s"),
        ])
        .unwrap();
        assert_eq!(config.guardian.data_dir, Path::new("/var/lib/guardian"));
        assert_eq!((config.guardian.name.as_str(), config.http.listen.to_string()), ("alice", "0.0.0.0:23702".into()));
        assert_eq!(config.p2p.listen, ["/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/2"]);
        assert_eq!(config.p2p.ceremony_listen, ["/ip4/10.0.0.1/tcp/3"]);
        let names: Vec<_> = config.beacon.providers.iter().map(|provider| provider.name.as_str()).collect();
        assert_eq!((names.as_slice(), config.beacon.quorum), (&["own", "rpc.example"][..], Some(2)));
        assert!(!config.beacon.prove_states);
        let soft = config.limits.limits().soft;
        assert_eq!(soft.get(DutyKind::Ejection).and_then(|bounds| bounds.per_day), Some(7));
        assert_eq!(config.timing.poll, std::time::Duration::from_secs(3));
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_refused_by_name() {
        for (name, value, what) in [
            ("GUARDIAN_DATA_FOLDER", "data", "no setting for the environment variable GUARDIAN_DATA_FOLDER"),
            ("GUARDIAN_KEYS_PASSPHRASE", "secret", "no setting for the environment variable GUARDIAN_KEYS_PASSPHRASE"),
            ("GUARDIAN_BEACON_QUORUM", "two", "GUARDIAN_BEACON_QUORUM makes no sense"),
            ("GUARDIAN_BEACON_PROVE_STATES", "yes", "GUARDIAN_BEACON_PROVE_STATES makes no sense"),
            ("GUARDIAN_BEACON_PROVIDERS", "own=nonsense", "GUARDIAN_BEACON_PROVIDERS makes no sense"),
            ("GUARDIAN_P2P_LISTEN", "[", "GUARDIAN_P2P_LISTEN makes no sense"),
            ("GUARDIAN_HTTP_LISTEN_FILE", "/nonexistent", "can't read /nonexistent, which GUARDIAN_HTTP_LISTEN_FILE"),
            ("GUARDIAN_HTTP_LISTEN", "here", "the settings of the environment are not valid"),
            ("GUARDIAN_NETWORK", "holesky", "`holesky` is no network with a name"),
        ] {
            let error = configured(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(what) && !error.advice().is_empty(), "{name}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let both = [("GUARDIAN_HTTP_LISTEN", "127.0.0.1:1"), ("GUARDIAN_HTTP_LISTEN_FILE", "x")];
        assert!(configured(&both).unwrap_err().to_string().contains("both"), "one value");
    }

    #[test]
    fn variables_of_others_and_empty_ones_are_left_alone() {
        let others = [("GUARDIAN_PORT_23700_TCP", "tcp://10.0.0.1"), ("GUARDIAN_SERVICE_HOST", "10.0.0.1")];
        configured(&others).unwrap();
        configured(&[("GUARDIAN_BEACON_QUORUM", "")]).unwrap();
    }

    #[test]
    fn a_value_can_lie_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beacons");
        fs::write(&path, "own=http://127.0.0.1:5052\nhosted=https://rpc.example/key\n").unwrap();
        let config = configured(&[("GUARDIAN_BEACON_PROVIDERS_FILE", path.to_str().unwrap())]).unwrap();
        let urls: Vec<_> = config.beacon.providers.iter().map(|own| own.address().unwrap().to_string()).collect();
        assert_eq!(urls, ["http://127.0.0.1:5052/", "https://rpc.example/key"]);
    }

    #[test]
    fn a_place_of_the_passphrase_from_the_environment_replaces_that_of_the_file() {
        let config = configured(&[("GUARDIAN_KEYS_PASSPHRASE_CREDENTIAL", "guardian")]).unwrap();
        assert_eq!(config.keys.passphrase_credential.as_deref(), Some("guardian"));
        assert_eq!(config.keys.passphrase_file, None);
    }
}
