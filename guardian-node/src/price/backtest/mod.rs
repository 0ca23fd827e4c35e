//! Walk-forward: each day is forecast from the days before it alone, and the forecast is held against what came. The day that comes is
//! never cut down, whatever the forecast stands on.

mod arima;
mod averages;
mod boosting;
mod bootstrap;
mod minimum;
mod regression;
mod report;
mod score;

pub use report::{Backtest, Mode, Modes, Spread};

use super::daily::{Daily, Date, ether};
use crate::hint::Hinted;
use arima::ORDERS;
use bootstrap::Bootstrap;
use guardian_protocol::{FORECAST_DAYS, Winsorizing};
use rayon::prelude::*;
use report::{Confidence, ConfidenceOfModes, NextDays, WithoutDay};
use score::{errors, least, rmse};
use std::{collections::BTreeMap, ops::Range};

/// The longest simple average.
pub const WINDOWS: usize = 30;
/// Exponential averages have alpha = j / 29, for j = 0 to 29.
pub const ALPHAS: usize = 30;
/// Windows that are also held against the mean of the next [`AHEAD`] days.
const AHEAD_WINDOWS: [usize; 8] = [1, 4, 8, 10, 14, 20, 28, 30];
const AHEAD: usize = 28;
/// The alphas whose running sum, as printed, is shown.
const AS_PRINTED: [usize; 3] = [1, 4, 8];

/// What to walk through.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The first so many days are only looked at, not forecast.
    pub burn_in: usize,
    /// A day to leave out of a second reckoning; the one of the largest total, if none is named.
    pub without: Option<Date>,
    /// Seeds of boosting; without any, neither that nor ARIMA is tried.
    pub seeds: u64,
}

/// Days with what they are to the models.
struct Series {
    cut: Vec<f64>,
    came: Vec<f64>,
    origins: Range<usize>,
}

impl Series {
    fn new(daily: &Daily, winsorizing: Winsorizing, origins: Range<usize>) -> Self {
        let totals = daily.totals();
        let ether = |days: &[u128]| days.iter().map(|&total| ether(total)).collect::<Vec<_>>();
        Self { cut: ether(&winsorizing.apply(&totals)), came: ether(&totals), origins }
    }

    /// The days that were forecast.
    fn actual(&self) -> &[f64] {
        self.came.get(self.origins.clone()).unwrap_or_default()
    }

    fn errors(&self, forecasts: &[f64]) -> Vec<f64> {
        errors(forecasts, self.actual())
    }

    fn simple(&self) -> Vec<Vec<f64>> {
        (1..=WINDOWS).map(|window| self.errors(&averages::simple(&self.cut, window, self.origins.clone()))).collect()
    }

    fn exponential(&self) -> Vec<Vec<f64>> {
        let alphas = (0..ALPHAS).map(alpha);
        alphas.map(|alpha| self.errors(&averages::exponential(&self.cut, alpha, self.origins.clone()))).collect()
    }

    fn autoregressive(&self) -> Vec<Vec<f64>> {
        let lags = 1..=3;
        lags.map(|lags| self.errors(&regression::autoregression(&self.cut, lags, self.origins.clone()))).collect()
    }

    /// The error of the mean of the next days, where all of them are known.
    fn next_days(&self) -> NextDays {
        let origins = self.origins.start..(self.came.len() + 1).saturating_sub(AHEAD).max(self.origins.start);
        let actual: Vec<f64> = origins
            .clone()
            .map(|origin| averages::mean(self.came.get(origin..origin + AHEAD).unwrap_or_default()))
            .collect();
        let rmse_by_window = AHEAD_WINDOWS
            .iter()
            .map(|&window| (window, rmse(errors(&averages::simple(&self.cut, window, origins.clone()), &actual))))
            .collect();
        NextDays { n: actual.len(), rmse_by_window }
    }
}

fn alpha(j: usize) -> f64 {
    j as f64 / (ALPHAS - 1) as f64
}

impl Walk {
    /// Walks through `daily`.
    ///
    /// # Errors
    /// If the days before the first forecast are too few for the longest average, or none is left to forecast.
    pub fn run(&self, daily: &Daily) -> Result<Backtest, Hinted> {
        let days = daily.days();
        if self.burn_in < WINDOWS || days.len() <= self.burn_in {
            return Err(Hinted::new(
                format!("of {} days, {} are for the start", days.len(), self.burn_in),
                format!("--burn-in is at least {WINDOWS}, the longest average, and some days must be left to forecast"),
            ));
        }
        let origins = self.burn_in..days.len();
        let tested = days.get(origins.clone()).unwrap_or_default();
        let date = |at: Option<&super::daily::Day>| at.map(|day| day.date.to_string()).unwrap_or_default();
        let largest = tested.iter().max_by_key(|day| day.total).map(|day| day.date);
        let without = self.without.or(largest);
        let without = without.filter(|date| tested.iter().any(|day| day.date == *date)).ok_or_else(|| {
            Hinted::new("the day to leave out is none of those that are forecast", "choose another for --without")
        })?;

        let bootstrap = Bootstrap::new(tested.len(), 1);
        let [raw, incl, excl, reccap] =
            Winsorizing::ALL.map(|winsorizing| mode(daily, winsorizing, origins.clone(), without, &bootstrap));
        let mut backtest = Backtest {
            first_origin: date(tested.first()),
            last_origin: date(tested.last()),
            n_test: tested.len(),
            modes: Modes { raw, incl, excl, reccap },
            burn_in: self.burn_in,
            arima_mle: BTreeMap::new(),
            boosting: BTreeMap::new(),
            confidence_95: ConfidenceOfModes {
                block_days: bootstrap::BLOCK,
                draws: bootstrap::DRAWS,
                ..Default::default()
            },
        };
        if self.seeds > 0 {
            for winsorizing in [Winsorizing::Raw, Winsorizing::Incl] {
                self.learn(&Series::new(daily, winsorizing, origins.clone()), winsorizing, &bootstrap, &mut backtest);
            }
        }
        Ok(backtest)
    }

