//! `guardian price simulate`: what operators gain, path by path.

use crate::{
    cli::output,
    hint::Hinted,
    price::simulate::{Assumptions, Model, Operator, Outcome, Payments, Set, simulate},
};
use clap::{Args, value_parser};
use eyre::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of `guardian price simulate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Simulate {
    /// Assumptions: A is the honest baseline, B comes nearest to the published figures
    #[arg(long, value_enum, default_value = "A")]
    set: Set,
    /// The operator's validators; several numbers with commas between them
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5, 10, 20, 50], value_parser = value_parser!(u64).range(1..=900_000))]
    validators: Vec<u64>,
    /// Days for which tickets are bought
    #[arg(long, value_delimiter = ',', default_values_t = [182, 365], value_parser = value_parser!(u64).range(1..=3_650))]
    days: Vec<u64>,
    /// Discount on the ticket, in 1/10,000
    #[arg(long, value_delimiter = ',', default_values_t = [600, 700, 800], value_parser = value_parser!(u16).range(0..=9_999))]
    discount_bps: Vec<u16>,
    /// Paths for each operator
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=10_000_000_000))]
    paths: u64,
    /// Chance: the same seed gives the same numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// CSV (or gzip of it) with a line for each paid block, in order: the columns `slot` and `value_wei` are read. If not given, those of
    /// November and December 2023, which come with the program
    #[arg(long)]
    payments: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// The names of the columns, as in published results.
const COLUMNS: [&str; 4] = ["P(positive) %", "median APR %", "5% quantile of APR % (VaR95 = minus this)", "mean APR %"];

/// The assumptions with all that follows from them.
#[derive(Debug, Serialize)]
struct Assumed<'a> {
    #[serde(flatten)]
    assumptions: &'a Assumptions,
    cap_eth: Option<f64>,
    cover_used: f64,
    mean_payment_eth: f64,
    cv: f64,
    mev_per_validator_day_eth: f64,
    vt_price_eth: BTreeMap<String, f64>,
}

/// One line of the result.
struct Cell {
    operator: Operator,
    discount: u16,
    outcome: Outcome,
}

impl Simulate {
    pub(super) fn run(self) -> Result<()> {
        let payments = match &self.payments {
            Some(path) => Payments::read(path)?,
            None => Payments::built_in()?,
        };
        let model = Model::new(self.set.assumptions(), &payments)
            .ok_or_else(|| Hinted::new("the payments are all missing", "give a file with at least one payment"))?;
        let cells = self.cells(&model);
        output::data(&if self.json { self.document(&payments, &model, &cells)? } else { self.table(&model, &cells) });
        Ok(())
    }

    fn cells(&self, model: &Model) -> Vec<Cell> {
        let operators: Vec<Operator> = self
            .days
            .iter()
            .flat_map(|&days| self.validators.iter().map(move |&validators| Operator { validators, days }))
            .collect();
        // Draws nothing where there is no terminal.
        let bar = ProgressBar::new(self.paths.saturating_mul(operators.len() as u64));
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} % of {human_len} paths, {eta} left") {
            bar.set_style(style);
        }
        let mut cells = Vec::new();
        for operator in operators {
            let progress = |paths| bar.inc(paths);
            let outcomes = simulate(model, operator, &self.discount_bps, self.paths, self.seed, &progress);
            cells.extend(self.discount_bps.iter().zip(outcomes).map(|(&discount, outcome)| Cell {
                operator,
                discount,
                outcome,
            }));
        }
        bar.finish_and_clear();
        cells
    }

    fn document(&self, payments: &Payments, model: &Model, cells: &[Cell]) -> Result<String> {
        let (mean_payment_eth, cv) = model.payments().moments();
        let prices = self.discount_bps.iter().map(|&discount| (part(discount), model.ticket_price(discount))).collect();
        let assumed = Assumed {
            assumptions: model.assumptions(),
            cap_eth: model.cap_eth(),
            cover_used: model.cover(),
            mean_payment_eth,
            cv,
            mev_per_validator_day_eth: model.mev_per_validator_day(),
            vt_price_eth: prices,
        };
        let results: Map<String, Value> =
            cells.iter().map(|cell| (cell.name(), json!({ "mean": cell.numbers() }))).collect();
        let mut document = json!({
            "set": format!("{:?}", self.set),
            "blocks": payments.gwei().len(),
            "slots": payments.slots(),
            "measured_cover": payments.cover(),
            "paths": self.paths,
            "seed": self.seed,
            "columns": COLUMNS,
            "assumptions": assumed,
            "results": results,
        });
        if let ([only], Some(object)) = (cells, document.as_object_mut()) {
            object.extend(COLUMNS.iter().zip(only.numbers()).map(|(name, number)| ((*name).to_owned(), json!(number))));
        }
        Ok(serde_json::to_string_pretty(&document)?)
    }

    fn table(&self, model: &Model, cells: &[Cell]) -> String {
        let mut lines = vec![
            format!(
                "Set {:?}: {} paths for each operator, seed {}; payments {:.6} ETH on average, {:.1} % of proposals paid",
                self.set,
                self.paths,
                self.seed,
                model.payments().moments().0,
                model.cover() * 100.0
            ),
            format!(
                "{:>10} {:>5} {:>9} {:>10} {:>14} {:>12} {:>12} {:>10}",
                "validators", "days", "discount", "VT, ETH", "gains, % of", "median APR", "VaR 95 %", "mean APR"
            ),
        ];
        for Cell { operator: Operator { validators, days }, discount, outcome } in cells {
            let Outcome { positive, median, low, mean } = outcome;
            let (off, price) = (f64::from(*discount) / 100.0, model.ticket_price(*discount));
            lines.push(format!(
                "{validators:>10} {days:>5} {off:>8.2}% {price:>10.6} {positive:>13.2}% {median:>11.2}% {:>11.2}% {mean:>9.2}%",
                0.0 - low
            ));
        }
        lines.join("\n")
    }
}

impl Cell {
    /// As in published results.
    fn name(&self) -> String {
        format!("T={},n={},d={}", self.operator.days, self.operator.validators, part(self.discount))
    }

    fn numbers(&self) -> [f64; 4] {
        let Outcome { positive, median, low, mean } = self.outcome;
        [positive, median, low, mean]
    }
}

/// Basis points as a part of one.
fn part(discount: u16) -> String {
    (f64::from(discount) / 10_000.0).to_string()
}
