//! A guardian's home as its operator makes it, with `guardian init` and `guardian key member`. The configuration is the one that init wrote;
//! what is special about a network on one machine comes from the environment.

use super::{
    ceremony::Participant,
    guardians::{GuardianProcess, Surroundings, config},
    keys::GuardianFiles,
    operator,
    process::{free_port, free_ports},
};
use eyre::{Result, eyre};
use std::path::{Path, PathBuf};

/// A guardian that is a member of nothing yet.
#[derive(Debug)]
pub struct Newcomer {
    /// Where its files are.
    pub files: GuardianFiles,
    /// The file that others need to know it by.
    pub card: PathBuf,
    /// The port of its pages.
    http: u16,
    environment: Vec<(String, String)>,
}

impl Newcomer {
    /// The guardian `name` at home in `dir`. `more` are further options of init.
    ///
    /// # Errors
    /// If the program fails: with what it said.
    pub async fn init(dir: &Path, name: &str, around: &Surroundings, more: &[&str]) -> Result<Self> {
        let path = dir.display().to_string();
        let beacons: Vec<String> = around.beacons.iter().zip(1..).map(|(url, i)| format!("beacon-{i}={url}")).collect();
        let who = ["init", "--dir", &path, "--name", name, "--network", "devnet", "--execution", &around.rpc_url];
        let beacons = beacons.iter().flat_map(|beacon| ["--beacon", beacon.as_str()]);
        let arguments: Vec<&str> = who.into_iter().chain(beacons).chain(more.iter().copied()).collect();
        let said: toml::Table = toml::from_str(&operator(&arguments).await?)?;
        let account = said.get("account").and_then(|value| value.as_str()).unwrap_or_default().parse()?;
        let port = free_ports(0, 2)?;
        let files = GuardianFiles {
            name: name.to_owned(),
            dir: dir.to_owned(),
            port,
            ceremony_port: port.saturating_add(1),
            account,
            account_key: None,
            web3signer: None,
        };
        let http = free_port(0)?;
        let environment = variables(&files, http, around)?;
        let card = dir.join("member.toml");
        std::fs::write(&card, member(&files).await?)?;
        Ok(Self { files, card, http, environment })
    }

    /// Its part in a ceremony: `guardian key COMMAND` with `plan`. Not started.
    #[must_use]
    pub fn participant(&self, command: &str, plan: &Path) -> Participant {
        self.process().participant(command, plan)
    }

    /// Its node. Not started.
    #[must_use]
    pub fn process(&self) -> GuardianProcess {
        GuardianProcess::new(&self.files, self.http).with_environment(self.environment.clone())
    }
}

/// What others need to know the guardian of `files` by.
async fn member(files: &GuardianFiles) -> Result<String> {
    let config = files.dir.join("guardian.toml").display().to_string();
    let address = |port: u16| format!("/ip4/127.0.0.1/udp/{port}/quic-v1");
    let (node, ceremony) = (address(files.port), address(files.ceremony_port));
    operator(&["key", "member", "--config", &config, "--address", &node, "--ceremony-address", &ceremony]).await
}

/// What init does not know: ports, contracts, limits and pace.
fn variables(files: &GuardianFiles, http: u16, around: &Surroundings) -> Result<Vec<(String, String)>> {
    let config = toml::Table::try_from(config(files, http, around)?)?;
    let mut variables = Vec::new();
    for table in ["p2p", "contracts", "limits", "http", "timing"] {
        let values = config.get(table).ok_or_else(|| eyre!("no [{table}]"))?;
        flatten(&format!("GUARDIAN_{}", table.to_uppercase()), values, &mut variables)?;
    }
    // The network's name says it.
    variables.retain(|(name, _)| name != "GUARDIAN_CONTRACTS_CHAIN_ID");
    Ok(variables)
}

/// A variable for each value below `name`.
fn flatten(name: &str, value: &toml::Value, variables: &mut Vec<(String, String)>) -> Result<()> {
    let text = match value {
        toml::Value::Table(table) => {
            return table
                .iter()
                .try_for_each(|(key, value)| flatten(&format!("{name}_{}", key.to_uppercase()), value, variables));
        }
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => {
            let texts: Option<Vec<&str>> = values.iter().map(toml::Value::as_str).collect();
            texts.ok_or_else(|| eyre!("{name} is no list of texts"))?.join(",")
        }
        toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Float(_) | toml::Value::Datetime(_) => {
            value.to_string()
        }
    };
    variables.push((name.to_owned(), text));
    Ok(())
}
