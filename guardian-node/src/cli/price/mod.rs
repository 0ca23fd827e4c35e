//! `guardian price`: the price of a validator ticket, computed by anybody from data that anybody can get. No keys and no signature; what
//! is not read is an argument.

mod backtest;
mod chain;
mod commitments;
mod plot;
mod quote;
mod simulate;

use clap::Subcommand;
use eyre::Result;

/// Subcommands of `guardian price`.
#[derive(Debug, Subcommand)]
pub(super) enum Price {
    /// Say the next day's price, its parts, and where each number comes from
    Quote(quote::Quote),
    /// Forecast each day from the days before it, by many models, and hold the forecasts against what came
    Backtest(backtest::Backtest),
    /// Follow many paths of operators who buy tickets, and say what they gain
    Simulate(simulate::Simulate),
    /// Draw forecasts, errors and returns, as SVG
    Plot(plot::Plot),
    /// Show the legacy price of commitments to some months, in both readings of the formula
    Commitments(commitments::Commitments),
}

impl Price {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Quote(command) => command.run().await,
            Self::Backtest(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Plot(command) => command.run(),
            Self::Commitments(command) => command.run(),
        }
    }
}
