//! The guardians: their configurations, their processes, and what they show of themselves.

use super::{ceremony::Participant, chains::CHAIN_ID, guardian_binary, keys::GuardianFiles, process::Process};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_node::config::{
    AccountConfig, BeaconConfig, Config, ContractsConfig, ExecutionConfig, GuardianConfig, HttpConfig, KeysConfig,
    LimitsConfig, LogConfig, P2pConfig, ProviderConfig, TimingConfig,
};
use guardian_protocol::{Bounds, DutyKind, Mode, PerKind};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// One guardian.
#[derive(Debug)]
pub struct GuardianProcess {
    /// Its name.
    pub name: String,
    /// Where it shows itself.
    pub url: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Settings that its configuration does not have.
    environment: Vec<(String, String)>,
    /// What it runs from its next start on; `None`: the program that is built here.
    pub program: Option<PathBuf>,
    process: Option<Process>,
}

/// What a guardian's pages say.
#[derive(Clone, Debug)]
pub struct Page {
    /// `/status`
    pub status: Value,
    /// Whether `/readyz` says yes.
    pub ready: bool,
}

impl GuardianProcess {
    /// The guardian of `files`, not started.
    #[must_use]
    pub fn new(files: &GuardianFiles, http: u16) -> Self {
        Self {
            name: files.name.clone(),
            url: format!("http://127.0.0.1:{http}"),
            dir: files.dir.clone(),
            environment: Vec::new(),
            program: None,
            process: None,
        }
    }

    /// With these variables, and others as usual.
    #[must_use]
    pub(super) fn with_environment(self, environment: Vec<(String, String)>) -> Self {
        Self { environment, ..self }
    }

    /// Its part in a ceremony: `guardian key COMMAND` with `plan`. Not started.
    #[must_use]
    pub fn participant(&self, command: &str, plan: &Path) -> Participant {
        Participant::new(command, &self.name, &self.dir, plan).with_environment(self.environment.clone())
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the program is missing.
    pub fn start(&mut self) -> Result<()> {
        let config = self.dir.join("guardian.toml").display().to_string();
        let log = self.dir.join("guardian.log");
        let (arguments, environment) = (["run", "--config", &config], &self.environment);
        let program = self.program.clone().map_or_else(guardian_binary, Ok)?;
        self.process = Some(Process::start_with(&self.name, (&program, &arguments), environment, &log)?);
        Ok(())
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// SIGTERM. Returns its exit code.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn terminate(&mut self) -> Result<Option<i32>> {
        self.process.take().map_or(Ok(None), |mut process| process.terminate(Duration::from_secs(15)))
    }

    /// Its process id, if it was started and not stopped.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.check().is_ok())
    }

    /// What it shows.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn page(&self) -> Result<Page> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build()?;
        let status = self.get("/status").await?;
        let ready = client.get(format!("{}/readyz", self.url)).send().await?.status().is_success();
        Ok(Page { status, ready })
    }

    /// One of its pages in JSON, such as `/history?limit=3`.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn get(&self, page: &str) -> Result<Value> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build()?;
        Ok(client.get(format!("{}{page}", self.url)).send().await?.json().await?)
    }

    /// Its metrics, as text.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let response = reqwest::get(format!("{}/metrics", self.url)).await?;
        ensure!(response.status().is_success(), "/metrics: {}", response.status());
        Ok(response.text().await?)
    }

    /// The value of one sample, such as `guardian_ready` or `guardian_not_ready{reason="too_few_peers"}`.
    ///
    /// # Errors
    /// If it does not answer, or has no such sample.
    pub async fn metric(&self, sample: &str) -> Result<f64> {
        let text = self.metrics().await?;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.ok_or_else(|| eyre!("no sample {sample}"))?.trim().parse().wrap_err("not a number")
    }

    /// Everything it has logged.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.join("guardian.log"))?)
    }
}

/// What a guardian's configuration depends on besides its own files.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Its beacon providers.
    pub beacons: Vec<String>,
    /// The EVM.
    pub rpc_url: String,
    /// The contracts; before there are any, zeroes do for a key ceremony.
    pub contracts: ContractsConfig,
    /// Length of a slot.
    pub slot: Duration,
    /// How far apart the guardians pretend to be.
    pub simulated_round_trip: Duration,
}

impl Surroundings {
    /// Those of guardians that can hold a key ceremony and nothing else: there is no chain.
    #[must_use]
    pub fn nowhere() -> Self {
        let contracts = ContractsConfig { chain_id: CHAIN_ID, ..ContractsConfig::default() };
        Self {
            beacons: vec!["http://127.0.0.1:1".to_owned()],
            rpc_url: "http://127.0.0.1:1".to_owned(),
            contracts,
            slot: Duration::from_secs(1),
            simulated_round_trip: Duration::ZERO,
        }
    }
}

