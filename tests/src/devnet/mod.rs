//! A development network on this machine: real clients, the contracts, and a committee of guardians as processes of their own. Used by `make devnet`, by the end-to-end tests and by the benchmarks.

pub mod bad_day;
pub mod beacon;
pub mod ceremony;
pub mod chains;
pub mod consumers;
pub mod contracts;
pub mod equivocator;
pub mod evm;
mod feed;
mod governor;
pub mod guardians;
pub mod keys;
pub mod newcomer;
pub mod operators;
pub mod options;
pub mod oracle;
mod plan;
pub mod process;
pub mod puffer;
pub mod relay;
pub mod roots;
pub mod screen;
mod signers;
pub mod thief;
pub mod waiting;
pub mod web3signer;
pub mod world;

use self::{
    beacon::{Beacon, Genesis},
    ceremony::Participant,
    chains::{ChainKind, Chains},
    contracts::Deployment,
    guardians::{GuardianProcess, Surroundings, leave_defaults_out, write_config},
    keys::{DevnetKeys, DevnetManifest, GuardianFiles},
    newcomer::Newcomer,
    options::Options,
    process::{binary, free_port, free_ports},
    relay::Relay,
    web3signer::Web3Signer,
};
use alloy::primitives::U256;
use eyre::{Result, WrapErr, ensure};
use guardian_node::committee::CommitteeFile;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

/// A running network. Dropping it ends every process of it.
#[derive(Debug)]
pub struct Devnet {
    /// What was asked for.
    pub options: Options,
    /// The guardians, by number from 1.
    pub guardians: Vec<GuardianProcess>,
    /// The beacon chain.
    pub beacon: Beacon,
    /// The contracts.
    pub contracts: Deployment,
    /// Public keys of the protocol's validators, hex, by index.
    pub validators: Vec<String>,
    /// When the beacon chain began.
    pub genesis: Genesis,
    around: Surroundings,
    chains: Chains,
    /// In front of the beacon node: one that lies, and one that does not.
    relays: Option<[Relay; 2]>,
    /// Has the account's key of one guardian.
    pub signer: Option<Web3Signer>,
}

/// The number of the guardian that pays with a key that it does not have, in a network that is so large.
const PAYS_REMOTELY: u16 = 2;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

impl Devnet {
    /// Starts everything. `say` is told what happens.
    ///
    /// # Errors
    /// If a tool is missing, a process dies, or something does not come up in time.
    pub async fn start(options: Options, say: impl Fn(&str)) -> Result<Self> {
        if options.dir.exists() {
            std::fs::remove_dir_all(&options.dir).wrap_err("can't remove the previous devnet's folder")?;
        }
        std::fs::create_dir_all(&options.dir)?;
        say(match options.chain {
            ChainKind::Pair => "starting the chain: an execution client (EthereumJS) and a consensus client (Lodestar)",
            ChainKind::BeforeMerge => "starting a beacon chain of before the merge (Lodestar) and an EVM (anvil)",
        });
        let chains = Chains::start(&options).await?;

        say("splitting the validators' keys among the guardians, as node operators do");
        let keys = DevnetKeys {
            out: options.dir.join("committee"),
            guardians: options.guardians,
            threshold: options.threshold,
            validators: options.validators,
            base_port: free_ports(options.p2p_port, options.guardians.saturating_mul(2))?,
            // An earlier release may not know how.
            remote_account: options.node.is_none().then_some(PAYS_REMOTELY),
            no_group_key: true,
            ..DevnetKeys::default()
        };
        let mut manifest = keys.make()?;
        let signer = start_signer(&mut manifest, &say).await?;

        say("the guardians make the group key: nobody ever holds it whole (guardian key generate)");
        let (key, took) = make_group_key(&manifest, &options).await?;
        say(&format!("{} guardians have a group key after {:.1} s", options.guardians, took.as_secs_f64()));

        say("deploying the contracts, registering the validators, funding the guardians");
        let contracts = Deployment::deploy(&chains, key, &manifest, &options).await?;

        say("starting the guardians");
        let relays = start_relays(&options, &chains.beacon).await?;
        // The liar comes first, so that it is asked for the state that proves itself, too.
        let mut beacons: Vec<String> = relays.iter().flatten().map(|relay| relay.url.clone()).collect();
        beacons.push(chains.beacon.url.clone());
        let around = Surroundings {
            beacons,
            rpc_url: chains.rpc_url.clone(),
            contracts: contracts.config(),
            slot: Duration::from_secs(options.seconds_per_slot),
            simulated_round_trip: Duration::ZERO,
        };
        let guardians = start_guardians(&manifest, &options, &around)?;
        let devnet = Self {
            options,
            guardians,
            beacon: chains.beacon.clone(),
            contracts,
            validators: manifest.validators,
            genesis: chains.genesis,
            around,
            chains,
            relays,
            signer,
        };
        devnet.write_manifest()?;
        Ok(devnet)
    }

