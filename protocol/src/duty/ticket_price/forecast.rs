//! What proposers will get from transactions tomorrow: the mean of eight days, after days that stand out were cut down (winsorizing).
//! Integer wei throughout; every division rounds down.

use super::TICKET_STAKE;
use crate::types::{Gwei, Wei};
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

/// Days in the mean that is signed.
pub const FORECAST_DAYS: usize = 8;

/// Days whose mean tells whether a day stands out: if it is more than twice that.
const REFERENCE_DAYS: usize = 10;

/// How a day that stands out is cut down. What came before a day decides, nothing that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Winsorizing {
    /// It is not.
    Raw,
    /// To the mean of ten days, the day itself among them: the published research. A day can lift its own bound.
    Incl,
    /// To the mean of the ten days before.
    Excl,
    /// To twice the mean of the ten days before, as they were cut down themselves: what is signed. What a builder pays itself on one day
    /// cannot raise the bound of the next by more than a fifth.
    Reccap,
}

impl Winsorizing {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Incl, Self::Excl, Self::Reccap];

    /// The word used in commands and results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Incl => "incl",
            Self::Excl => "excl",
            Self::Reccap => "reccap",
        }
    }

    /// How many days before a day have to be known, to cut it down.
    #[must_use]
    pub const fn reach(self) -> usize {
        match self {
            Self::Raw => 0,
            Self::Incl => REFERENCE_DAYS - 1,
            Self::Excl | Self::Reccap => REFERENCE_DAYS,
        }
    }

    /// `totals` of days in a row, cut down. The first days, which have too little before them, stay.
    #[must_use]
    pub fn apply(self, totals: &[Wei]) -> Vec<Wei> {
        let mut cut = Vec::with_capacity(totals.len());
        for (day, &total) in totals.iter().enumerate() {
            cut.push(self.next(totals.get(..day).unwrap_or_default(), &cut, total));
        }
        cut
    }

    /// `total` of a day cut down, after days of which `totals` and `cut` are known, oldest first: as they were, and as they were cut down.
    /// More than [`Self::reach`] of them change nothing.
    #[must_use]
    pub fn next(self, totals: &[Wei], cut: &[Wei], total: Wei) -> Wei {
        let before = match self {
            Self::Raw => return total,
            Self::Incl | Self::Excl => totals,
            Self::Reccap => cut,
        };
        let Some(before) = last(before, self.reach()) else { return total };
        let own = if self == Self::Incl { total } else { 0 };
        let sum = sum(before) + U256::from(own);
        let ten = U256::from(REFERENCE_DAYS);
        if U256::from(total) * ten <= sum * U256::from(2) {
            return total;
        }
        let mean = match self {
            Self::Raw | Self::Incl | Self::Excl => sum / ten,
            Self::Reccap => sum * U256::from(2) / ten,
        };
        // Less than `total`, by the condition above.
        mean.try_into().unwrap_or(total)
    }
}

/// The mean of the last `days` of `values`, rounded down; `None` if there are fewer, or none are asked for.
#[must_use]
pub fn mean_of_last(values: &[Wei], days: usize) -> Option<Wei> {
    let last = last(values, days).filter(|last| !last.is_empty())?;
    (sum(last) / U256::from(days)).try_into().ok()
}

/// The total of a day's blocks, none of which counts for more than `cap`. `None` if it is no number of wei at all.
#[must_use]
pub fn capped_total(values: impl IntoIterator<Item = Wei>, cap: Wei) -> Option<Wei> {
    values.into_iter().try_fold(0, |total: Wei, value| total.checked_add(value.min(cap)))
}

/// The part of the network's `forecast` that falls to 32 ETH of stake: wei per validator and day, rounded down. `None` if there is less
/// stake than that, or the pricer could not hold the value.
pub(super) fn per_ticket(forecast: Wei, total_active_balance: Gwei) -> Option<Wei> {
    if total_active_balance.0 < TICKET_STAKE {
        return None;
    }
    let share = U256::from(forecast) * U256::from(TICKET_STAKE) / U256::from(total_active_balance.0);
    share.try_into().ok()
}

fn last(values: &[Wei], count: usize) -> Option<&[Wei]> {
    values.len().checked_sub(count).and_then(|start| values.get(start..))
}

fn sum(values: &[Wei]) -> U256 {
    values.iter().map(|&value| U256::from(value)).fold(U256::ZERO, |sum, value| sum + value)
}
