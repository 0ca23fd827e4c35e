//! Which Ethereum this is: chain id, genesis and forks. Checked against every provider before it is believed.

use super::{Epoch, Slot, Timestamp};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The constants of one network, as its genesis and `/eth/v1/config/spec` state them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainSpec {
    /// EIP-155 chain id of the execution layer.
    pub chain_id: u64,
    /// Root of the validators in the genesis state; part of every signing domain of the beacon chain.
    pub genesis_validators_root: B256,
    /// Unix time of slot 0, in seconds.
    pub genesis_time: u64,
    /// Length of a slot in seconds.
    pub seconds_per_slot: u64,
    /// Slots in an epoch: 32 on mainnet, 8 with the minimal preset.
    pub slots_per_epoch: u64,
    /// The fork schedule, oldest first.
    pub forks: Vec<Fork>,
    /// Capella's fork version, which EIP-7044 pins for exits, if this network knows Capella.
    pub capella_fork_version: Option<[u8; 4]>,
    /// The epoch of Deneb, from which EIP-7044 holds; `None` if it is not scheduled.
    pub deneb_fork_epoch: Option<Epoch>,
    /// Epochs for which a validator must have been active before it may leave (`SHARD_COMMITTEE_PERIOD`).
    #[serde(default = "usual_period", skip_serializing_if = "is_usual_period")]
    pub shard_committee_period: u64,
}

/// Mainnet's `SHARD_COMMITTEE_PERIOD`.
const fn usual_period() -> u64 {
    256
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_usual_period(period: &u64) -> bool {
    *period == usual_period()
}

/// What tells a chain from every other one, for as long as it exists. Two development chains may share everything but the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainIdentity {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Root of the validators in the genesis state.
    pub genesis_validators_root: B256,
    /// Unix time of slot 0, in seconds.
    pub genesis_time: u64,
}

impl std::fmt::Display for ChainIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chain {}, genesis {} at time {}", self.chain_id, self.genesis_validators_root, self.genesis_time)
    }
}

/// One entry of the fork schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// First epoch of the fork.
    pub epoch: Epoch,
    /// Its version.
    pub version: [u8; 4],
}

impl ChainSpec {
    /// The epoch at `now`, by the clock; 0 before genesis.
    pub(crate) fn epoch_at(&self, now: Timestamp) -> Epoch {
        let seconds = (now.0 / 1_000).saturating_sub(self.genesis_time);
        let slot = seconds.checked_div(self.seconds_per_slot).unwrap_or_default();
        Epoch(slot.checked_div(self.slots_per_epoch).unwrap_or_default())
    }

    /// Which chain it is.
    #[must_use]
    pub fn identity(&self) -> ChainIdentity {
        let Self { chain_id, genesis_validators_root, genesis_time, .. } = *self;
        ChainIdentity { chain_id, genesis_validators_root, genesis_time }
    }

    /// Unix time at which `slot` starts, in seconds.
    #[must_use]
    pub fn time_of(&self, slot: Slot) -> u64 {
        self.genesis_time.saturating_add(slot.0.saturating_mul(self.seconds_per_slot))
    }

    /// How long an epoch is.
    #[must_use]
    pub fn epoch(&self) -> Duration {
        Duration::from_secs(self.seconds_per_slot.saturating_mul(self.slots_per_epoch))
    }
}
