//! How often it happens: draws from a binomial distribution by the alias method (Walker, Vose), two halves of one random number each.

/// A table from which one draw is two look-ups.
#[derive(Clone, Debug)]
pub(super) struct Binomial {
    first: u64,
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    /// Below it, in 2^32nds, the column's own number; otherwise the other.
    own: u64,
    other: u32,
}

const WHOLE: f64 = 4_294_967_296.0;

impl Binomial {
    /// For `trials`, each of which succeeds with `chance`, which is less than 1. Numbers that are less likely than one in 10^16 of the
    /// likeliest are left out.
    pub(super) fn new(trials: u64, chance: f64) -> Self {
        let odds = chance / (1.0 - chance);
        let mode = (((trials + 1) as f64 * chance) as u64).min(trials);
        // Each from its neighbour, from the mode on to both sides.
        let up = |weight: f64, k: u64| weight * (trials - k) as f64 / (k + 1) as f64 * odds;
        let down = |weight: f64, k: u64| weight * k as f64 / (trials - k + 1) as f64 / odds;
        let mut below = Vec::new();
        let (mut k, mut weight) = (mode, 1.0);
        while k > 0 && weight > 1e-16 {
            weight = down(weight, k);
            k -= 1;
            below.push(weight);
        }
        let first = k;
        let mut weights: Vec<f64> = below.into_iter().rev().chain([1.0]).collect();
        let (mut k, mut weight) = (mode, 1.0);
        while k < trials && weight > 1e-16 {
            weight = up(weight, k);
            k += 1;
            weights.push(weight);
        }
        Self { first, columns: columns(&weights) }
    }

    /// A draw from 64 random bits.
    pub(super) fn draw(&self, random: u64) -> u64 {
        let at = ((random >> 32) * self.columns.len() as u64) >> 32;
        let Some(column) = self.columns.get(at as usize) else { return self.first };
        self.first + if random & 0xffff_ffff < column.own { at } else { u64::from(column.other) }
    }
}

/// Weights levelled: each column is filled up from one that has too much.
fn columns(weights: &[f64]) -> Vec<Column> {
    let total: f64 = weights.iter().sum();
    let mut heights: Vec<f64> = weights.iter().map(|weight| weight * weights.len() as f64 / total).collect();
    let (mut low, mut high): (Vec<usize>, Vec<usize>) =
        (0..heights.len()).partition(|&at| heights.get(at).is_some_and(|height| *height < 1.0));
    let mut columns = vec![Column { own: 1 << 32, other: 0 }; heights.len()];
    while let (Some(small), Some(&large)) = (low.pop(), high.last()) {
        let height = heights.get(small).copied().unwrap_or_default();
        if let Some(column) = columns.get_mut(small) {
            *column = Column { own: (height * WHOLE) as u64, other: u32::try_from(large).unwrap_or_default() };
        }
        if let Some(rest) = heights.get_mut(large) {
            *rest -= 1.0 - height;
            if *rest < 1.0 {
                high.pop();
                low.push(large);
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{RngCore, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn draws_have_the_mean_the_variance_and_the_zeros_of_the_distribution() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for (trials, chance) in [(7_200 * 365, 1.0 / 927_122.0), (7_200 * 182, 50.0 / 927_122.0), (10, 0.3), (3, 0.999)]
        {
            let binomial = Binomial::new(trials, chance);
            let count = 400_000;
            let draws: Vec<f64> = (0..count).map(|_| binomial.draw(rng.next_u64()) as f64).collect();
            let (mean, wanted) = (draws.iter().sum::<f64>() / f64::from(count), trials as f64 * chance);
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / f64::from(count);
            let spread = wanted * (1.0 - chance);
            assert!((mean - wanted).abs() < 6.0 * (spread / f64::from(count)).sqrt(), "{mean} and {wanted}");
            assert!((variance / spread - 1.0).abs() < 0.02, "{variance} and {spread}");
            let (zeros, none) = (draws.iter().filter(|draw| **draw == 0.0).count(), (1.0 - chance).powf(trials as f64));
            assert!((zeros as f64 / f64::from(count) - none).abs() < 0.003, "{zeros} and {none}");
            assert!(draws.iter().all(|draw| *draw <= trials as f64));
        }
    }
}
