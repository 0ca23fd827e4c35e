//! Research on the price of a validator ticket, done again by anybody who has the data: forecasts against what came, operators' returns,
//! the legacy price of commitments, and the price of the next day with its parts.
//!
//! Floating point is at home here and nowhere near a signature: what guardians sign is integer arithmetic in `guardian-protocol`, which this
//! code calls where it needs the same numbers. `docs/ticket-price.md` has the definitions.

pub mod backtest;
pub mod commitments;
mod csv;
pub mod daily;
pub mod plot;
pub mod quote;
pub mod simulate;
