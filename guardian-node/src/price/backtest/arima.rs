//! ARIMA(p, d, q) by exact maximum likelihood: the state-space form of Harvey, innovations by the Kalman filter, stationary and invertible
//! by construction. For d = 0 there is a mean, estimated along (generalised least squares inside the filter); for d = 1 there is none.
//! The variance is concentrated out.

use super::{minimum::minimum, regression::solve};
use std::ops::Range;

/// The longest state needed: max(p, q + 1).
const STATE: usize = 3;
type Vector = [f64; STATE];
type Matrix = [Vector; STATE];

/// p autoregressive terms, d differences, q moving-average terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(pub(super) usize, pub(super) usize, pub(super) usize);

/// Those whose results are shown. None needs a longer state than [`STATE`], nor more than one difference.
pub(super) const ORDERS: [Order; 7] =
    [Order(1, 0, 0), Order(2, 0, 0), Order(1, 0, 1), Order(0, 1, 1), Order(1, 1, 1), Order(2, 1, 1), Order(0, 1, 2)];

/// The forecast of each of `origins`, fitted again each day to all days before.
pub(super) fn forecasts(cut: &[f64], order: Order, origins: Range<usize>) -> Vec<f64> {
    let Order(p, differences, q) = order;
    let mut start = vec![0.0; p + q];
    origins
        .map(|origin| {
            let known = cut.get(..origin).unwrap_or_default();
            let last = known.last().copied().unwrap_or_default();
            let series: Vec<f64> = if differences == 0 {
                known.to_vec()
            } else {
                known.iter().zip(known.iter().skip(1)).map(|(one, next)| next - one).collect()
            };
            let likelihood = |point: &[f64]| filter(&series, point, order).map_or(f64::INFINITY, |run| run.deviance);
            // From yesterday's optimum and from nothing: a likelihood may have several summits.
            let found = [minimum(&likelihood, &start), minimum(&likelihood, &vec![0.1; p + q])]
                .into_iter()
                .min_by(|one, other| one.value.total_cmp(&other.value));
            if let Some(found) = found {
                start = found.point;
            }
            let next = filter(&series, &start, order).map_or(0.0, |run| run.next);
            if differences == 0 { next } else { last + next }
        })
        .collect()
}

/// What a pass of the filter over a series tells.
struct Run {
    /// Minus twice the logarithm of the likelihood, without constants.
    deviance: f64,
    /// The expectation of the next value.
    next: f64,
}

/// A series of which the filter takes away what it expects.
#[derive(Default)]
struct Filtered {
    state: Vector,
}

impl Filtered {
    /// What `value` has that was not expected.
    fn innovation(&self, value: f64) -> f64 {
        let [expected, ..] = self.state;
        value - expected
    }

    fn advance(&mut self, transition: &Matrix, gain: &Vector, innovation: f64) {
        let mut next = times(transition, &self.state);
        for (entry, gain) in next.iter_mut().zip(gain) {
            *entry += gain * innovation;
        }
        self.state = next;
    }
}

/// Filters `series` by the model whose free parameters are `point`. `None` where it is no model: a variance that is not positive.
fn filter(series: &[f64], point: &[f64], Order(p, differences, q): Order) -> Option<Run> {
    let phi = stationary(point.get(..p)?);
    // Invertible is what stationary is, with the sign turned.
    let theta: Vec<f64> = stationary(point.get(p..p + q)?).iter().map(|value| -value).collect();
    let (transition, noise) = harvey(&phi, &theta);
    let mut covariance = stationary_covariance(&transition, &noise);

    // The same filter over the series and over a column of ones gives the mean by generalised least squares.
    let (mut of_series, mut of_ones) = (Filtered::default(), Filtered::default());
    let has_mean = differences == 0;
    let (mut yy, mut y1, mut oo, mut logs) = (0.0, 0.0, 0.0, 0.0);
    let (mut variance, mut gain, mut is_steady) = (f64::NAN, Vector::default(), false);
    for &value in series {
        if !is_steady {
            let column: Vector = covariance.map(|[first, ..]| first);
            let [now, ..] = column;
            if !(now > 0.0 && now.is_finite()) {
                return None;
            }
            // What the filter does not know any better after a day, it never will.
            is_steady = (now - variance).abs() < now * 1e-13;
            variance = now;
            gain = times(&transition, &column).map(|entry| entry / variance);
            covariance = predicted(&transition, &covariance, &column, variance, &noise);
        }
        let (y, one) = (of_series.innovation(value), of_ones.innovation(1.0));
        yy += y * y / variance;
        y1 += y * one / variance;
        oo += one * one / variance;
        logs += variance.ln();
        of_series.advance(&transition, &gain, y);
        of_ones.advance(&transition, &gain, one);
    }
    let mean = if has_mean && oo > 0.0 { y1 / oo } else { 0.0 };
    let squares = if has_mean { yy - mean * y1 } else { yy };
    let count = series.len() as f64;
    let deviance = count * (squares.max(f64::MIN_POSITIVE) / count).ln() + logs;
    let ([y, ..], [one, ..]) = (of_series.state, of_ones.state);
    Some(Run { deviance, next: mean + y - mean * one })
}

