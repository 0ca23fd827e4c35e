//! How each beacon node is spared when whole states are asked for: whether it serves states at all, who is asked first, and who
//! is left in backoff for a while. Whoever failed or lied is asked later than the others, and never forgotten. How much it may be
//! made to send is its [budget](crate::beacon::budget).

use guardian_protocol::Epoch;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A node that has said so often in a row that it has no such state serves none. A single time it may have been too early or too late.
const ABSENT: u32 = 3;
/// It is asked again after this: its operator may have changed that.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// A node that was in trouble so often in a row is left in backoff: for an epoch, then for two, four, ...
const REPEATEDLY: u32 = 2;
/// Never longer than this.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);
/// States that come sooner than this are equally fast; from here on, twice the time is another class.
const FAST: Duration = Duration::from_millis(500);

/// What is known of one provider as a source of states.
#[derive(Debug, Default)]
pub(super) struct ProviderHealth(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The epoch that it last called finalized.
    finalized: Epoch,
    /// States in a row that were false.
    lies: u32,
    /// States in a row that did not come, or were false.
    failures: u32,
    /// The same, without the times when it said that it has none.
    troubles: u32,
    /// A state of it was proved. Then it may be asked for one too late, but serves them.
    serves: bool,
    /// Times in a row that it said to have no such state.
    absent: u32,
    /// Since when it is known to serve none.
    none_since: Option<Instant>,
    /// Until when it is left in backoff.
    backoff: Option<Instant>,
    /// How long a state takes: a moving average.
    latency: Option<Duration>,
}

/// A provider's place in the order in which states are asked for: the smaller, the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    lies: u32,
    /// Epochs that it is behind.
    behind: u64,
    failures: u32,
    /// Doublings of [`FAST`]: coarse, so that the order does not change with every breath. Who has not been tried yet counts
    /// as fast, so that everybody is tried.
    latency: u32,
}

/// What came of asking for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    /// One that fits, after this long.
    State(Duration),
    /// It has none, or none that can be proved.
    None,
    /// One that does not fit.
    Lie,
    /// Nothing of use.
    Trouble,
}

impl ProviderHealth {
    /// Its rank for the state of the finalized `epoch`. `None`: not to be asked now, because it serves none or is left in backoff.
    pub(super) fn rank(&self, epoch: Epoch, now: Instant) -> Option<Rank> {
        let known = self.known();
        if known.none_since.is_some_and(|since| now.saturating_duration_since(since) < ASK_AGAIN)
            || known.backoff.is_some_and(|until| now < until)
        {
            return None;
        }
        let classes = known.latency.map_or(0, |latency| latency.as_millis() / FAST.as_millis());
        let behind = epoch.0.saturating_sub(known.finalized.0);
        let latency = (classes + 1).ilog2();
        Some(Rank { lies: known.lies, behind, failures: known.failures, latency })
    }

    /// Its last state was false: until one is true it has no word, or a liar would only have to lie until it is left in backoff.
    pub(super) fn has_lied(&self) -> bool {
        self.known().lies > 0
    }

    /// It called this epoch finalized.
    pub(super) fn finalized(&self, epoch: Epoch) {
        self.known().finalized = epoch;
    }

