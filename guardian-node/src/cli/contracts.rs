//! `guardian contracts`: thin around [`guardian_chain::deploy`].

use super::output;
use crate::{
    committee::CommitteeFile,
    hint::{Hinted, WithHint},
};
use alloy_primitives::B256;
use clap::{Args, Subcommand};
use eyre::Result;
use guardian_chain::{
    AccountKey, Endpoint, Limits, Sender, SenderConfig,
    deploy::{Deployment, FACTORY, FACTORY_CREATOR, FACTORY_TRANSACTION, Finding, Found, Plan, VerifyError},
};
use guardian_protocol::CallOutcome;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;

/// Subcommands of `guardian contracts`.
#[derive(Debug, Subcommand)]
pub(super) enum Contracts {
    /// Print the addresses of a plan, as the file that `deploy` writes; connects to nothing
    Addresses(Addresses),
    /// Create the contracts of a plan where they are not there yet, and write the deployment file
    Deploy(Deploy),
    /// Check that a deployment is on its chain
    Verify(Verify),
}

/// Arguments of `guardian contracts addresses`.
#[derive(Debug, Args)]
pub(super) struct Addresses {
    /// The plan (JSON); docs/contracts.md has an example
    #[arg(long)]
    plan: PathBuf,
}

/// Arguments of `guardian contracts deploy`.
#[derive(Debug, Args)]
pub(super) struct Deploy {
    /// The plan (JSON)
    #[arg(long)]
    plan: PathBuf,
    /// An execution node
    #[arg(long)]
    rpc_url: Url,
    /// File with the key of the account that pays: 64 hexadecimal digits. The account gets no rights over the contracts
    #[arg(long)]
    key_file: PathBuf,
    /// The committee whose members have all signed with the plan's key: another key is refused
    #[arg(long)]
    committee: PathBuf,
    /// Where to write the deployment, by convention deployments/<chain id>.json
    #[arg(long)]
    out: PathBuf,
}

/// Arguments of `guardian contracts verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The deployment (JSON)
    #[arg(long)]
    deployment: PathBuf,
    /// An execution node
    #[arg(long)]
    rpc_url: Url,
}

impl Contracts {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Addresses(command) => {
                let deployment = planned(&command.plan)?;
                output::data(deployment.to_json()?.trim_end());
                Ok(())
            }
            Self::Deploy(command) => command.run().await,
            Self::Verify(command) => {
                let text = read(&command.deployment)?;
                let advice = "write the file anew with `guardian contracts addresses`, and compare";
                let deployment = Deployment::from_json(&text)
                    .hint(format!("{} is not usable", command.deployment.display()), advice)?;
                verify(&deployment, command.rpc_url).await
            }
        }
    }
}

impl Deploy {
    async fn run(self) -> Result<()> {
        let deployment = planned(&self.plan)?;
        require_key(&deployment.plan, &self.committee)?;
        let key = account(&self.key_file)?;
        // Before anything is paid: is it the plan's chain, and does the node answer?
        check_factory(&find(&deployment, self.rpc_url.clone()).await?)?;
        output::talk(&format!("{} pays on chain {}", key.address(), deployment.plan.chain_id));
        let config = SenderConfig { poll_interval: Duration::from_millis(500), ..SenderConfig::default() };
        let sender =
            Sender::for_deployment(config, Limits::default(), endpoint(self.rpc_url.clone()), &deployment, key)
                .hint("can't speak to the execution node", "check --rpc-url")?;
        for creation in deployment.plan.creations()? {
            let (name, address) = (creation.name, creation.address);
            match sender.create(&creation).await {
                CallOutcome::Included { gas, .. } => output::talk(&format!("{name}: {address}, {gas} gas")),
                CallOutcome::AlreadyAccepted => output::talk(&format!("{name}: {address}, was there")),
                CallOutcome::Refused(why) => {
                    let advice = "a constructor refuses a value of the plan: see its errors in contracts/src; what was created before stays and is passed over the next time";
                    return Err(Hinted::new(format!("{name} can't be created: {why}"), advice).into());
                }
                CallOutcome::Failed(why) => {
                    let advice = "run it again: what was created is passed over";
                    return Err(Hinted::new(format!("{name} was not created: {why}"), advice).into());
                }
            }
        }
        let advice = "check the folder and its permissions, and run it again: nothing is paid twice";
        if let Some(folder) = self.out.parent() {
            fs::create_dir_all(folder).hint(format!("can't make {}", folder.display()), advice)?;
        }
        fs::write(&self.out, deployment.to_json()?).hint(format!("can't write {}", self.out.display()), advice)?;
        verify(&deployment, self.rpc_url).await
    }
}

