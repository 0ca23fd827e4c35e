//! The configuration's shape, key by key.

use super::{AccountConfig, ExitsConfig, LimitsConfig, Network, ProviderConfig};
use crate::{hint::Hinted, passphrase::Source};
use alloy_primitives::Address;
use guardian_protocol::{AccountModule, Contracts, DutyKind, Mode, PerKind, ProviderQuorum, Timing};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Everything that an operator can say.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The network, if it has a name: what is published of it need not be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Who this is.
    #[serde(default)]
    pub guardian: GuardianConfig,
    /// Where its secrets are.
    #[serde(default)]
    pub keys: KeysConfig,
    /// Who pays, if the key is elsewhere.
    #[serde(default)]
    pub account: AccountConfig,
    /// How peers reach it.
    #[serde(default)]
    pub p2p: P2pConfig,
    /// Its eyes.
    #[serde(default)]
    pub beacon: BeaconConfig,
    /// Its hands, and its other eyes.
    #[serde(default)]
    pub execution: ExecutionConfig,
    /// The protocol's contracts.
    #[serde(default)]
    pub contracts: ContractsConfig,
    /// How much it helps to set in motion.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What it pays for requests of exits.
    #[serde(default)]
    pub exits: ExitsConfig,
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
#[serde(deny_unknown_fields, default)]
pub struct GuardianConfig {
    /// The operator's name, as in the committee file. Empty: not said.
    pub name: String,
    /// Folder of the store.
    pub data_dir: PathBuf,
    /// The committee file: public, the same for every guardian.
    pub committee: PathBuf,
    /// Whether it takes part, or observes only.
    pub mode: Mode,
    /// How many dossiers to keep: a file for each duty with everything that it was decided from, for auditors.
    pub keep_dossiers: usize,
}

impl Default for GuardianConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            data_dir: "data".into(),
            committee: "committee.toml".into(),
            mode: Mode::default(),
            keep_dossiers: 500,
        }
    }
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// Sealed identity key.
    pub identity: PathBuf,
    /// Folder of the sealed shares of the group key.
    pub shares: PathBuf,
    /// Sealed shares of the validators' keys: a file that must be there. Left out: see [`KeysConfig::exit_shares`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exits: Option<PathBuf>,
    /// Sealed account key: pays for transactions, nothing else. Not there if [`AccountConfig`] says that a remote signer has it.
    pub account: PathBuf,
    /// File with the passphrase of the sealed keys, readable by its owner only. One of the three is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
    /// Name of the credential with the passphrase, which systemd hands over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_credential: Option<String>,
    /// A program that prints the passphrase, and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_command: Option<Vec<String>>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            identity: "keys/identity.sealed".into(),
            shares: "keys/shares".into(),
            exits: None,
            account: "keys/account.sealed".into(),
            passphrase_file: None,
            passphrase_credential: None,
            passphrase_command: None,
        }
    }
}

impl KeysConfig {
    /// Where the exit shares are, if there are any: the file that is named, or the one beside the identity.
    #[must_use]
    pub fn exit_shares(&self) -> PathBuf {
        self.exits.clone().unwrap_or_else(|| self.identity.with_file_name("exits.sealed"))
    }

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

/// Where the other guardians reach this one.
const PORT: u16 = 23_700;
/// The same during key ceremonies.
const CEREMONY_PORT: u16 = 23_701;
/// Where the node shows itself.
const HTTP_PORT: u16 = 23_702;

/// `[p2p]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct P2pConfig {
    /// Multiaddresses to listen on.
    pub listen: Vec<String>,
    /// Those to listen on during a key ceremony, which runs beside the node.
    pub ceremony_listen: Vec<String>,
    /// How long a key ceremony's process stays at most, after its own part is done, for participants that may not have everything yet.
    #[serde(with = "humantime_serde")]
    pub ceremony_linger: Duration,
    /// For tests and rehearsals on one machine: how far apart the guardians pretend to be. All of them must say the same.
    #[serde(with = "humantime_serde", skip_serializing_if = "Duration::is_zero")]
    pub simulated_round_trip: Duration,
}

