//! The world as new operators find it: a real consensus client, a real EVM, Puffer's protocol with its validators. No guardian, no key, and
//! none of the guardians' contracts: those are for the operators to make.

use super::{
    beacon::Beacon,
    chains::Chains,
    evm::{Account, Action, Evm, ether},
    feed,
    options::Options,
    plan,
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol,
};
use eyre::Result;
use guardian_chain::deploy::{Deployment, GroupKeyWords, Plan};
use guardian_crypto::bls::SecretKey;
use guardian_node::committee::CommitteeFile;
use std::path::Path;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface DevnetProtocol {
            function provision(bytes[] calldata pubKeys) external;
        }
    }
}

use abi::DevnetProtocol;

/// A running world. Dropping it ends its processes.
#[derive(Debug)]
pub struct World {
    /// The beacon node.
    pub beacon: Beacon,
    /// The EVM.
    pub rpc_url: String,
    /// `DevnetProtocol`, in the place of Puffer's.
    pub protocol: Address,
    plan: Plan,
    evm: Evm,
    chains: Chains,
}

impl World {
    /// Starts it.
    ///
    /// # Errors
    /// If a tool is missing, or something does not come up in time.
    pub async fn start(options: &Options) -> Result<Self> {
        std::fs::create_dir_all(&options.dir)?;
        let chains = Chains::start(options).await?;
        let evm = chains.evm(Account::Governor).await?;
        let [protocol] = evm.next_addresses().await?;
        let mut actions =
            vec![Action::contract("DevnetProtocol", Vec::new())?, Action::ether(plan::VAULT, ether(plan::VAULT_ETHER))];
        for index in 0..options.validators {
            let key = Bytes::from(SecretKey::interop(index)?.public_key().to_bytes().to_vec());
            actions.push(Action::call(protocol, &DevnetProtocol::provisionCall { pubKeys: vec![key] }));
        }
        evm.send_all(actions).await?;
        let plan = plan::plan((U256::ZERO, U256::ZERO), &evm, protocol, &chains, options).await?;
        let (beacon, rpc_url) = (chains.beacon.clone(), chains.rpc_url.clone());
        Ok(Self { beacon, rpc_url, protocol, plan, evm, chains })
    }

    /// Writes the plan of the contracts with the key of the committee in the file `committee`, and the key of an account that can pay.
    ///
    /// # Errors
    /// If a file can't be read or written.
    pub fn plan_contracts(&self, committee: &Path, plan: &Path, payer: &Path) -> Result<()> {
        let (px, py) = CommitteeFile::load(committee)?.committee()?.group_key().coordinates();
        let planned = Plan { group_key: GroupKeyWords { px: px.into(), py: py.into() }, ..self.plan.clone() };
        std::fs::write(plan, serde_json::to_string_pretty(&planned)?)?;
        Ok(std::fs::write(payer, plan::payer_file())?)
    }

    /// What a guardian has to be told of this world, as variables of its environment.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let pace = [
            // Of a chain whose epochs last eight seconds.
            ("GUARDIAN_TIMING_POLL", "1s"),
            ("GUARDIAN_TIMING_COORDINATOR_STAGGER", "500ms"),
            ("GUARDIAN_TIMING_SHARE_TIMEOUT", "1s"),
            ("GUARDIAN_TIMING_REANNOUNCE", "2s"),
            ("GUARDIAN_TIMING_SUBMIT_STAGGER", "6s"),
        ];
        // Of a network that is published nobody would have to say it.
        let protocol = ("GUARDIAN_CONTRACTS_PROTOCOL", self.protocol.to_string());
        pace.map(|(name, value)| (name, value.to_owned())).into_iter().chain([protocol]).collect()
    }

    /// Gives `account` some ether.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn fund(&self, account: Address) -> Result<()> {
        self.evm.send_all(vec![Action::ether(account, ether(1))]).await?;
        Ok(())
    }

    /// How many reports the contracts of the file `deployment` have accepted.
    ///
    /// # Errors
    /// If it is no such file, or the EVM does not answer.
    pub async fn reports(&self, deployment: &Path) -> Result<usize> {
        let deployment = Deployment::from_json(&std::fs::read_to_string(deployment)?)?;
        Ok(feed::reports_of(&self.evm.provider, deployment.reserve_feed).await?.len())
    }

    /// Fails if a chain's process has died.
    ///
    /// # Errors
    /// Names the process and where its log is.
    pub fn check(&mut self) -> Result<()> {
        self.chains.check()
    }
}
