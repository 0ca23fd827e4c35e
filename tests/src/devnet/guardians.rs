//! The guardians: their configurations, their processes, and what they show of themselves.

use super::{contracts::Deployment, guardian_binary, options::Options, process::Process};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_node::{
    cli::GuardianFiles,
    config::{
        BeaconConfig, Config, ContractsConfig, ExecutionConfig, GuardianConfig, HttpConfig, KeysConfig, LogConfig,
        NetworkConfig, ProviderConfig, TimingConfig,
    },
};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
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
            process: None,
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the program is missing.
    pub fn start(&mut self) -> Result<()> {
        let config = self.dir.join("guardian.toml").display().to_string();
        let log = self.dir.join("guardian.log");
        self.process = Some(Process::start(&self.name, &guardian_binary()?, &["run", "--config", &config], &log)?);
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
        let status = client.get(format!("{}/status", self.url)).send().await?.json().await?;
        let ready = client.get(format!("{}/readyz", self.url)).send().await?.status().is_success();
        Ok(Page { status, ready })
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

/// Writes the configuration of the guardian of `files`.
///
/// # Errors
/// If the file can't be written.
pub fn write_config(
    files: &GuardianFiles,
    http: u16,
    beacons: &[String],
    contracts: &Deployment,
    options: &Options,
) -> Result<()> {
    let provider = |(i, url): (usize, &String)| -> Result<ProviderConfig> {
        Ok(ProviderConfig { name: format!("beacon-{}", i.saturating_add(1)), url: url.parse()? })
    };
    let slot = Duration::from_secs(options.seconds_per_slot);
    let config = Config {
        guardian: GuardianConfig {
            name: files.name.clone(),
            data_dir: "data".into(),
            committee: "committee.toml".into(),
        },
        keys: KeysConfig {
            identity: "keys/identity.sealed".into(),
            share: "keys/share.sealed".into(),
            exits: Some("keys/exits.sealed".into()),
            account: "keys/account.sealed".into(),
            passphrase_file: "keys/passphrase".into(),
        },
        network: NetworkConfig {
            listen: vec![
                format!("/ip4/127.0.0.1/udp/{}/quic-v1", files.port),
                format!("/ip4/127.0.0.1/tcp/{}", files.port),
            ],
        },
        beacon: BeaconConfig {
            providers: beacons.iter().enumerate().map(provider).collect::<Result<_>>()?,
            quorum: None,
        },
        execution: ExecutionConfig {
            providers: vec![ProviderConfig { name: "anvil".to_owned(), url: contracts.rpc_url.parse()? }],
            quorum: None,
            fee_ceiling_gwei: 100,
        },
        contracts: ContractsConfig {
            chain_id: 31337,
            guardian_keys: contracts.guardian_keys,
            ejection_registry: contracts.ejection_registry,
            reserve_feed: contracts.reserve_feed,
            protocol: contracts.protocol,
            start_block: 0,
        },
        http: HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, http)) },
        log: LogConfig::default(),
        timing: TimingConfig {
            poll: slot,
            coordinator_stagger: Duration::from_millis(500),
            share_timeout: Duration::from_secs(1),
            reannounce: Duration::from_secs(2),
            submit_stagger: Duration::from_secs(6),
        },
    };
    std::fs::write(files.dir.join("guardian.toml"), toml::to_string_pretty(&config)?)
        .wrap_err("can't write a guardian's configuration")
}
