//! Forecasts by averages: the mean of the last k days, and exponentially weighted means.

use std::ops::Range;

/// The mean of the `window` days before each of `origins`. There must be as many.
pub(super) fn simple(cut: &[f64], window: usize, origins: Range<usize>) -> Vec<f64> {
    origins.map(|origin| mean(before(cut, origin, window))).collect()
}

/// The exponentially weighted mean of all days before each of `origins`, begun with the first day: E = alpha * w + (1 - alpha) * E.
pub(super) fn exponential(cut: &[f64], alpha: f64, origins: Range<usize>) -> Vec<f64> {
    let first = cut.first().copied().unwrap_or_default();
    smoothed(cut, first, origins, |last, day| alpha * day + (1.0 - alpha) * last)
}

/// The same as the research printed it, without 1 - alpha: a running sum.
pub(super) fn exponential_as_printed(cut: &[f64], alpha: f64, origins: Range<usize>) -> Vec<f64> {
    smoothed(cut, 0.0, origins, |last, day| alpha * day + last)
}

fn smoothed(cut: &[f64], start: f64, origins: Range<usize>, step: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let states = cut.iter().scan(start, |last, &day| {
        *last = step(*last, day);
        Some(*last)
    });
    // The state after a day is the forecast of the next.
    states.skip(origins.start.saturating_sub(1)).take(origins.len()).collect()
}

/// The last `count` of the days before `origin`.
pub(super) fn before(days: &[f64], origin: usize, count: usize) -> &[f64] {
    days.get(origin.saturating_sub(count)..origin).unwrap_or_default()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
