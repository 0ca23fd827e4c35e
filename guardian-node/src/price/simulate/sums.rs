//! Sums of many paths, kept as counts: a histogram whose bins are 1/2048 of their value wide, so that memory does not depend on how many
//! there are, and quantiles are right to a fortieth of a percent.

const BITS: u32 = 11;
const STEPS: u64 = 1 << BITS;
const BINS: usize = (65 - BITS as usize) << BITS;

/// Counts of sums, exact below 2048.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    counts: Vec<u64>,
    total: u128,
    number: u64,
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BINS], total: 0, number: 0 }
    }

    pub(super) fn add(&mut self, sum: u64) {
        if let Some(count) = self.counts.get_mut(bin(sum)) {
            *count += 1;
        }
        self.total += u128::from(sum);
        self.number += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        self.total += other.total;
        self.number += other.number;
    }

    /// Exact, whatever the order of adding.
    pub(super) fn mean(&self) -> f64 {
        self.total as f64 / self.number as f64
    }

    /// By linear interpolation between the two sums in whose middle it lies.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        let place = quantile * self.number.saturating_sub(1) as f64;
        let (low, high) = (self.ranked(place.floor() as u64), self.ranked(place.ceil() as u64));
        low + (high - low) * place.fract()
    }

    /// The sum with so many below it. Inside a bin sums are taken to lie evenly.
    fn ranked(&self, rank: u64) -> f64 {
        let mut below = 0;
        for (bin, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if rank < below + count {
                let (start, width) = bounds(bin as u64);
                let part = ((rank - below) as f64 + 0.5) / count as f64;
                return start as f64 + part * (width - 1) as f64;
            }
            below += count;
        }
        0.0
    }
}

fn bin(sum: u64) -> usize {
    if sum < STEPS {
        return sum as usize;
    }
    let exponent = sum.ilog2();
    (u64::from(exponent - BITS + 1) * STEPS + (sum >> (exponent - BITS)) - STEPS) as usize
}

/// Where a bin begins, and how many numbers it has.
const fn bounds(bin: u64) -> (u64, u64) {
    match (bin / STEPS).checked_sub(1) {
        None => (bin, 1),
        Some(shift) => ((STEPS + bin % STEPS) << shift, 1 << shift),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_lies_in_its_bin(sum in any::<u64>(), bits in 0..64_u32) {
            let sum = sum >> bits;
            let (start, width) = bounds(bin(sum) as u64);
            prop_assert!(bin(sum) < BINS);
            prop_assert!(start <= sum && sum - start < width && width <= 1 + start / STEPS, "{sum}: {start} {width}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_numbers() {
        let mut sums = Sums::new();
        let mut numbers: Vec<u64> = (0..10_001_u64).map(|at| at * at * 7_919 % 1_000_003 * 1_000).collect();
        numbers.iter().for_each(|&number| sums.add(number));
        numbers.sort_unstable();
        for (quantile, at) in [(0.0, 0), (0.05, 500), (0.5, 5_000), (1.0, 10_000)] {
            let (found, wanted) = (sums.quantile(quantile), numbers[at] as f64);
            assert!((found - wanted).abs() <= wanted / 2_048.0 + 0.5, "{quantile}: {found} and {wanted}");
        }
        let mut twice = sums.clone();
        twice.merge(&sums);
        assert_eq!((twice.mean(), twice.number), (sums.mean(), 20_002));
    }
}