    /// The slot of the EVM's newest block.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn slot(&self) -> Result<u64> {
        Ok(self.slot_of(self.contracts.evm.time().await?))
    }

    /// The slot of a moment, Unix time.
    fn slot_of(&self, time: u64) -> u64 {
        time.saturating_sub(self.genesis.time).checked_div(self.options.seconds_per_slot).unwrap_or_default()
    }

    /// Fails if a chain's process has died. Guardians may: that is what committees are for.
    ///
    /// # Errors
    /// Names the process and where its log is.
    pub fn check(&mut self) -> Result<()> {
        self.chains.check()
    }

    /// Makes the home of one more guardian as its operator would, and gives its account some ether. It is a member of nothing yet, and not
    /// started. Returns the file that others need to know it by.
    ///
    /// # Errors
    /// If the program fails, or the EVM does not answer.
    pub async fn newcomer(&mut self, name: &str) -> Result<PathBuf> {
        let (dir, protocol) =
            (self.options.dir.join("committee").join(name), self.around.contracts.protocol.to_string());
        let known = ["--protocol", protocol.as_str(), "--start-block", "0"];
        let newcomer = Newcomer::init(&dir, name, &self.around, &known).await?;
        self.contracts.fund(newcomer.files.account).await?;
        self.guardians.push(newcomer.process());
        Ok(newcomer.card)
    }

    /// `.devnet/devnet.json`: where everything is, for scripts.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write_manifest(&self) -> Result<()> {
        let guardians: Vec<_> =
            self.guardians.iter().map(|g| json!({ "name": g.name, "pid": g.pid(), "http_url": g.url })).collect();
        let validators: Vec<_> = self
            .validators
            .iter()
            .enumerate()
            .map(|(index, pubkey)| json!({ "index": index, "pubkey": format!("0x{pubkey}") }))
            .collect();
        let manifest = json!({
            "rpc_url": self.contracts.rpc_url,
            "beacon_url": self.beacon.url,
            "contracts": {
                "GuardianKeys": self.contracts.guardian_keys,
                "EjectionRegistry": self.contracts.ejection_registry,
                "ReserveFeed": self.contracts.reserve_feed,
                "Protocol": self.contracts.puffer.protocol,
                "Vault": self.contracts.puffer.vault,
                "Oracle": self.contracts.puffer.oracle.address,
                "FrostGuardianModule": self.contracts.puffer.guardian_module,
            },
            "guardians": guardians,
            "validators": validators,
        });
        let path = self.options.dir.join("devnet.json");
        std::fs::write(&path, serde_json::to_string_pretty(&manifest)?).wrap_err("can't write devnet.json")
    }

    /// The beacon node that lies, if there is one.
    #[must_use]
    pub fn liar(&self) -> Option<&Relay> {
        self.relays.as_ref().map(|[liar, _]| liar)
    }
}

/// Two more beacon nodes of one that is there, if one is to lie.
async fn start_relays(options: &Options, beacon: &Beacon) -> Result<Option<[Relay; 2]>> {
    Ok(match options.lying_beacon {
        true => Some([Relay::lying(&beacon.url).await?, Relay::honest(&beacon.url).await?]),
        false => None,
    })
}

/// A web3signer for the account of which the guardian has no key.
async fn start_signer(manifest: &mut DevnetManifest, say: impl Fn(&str)) -> Result<Option<Web3Signer>> {
    for files in &mut manifest.guardians {
        if let Some(key) = files.account_key.take() {
            let signer = Web3Signer::start(&key).await?;
            say(&format!("{} will pay with a key that it does not have: a web3signer's stand-in has it", files.name));
            files.web3signer = Some(signer.url.clone());
            return Ok(Some(signer));
        }
    }
    Ok(None)
}

/// The guardians make a key among themselves; returns its coordinates and how long it took.
async fn make_group_key(manifest: &DevnetManifest, options: &Options) -> Result<((U256, U256), Duration)> {
    let mut participants = Vec::new();
    for files in &manifest.guardians {
        write_config(files, free_port(0)?, &Surroundings::nowhere())?;
        participants.push(Participant::new("generate", &files.name, &files.dir, &files.dir.join("plan.toml")));
    }
    ceremony::start(&mut participants)?;
    let took = ceremony::all_end(&mut participants, 0, Duration::from_secs(60)).await?;
    let first = manifest.guardians.first().map_or_else(|| options.dir.clone(), |files| files.dir.clone());
    let (x, y) = CommitteeFile::load(&first.join("committee.toml"))?.committee()?.group_key().coordinates();
    Ok(((U256::from_be_bytes(x), U256::from_be_bytes(y)), took))
}

/// Every guardian's node, with its pages at the preferred port and those after it, if they are free.
fn start_guardians(
    manifest: &DevnetManifest,
    options: &Options,
    around: &Surroundings,
) -> Result<Vec<GuardianProcess>> {
    let first_http = options.http_port;
    let start = |(place, files): (u16, &GuardianFiles)| {
        let http = free_port(if first_http == 0 { 0 } else { first_http.saturating_add(place) })?;
        write_config(files, http, around)?;
        if options.node.is_some() {
            leave_defaults_out(files)?;
        }
        let mut guardian = GuardianProcess::new(files, http);
        guardian.program.clone_from(&options.node);
        guardian.start()?;
        Ok(guardian)
    };
    (0..).zip(&manifest.guardians).map(start).collect()
}

/// Runs a `guardian` command that answers and ends; returns what it wrote to stdout. The [`Relay`]s of this process answer it meanwhile.
///
/// # Errors
/// If it fails: with what it said.
pub async fn operator(arguments: &[&str]) -> Result<String> {
    let output = Command::new(guardian_binary()?).args(arguments).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "guardian {}: {said}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

/// The `guardian` command that belongs to this program.
///
/// # Errors
/// If it was not built.
pub fn guardian_binary() -> Result<PathBuf> {
    binary("guardian")
}
