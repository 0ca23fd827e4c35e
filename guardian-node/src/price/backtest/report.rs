//! What a walk has found, in the words of its JSON.

use super::{
    super::daily::Date,
    alpha,
    score::{least, rmse},
};
use guardian_protocol::FORECAST_DAYS;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// Two ends of an interval.
pub(super) type Interval = [f64; 2];

/// Errors of all models over the same days. All errors are roots of mean squares, ether a day, of raw totals, unless a name says otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Backtest {
    /// The first day that was forecast.
    pub first_origin: String,
    /// The last.
    pub last_origin: String,
    /// How many.
    pub n_test: usize,
    /// By the way of cutting days down.
    pub modes: Modes,
    /// Days before the first that was forecast.
    pub burn_in: usize,
    /// ARIMA by maximum likelihood, by mode and order.
    pub arima_mle: BTreeMap<String, f64>,
    /// Gradient boosting, by mode.
    pub boosting: BTreeMap<String, Spread>,
    /// Intervals of 95 % of the two, and how all intervals were drawn.
    pub confidence_95: ConfidenceOfModes,
}

/// See [`guardian_protocol::Winsorizing`].
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "named after the modes")]
pub struct Modes {
    pub raw: Mode,
    pub incl: Mode,
    pub excl: Mode,
    pub reccap: Mode,
}

/// What averages and regressions over one mode's days have found.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the names are the definitions of docs/ticket-price.md")]
pub struct Mode {
    pub clipped_days: Vec<String>,
    pub sma_rmse_by_window: BTreeMap<usize, f64>,
    pub sma_best_window: usize,
    pub sma_best_rmse: f64,
    pub sma8_rmse: f64,
    pub sma8_mae: f64,
    pub sma8_bias_mean_error: f64,
    pub ema_alphas: &'static str,
    pub ema_rmse_by_j: Vec<f64>,
    pub ema_best_j: usize,
    pub ema_best_alpha: f64,
    pub ema_best_rmse: f64,
    pub ar_ols_rmse: BTreeMap<usize, f64>,
    #[serde(flatten)]
    pub without_day: WithoutDay,
    pub scored_on_winsorized_actual: BTreeMap<&'static str, f64>,
    #[serde(rename = "ema_as_printed_rmse(alpha=j/29)", skip_serializing_if = "Option::is_none")]
    pub ema_as_printed_rmse: Option<BTreeMap<usize, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_of_next_28_days_rmse: Option<NextDays>,
    pub confidence_95: Confidence,
}

/// The errors without one day, under a name that has the day in it.
#[derive(Clone, Debug)]
pub struct WithoutDay {
    date: Date,
    sma8: f64,
    sma: BTreeMap<usize, f64>,
    best_ema: (f64, f64),
}

/// The error of means against the mean of the next 28 days.
#[derive(Clone, Debug, Serialize)]
pub struct NextDays {
    /// Days from which all of the next were known.
    pub n: usize,
    /// By window.
    #[serde(flatten)]
    pub rmse_by_window: BTreeMap<usize, f64>,
}

/// One error for each seed, together.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs, reason = "the usual four")]
pub struct Spread {
    pub mean: f64,
    pub sd: f64,
    pub min: f64,
    pub max: f64,
}

/// Intervals of one mode's errors.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "by the names of what they are of")]
pub struct Confidence {
    pub sma: BTreeMap<usize, Interval>,
    pub ema: Vec<Interval>,
    pub ar_ols: BTreeMap<usize, Interval>,
    /// Where 0 lies within, the days do not say which of the two is better.
    pub sma8_less_best_ema: Interval,
}

/// Intervals of models that are fitted again each day.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "by the names of what they are of")]
pub struct ConfidenceOfModes {
    pub block_days: usize,
    pub draws: usize,
    pub arima_mle: BTreeMap<String, Interval>,
    /// Of the first seed.
    pub boosting: BTreeMap<String, Interval>,
}

impl WithoutDay {
    pub(super) fn of(date: Date, left: &[bool], simple: &[Vec<f64>], exponential: &[Vec<f64>]) -> Self {
        let rmse =
            |errors: &Vec<f64>| rmse(errors.iter().zip(left).filter(|(_, left)| **left).map(|(error, _)| *error));
        let sma: BTreeMap<usize, f64> = (1..).zip(simple.iter().map(rmse)).collect();
        let (j, best) = least(exponential.iter().map(rmse)).unwrap_or((0, f64::NAN));
        Self { date, sma8: sma.get(&FORECAST_DAYS).copied().unwrap_or(f64::NAN), sma, best_ema: (best, alpha(j)) }
    }
}

impl Serialize for WithoutDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Errors<'a> {
            sma8_rmse: f64,
            sma_rmse_by_window: &'a BTreeMap<usize, f64>,
            ema_best: (f64, f64),
        }
        let errors = Errors { sma8_rmse: self.sma8, sma_rmse_by_window: &self.sma, ema_best: self.best_ema };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&format!("without_{}", self.date), &errors)?;
        map.end()
    }
}

impl Spread {
    /// Of values, the deviation with their number less one.
    pub(super) fn of(values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            sd: if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 },
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}
