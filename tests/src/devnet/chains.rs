//! The chains that a network stands on: a real pair that follows one chain together, or a consensus client of before the merge beside an
//! EVM that knows nothing of it.

use super::{
    beacon::{Beacon, Genesis},
    evm::{Account, Evm},
    options::Options,
    process::{Process, anvil, free_port, free_ports, tool},
    puffer, root,
};
use alloy::primitives::Address;
use clap::ValueEnum;
use eyre::{Result, WrapErr, ensure, eyre};
use std::{path::Path, time::Duration};

/// Of every devnet.
pub const CHAIN_ID: u64 = 31337;

/// Which chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChainKind {
    /// One chain of today: an execution client and a consensus client that follow it together
    Pair,
    /// A consensus client with the rules of before the merge, and an EVM that knows nothing of it
    BeforeMerge,
}

/// Running chains. Dropping them ends their processes.
#[derive(Debug)]
pub struct Chains {
    /// Which they are.
    pub kind: ChainKind,
    /// The execution client.
    pub rpc_url: String,
    /// The consensus client.
    pub beacon: Beacon,
    /// When slot 0 was, or will be.
    pub genesis: Genesis,
    processes: Vec<Process>,
}

impl Chains {
    /// Starts them, and waits until both clients answer. The pair's first slot is some seconds later.
    ///
    /// # Errors
    /// If a tool is missing, or something does not come up in time.
    pub async fn start(options: &Options) -> Result<Self> {
        ensure!(options.offline < options.validators, "some validators must be online, or nothing is ever finalized");
        let (rpc_port, beacon_port) = (free_port(options.rpc_port)?, free_port(options.beacon_port)?);
        let processes = match options.chain {
            ChainKind::Pair => vec![start_pair(options, rpc_port, beacon_port)?],
            ChainKind::BeforeMerge => {
                vec![start_anvil(&options.dir, rpc_port)?, start_lodestar(options, beacon_port)?]
            }
        };
        let beacon = Beacon::new(beacon_port)?;
        let genesis =
            beacon.wait_for_genesis(Duration::from_secs(120)).await.wrap_err("the beacon chain did not start")?;
        Ok(Self { kind: options.chain, rpc_url: format!("http://127.0.0.1:{rpc_port}"), beacon, genesis, processes })
    }

    /// The execution client as one of its rich accounts uses it.
    ///
    /// # Errors
    /// If it does not take transactions in time.
    pub(super) async fn evm(&self, account: Account) -> Result<Evm> {
        let at_once = match self.kind {
            // It is JavaScript, and must make a block within a slot.
            ChainKind::Pair => 5,
            ChainKind::BeforeMerge => usize::MAX,
        };
        let evm = Evm::connect(&self.rpc_url, account, at_once).await?;
        match self.kind {
            // It had its ether at the genesis. Before the chain moves nobody takes its transactions.
            ChainKind::Pair => evm.wait_for_block(1).await?,
            ChainKind::BeforeMerge => evm.enrich().await?,
        }
        Ok(evm)
    }

    /// EIP-4788's contract, with which the guardians' contracts check what they are told; zero where the chain has none.
    ///
    /// # Errors
    /// If it is not in the file of such contracts.
    pub(super) fn beacon_roots(&self) -> Result<Address> {
        match self.kind {
            ChainKind::Pair => Ok(predeploy("eip4788")?.0),
            ChainKind::BeforeMerge => Ok(Address::ZERO),
        }
    }

    /// EIP-7002's contract, with its real code on every chain.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn withdrawal_requests(&self, evm: &Evm) -> Result<Address> {
        let (address, code) = predeploy("eip7002")?;
        if self.kind == ChainKind::BeforeMerge {
            evm.set_code(address, code).await?;
        }
        Ok(address)
    }

    /// Where the validators' withdrawals go and their ether is counted: to the protocol's modules, where there are withdrawals.
    pub(super) fn pods(&self) -> Result<Vec<Address>> {
        match self.kind {
            ChainKind::Pair => Ok(puffer::modules()?.to_vec()),
            ChainKind::BeforeMerge => Ok(Vec::new()),
        }
    }

    /// Fails if a process has died.
    ///
    /// # Errors
    /// Names the process and where its log is.
    pub fn check(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }
}

/// The address and code of one of the contracts that a chain has from a fork on.
pub(super) fn predeploy(name: &str) -> Result<(Address, String)> {
    let predeploys = std::fs::read(root().join("contracts/test/vectors/predeploys.json"))?;
    let predeploys: serde_json::Value = serde_json::from_slice(&predeploys)?;
    let field = |field: &str| {
        let value = predeploys.get(name).and_then(|contract| contract.get(field)).and_then(|value| value.as_str());
        value.ok_or_else(|| eyre!("no {field} of {name}'s contract"))
    };
    Ok((field("address")?.parse()?, field("code")?.to_owned()))
}

fn start_pair(options: &Options, rpc_port: u16, beacon_port: u16) -> Result<Process> {
    let start = tool("tests/real-chain/start")?;
    tool("tests/real-chain/node_modules/@lodestar/beacon-node")?;
    let data = options.dir.join("pair").display().to_string();
    let online = options.validators.saturating_sub(options.offline);
    let engine_port = free_ports(0, 3)?;
    let numbers = [
        u64::from(beacon_port),
        u64::from(rpc_port),
        u64::from(engine_port),
        options.validators,
        online,
        options.seconds_per_slot,
    ];
    let numbers = numbers.map(|number| number.to_string());
    let arguments: Vec<&str> = std::iter::once(data.as_str()).chain(numbers.iter().map(String::as_str)).collect();
    // A module's validators withdraw to the module. Those of the second compound, as if their owner had asked for it (EIP-7251).
    let [first, second] = puffer::modules()?;
    let skipped: Vec<String> = options.skip_slots.iter().map(ToString::to_string).collect();
    let rich: Vec<String> =
        Account::RICH.iter().map(|account| Ok(account.address()?.to_string())).collect::<Result<_>>()?;
    let environment = [
        ("CREDENTIALS", format!("01:{first},02:{second}")),
        ("FUNDED", rich.join(",")),
        ("FULU_FORK_EPOCH", options.fulu_epoch.to_string()),
        ("SKIP_SLOTS", skipped.join(",")),
        ("MIN_VALIDATOR_WITHDRAWABILITY_DELAY", "1".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    Process::start_with("the pair of clients", (&start, &arguments), &environment, &options.dir.join("pair.log"))
}

fn start_anvil(dir: &Path, port: u16) -> Result<Process> {
    let port = port.to_string();
    // One slot an epoch: a block is final two blocks later, so that confirmation can be watched.
    let arguments =
        ["--port", &port, "--hardfork", "prague", "--block-time", "1", "--slots-in-an-epoch", "1", "--quiet"];
    Process::start("anvil", &anvil()?, &arguments, &dir.join("anvil.log"))
}

fn start_lodestar(options: &Options, port: u16) -> Result<Process> {
    let start = tool("tests/real-beacon/start")?;
    tool("tests/real-beacon/node_modules/@chainsafe/lodestar/lib/index.js")?;
    let data = options.dir.join("lodestar").display().to_string();
    let online = options.validators.saturating_sub(options.offline);
    let numbers = [u64::from(port), options.validators, online, options.seconds_per_slot].map(|n| n.to_string());
    let arguments: Vec<&str> = std::iter::once(data.as_str()).chain(numbers.iter().map(String::as_str)).collect();
    Process::start("lodestar", &start, &arguments, &options.dir.join("lodestar.log"))
}