    /// What takes seconds: models that are fitted again each day.
    fn learn(&self, series: &Series, winsorizing: Winsorizing, bootstrap: &Bootstrap, backtest: &mut Backtest) {
        let arima: Vec<Vec<f64>> = ORDERS
            .par_iter()
            .map(|&order| series.errors(&arima::forecasts(&series.cut, order, series.origins.clone())))
            .collect();
        for (arima::Order(p, d, q), errors) in ORDERS.into_iter().zip(arima) {
            let name = format!("{}({p}, {d}, {q})", winsorizing.as_str());
            backtest.confidence_95.arima_mle.insert(name.clone(), bootstrap.interval(&errors));
            backtest.arima_mle.insert(name, rmse(errors));
        }
        let boosted: Vec<Vec<f64>> = (0..self.seeds)
            .into_par_iter()
            .map(|seed| series.errors(&boosting::forecasts(&series.cut, seed, series.origins.clone())))
            .collect();
        let name = winsorizing.as_str().to_owned();
        if let Some(first) = boosted.first() {
            backtest.confidence_95.boosting.insert(name.clone(), bootstrap.interval(first));
        }
        backtest.boosting.insert(name, Spread::of(boosted.into_iter().map(rmse).collect()));
    }
}

fn mode(daily: &Daily, winsorizing: Winsorizing, origins: Range<usize>, without: Date, bootstrap: &Bootstrap) -> Mode {
    let series = Series::new(daily, winsorizing, origins.clone());
    let (simple, exponential, autoregressive) = (series.simple(), series.exponential(), series.autoregressive());
    let by_number = |errors: &[Vec<f64>]| {
        errors.iter().enumerate().map(|(at, errors)| (at + 1, rmse(errors.iter().copied()))).collect::<BTreeMap<_, _>>()
    };
    let sma = by_number(&simple);
    let ema: Vec<f64> = exponential.iter().map(|errors| rmse(errors.iter().copied())).collect();
    let (best_window, sma_best) = least(sma.values().copied()).map_or((0, f64::NAN), |(at, rmse)| (at + 1, rmse));
    let (best_j, ema_best) = least(ema.iter().copied()).unwrap_or((0, f64::NAN));
    let eight = simple.get(FORECAST_DAYS - 1).map(Vec::as_slice).unwrap_or_default();
    let best_ema = exponential.get(best_j).map(Vec::as_slice).unwrap_or_default();

    let tested = daily.days().get(origins.clone()).unwrap_or_default();
    let left: Vec<bool> = tested.iter().map(|day| day.date != without).collect();
    let of_winsorized = averages::simple(&series.cut, FORECAST_DAYS, origins.clone());
    let of_winsorized = rmse(errors(&of_winsorized, series.cut.get(origins.clone()).unwrap_or_default()));
    let is_research = winsorizing == Winsorizing::Incl;
    let clipped = daily.days().iter().zip(winsorizing.apply(&daily.totals())).filter(|(day, cut)| day.total != *cut);
    let as_printed = |j: usize| {
        let sums = averages::exponential_as_printed(&series.cut, alpha(j), origins.clone());
        (j, rmse(series.errors(&sums)))
    };
    Mode {
        clipped_days: clipped.map(|(day, _)| day.date.to_string()).collect(),
        sma_rmse_by_window: sma.clone(),
        sma_best_window: best_window,
        sma_best_rmse: sma_best,
        sma8_rmse: rmse(eight.iter().copied()),
        sma8_mae: averages::mean(&eight.iter().map(|error| error.abs()).collect::<Vec<_>>()),
        sma8_bias_mean_error: averages::mean(eight),
        ema_alphas: "j/29, j=0..29",
        ema_rmse_by_j: ema,
        ema_best_j: best_j,
        ema_best_alpha: alpha(best_j),
        ema_best_rmse: ema_best,
        ar_ols_rmse: by_number(&autoregressive),
        without_day: WithoutDay::of(without, &left, &simple, &exponential),
        scored_on_winsorized_actual: BTreeMap::from([("sma8_rmse", of_winsorized)]),
        ema_as_printed_rmse: is_research.then(|| AS_PRINTED.into_iter().map(as_printed).collect()),
        mean_of_next_28_days_rmse: is_research.then(|| series.next_days()),
        confidence_95: Confidence {
            sma: (1..).zip(simple.iter().map(|errors| bootstrap.interval(errors))).collect(),
            ema: exponential.iter().map(|errors| bootstrap.interval(errors)).collect(),
            ar_ols: (1..).zip(autoregressive.iter().map(|errors| bootstrap.interval(errors))).collect(),
            sma8_less_best_ema: bootstrap.interval_of_difference(eight, best_ema),
        },
    }
}

#[cfg(test)]
mod tests;
