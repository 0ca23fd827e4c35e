//! How sure an error is: blocks of days drawn again and again (circular block bootstrap), because the errors of days in a row depend on each
//! other.

use super::score::rmse;
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Days in a block: a week, more than the cube root of the days that are here.
pub(super) const BLOCK: usize = 7;
/// Draws.
pub(super) const DRAWS: usize = 2_000;

/// Draws of days, the same ones for every model, so that differences between models can be drawn too.
pub(super) struct Bootstrap {
    draws: Vec<Vec<usize>>,
}

impl Bootstrap {
    /// For errors of so many days.
    pub(super) fn new(days: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let draws = (0..DRAWS)
            .map(|_| {
                let mut drawn = Vec::with_capacity(days + BLOCK);
                while drawn.len() < days {
                    let start = (rng.next_u64() % days as u64) as usize;
                    drawn.extend((start..start + BLOCK).map(|at| at % days));
                }
                drawn.truncate(days);
                drawn
            })
            .collect();
        Self { draws }
    }

    /// Between which two values the RMSE lies in 95 % of the draws.
    pub(super) fn interval(&self, errors: &[f64]) -> [f64; 2] {
        middle(self.draws.iter().map(|draw| drawn(errors, draw)).collect())
    }

    /// The same of one RMSE less another: where 0 lies between the two, the data do not say which is better.
    pub(super) fn interval_of_difference(&self, errors: &[f64], others: &[f64]) -> [f64; 2] {
        middle(self.draws.iter().map(|draw| drawn(errors, draw) - drawn(others, draw)).collect())
    }
}

fn drawn(errors: &[f64], draw: &[usize]) -> f64 {
    rmse(draw.iter().filter_map(|&at| errors.get(at)).copied())
}

fn middle(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values.get((part * values.len() as f64) as usize).copied().unwrap_or(f64::NAN);
    [at(0.025), at(0.975)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_error_and_shrinks_with_the_days() {
        let errors =
            |days: usize| -> Vec<f64> { (0..days).map(|day| [3.0, -1.0, 0.5, -4.0, 2.0][day * day % 5]).collect() };
        let width = |days: usize| {
            let errors = errors(days);
            let [low, high] = Bootstrap::new(days, 1).interval(&errors);
            let rmse = rmse(errors);
            assert!(low < rmse && rmse < high, "{low} {rmse} {high}");
            high - low
        };
        assert!(width(800) < width(50));
        let errors = errors(60);
        assert_eq!(Bootstrap::new(60, 1).interval_of_difference(&errors, &errors), [0.0, 0.0]);
    }
}
