//! What the beacon chain pays a validator of 32 ETH a day, expected: attestations, its share of sync committees, its share of proposals.
//! The consensus specification (Altair, `get_flag_index_deltas`, `process_sync_aggregate`, `get_proposer_reward`) rounds down in gwei at
//! each step; the expectation over committees and proposers is an exact fraction, rounded down once.

use super::{EPOCHS_PER_DAY, TICKET_STAKE};
use crate::types::{Gwei, Wei};

const INCREMENT: u64 = 1_000_000_000;
const BASE_REWARD_FACTOR: u64 = 64;
/// Source, target, head.
const FLAG_WEIGHTS: [u128; 3] = [14, 26, 14];
const SYNC_WEIGHT: u128 = 2;
const PROPOSER_WEIGHT: u128 = 8;
const WEIGHTS: u128 = 64;
const SLOTS: u128 = 32;
const SYNC_COMMITTEE: u128 = 512;
const WEI_PER_GWEI: u128 = 1_000_000_000;

/// Effective balance of the validators whose attestations were timely, by flag, in increments of 1 ETH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attesting {
    /// Timely source.
    pub source: u64,
    /// Timely target.
    pub target: u64,
    /// Timely head.
    pub head: u64,
}

/// What a validator of 32 ETH that never fails can expect of one day (225 epochs), wei. Each part is rounded down by itself; the total is
/// rounded down once and may be up to 2 wei more than the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsensusReward {
    /// `get_base_reward_per_increment`, gwei an epoch.
    pub base_reward_per_increment: Gwei,
    /// For attestations.
    pub attestation: Wei,
    /// For sync committees.
    pub sync: Wei,
    /// For proposals, without what transactions pay.
    pub proposer: Wei,
    /// All together.
    pub total: Wei,
    /// What one proposal gets from the beacon chain, gwei.
    pub proposal: Gwei,
}

impl ConsensusReward {
    /// With everybody attesting in time: what is signed. `None` for less than one increment of stake.
    #[must_use]
    pub fn of(total_active_balance: Gwei) -> Option<Self> {
        let all = total_active_balance.0 / INCREMENT;
        Self::with(total_active_balance, Attesting { source: all, target: all, head: all })
    }

    /// With as many attesting as `attesting` says. `None` for less than one increment of stake, or if more attest than there are.
    #[must_use]
    pub fn with(total_active_balance: Gwei, attesting: Attesting) -> Option<Self> {
        let increments = total_active_balance.0 / INCREMENT;
        let attesting = [attesting.source, attesting.target, attesting.head];
        if increments == 0 || attesting.iter().any(|&some| some > increments) {
            return None;
        }
        let per_increment = INCREMENT * BASE_REWARD_FACTOR / total_active_balance.0.isqrt();
        let (stake, base, own) =
            (u128::from(increments), u128::from(per_increment), u128::from(TICKET_STAKE / INCREMENT));
        let flags = || attesting.iter().zip(FLAG_WEIGHTS).map(|(&some, weight)| (u128::from(some), weight));

        // Gwei an epoch.
        let attestation: u128 = flags().map(|(some, weight)| own * base * weight * some / (stake * WEIGHTS)).sum();
        let participant = base * stake * SYNC_WEIGHT / WEIGHTS / SLOTS / SYNC_COMMITTEE;
        let of_attestations = flags().map(|(some, weight)| base * some * weight).sum::<u128>()
            / ((WEIGHTS - PROPOSER_WEIGHT) * WEIGHTS / PROPOSER_WEIGHT);
        let of_sync = SLOTS * SYNC_COMMITTEE * (participant * PROPOSER_WEIGHT / (WEIGHTS - PROPOSER_WEIGHT));
        let proposals = of_attestations + of_sync;

        // Numerators over `stake`, of which the ticket's validator has `own`.
        let parts = [attestation * stake, SLOTS * SYNC_COMMITTEE * participant * own, proposals * own];
        let daily = |numerator: u128| u128::from(EPOCHS_PER_DAY) * WEI_PER_GWEI * numerator / stake;
        let [attestation, sync, proposer] = parts.map(daily);
        let total = daily(parts.iter().sum());
        let proposal = Gwei(u64::try_from(proposals / SLOTS).ok()?);
        Some(Self { base_reward_per_increment: Gwei(per_increment), attestation, sync, proposer, total, proposal })
    }
}
