//! `guardian price backtest`: which forecast was how wrong.

use crate::{
    cli::output,
    price::{
        backtest::{Backtest as Found, Mode, Walk},
        daily::{Daily, Date},
    },
};
use clap::Args;
use eyre::Result;
use std::path::PathBuf;

/// Arguments of `guardian price backtest`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Backtest {
    /// CSV (or gzip of it) with a line for each day, oldest first: the columns `date_utc` (2023-11-10) and `mevboost_value_wei` are read
    #[arg(long)]
    data: PathBuf,
    /// The first day that is looked at; the first of the file if not given
    #[arg(long)]
    from: Option<Date>,
    /// The last day that is forecast; the last of the file if not given
    #[arg(long)]
    to: Option<Date>,
    /// Days at the start that are not forecast, at least 30
    #[arg(long, default_value_t = 30)]
    burn_in: usize,
    /// Reckon once more without this day; without the one of the largest total if not given
    #[arg(long)]
    without: Option<Date>,
    /// Runs of gradient boosting, each with chance of its own
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Averages and regressions only: leave out ARIMA and boosting, which take seconds
    #[arg(long)]
    quick: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

impl Backtest {
    pub(super) fn run(self) -> Result<()> {
        let daily = Daily::read(&self.data)?.between(self.from, self.to)?;
        for gap in daily.gaps() {
            output::talk(&format!("warning: no line for the day before {gap}: windows count lines, not days"));
        }
        let seeds = if self.quick { 0 } else { self.seeds };
        let found = Walk { burn_in: self.burn_in, without: self.without, seeds }.run(&daily)?;
        output::data(&if self.json { serde_json::to_string_pretty(&found)? } else { lines(&found) });
        Ok(())
    }
}

/// The best of each family, for people.
fn lines(found: &Found) -> String {
    let mut lines = vec![
        format!(
            "{} days from {} to {}, after {} to start with. Roots of mean squared errors, ether a day; 95 % of block-bootstrap draws lie \
             between the two in brackets.",
            found.n_test, found.first_origin, found.last_origin, found.burn_in
        ),
        String::new(),
        format!("{:<8} {:>28} {:>32} {:>32} {:>28}", "days cut", "SMA(8)", "best SMA", "best EMA", "AR(1)"),
    ];
    let modes = &found.modes;
    for (name, mode) in [("raw", &modes.raw), ("incl", &modes.incl), ("excl", &modes.excl), ("reccap", &modes.reccap)] {
        lines.push(line(name, mode));
    }
    let [low, high] = modes.incl.confidence_95.sma8_less_best_ema;
    let verdict = if low <= 0.0 && 0.0 <= high { "these days do not say which is better" } else { "one is better" };
    lines.push(String::new());
    lines.push(format!("SMA(8) less the best EMA (incl): [{low:.1}, {high:.1}]: {verdict}"));
    for (name, rmse) in &found.arima_mle {
        let interval = found.confidence_95.arima_mle.get(name).map(|ends| bracket(*ends)).unwrap_or_default();
        lines.push(format!("ARIMA {name:<18} {rmse:>8.2} {interval}"));
    }
    for (name, spread) in &found.boosting {
        let (mean, sd) = (spread.mean, spread.sd);
        lines.push(format!("boosting {name:<15} {mean:>8.2} (deviation between seeds {sd:.2})"));
    }
    lines.join("\n")
}

fn line(name: &str, mode: &Mode) -> String {
    let confidence = &mode.confidence_95;
    let with = |rmse: f64, ends: Option<[f64; 2]>| format!("{rmse:.2} {}", ends.map(bracket).unwrap_or_default());
    let sma = |window: usize, rmse| with(rmse, confidence.sma.get(&window).copied());
    let best_sma = format!("k={} {}", mode.sma_best_window, sma(mode.sma_best_window, mode.sma_best_rmse));
    let best_ema = with(mode.ema_best_rmse, confidence.ema.get(mode.ema_best_j).copied());
    let best_ema = format!("j={} {best_ema}", mode.ema_best_j);
    let ar = with(mode.ar_ols_rmse.get(&1).copied().unwrap_or(f64::NAN), confidence.ar_ols.get(&1).copied());
    format!("{name:<8} {:>28} {best_sma:>32} {best_ema:>32} {ar:>28}", sma(8, mode.sma8_rmse))
}

fn bracket([low, high]: [f64; 2]) -> String {
    format!("[{low:.1}, {high:.1}]")
}