    /// Notes what asking brought. `epoch` is how long one lasts.
    pub(super) fn note(&self, outcome: FetchOutcome, epoch: Duration, now: Instant) {
        let mut known = self.known();
        match outcome {
            FetchOutcome::State(took) => {
                let latency = known.latency.map_or(took, |latency| (latency * 3 + took) / 4);
                *known = Known { finalized: known.finalized, serves: true, latency: Some(latency), ..Known::default() };
            }
            FetchOutcome::None => {
                known.failures = known.failures.saturating_add(1);
                known.absent = known.absent.saturating_add(1);
                known.none_since = (known.absent >= ABSENT && !known.serves).then_some(now);
            }
            FetchOutcome::Lie | FetchOutcome::Trouble => {
                known.lies = known.lies.saturating_add(u32::from(outcome == FetchOutcome::Lie));
                known.failures = known.failures.saturating_add(1);
                known.troubles = known.troubles.saturating_add(1);
                known.backoff = known.troubles.checked_sub(REPEATEDLY).map(|more| {
                    let doubled = epoch.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX));
                    now + doubled.min(LONGEST_BACKOFF)
                });
            }
        }
    }

    /// It was found out that it serves none.
    pub(super) fn serves_none(&self, now: Instant) {
        let mut known = self.known();
        known.absent = ABSENT;
        known.none_since = Some(now);
    }

    /// Forgets what was learnt about the node behind the address, but not how it did.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        known.serves = false;
        known.absent = 0;
        known.none_since = None;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Duration = Duration::from_secs(384);
    const QUICK: FetchOutcome = FetchOutcome::State(Duration::from_millis(100));

    /// A provider that has finalized epoch 9 and of which this came.
    fn health(outcomes: &[FetchOutcome]) -> ProviderHealth {
        let health = ProviderHealth::default();
        health.finalized(Epoch(9));
        for outcome in outcomes {
            health.note(*outcome, EPOCH, Instant::now());
        }
        health
    }

    fn rank(health: &ProviderHealth) -> Rank {
        health.rank(Epoch(9), Instant::now()).unwrap()
    }

    #[test]
    fn who_fails_is_asked_later_and_who_succeeds_is_forgiven() {
        let fresh = rank(&health(&[]));
        assert_eq!(fresh, rank(&health(&[QUICK])));
        for outcome in [FetchOutcome::Trouble, FetchOutcome::None, FetchOutcome::Lie] {
            assert!(rank(&health(&[outcome])) > fresh, "{outcome:?}");
            assert_eq!(
                health(&[outcome, FetchOutcome::Trouble, FetchOutcome::None]).has_lied(),
                outcome == FetchOutcome::Lie
            );
            assert_eq!(rank(&health(&[outcome, QUICK])), fresh, "{outcome:?}");
            assert!(!health(&[outcome, QUICK]).has_lied());
        }
    }

    #[test]
    fn the_freshest_honest_one_comes_first_and_then_the_faster() {
        let slow = health(&[FetchOutcome::State(Duration::from_secs(10))]);
        let behind = health(&[QUICK]);
        behind.finalized(Epoch(8));
        let mut order = [
            ("lied", rank(&health(&[FetchOutcome::Lie]))),
            ("failed", rank(&health(&[FetchOutcome::Trouble]))),
            ("behind", rank(&behind)),
            ("slow", rank(&slow)),
            ("fast", rank(&health(&[QUICK]))),
        ];
        order.sort_by_key(|(_, rank)| *rank);
        assert_eq!(order.map(|(name, _)| name), ["fast", "slow", "failed", "behind", "lied"]);
        // To be ahead is no merit.
        let ahead = health(&[QUICK]);
        ahead.finalized(Epoch(10));
        assert_eq!(rank(&ahead), rank(&health(&[QUICK])));
    }

    #[test]
    fn one_slow_state_among_fast_ones_does_not_change_the_order() {
        let health = health(&[FetchOutcome::State(Duration::from_secs(4)); 8]);
        let before = rank(&health);
        for millis in [3800, 4300, 5500, 4000] {
            health.note(FetchOutcome::State(Duration::from_millis(millis)), EPOCH, Instant::now());
            assert_eq!(rank(&health), before, "{millis}");
        }
        for _ in 0..8 {
            health.note(FetchOutcome::State(Duration::from_secs(60)), EPOCH, Instant::now());
        }
        assert!(rank(&health) > before);
    }

    #[test]
    fn who_is_in_trouble_repeatedly_is_left_in_peace_for_twice_as_long_each_time_but_never_longer_than_an_hour() {
        let (health, now) = (ProviderHealth::default(), Instant::now());
        health.note(FetchOutcome::Trouble, EPOCH, now);
        assert!(health.rank(Epoch(9), now).is_some(), "one failure may be chance");
        for minutes_in_tenths in [64, 128, 256, 512, 600, 600, 600] {
            health.note(FetchOutcome::Trouble, EPOCH, now);
            let backoff = Duration::from_secs(minutes_in_tenths * 6);
            assert_eq!(health.rank(Epoch(9), now + backoff - Duration::from_secs(1)), None, "{minutes_in_tenths}");
            assert!(health.rank(Epoch(9), now + backoff).is_some(), "{minutes_in_tenths}");
        }
        for _ in 0..100 {
            health.note(FetchOutcome::Lie, EPOCH, now);
        }
        assert!(health.rank(Epoch(9), now + LONGEST_BACKOFF).is_some());
        health.note(QUICK, EPOCH, now);
        assert!(health.rank(Epoch(9), now).is_some(), "a state ends it");
    }

    #[test]
    fn who_serves_no_states_is_asked_again_after_an_hour() {
        let (health, now) = (ProviderHealth::default(), Instant::now());
        let is_asked = |health: &ProviderHealth, now| health.rank(Epoch(9), now).is_some();
        for _ in 1..ABSENT {
            health.note(FetchOutcome::None, EPOCH, now);
            assert!(is_asked(&health, now));
        }
        health.note(FetchOutcome::None, EPOCH, now);
        assert!(!is_asked(&health, now));
        assert!(is_asked(&health, now + ASK_AGAIN));
        health.note(FetchOutcome::None, EPOCH, now + ASK_AGAIN);
        assert!(!is_asked(&health, now + ASK_AGAIN));
        health.forget();
        assert!(is_asked(&health, now + ASK_AGAIN));
        // Who has served one was asked too late, until there may be another node behind the address.
        health.note(QUICK, EPOCH, now);
        for _ in 0..2 * ABSENT {
            health.note(FetchOutcome::None, EPOCH, now);
            assert!(is_asked(&health, now));
        }
        health.forget();
        for _ in 0..ABSENT {
            health.note(FetchOutcome::None, EPOCH, now);
        }
        assert!(!is_asked(&health, now));
        health.forget();
        health.serves_none(now);
        assert!(!is_asked(&health, now));
        health.forget();
        assert!(is_asked(&health, now));
    }
}
