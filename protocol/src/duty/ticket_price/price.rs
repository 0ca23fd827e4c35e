//! The price itself, as `ValidatorTicketPricer` computes it, and how far it lets its two inputs move at once.

use super::{ConsensusReward, forecast::per_ticket};
use crate::types::{Gwei, Wei};
use alloy_primitives::U256;

const BASIS_POINTS: u64 = 10_000;

/// The contract's type for each of its inputs is `uint104`.
const MOST: Wei = (1 << 104) - 1;

/// What 32 ETH of stake earn a day, wei: both inputs of the pricer (`setDailyRewardsAndPostMintPrice`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyRewards {
    /// From transactions: `dailyMevPayouts`.
    pub mev: Wei,
    /// From the beacon chain: `dailyConsensusRewards`.
    pub consensus: Wei,
}

impl DailyRewards {
    /// From the network's `forecast` for a day, and its stake. `None` where there is too little stake for the formulas to mean anything,
    /// or a value that the pricer could not hold.
    #[must_use]
    pub fn new(forecast: Wei, total_active_balance: Gwei) -> Option<Self> {
        let rewards = Self {
            mev: per_ticket(forecast, total_active_balance)?,
            consensus: ConsensusReward::of(total_active_balance)?.total,
        };
        (rewards.mev <= MOST && rewards.consensus <= MOST).then_some(rewards)
    }

    /// Wei for a ticket, less the discount, rounded down. `None` where the contract reverts: at a price of 0, and at a discount of all.
    #[must_use]
    pub fn mint_price(&self, discount_bps: u16) -> Option<Wei> {
        let kept = BASIS_POINTS.checked_sub(discount_bps.into())?;
        let price = (U256::from(self.mev) + U256::from(self.consensus)) * U256::from(kept) / U256::from(BASIS_POINTS);
        price.try_into().ok().filter(|&price| price > 0)
    }
}

/// By how much the pricer lets an input change at once, in 1/10,000 of its old value; 0 sets no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance(pub u16);

impl Tolerance {
    /// Whether the pricer takes `new` after `old`.
    #[must_use]
    pub fn accepts(self, old: Wei, new: Wei) -> bool {
        self.clamped(old, new) == new
    }

    /// The value nearest to `new` that the pricer takes after `old`. With a tolerance and an old value of 0, that is always 0; small
    /// values may not move at all.
    #[must_use]
    pub fn clamped(self, old: Wei, new: Wei) -> Wei {
        if self.0 == 0 {
            return new;
        }
        let allowed = U256::from(old) * U256::from(self.0) / U256::from(BASIS_POINTS);
        let allowed = allowed.try_into().unwrap_or(Wei::MAX);
        new.clamp(old.saturating_sub(allowed), old.saturating_add(allowed))
    }
}

/// The change, in 1/10,000 of the last value, beyond which a value is posted before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation(pub u16);

impl Deviation {
    /// Whether `now` is further from `last` than this.
    #[must_use]
    pub fn exceeded(self, last: Wei, now: Wei) -> bool {
        U256::from(now.abs_diff(last)) * U256::from(BASIS_POINTS) > U256::from(last) * U256::from(self.0)
    }
}