/// The contract takes the plan's word for its first key, which a ceremony has proven. See docs/contracts.md.
fn require_key(plan: &Plan, committee: &Path) -> Result<(), Hinted> {
    let (px, py) = CommitteeFile::load(committee)?.committee()?.group_key().coordinates();
    if (plan.group_key.px.0, plan.group_key.py.0) == (px, py) {
        return Ok(());
    }
    let advice = format!(
        "write px {} and py {} into the plan: with another key nothing would count",
        B256::from(px),
        B256::from(py)
    );
    Err(Hinted::new(format!("the plan's group key is not that of {}", committee.display()), advice))
}

/// What is on the chain of what the plan says.
async fn find(deployment: &Deployment, rpc_url: Url) -> Result<Vec<Finding>, Hinted> {
    let asked = deployment.verify(endpoint(rpc_url), Limits::default()).await;
    let what = "the deployment can't be checked";
    asked.map_err(|error| match &error {
        VerifyError::Read(failure) if failure.to_string().contains("EIP-1898") => Hinted::caused(
            what,
            "use a node whose client understands EIP-1898: Geth, Nethermind, Besu, Erigon, Reth",
            error,
        ),
        VerifyError::Endpoint(_) | VerifyError::Read(_) | VerifyError::Chain { .. } => {
            Hinted::caused(what, "check --rpc-url and the plan's chain id", error)
        }
    })
}

/// Without the factory nothing can be created, and nobody but its own account can create the factory.
fn check_factory(findings: &[Finding]) -> Result<(), Hinted> {
    let factory = findings.iter().find(|finding| finding.address == FACTORY);
    let what = match factory.map(|finding| &finding.found) {
        Some(Found::Right) => return Ok(()),
        Some(Found::Other(what)) => what.clone(),
        Some(Found::Nothing) | None => "nothing is there".to_owned(),
    };
    Err(Hinted::new(
        format!("the chain has no CREATE2 factory at {FACTORY}: {what}"),
        format!(
            "send 0.01 ether to {FACTORY_CREATOR}, then broadcast its well-known transaction (`cast publish`, or eth_sendRawTransaction), \
             which creates the factory:\n{FACTORY_TRANSACTION}"
        ),
    ))
}

async fn verify(deployment: &Deployment, rpc_url: Url) -> Result<()> {
    let mut wrong = 0_usize;
    for finding in find(deployment, rpc_url).await? {
        let said = match &finding.found {
            Found::Right => "right".to_owned(),
            Found::Nothing => "nothing is there".to_owned(),
            Found::Other(what) => what.clone(),
        };
        wrong = wrong.saturating_add(usize::from(finding.found != Found::Right));
        output::data(&format!("{} {}: {said}", finding.address, finding.name));
    }
    if wrong > 0 {
        let advice = "`guardian contracts deploy` creates what is missing; another key is right after a rotation";
        return Err(Hinted::new(format!("{wrong} findings differ from the plan"), advice).into());
    }
    Ok(())
}

fn planned(path: &PathBuf) -> Result<Deployment> {
    let text = read(path)?;
    let what = || format!("{} is not a usable plan", path.display());
    let plan = Plan::from_json(&text).hint(what(), "compare it with the example in docs/contracts.md")?;
    Ok(Deployment::of(plan)?)
}

fn read(path: &PathBuf) -> Result<String, Hinted> {
    fs::read_to_string(path).hint(format!("can't read {}", path.display()), "check the path")
}

fn endpoint(url: Url) -> Endpoint {
    Endpoint::new("execution", url)
}

fn account(path: &PathBuf) -> Result<AccountKey> {
    let text = read(path)?;
    let advice = "the file holds 64 hexadecimal digits, with or without 0x";
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(text.trim().trim_start_matches("0x"), &mut bytes)
        .hint("the account key is not one", advice)?;
    Ok(AccountKey::from_bytes(&bytes).hint("the account key is not one", advice)?)
}
