//! How each beacon node is spared when whole states are asked for: how much it may be asked to send in an hour, whether it serves
//! states at all, and who is asked first. Whoever failed or lied is asked later than the others, and never forgotten.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A node that has said so often in a row that it has no such state serves none. A single time it may have been too early or too late.
const ABSENT: u32 = 3;
/// It is asked again after this: its operator may have changed that.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// What a budget is for.
const HOUR: Duration = Duration::from_secs(3600);

/// What is known of one provider as a source of states.
#[derive(Debug, Default)]
pub(super) struct Care(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// States in a row that did not come, or were false.
    failures: u32,
    /// Times in a row that it said to have no such state.
    absent: u32,
    /// Since when it is known to serve none.
    none_since: Option<Instant>,
    /// Bytes of its largest state so far.
    largest: u64,
    /// When the hour began, and the bytes since.
    hour: Option<(Instant, u64)>,
}

/// What came of asking for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// One that fits.
    State,
    /// It has none, or none that can be proved.
    None,
    /// Nothing of use.
    Trouble,
}

impl Care {
    /// Its place in the order in which states are asked for: the smaller, the sooner. `None`: not to be asked now, because it
    /// serves none or another state would exceed `budget` bytes in this hour.
    pub(super) fn rank(&self, budget: u64, now: Instant) -> Option<u32> {
        let mut known = self.known();
        if known.none_since.is_some_and(|since| now.duration_since(since) < ASK_AGAIN) {
            return None;
        }
        if known.hour.is_some_and(|(since, _)| now.duration_since(since) >= HOUR) {
            known.hour = None;
        }
        let spent = known.hour.map_or(0, |(_, spent)| spent);
        (spent.saturating_add(known.largest.max(1)) <= budget).then_some(known.failures)
    }

    /// Notes what asking brought, and how many bytes it took.
    pub(super) fn note(&self, came: Came, bytes: u64, now: Instant) {
        let mut known = self.known();
        let (since, spent) = known.hour.unwrap_or((now, 0));
        known.hour = Some((since, spent.saturating_add(bytes)));
        known.largest = known.largest.max(bytes);
        match came {
            Came::State => {
                known.failures = 0;
                known.absent = 0;
                known.none_since = None;
            }
            Came::None => {
                known.failures = known.failures.saturating_add(1);
                known.absent = known.absent.saturating_add(1);
                known.none_since = (known.absent >= ABSENT).then_some(now);
            }
            Came::Trouble => known.failures = known.failures.saturating_add(1),
        }
    }

    /// Forgets what was learnt about the node behind the address, but not what it was asked for.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        known.absent = 0;
        known.none_since = None;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_asked_later_and_who_succeeds_is_forgiven() {
        let (care, now) = (Care::default(), Instant::now());
        assert_eq!(care.rank(1000, now), Some(0));
        care.note(Came::Trouble, 0, now);
        assert_eq!(care.rank(1000, now), Some(1));
        care.note(Came::State, 10, now);
        assert_eq!(care.rank(1000, now), Some(0));
    }

    #[test]
    fn no_more_is_asked_in_an_hour_than_the_budget() {
        let (care, now) = (Care::default(), Instant::now());
        care.note(Came::State, 400, now);
        assert_eq!(care.rank(1000, now), Some(0));
        care.note(Came::State, 300, now);
        // Another of the largest size would be too much.
        assert_eq!(care.rank(1000, now), None);
        assert_eq!(care.rank(1000, now + HOUR), Some(0));
        assert_eq!(care.rank(0, now + HOUR), None);
    }

    #[test]
    fn who_serves_no_states_is_asked_again_after_an_hour() {
        let (care, now) = (Care::default(), Instant::now());
        for _ in 1..ABSENT {
            care.note(Came::None, 0, now);
            assert!(care.rank(1000, now).is_some());
        }
        care.note(Came::None, 0, now);
        assert_eq!(care.rank(1000, now), None);
        assert!(care.rank(1000, now + ASK_AGAIN).is_some());
        care.note(Came::None, 0, now + ASK_AGAIN);
        assert_eq!(care.rank(1000, now + ASK_AGAIN), None);
        care.forget();
        assert!(care.rank(1000, now + ASK_AGAIN).is_some());
    }
}
