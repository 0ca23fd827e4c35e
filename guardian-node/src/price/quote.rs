//! The price of the day after the data, with everything that it is made of: the arithmetic is the guardians' own.

use super::daily::{Daily, Date};
use crate::hint::Hinted;
use guardian_protocol::{
    ConsensusReward, DailyRewards, FORECAST_DAYS, Gwei, Tolerance, Wei, Winsorizing, mean_of_last,
};

/// Days in the mean that foretells the mean of the next 28 days with the least error.
pub const FAR_DAYS: usize = 20;

/// What a price is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How days that stand out are cut down.
    pub winsorizing: Winsorizing,
    /// Effective balances of all active validators, gwei.
    pub stake: Gwei,
    /// The pricer's discount, 1/10,000.
    pub discount_bps: u16,
}

/// What the pricer's contract holds and bears: for a value that it would refuse.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// `dailyMevPayouts` and `dailyConsensusRewards`, wei.
    pub last: DailyRewards,
    /// How far the first may move, 1/10,000 of its value; 0 sets no limit.
    pub mev_tolerance: Tolerance,
    /// How far the second may.
    pub consensus_tolerance: Tolerance,
}

/// A price and its parts. All wei; per validator and day unless a name says otherwise.
#[derive(Clone, Debug)]
pub struct Quote {
    /// What all proposers of the network will be paid on the day.
    pub network_forecast: Wei,
    /// The days that the forecast is the mean of, as they were cut down, oldest first.
    pub days: Vec<Wei>,
    /// Both inputs of the pricer.
    pub rewards: DailyRewards,
    /// The second in its parts.
    pub consensus: ConsensusReward,
    /// The price.
    pub price: Wei,
    /// The mean price of the next 28 days, as far as the past tells; `None` with fewer than [`FAR_DAYS`] days.
    pub next_28_days: Option<Wei>,
}

impl Quote {
    /// Of the day after `daily`.
    ///
    /// # Errors
    /// If the days are too few, some are missing among those that count, or there is no price.
    pub fn new(daily: &Daily, terms: Terms) -> Result<Self, Hinted> {
        let needed = FORECAST_DAYS + terms.winsorizing.reach();
        let days = daily.days();
        let counted = |gap: &Date| days.iter().rev().take(needed - 1).any(|day| day.date == *gap);
        if let Some(gap) = daily.gaps().into_iter().rfind(counted) {
            let what = format!("there is no line for the day before {gap}");
            return Err(Hinted::new(what, format!("a price needs the last {needed} days, none of which is missing")));
        }
        let cut = terms.winsorizing.apply(&daily.totals());
        let forecast = mean_of_last(&cut, FORECAST_DAYS).filter(|_| cut.len() >= needed);
        let network_forecast = forecast.ok_or_else(|| {
            let what = format!("{} days are too few", cut.len());
            Hinted::new(what, format!("a price needs the last {needed} days, none of which is missing"))
        })?;
        let no_price = || {
            let what = format!(
                "there is no price with {} gwei of stake and a discount of {}",
                terms.stake.0, terms.discount_bps
            );
            Hinted::new(what, "stake is the sum of all active effective balances in gwei; the discount is below 10000")
        };
        let priced = |forecast| {
            let rewards = DailyRewards::new(forecast, terms.stake)?;
            Some((rewards, rewards.mint_price(terms.discount_bps)?))
        };
        let (rewards, price) = priced(network_forecast).ok_or_else(no_price)?;
        let far = mean_of_last(&cut, FAR_DAYS).and_then(priced).map(|(_, price)| price);
        let consensus = ConsensusReward::of(terms.stake).ok_or_else(no_price)?;
        let days = cut.iter().rev().take(FORECAST_DAYS).rev().copied().collect();
        Ok(Self { network_forecast, days, rewards, consensus, price, next_28_days: far })
    }

    /// The inputs that the pricer takes now, and the price that follows; `None` for no price.
    #[must_use]
    pub fn clamped(&self, standing: &Standing, discount_bps: u16) -> Option<(DailyRewards, Wei)> {
        let rewards = DailyRewards {
            mev: standing.mev_tolerance.clamped(standing.last.mev, self.rewards.mev),
            consensus: standing.consensus_tolerance.clamped(standing.last.consensus, self.rewards.consensus),
        };
        Some((rewards, rewards.mint_price(discount_bps)?))
    }
}