/// Coefficients of a stationary autoregression for any point of space: partial autocorrelations x / sqrt(1 + x^2), then Durbin and
/// Levinson.
fn stationary(point: &[f64]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = Vec::new();
    for &x in point {
        let partial = x / (1.0 + x * x).sqrt();
        let turned: Vec<f64> = coefficients.iter().rev().copied().collect();
        for (coefficient, other) in coefficients.iter_mut().zip(turned) {
            *coefficient -= partial * other;
        }
        coefficients.push(partial);
    }
    coefficients
}

/// The transition matrix and the covariance of its noise, for variance 1.
fn harvey(phi: &[f64], theta: &[f64]) -> (Matrix, Matrix) {
    let mut transition = Matrix::default();
    for (at, row) in transition.iter_mut().enumerate() {
        let [first, rest @ ..] = row;
        *first = phi.get(at).copied().unwrap_or_default();
        if let Some(entry) = rest.get_mut(at) {
            *entry = 1.0;
        }
    }
    let mut loads = Vector::default();
    for (load, value) in loads.iter_mut().zip(std::iter::once(&1.0).chain(theta)) {
        *load = *value;
    }
    (transition, loads.map(|one| loads.map(|other| one * other)))
}

/// P = T P T' + Q, by linear equations over its entries.
fn stationary_covariance(transition: &Matrix, noise: &Matrix) -> Matrix {
    let cells = || (0..STATE).flat_map(|row| (0..STATE).map(move |column| (row, column)));
    let entry = |matrix: &Matrix, (row, column): (usize, usize)| {
        matrix.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
    };
    let equations = cells()
        .map(|(i, j)| {
            let of = |(k, l)| {
                let own = if (i, j) == (k, l) { 1.0 } else { 0.0 };
                own - entry(transition, (i, k)) * entry(transition, (j, l))
            };
            cells().map(of).chain([entry(noise, (i, j))]).collect()
        })
        .collect();
    let Some(solution) = solve(equations) else { return [[f64::NAN; STATE]; STATE] };
    let mut covariance = Matrix::default();
    for (entry, value) in covariance.iter_mut().flatten().zip(solution) {
        *entry = value;
    }
    covariance
}

/// T (P - p p' / f) T' + Q, where p is P's first column and f its first entry.
fn predicted(transition: &Matrix, covariance: &Matrix, column: &Vector, variance: f64, noise: &Matrix) -> Matrix {
    let mut filtered = *covariance;
    for (row, one) in filtered.iter_mut().zip(column) {
        for (entry, other) in row.iter_mut().zip(column) {
            *entry -= one * other / variance;
        }
    }
    // Symmetric, so that its rows are its columns.
    let half = filtered.map(|row| times(transition, &row));
    let mut next = *noise;
    for (row, weights) in next.iter_mut().zip(transition) {
        for (at, entry) in row.iter_mut().enumerate() {
            *entry += weights.iter().zip(&half).map(|(w, h)| w * h.get(at).copied().unwrap_or_default()).sum::<f64>();
        }
    }
    next
}

fn times(matrix: &Matrix, vector: &Vector) -> Vector {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's likelihood of an AR(1): the first value by the stationary variance, the others by the conditional one.
    #[test]
    fn the_filter_s_likelihood_is_that_of_the_textbook() {
        let series = [0.3, -1.2, 0.7, 2.0, -0.4];
        let x = 0.75_f64;
        let phi = x / (1.0 + x * x).sqrt();
        let mut squares = series[0] * series[0] * (1.0 - phi * phi);
        squares += series.windows(2).map(|pair| (pair[1] - phi * pair[0]).powi(2)).sum::<f64>();
        let expected = 5.0 * (squares / 5.0).ln() - (1.0 - phi * phi).ln();
        let run = filter(&series, &[x], Order(1, 1, 0)).unwrap();
        assert!((run.deviance - expected).abs() < 1e-10, "{} and {expected}", run.deviance);
        assert!((run.next + 0.4 * phi).abs() < 1e-12);
    }

    /// With a root near one the least-squares mean weighs the two ends; with none it is the mean.
    #[test]
    fn the_mean_is_estimated_with_the_model() {
        let series = [1.0, 4.0, 2.0, 9.0];
        assert!((filter(&series, &[0.0], Order(1, 0, 0)).unwrap().next - 4.0).abs() < 1e-12);
        let run = filter(&series, &[1e6], Order(1, 0, 0)).unwrap();
        assert!((run.next - 9.0).abs() < 1e-3, "a random walk stays where it is: {}", run.next);
    }

    #[test]
    fn an_ma_of_one_shock_expects_its_echo() {
        // theta = 0.5 and a long quiet past: the last innovation is the last value.
        let mut series = vec![0.0; 30];
        series.push(2.0);
        let x = -0.5 / (1.0_f64 - 0.25).sqrt();
        assert!((filter(&series, &[x], Order(0, 1, 1)).unwrap().next - 1.0).abs() < 1e-6);
    }
}
