//! What one beacon node is made to send for whole states: so many bytes in any hour, counted while they arrive, whatever becomes
//! of them. A download that would exceed it is not begun, or is cut off.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// What a budget is for.
const HOUR: Duration = Duration::from_secs(3600);
/// Bytes of so long a time are remembered as one number.
const MINUTE: Duration = Duration::from_secs(60);
/// So much of the budget is kept back for what is on its way when a download is cut off: 96 MB of mainnet's 6 GB, where a
/// connection's buffers hold some megabytes.
const KEPT_BACK: u64 = 64;

/// The bytes of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    /// When a minute began, and its bytes; oldest first, at most an hour's.
    minutes: VecDeque<(Instant, u64)>,
    /// Bytes of the state under way.
    current: u64,
    /// Bytes of the largest state so far, or of what came of it.
    largest: u64,
}

impl Budget {
    /// Whether another state as large as the largest so far would stay below `budget`.
    pub(crate) fn affords(&self, budget: u64, now: Instant) -> bool {
        let mut spent = self.spent();
        spent.left(budget, now) >= Some(spent.largest.max(1))
    }

    /// A state begins, of which the provider says how long it is, if it does. `false`: it is too long for what is left.
    #[must_use]
    pub(crate) fn begin(&self, declared: Option<u64>, budget: u64, now: Instant) -> bool {
        let mut spent = self.spent();
        spent.current = 0;
        spent.largest = spent.largest.max(declared.unwrap_or(0));
        spent.left(budget, now) >= Some(declared.unwrap_or(1))
    }

    /// So many bytes came. `false`: no more may.
    #[must_use]
    pub(crate) fn spend(&self, bytes: u64, budget: u64, now: Instant) -> bool {
        let mut spent = self.spent();
        match spent.minutes.back_mut() {
            Some((since, sum)) if now.saturating_duration_since(*since) < MINUTE => *sum = sum.saturating_add(bytes),
            _ => spent.minutes.push_back((now, bytes)),
        }
        spent.current = spent.current.saturating_add(bytes);
        spent.largest = spent.largest.max(spent.current);
        spent.left(budget, now).is_some()
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    /// What may still come; `None`: more than that has. A minute is forgotten when all of it is an hour ago.
    fn left(&mut self, budget: u64, now: Instant) -> Option<u64> {
        let is_old = |since: Instant| now.saturating_duration_since(since) >= HOUR + MINUTE;
        while self.minutes.front().is_some_and(|(since, _)| is_old(*since)) {
            self.minutes.pop_front();
        }
        let sum = self.minutes.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        (budget - budget / KEPT_BACK).checked_sub(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_state_is_begun_that_may_exceed_the_budget() {
        let (budget, now) = (Budget::default(), Instant::now());
        assert!(budget.affords(1000, now) && budget.begin(None, 1000, now) && budget.spend(400, 1000, now));
        assert!(budget.affords(1000, now) && budget.begin(None, 1000, now) && budget.spend(300, 1000, now));
        // Another of the largest size would be too much.
        assert!(!budget.affords(1000, now));
        assert!(!budget.affords(1000, now + HOUR) && budget.affords(1000, now + HOUR + MINUTE));
        assert!(!budget.affords(0, now + HOUR + MINUTE));
        assert!(!Budget::default().affords(0, now));
    }

    #[test]
    fn a_state_that_says_that_it_is_too_long_is_not_begun_and_not_asked_for_again() {
        let (budget, now) = (Budget::default(), Instant::now());
        assert!(!budget.begin(Some(1001), 1000, now));
        assert!(!budget.affords(1000, now));
        assert!(budget.affords(2000, now));
    }

    #[test]
    fn the_very_first_state_is_cut_off_before_it_exceeds_the_budget() {
        let (budget, now) = (Budget::default(), Instant::now());
        assert!(budget.begin(None, 6400, now));
        let pieces = (1..).take_while(|_| budget.spend(10, 6400, now)).count();
        assert_eq!(pieces, 630);
        assert!(!budget.affords(6400, now + HOUR + MINUTE));
    }

    proptest! {
        #[test]
        fn in_no_hour_is_more_taken_than_the_budget(
            steps in proptest::collection::vec((0_u64..1200, 1_u64..50), 1..300), most in 200_u64..5000,
        ) {
            let (budget, start) = (Budget::default(), Instant::now());
            let (mut now, mut taken) = (start, Vec::new());
            for (wait, bytes) in steps {
                now += Duration::from_secs(wait);
                if budget.begin(Some(bytes), most, now) {
                    let _may_go_on = budget.spend(bytes, most, now);
                    taken.push((now, bytes));
                }
            }
            for (since, _) in &taken {
                let hour = taken.iter().filter(|(at, _)| at >= since && *at - *since < HOUR);
                prop_assert!(hour.map(|(_, bytes)| bytes).sum::<u64>() <= most);
            }
        }
    }
}
