//! The price of a validator ticket, which is the right to run a validator for a day: what a validator earns on the next day, less a
//! discount. This folder is the arithmetic alone, in integers and exact fractions, so that everybody who starts from the same finalized
//! blocks ends at the same wei.
//!
//! - [`consensus`]: what the beacon chain pays a perfect validator, from the total active balance.
//! - [`forecast`]: what proposers will get from transactions, from the totals of the days before.
//! - [`price`]: the two together, the discount, and how far the pricer's contract lets a value move.
//!
//! No floating point, no clock, no network. `docs/ticket-price.md` says why the rules are these.

mod consensus;
mod forecast;
mod price;
#[cfg(test)]
mod tests;

pub use consensus::{Attesting, ConsensusReward};
pub use forecast::{FORECAST_DAYS, Winsorizing, capped_total, mean_of_last};
pub use price::{DailyRewards, Deviation, Tolerance};

/// Epochs of a ticket's day, which is also the frame of a price.
const EPOCHS_PER_DAY: u64 = 225;

/// Gwei of the stake that one ticket is for. A larger validator (EIP-7251) is as many of these as its effective balance has.
const TICKET_STAKE: u64 = 32_000_000_000;