impl Default for P2pConfig {
    fn default() -> Self {
        let everywhere = |port| vec![format!("/ip4/0.0.0.0/udp/{port}/quic-v1"), format!("/ip4/0.0.0.0/tcp/{port}")];
        Self {
            listen: everywhere(PORT),
            ceremony_listen: everywhere(CEREMONY_PORT),
            ceremony_linger: Duration::from_secs(120),
            simulated_round_trip: Duration::ZERO,
        }
    }
}

/// `[beacon]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeaconConfig {
    /// Read validators from whole states that prove themselves (300 MB each epoch on mainnet, from one provider), where a provider
    /// serves them. Otherwise every provider is asked for the validators alone, and enough of them have to agree.
    pub prove_states: bool,
    /// The endpoints.
    pub providers: Vec<ProviderConfig>,
    /// How many must agree; the smallest majority if left out.
    pub quorum: Option<usize>,
}

impl Default for BeaconConfig {
    fn default() -> Self {
        Self { prove_states: true, providers: Vec::new(), quorum: None }
    }
}

/// `[execution]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionConfig {
    /// The endpoints.
    pub providers: Vec<ProviderConfig>,
    /// How many must agree; the smallest majority if left out.
    pub quorum: Option<usize>,
    /// No transaction pays more than this for a unit of gas, in gwei.
    pub fee_ceiling_gwei: u64,
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self { providers: Vec::new(), quorum: None, fee_ceiling_gwei: 200 }
    }
}

/// `[contracts]`. The zero address is that of a contract that is not known.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContractsConfig {
    /// The file that says where the guardians' contracts are, if there is one already.
    pub deployment: PathBuf,
    /// The chain they are on. Every provider is held against it. 0: not said.
    pub chain_id: u64,
    /// `GuardianKeys`.
    pub guardian_keys: Address,
    /// `PufferProtocol`.
    pub protocol: Address,
    /// `FrostGuardianModule`, if Puffer's contracts have it: it checks what goes to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardian_module: Option<Address>,
    /// First block that can hold their events.
    pub start_block: u64,
    /// Where the duties of each kind go. No duty of a kind is decided without a contract for it.
    pub duties: PerKind<Address>,
    /// Kinds whose contract takes signatures of guardians' own accounts.
    #[serde(skip_serializing_if = "PerKind::is_empty")]
    pub accounts: PerKind<AccountModule>,
}

impl Default for ContractsConfig {
    fn default() -> Self {
        Self {
            deployment: "deployment.json".into(),
            chain_id: 0,
            guardian_keys: Address::ZERO,
            protocol: Address::ZERO,
            guardian_module: None,
            start_block: 0,
            duties: PerKind::default(),
            accounts: PerKind::default(),
        }
    }
}

/// `[http]`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    /// Loopback: nobody else needs to see it unless the operator says so.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], HTTP_PORT)) }
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

impl ContractsConfig {
    /// Keys are vetoed where they are kept, and accounts sign only what Puffer's own module has a message for.
    pub(super) fn check(&self) -> Result<(), Hinted> {
        for (kind, AccountModule { module, .. }) in self.accounts.iter() {
            let advice = "only what Puffer's own GuardianModule has a message for is signed by accounts: validator_count, with its oracle \
                          under [contracts.duties]";
            if !kind.has_account_form() {
                return Err(Hinted::new(format!("[contracts.accounts] {kind}: accounts can't sign it"), advice));
            }
            if self.duties.get(kind).is_none() || module.is_zero() {
                return Err(Hinted::new(format!("[contracts.accounts] {kind} has no contract, or no module"), advice));
            }
        }
        match self.duties.get(DutyKind::KeyVeto) {
            Some(address) if *address != self.guardian_keys => Err(Hinted::new(
                format!("[contracts.duties] key_veto is {address}, and guardian_keys is {}", self.guardian_keys),
                "leave key_veto out: keys are vetoed in the contract that holds them",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl Config {
    /// The contracts, in the brain's words.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        let ContractsConfig { guardian_keys, protocol, guardian_module, duties, accounts, .. } = &self.contracts;
        let (guardian_keys, protocol, guardian_module) = (*guardian_keys, *protocol, *guardian_module);
        // Keys are vetoed where they are kept, so nobody has to say it twice.
        let mut duties = *duties;
        duties.insert(DutyKind::KeyVeto, guardian_keys);
        Contracts { guardian_keys, protocol, guardian_module, duties, accounts: *accounts }
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
