//! The configuration's shape, key by key.

use super::LimitsConfig;
use crate::{hint::Hinted, passphrase::Source};
use alloy_primitives::Address;
use guardian_protocol::{Contracts, Mode, PerKind, ProviderQuorum, Timing};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;

/// Everything that an operator can say.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this is.
    pub guardian: GuardianConfig,
    /// Where its secrets are.
    pub keys: KeysConfig,
    /// How peers reach it.
    pub network: NetworkConfig,
    /// Its eyes.
    pub beacon: BeaconConfig,
    /// Its hands, and its other eyes.
    pub execution: ExecutionConfig,
    /// The protocol's contracts.
    pub contracts: ContractsConfig,
    /// How much it helps to set in motion.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where it shows itself.
    #[serde(default)]
    pub http: HttpConfig,
    /// What it writes.
    #[serde(default)]
    pub log: LogConfig,
    /// Patience.
    #[serde(default)]
    pub timing: TimingConfig,
}

/// `[guardian]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuardianConfig {
    /// The operator's name, as in the committee file.
    pub name: String,
    /// Folder of the store.
    pub data_dir: PathBuf,
    /// The committee file: public, the same for every guardian.
    pub committee: PathBuf,
    /// Whether it takes part, or observes only.
    #[serde(default)]
    pub mode: Mode,
    /// How many dossiers to keep: a file for each duty with everything that it was decided from, for auditors.
    #[serde(default = "keep_dossiers")]
    pub keep_dossiers: usize,
}

const fn keep_dossiers() -> usize {
    500
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// Sealed identity key.
    pub identity: PathBuf,
    /// Folder of the sealed shares of the group key.
    pub shares: PathBuf,
    /// Sealed shares of the validators' keys.
    #[serde(default)]
    pub exits: Option<PathBuf>,
    /// Sealed account key: pays for transactions, nothing else.
    pub account: PathBuf,
    /// File with the passphrase of the sealed keys, readable by its owner only. One of the three is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
    /// Name of the credential with the passphrase, which systemd hands over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_credential: Option<String>,
    /// A program that prints the passphrase, and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_command: Option<Vec<String>>,
}

impl KeysConfig {
    /// Where the passphrase comes from.
    ///
    /// # Errors
    /// If that is not said, or said twice.
    pub(crate) fn passphrase(&self) -> Result<Source, Hinted> {
        let file = self.passphrase_file.clone().map(Source::File);
        let credential = self.passphrase_credential.clone().map(Source::Credential);
        let command = self.passphrase_command.clone().map(Source::Command);
        let said: Vec<Source> = [file, credential, command].into_iter().flatten().collect();
        <[Source; 1]>::try_from(said).map(|[source]| source).map_err(|said| {
            Hinted::new(
                format!("[keys] names {} places of the passphrase", said.len()),
                "set one of passphrase_file, passphrase_credential and passphrase_command",
            )
        })
    }
}

/// `[network]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Multiaddresses to listen on.
    pub listen: Vec<String>,
    /// Those to listen on during a key ceremony; left out: the same, and then the node must not run meanwhile.
    #[serde(default)]
    pub ceremony_listen: Option<Vec<String>>,
    /// How long a key ceremony's process stays at most, after its own part is done, for participants that may not have everything yet.
    #[serde(default = "ceremony_linger", with = "humantime_serde")]
    pub ceremony_linger: Duration,
    /// For tests and rehearsals on one machine: how far apart the guardians pretend to be. All of them must say the same.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Duration::is_zero")]
    pub simulated_round_trip: Duration,
}

const fn ceremony_linger() -> Duration {
    Duration::from_secs(120)
}

/// One endpoint.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name in logs, metrics and alarms.
    pub name: String,
    /// Its address. Credentials in it are never logged.
    pub url: Url,
}

/// `[beacon]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconConfig {
    /// Read validators from whole states that prove themselves (300 MB each epoch on mainnet, from one provider), where a provider
    /// serves them. Otherwise every provider is asked for the validators alone, and enough of them have to agree.
    #[serde(default = "default_true")]
    pub prove_states: bool,
    /// The endpoints.
    pub providers: Vec<ProviderConfig>,
    /// How many must agree; the smallest majority if left out.
    #[serde(default)]
    pub quorum: Option<usize>,
}

/// `[execution]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionConfig {
    /// The endpoints.
    pub providers: Vec<ProviderConfig>,
    /// How many must agree; the smallest majority if left out.
    #[serde(default)]
    pub quorum: Option<usize>,
    /// No transaction pays more than this for a unit of gas, in gwei.
    pub fee_ceiling_gwei: u64,
}

/// `[contracts]`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsConfig {
    /// The chain they are on. Every provider is held against it.
    pub chain_id: u64,
    /// `GuardianKeys`.
    pub guardian_keys: Address,
    /// `PufferProtocol`.
    pub protocol: Address,
    /// `FrostGuardianModule`, if Puffer's contracts have it: it checks what goes to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian_module: Option<Address>,
    /// First block that can hold their events.
    pub start_block: u64,
    /// Where the duties of each kind go. No duty of a kind is decided without a contract for it.
    pub duties: PerKind<Address>,
}

/// `[http]`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    /// Loopback: nobody else needs to see it unless the operator says so.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9100)) }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// What to show, in the syntax of `RUST_LOG`.
    pub filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

/// `[timing]`. None of these changes what is decided.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimingConfig {
    /// Between two looks at finality.
    #[serde(with = "humantime_serde")]
    pub poll: Duration,
    /// Between two coordinators' turns.
    #[serde(with = "humantime_serde")]
    pub coordinator_stagger: Duration,
    /// A coordinator's patience with shares.
    #[serde(with = "humantime_serde")]
    pub share_timeout: Duration,
    /// Until an unsigned duty is announced again.
    #[serde(with = "humantime_serde")]
    pub reannounce: Duration,
    /// Between two submitters' turns.
    #[serde(with = "humantime_serde")]
    pub submit_stagger: Duration,
}

impl Default for TimingConfig {
    fn default() -> Self {
        let Timing { poll, coordinator_stagger, share_timeout, reannounce, submit_stagger, query_timeout: _ } =
            Timing::default();
        Self { poll, coordinator_stagger, share_timeout, reannounce, submit_stagger }
    }
}

impl TimingConfig {
    /// In the brain's words.
    #[must_use]
    pub fn timing(self) -> Timing {
        let Self { poll, coordinator_stagger, share_timeout, reannounce, submit_stagger } = self;
        Timing { poll, coordinator_stagger, share_timeout, reannounce, submit_stagger, ..Timing::default() }
    }
}

impl Config {
    /// The contracts, in the brain's words.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        let ContractsConfig { guardian_keys, protocol, guardian_module, duties, .. } = self.contracts;
        Contracts { guardian_keys, protocol, guardian_module, duties }
    }

    /// How many providers must agree.
    #[must_use]
    pub fn quorum(&self) -> ProviderQuorum {
        let or_majority = |k: Option<usize>, n: usize| k.unwrap_or_else(|| ProviderQuorum::majority(n));
        ProviderQuorum {
            beacon: or_majority(self.beacon.quorum, self.beacon.providers.len()),
            execution: or_majority(self.execution.quorum, self.execution.providers.len()),
        }
    }
}

const fn default_true() -> bool {
    true
}
