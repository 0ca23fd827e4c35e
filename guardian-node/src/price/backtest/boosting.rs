//! Gradient boosting of regression trees of depth two (Friedman's, squared error) on lags and moments of the days before: 100 trees, rate
//! 0.05, each grown on four fifths of the days; fitted again each day.

use super::averages::{before, mean};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::ops::Range;

const TREES: usize = 100;
const RATE: f64 = 0.05;
const SUBSAMPLE: f64 = 0.8;
const LAGS: usize = 8;
/// Days that the moments need.
const REACH: usize = 10;

/// The forecast of each of `origins`. Chance decides which days a tree sees.
pub(super) fn forecasts(cut: &[f64], seed: u64, origins: Range<usize>) -> Vec<f64> {
    origins
        .map(|origin| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(1 << 32).wrapping_add(origin as u64));
            let rows: Vec<Vec<f64>> = (REACH..origin).map(|day| features(cut, day)).collect();
            let targets = cut.get(REACH..origin).unwrap_or_default();
            boosted(&rows, targets, &features(cut, origin), &mut rng)
        })
        .collect()
}

/// Eight lags, the means of three, eight and ten days, and the standard deviation of ten.
fn features(cut: &[f64], day: usize) -> Vec<f64> {
    let ten = before(cut, day, REACH);
    let middle = mean(ten);
    let deviation = (ten.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / ten.len() as f64).sqrt();
    let moments = [mean(before(cut, day, 3)), mean(before(cut, day, LAGS)), middle, deviation];
    before(cut, day, LAGS).iter().rev().copied().chain(moments).collect()
}

/// A question to a feature: is it at most this?
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    threshold: f64,
}

impl Split {
    fn is_left(&self, row: &[f64]) -> bool {
        row.get(self.feature).is_some_and(|value| *value <= self.threshold)
    }
}

/// What `wanted` is by trees that were fitted to `rows` and `targets` one after the other.
fn boosted(rows: &[Vec<f64>], targets: &[f64], wanted: &[f64], rng: &mut impl RngCore) -> f64 {
    let start = mean(targets);
    let mut fitted = vec![start; rows.len()];
    let mut answer = start;
    // The rows by each feature's order: sorted once for all trees.
    let features = wanted.len();
    let orders: Vec<Vec<usize>> = (0..features)
        .map(|feature| {
            let value = |at: &usize| rows.get(*at).and_then(|row| row.get(feature)).copied().unwrap_or_default();
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by(|one, other| value(one).total_cmp(&value(other)));
            order
        })
        .collect();
    for _ in 0..TREES {
        let sample = sampled(rows.len(), rng);
        let residuals: Vec<f64> = targets.iter().zip(&fitted).map(|(target, fitted)| target - fitted).collect();
        let tree = Tree::grown(&Grower { rows, orders: &orders, residuals: &residuals }, &sample);
        for (fitted, row) in fitted.iter_mut().zip(rows) {
            *fitted += RATE * tree.value(row);
        }
        answer += RATE * tree.value(wanted);
    }
    answer
}

/// Which rows a tree sees: a part of them, without replacement.
fn sampled(rows: usize, rng: &mut impl RngCore) -> Vec<bool> {
    let mut left = (rows as f64 * SUBSAMPLE) as u64;
    (0..rows)
        .map(|at| {
            // Each of the rest with the same chance (Knuth's selection sampling).
            let rest = (rows - at) as u64;
            let taken = rng.next_u64() % rest < left;
            left -= u64::from(taken);
            taken
        })
        .collect()
}

/// A leaf, or a question with two of them.
enum Tree {
    Leaf(f64),
    Fork(Split, Box<[Tree; 2]>),
}

/// What trees grow on.
struct Grower<'a> {
    rows: &'a [Vec<f64>],
    orders: &'a [Vec<usize>],
    residuals: &'a [f64],
}

impl Tree {
    /// A tree of depth two on the rows of `sample`.
    fn grown(grower: &Grower<'_>, sample: &[bool]) -> Self {
        let Some(root) = grower.best_split(sample) else { return grower.leaf(sample) };
        Self::Fork(
            root,
            Box::new([true, false].map(|side| {
                let half = grower.side(sample, root, side);
                let Some(split) = grower.best_split(&half) else { return grower.leaf(&half) };
                Self::Fork(split, Box::new([true, false].map(|side| grower.leaf(&grower.side(&half, split, side)))))
            })),
        )
    }

    fn value(&self, row: &[f64]) -> f64 {
        match self {
            Self::Leaf(value) => *value,
            Self::Fork(split, sides) => {
                let [left, right] = sides.as_ref();
                if split.is_left(row) { left.value(row) } else { right.value(row) }
            }
        }
    }
}

impl Grower<'_> {
    fn leaf(&self, sample: &[bool]) -> Tree {
        let (count, sum) = self.moments(sample);
        Tree::Leaf(if count == 0.0 { 0.0 } else { sum / count })
    }

    fn moments(&self, sample: &[bool]) -> (f64, f64) {
        let of = self.residuals.iter().zip(sample).filter(|(_, taken)| **taken);
        of.fold((0.0, 0.0), |(count, sum), (residual, _)| (count + 1.0, sum + residual))
    }

    fn side(&self, sample: &[bool], split: Split, left: bool) -> Vec<bool> {
        self.rows.iter().zip(sample).map(|(row, taken)| *taken && split.is_left(row) == left).collect()
    }

    /// The question that leaves the least squares; `None` if no feature tells the rows apart.
    fn best_split(&self, sample: &[bool]) -> Option<Split> {
        let (count, total) = self.moments(sample);
        let mut best: Option<(f64, Split)> = None;
        for (feature, order) in self.orders.iter().enumerate() {
            let (mut seen, mut sum, mut last) = (0.0, 0.0, f64::NAN);
            for &at in order {
                let (Some(true), Some(row), Some(residual)) =
                    (sample.get(at), self.rows.get(at), self.residuals.get(at))
                else {
                    continue;
                };
                let value = row.get(feature).copied()?;
                if value > last {
                    let rest = count - seen;
                    let gain = seen * rest * (sum / seen - (total - sum) / rest).powi(2);
                    if best.is_none_or(|(most, _)| gain > most) {
                        best = Some((gain, Split { feature, threshold: f64::midpoint(last, value) }));
                    }
                }
                (seen, sum, last) = (seen + 1.0, sum + residual, value);
            }
        }
        best.map(|(_, split)| split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(7)
    }

    #[test]
    fn trees_learn_a_rule_that_needs_two_questions() {
        let rows: Vec<Vec<f64>> =
            (0..80).map(|at| vec![f64::from(at % 2), f64::from(at / 2 % 2), f64::from(at)]).collect();
        let target = |row: &[f64]| if row[0] > 0.5 { 10.0 + 5.0 * row[1] } else { 0.0 };
        let targets: Vec<f64> = rows.iter().map(|row| target(row)).collect();
        for wanted in [[0.0, 1.0, 3.0], [1.0, 0.0, 3.0], [1.0, 1.0, 3.0]] {
            let answer = boosted(&rows, &targets, &wanted, &mut rng());
            assert!((answer - target(&wanted)).abs() < 0.3, "{wanted:?}: {answer}");
        }
    }

    #[test]
    fn a_series_that_tells_nothing_is_its_mean() {
        assert_eq!(forecasts(&[3.0; 40], 1, 30..32), [3.0, 3.0]);
        let sample = sampled(50, &mut rng());
        assert_eq!(sample.iter().filter(|taken| **taken).count(), 40);
    }
}
