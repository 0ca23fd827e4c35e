//! `guardian price plot`: the charts of `docs/ticket-price.md`, drawn again.

use crate::{
    cli::output,
    hint::WithHint,
    price::{
        backtest::Walk,
        daily::{Daily, Date},
        plot,
        simulate::{Chance, Model, Payments, Set},
    },
};
use clap::{Args, value_parser};
use eyre::Result;
use std::{fs, path::PathBuf};

/// Arguments of `guardian price plot`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Plot {
    /// CSV (or gzip of it) as for `guardian price backtest`
    #[arg(long)]
    data: PathBuf,
    /// The first day that is looked at; the first of the file if not given
    #[arg(long)]
    from: Option<Date>,
    /// The last day; the last of the file if not given
    #[arg(long)]
    to: Option<Date>,
    /// CSV (or gzip of it) as for `guardian price simulate`
    #[arg(long)]
    payments: Option<PathBuf>,
    /// Paths for each operator
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=1_000_000_000))]
    paths: u64,
    /// Discount on the ticket, in 1/10,000
    #[arg(long, default_value_t = 800, value_parser = value_parser!(u16).range(0..=9_999))]
    discount_bps: u16,
    /// Where to write the charts
    #[arg(long)]
    out: PathBuf,
}

impl Plot {
    pub(super) fn run(self) -> Result<()> {
        let daily = Daily::read(&self.data)?.between(self.from, self.to)?;
        let found = Walk { burn_in: 30, without: None, seeds: 0 }.run(&daily)?;
        let payments = match &self.payments {
            Some(path) => Payments::read(path)?,
            None => Payments::built_in()?,
        };
        let model = |set: Set| Model::new(set.assumptions(), &payments);
        let (a, b) = (model(Set::A), model(Set::B));
        let off = f64::from(self.discount_bps) / 100.0;
        let names =
            [format!("A: payments as they were, {off} % discount"), format!("B: payments trimmed, {off} % discount")];
        let models: Vec<(&str, &Model)> = names.iter().map(String::as_str).zip(a.iter().chain(&b)).collect();
        let chance = Chance { paths: self.paths, seed: 1 };
        let what = || format!("can't write to {}", self.out.display());
        fs::create_dir_all(&self.out).hint(what(), "check the folder and its permissions")?;
        for (name, chart) in [
            ("forecast.svg", plot::forecasts(&daily)?),
            ("errors.svg", plot::errors(&found)?),
            ("returns.svg", plot::gains(&models, self.discount_bps, chance)?),
        ] {
            let path = self.out.join(name);
            fs::write(&path, chart).hint(what(), "check the folder and its permissions")?;
            output::talk(&format!("Wrote {}", path.display()));
        }
        Ok(())
    }
}