/// Limits for a network of a few validators, of which two are a large share, and whose stakes leave what is counted.
fn wide() -> LimitsConfig {
    let change = Bounds { change_bps: Some(10_000), ..Bounds::default() };
    let figures: PerKind<Bounds> =
        [(DutyKind::Reserves, change), (DutyKind::ValidatorCount, change)].into_iter().collect();
    LimitsConfig { soft: figures, hard: figures, ..LimitsConfig::default() }
}

/// Where the passphrase of the guardian `name` at `home` is, from there. The key maker puts it with the keys, `guardian init` beside the
/// folder.
pub(super) fn passphrase(name: &str, home: &Path) -> PathBuf {
    match home.join("keys/passphrase").exists() {
        true => "keys/passphrase".into(),
        false => format!("../{name}.passphrase").into(),
    }
}

/// Where the key of the account is, if not with the others.
fn account(files: &GuardianFiles) -> Result<AccountConfig> {
    let Some(url) = &files.web3signer else { return Ok(AccountConfig::default()) };
    let web3signer = Some(url.parse()?);
    Ok(AccountConfig { address: Some(files.account), web3signer, ..AccountConfig::default() })
}

/// Writes the configuration of the guardian of `files`, whose pages are to be on port `http`.
///
/// # Errors
/// If the file can't be written.
pub fn write_config(files: &GuardianFiles, http: u16, around: &Surroundings) -> Result<()> {
    let text = toml::to_string_pretty(&config(files, http, around)?)?;
    std::fs::write(files.dir.join("guardian.toml"), text).wrap_err("can't write a guardian's configuration")
}

/// The whole configuration of the guardian of `files`.
pub(super) fn config(files: &GuardianFiles, http: u16, around: &Surroundings) -> Result<Config> {
    let provider = |(i, url): (usize, &String)| -> Result<ProviderConfig> {
        Ok(ProviderConfig::new(format!("beacon-{}", i.saturating_add(1)), url.parse()?))
    };
    let listen = |port: u16| vec![format!("/ip4/127.0.0.1/udp/{port}/quic-v1"), format!("/ip4/127.0.0.1/tcp/{port}")];
    let passphrase = passphrase(&files.name, &files.dir);
    Ok(Config {
        network: None,
        guardian: GuardianConfig {
            name: files.name.clone(),
            data_dir: "data".into(),
            committee: "committee.toml".into(),
            mode: Mode::Act,
            keep_dossiers: 500,
        },
        keys: KeysConfig {
            identity: "keys/identity.sealed".into(),
            shares: "keys/shares".into(),
            exits: None,
            account: "keys/account.sealed".into(),
            passphrase_file: Some(passphrase),
            passphrase_credential: None,
            passphrase_command: None,
        },
        account: account(files)?,
        exits: guardian_node::config::ExitsConfig::default(),
        p2p: P2pConfig {
            listen: listen(files.port),
            ceremony_listen: listen(files.ceremony_port),
            ceremony_linger: Duration::from_secs(60),
            simulated_round_trip: around.simulated_round_trip,
        },
        beacon: BeaconConfig {
            prove_states: true,
            providers: around.beacons.iter().enumerate().map(provider).collect::<Result<_>>()?,
            quorum: None,
        },
        execution: ExecutionConfig {
            providers: vec![ProviderConfig::new("execution-1".to_owned(), around.rpc_url.parse()?)],
            quorum: None,
            fee_ceiling_gwei: 100,
        },
        contracts: around.contracts.clone(),
        limits: wide(),
        http: HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, http)) },
        log: LogConfig::default(),
        timing: TimingConfig {
            poll: around.slot,
            coordinator_stagger: Duration::from_millis(500),
            share_timeout: Duration::from_secs(1),
            reannounce: Duration::from_secs(2),
            submit_stagger: Duration::from_secs(6),
        },
    })
}

/// Leaves out of the configuration of `files` what is said by default as well: an earlier release knows fewer settings.
///
/// # Errors
/// If the file can't be read or written.
pub fn leave_defaults_out(files: &GuardianFiles) -> Result<()> {
    let path = files.dir.join("guardian.toml");
    let mut said: toml::Table = toml::from_str(&std::fs::read_to_string(&path)?)?;
    remove_equal(&mut said, &toml::Table::try_from(toml::from_str::<Config>("")?)?);
    Ok(std::fs::write(&path, toml::to_string_pretty(&said)?)?)
}

fn remove_equal(said: &mut toml::Table, usual: &toml::Table) {
    said.retain(|key, value| match (value, usual.get(key)) {
        (toml::Value::Table(inner), Some(toml::Value::Table(usual))) => {
            remove_equal(inner, usual);
            !inner.is_empty()
        }
        (value, usual) => usual != Some(value),
    });
}
