//! What operators gain who buy tickets for their validators: many paths of chance, each a number of proposals and what each of them was paid.
//!
//! A path: K proposals, binomial; each is a slot drawn from those of the [`Payments`], with or without a payment; the beacon chain pays for
//! attestations and sync committees what it pays on average, and for each proposal its reward. Against that stands what the tickets cost, all
//! bought on the first day. `docs/ticket-price.md` has the definitions. Everything random is in gwei, so that sums are exact and the result
//! does not depend on who computed which part.

mod assumptions;
mod binomial;
mod payments;
mod sums;

pub use assumptions::{Assumptions, Capital, Model, Set};
pub use payments::Payments;

use assumptions::Balance;
use binomial::Binomial;
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use sums::Sums;

/// Paths with chance of their own: what a thread takes at once.
const BATCH: u64 = 1 << 14;

/// An operator: so many validators, for so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    /// Validators, fewer than the network has.
    pub validators: u64,
    /// Days that tickets are bought for.
    pub days: u64,
}

/// What became of an operator's paths at one discount. All in percent; a return is profit on capital, by the year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Paths with a gain.
    pub positive: f64,
    /// Median return.
    pub median: f64,
    /// The return that 5 % of paths do not reach: the value at risk (95 %) is minus this.
    pub low: f64,
    /// Mean return.
    pub mean: f64,
}

/// Follows `paths` of an operator's, and says what became of them at each of `discounts` (basis points). The same `seed` gives the same
/// numbers on any machine; `progress` hears of paths that are done.
pub fn simulate(
    model: &Model,
    operator: Operator,
    discounts: &[u16],
    paths: u64,
    seed: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Outcome> {
    let (balances, tally) = follow(model, operator, discounts, Chance { paths, seed }, progress);
    let outcome = |(balance, positive): (&Balance, &u64)| Outcome {
        positive: *positive as f64 * 100.0 / paths as f64,
        median: balance.percent(tally.revenues.quantile(0.5)),
        low: balance.percent(tally.revenues.quantile(0.05)),
        mean: balance.percent(tally.revenues.mean()),
    };
    balances.iter().zip(&tally.positive).map(outcome).collect()
}

/// The returns that the parts `quantiles` of an operator's paths do not exceed, percent a year.
#[must_use]
pub fn returns(model: &Model, operator: Operator, discount: u16, chance: Chance, quantiles: &[f64]) -> Vec<f64> {
    let (balances, tally) = follow(model, operator, &[discount], chance, &|_| {});
    let of = |quantile: &f64| balances.first().map(|balance| balance.percent(tally.revenues.quantile(*quantile)));
    quantiles.iter().filter_map(of).collect()
}

/// How much of it, and which.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// How many paths.
    pub paths: u64,
    /// Where they begin.
    pub seed: u64,
}

fn follow(
    model: &Model,
    operator: Operator,
    discounts: &[u16],
    Chance { paths, seed }: Chance,
    progress: &(dyn Fn(u64) + Sync),
) -> (Vec<Balance>, Tally) {
    let balances: Vec<_> = discounts.iter().map(|&discount| model.balance(operator, discount)).collect();
    let break_even = balances.iter().map(Balance::break_even).collect();
    let path = Path { model, proposals: model.proposals(operator), break_even };
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let work = || {
        let mut tally = Tally { revenues: Sums::new(), positive: vec![0; discounts.len()] };
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            let count = BATCH.min(paths.saturating_sub(batch.saturating_mul(BATCH)));
            if count == 0 {
                return tally;
            }
            path.follow(count, &mut rng(seed, operator, batch), &mut tally);
            progress(count);
        }
    };
    let tally = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut tally = work();
        for other in others {
            match other.join() {
                Ok(other) => tally.merge(&other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        tally
    });
    (balances, tally)
}

/// Chance of one batch.
fn rng(seed: u64, Operator { validators, days }: Operator, batch: u64) -> Xoshiro256PlusPlus {
    let mut bytes = [0; 32];
    for (part, word) in bytes.chunks_exact_mut(8).zip([seed, validators, days, batch]) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    // The generator is not made to be begun with words like these: mixed once by its own seeding.
    let mut mixed = 0;
    for part in bytes.chunks_exact(8) {
        let word = part.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        mixed = Xoshiro256PlusPlus::seed_from_u64(mixed ^ word).next_u64();
    }
    Xoshiro256PlusPlus::seed_from_u64(mixed)
}

struct Path<'a> {
    model: &'a Model,
    proposals: Binomial,
    /// Revenues above which there is a gain, by discount, gwei.
    break_even: Vec<f64>,
}

struct Tally {
    revenues: Sums,
    positive: Vec<u64>,
}

impl Path<'_> {
    fn follow(&self, count: u64, rng: &mut impl RngCore, tally: &mut Tally) {
        for _ in 0..count {
            let proposals = self.proposals.draw(rng.next_u64());
            let mut revenue = proposals * self.model.proposal;
            for _ in 0..proposals / 2 {
                let random = rng.next_u64();
                revenue += self.model.payment(random >> 32) + self.model.payment(random & 0xffff_ffff);
            }
            if proposals % 2 == 1 {
                revenue += self.model.payment(rng.next_u64() >> 32);
            }
            tally.revenues.add(revenue);
            for (positive, break_even) in tally.positive.iter_mut().zip(&self.break_even) {
                *positive += u64::from(revenue as f64 > *break_even);
            }
        }
    }
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.revenues.merge(&other.revenues);
        for (positive, other) in self.positive.iter_mut().zip(&other.positive) {
            *positive += other;
        }
    }
}

#[cfg(test)]
mod tests;
