//! Autoregression by least squares: a constant and p lags, fitted again each day to all days before.

use super::averages::before;
use std::ops::Range;

/// The forecast of each of `origins`. Where the days before say nothing about the coefficients, as a constant series does, it is the last day.
pub(super) fn autoregression(cut: &[f64], lags: usize, origins: Range<usize>) -> Vec<f64> {
    origins
        .map(|origin| {
            let rows =
                (lags..origin).map(|day| (regressors(cut, lags, day), cut.get(day).copied().unwrap_or_default()));
            let fitted = least_squares(rows, lags + 1);
            let last = before(cut, origin, 1).first().copied().unwrap_or_default();
            fitted.map_or(last, |coefficients| dot(&coefficients, &regressors(cut, lags, origin)))
        })
        .collect()
}

/// One, then the days before `day`, the nearest first.
fn regressors(cut: &[f64], lags: usize, day: usize) -> Vec<f64> {
    std::iter::once(1.0).chain(before(cut, day, lags).iter().rev().copied()).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// The coefficients that minimise the squares, from the normal equations; `None` if they are not determined.
fn least_squares(rows: impl Iterator<Item = (Vec<f64>, f64)>, size: usize) -> Option<Vec<f64>> {
    let mut equations = vec![vec![0.0; size + 1]; size];
    for (row, target) in rows {
        for (equation, factor) in equations.iter_mut().zip(&row) {
            for (entry, value) in equation.iter_mut().zip(row.iter().chain([&target])) {
                *entry += factor * value;
            }
        }
    }
    solve(equations)
}

/// The solution of linear equations, of which each row holds the factors and then the right side, by elimination with row pivots.
pub(super) fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = rows.len();
    let scale = rows.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    for column in 0..size {
        let size_of = |row: &Vec<f64>| row.get(column).map_or(0.0, |value| value.abs());
        let pivot = (column..size).max_by(|&a, &b| {
            let of = |at: usize| rows.get(at).map_or(0.0, size_of);
            of(a).total_cmp(&of(b))
        })?;
        rows.swap(column, pivot);
        let (done, below) = rows.split_at_mut(column + 1);
        let pivot_row = done.last()?;
        let pivot = *pivot_row.get(column)?;
        if pivot.abs() <= scale * 1e-14 {
            return None;
        }
        for row in below {
            let factor = *row.get(column)? / pivot;
            for (entry, value) in row.iter_mut().zip(pivot_row).skip(column) {
                *entry -= factor * value;
            }
        }
    }
    let mut solution = vec![0.0; size];
    for at in (0..size).rev() {
        let row = rows.get(at)?;
        let known: f64 = row.iter().zip(&solution).skip(at + 1).map(|(factor, value)| factor * value).sum();
        let value = (row.get(size)? - known) / row.get(at)?;
        *solution.get_mut(at)? = value;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_with_a_pivot_that_is_not_on_the_diagonal() {
        let solution =
            solve(vec![vec![0.0, 2.0, 1.0, 7.0], vec![1.0, 1.0, 1.0, 6.0], vec![2.0, 1.0, 3.0, 13.0]]).unwrap();
        for (found, wanted) in solution.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{solution:?}");
        }
        assert_eq!(solve(vec![vec![1.0, 2.0, 3.0], vec![2.0, 4.0, 6.0]]), None);
    }

    #[test]
    fn an_autoregression_finds_the_rule_of_a_series_without_noise() {
        let mut days = vec![1.0, 5.0];
        for at in 2..40 {
            days.push(3.0 + 0.5 * days[at - 1] - 0.9 * days[at - 2]);
        }
        let forecasts = autoregression(&days, 2, 20..40);
        assert!(forecasts.iter().zip(&days[20..]).all(|(forecast, day)| (forecast - day).abs() < 1e-6));
        assert_eq!(autoregression(&[4.0; 12], 1, 10..12), [4.0, 4.0], "a constant says nothing of its coefficients");
    }
}
