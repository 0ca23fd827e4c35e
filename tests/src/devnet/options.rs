//! What a devnet can be asked for.

use super::chains::ChainKind;
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// The shape of a development network.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder for everything: keys, stores, logs, devnet.json; emptied at the start
    #[arg(long, default_value_os_t = super::root().join(".devnet"))]
    pub dir: PathBuf,
    /// What the network stands on
    #[arg(long, value_enum, default_value_t = ChainKind::BeforeMerge)]
    pub chain: ChainKind,
    /// The pair is at Electra before this epoch, and at Fulu from it on
    #[arg(long, default_value_t = 0)]
    pub fulu_epoch: u64,
    /// Slots in which the pair has no block
    #[arg(long, value_delimiter = ',')]
    pub skip_slots: Vec<u64>,
    /// How many guardians
    #[arg(long, default_value_t = 4)]
    pub guardians: u16,
    /// How many of them must act together
    #[arg(long, default_value_t = 3)]
    pub threshold: u16,
    /// How many validators, all of them the protocol's
    #[arg(long, default_value_t = 16)]
    pub validators: u64,
    /// How many of them are offline, and so will be ejected
    #[arg(long, default_value_t = 2)]
    pub offline: u64,
    /// Length of a slot
    #[arg(long, default_value_t = 1)]
    pub seconds_per_slot: u64,
    /// Epochs between two reserve reports
    #[arg(long, default_value_t = 2)]
    pub report_period: u64,
    /// Validators below this balance are ejected, in gwei: an offline one gets there in a couple of minutes; one that misses an epoch or
    /// two because the machine is busy does not
    #[arg(long, default_value_t = 31_992_000_000)]
    pub ejection_threshold: u64,
    /// Give every guardian three beacon providers, of which the third lies about balances
    #[arg(long)]
    pub lying_beacon: bool,
    /// The program of the guardians' nodes, such as an earlier release, instead of the one that is built here
    #[arg(long)]
    pub node: Option<PathBuf>,
    /// Preferred port of the EVM; another is taken if it is in use
    #[arg(long, default_value_t = 8545)]
    pub rpc_port: u16,
    /// Preferred port of the beacon API
    #[arg(long, default_value_t = 9596)]
    pub beacon_port: u16,
    /// Preferred first port of the guardians' own network
    #[arg(long, default_value_t = 19000)]
    pub p2p_port: u16,
    /// Preferred first port of the guardians' HTTP pages
    #[arg(long, default_value_t = 23711)]
    pub http_port: u16,
}

impl Options {
    /// For tests: in `dir`, on any free ports, quick, and with chains that a test can do everything with.
    #[must_use]
    pub fn for_tests(dir: PathBuf) -> Self {
        Self {
            dir,
            chain: ChainKind::BeforeMerge,
            fulu_epoch: 0,
            skip_slots: Vec::new(),
            guardians: 4,
            threshold: 3,
            validators: 16,
            offline: 2,
            seconds_per_slot: 1,
            report_period: 2,
            ejection_threshold: 31_992_000_000,
            lying_beacon: false,
            node: None,
            rpc_port: 0,
            beacon_port: 0,
            p2p_port: 0,
            http_port: 0,
        }
    }

    /// How long after its reference slot a report is stale: room for eight of them.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.epoch().as_secs().saturating_mul(self.report_period).saturating_mul(8))
    }

    /// Length of an epoch (minimal preset: 8 slots).
    #[must_use]
    pub fn epoch(&self) -> Duration {
        Duration::from_secs(self.seconds_per_slot.saturating_mul(8))
    }
}
