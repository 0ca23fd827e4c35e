//! How much of `eth_getLogs` one node bears at once: blocks in a request, requests at a time, and a pause when it is asked too often.
//! Learnt from its answers; nothing here is remembered for good, because nodes get better again.

use std::time::Duration;

/// The largest range that is tried, in blocks.
const LARGEST_RANGE: u64 = 100_000;
/// Requests that are open at a time at most.
const MOST_AT_ONCE: usize = 4;
/// A request that takes less may be for more blocks the next time.
const QUICK: Duration = Duration::from_millis(800);
/// A request that takes more is for fewer blocks the next time: between the two is what is aimed at.
const SLOW: Duration = Duration::from_secs(2);
/// The first pause of a node that is asked too often.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After so many requests that were answered, a range that was refused once is tried again.
const FORGIVES: u32 = 256;

/// A range that is refused is approached up to this part of what is borne: closer is not worth the refusals.
const CLOSE: u64 = 16;

/// Refusals that nobody understands, before less is asked for.
const PATIENT: u32 = 3;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    range: u64,
    /// The largest range that was answered.
    borne: u64,
    /// Ranges from this one on were refused.
    refused: u64,
    at_once: usize,
    /// The last pause, while it is asked too often.
    pause: Option<Duration>,
    /// Refusals since the last answer that nobody understands.
    puzzles: u32,
    answered: u32,
}

impl Pace {
    /// Begins with `range` blocks.
    pub(crate) fn new(range: u64) -> Self {
        let range = range.max(1);
        Self { range, borne: 0, refused: u64::MAX, at_once: MOST_AT_ONCE, pause: None, puzzles: 0, answered: 0 }
    }

    /// Blocks in a request.
    pub(super) const fn range(&self) -> u64 {
        self.range
    }

    /// Blocks in a request, if more of them were refused.
    pub(super) fn bound(&self) -> Option<u64> {
        (self.refused < u64::MAX).then_some(self.range)
    }

    /// Requests at a time: one alone, if nobody knows yet whether the node bears so many blocks.
    pub(super) const fn at_once(&self) -> usize {
        if self.range > self.borne { 1 } else { self.at_once }
    }

    /// A request for `blocks` was answered.
    pub(super) fn answered(&mut self, blocks: u64, took: Duration) {
        (self.pause, self.puzzles) = (None, 0);
        self.at_once = self.at_once.saturating_add(1).min(MOST_AT_ONCE);
        self.borne = self.borne.max(blocks);
        self.answered = self.answered.saturating_add(1);
        if self.answered >= FORGIVES {
            (self.answered, self.refused) = (0, self.refused.saturating_mul(2));
        }
        if took > SLOW {
            self.range = (blocks / 2).clamp(1, self.range);
        } else if took < QUICK && blocks >= self.range {
            self.range = self.larger();
        }
    }

    /// Twice the range, or half the way to where it was refused.
    fn larger(&self) -> u64 {
        let room = self.refused.saturating_sub(self.range);
        let step = if room > self.range / CLOSE { (room / 2).min(self.range) } else { 0 };
        self.range.saturating_add(step).min(LARGEST_RANGE.max(self.range))
    }

    /// A request for `blocks` was too much. Returns whether less can be asked for.
    pub(super) fn too_much(&mut self, blocks: u64) -> bool {
        self.answered = 0;
        self.refused = self.refused.min(blocks);
        if self.borne >= blocks {
            // It bears less than it did, or there are more logs here.
            self.borne = blocks / 2;
        }
        let less = if self.borne == 0 { blocks / 2 } else { self.borne };
        self.range = self.range.min(less.max(1));
        blocks > 1
    }

    /// It is asked too often: for how long to leave it alone. The range stays.
    pub(super) fn too_often(&mut self) -> Duration {
        self.at_once = 1;
        let pause = self.pause.map_or(SHORTEST_PAUSE, |last| last.saturating_mul(2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        pause
    }

    /// It refused `blocks` with words that nobody knows: for how long to leave it alone. `None`: that did not help, so less is asked for.
    pub(super) fn puzzled(&mut self, blocks: u64) -> Option<Duration> {
        self.puzzles = self.puzzles.saturating_add(1);
        if self.puzzles <= PATIENT {
            return Some(self.too_often());
        }
        self.puzzles = 0;
        self.too_much(blocks);
        None
    }

    /// Forgets what was refused: behind the address there may be another node.
    pub(super) fn forget(&mut self) {
        (self.borne, self.refused) = (0, u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(10);

    #[test]
    fn a_node_that_is_asked_too_often_is_asked_later_and_for_as_much() {
        let mut pace = Pace::new(2_000);
        let pauses: Vec<u128> = (0..6).map(|_| pace.too_often().as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 2_000, 2_000]);
        assert_eq!((pace.range(), pace.at_once()), (2_000, 1));
        pace.answered(2_000, FAST);
        assert_eq!(pace.too_often().as_millis(), 250);
    }

    #[test]
    fn a_range_that_was_refused_is_not_tried_again_soon_but_some_day() {
        let mut pace = Pace::new(2_000);
        assert!(pace.too_much(2_000));
        let mut tried = 0;
        for _ in 0..FORGIVES {
            assert!(pace.range() < 2_000);
            pace.answered(pace.range(), FAST);
            tried += 1;
        }
        (0..2).for_each(|_| pace.answered(pace.range(), FAST));
        assert!(pace.range() >= 2_000, "{} blocks after {tried} requests", pace.range());
        assert!(!pace.too_much(1));
    }

    #[test]
    fn what_a_node_bears_is_found_with_few_refusals() {
        for limit in [2_000, 1_999, 10_000, 777, 50, 3] {
            let mut pace = Pace::new(2_000);
            let (mut blocks, mut refused) = (0, 0);
            while blocks < 400 * limit {
                let (range, at_once) = (pace.range(), pace.at_once());
                for _ in 0..at_once {
                    if range > limit {
                        refused += 1;
                        pace.too_much(range);
                    } else {
                        blocks += range;
                        pace.answered(range, FAST);
                    }
                }
            }
            assert!(refused < 25, "{refused} refusals of a node that bears {limit} blocks");
            assert!(pace.borne >= limit - limit / 8, "{} instead of {limit}", pace.borne);
        }
    }

    #[test]
    fn a_node_that_bears_less_than_before_is_asked_for_less_at_once() {
        let mut pace = Pace::new(2_000);
        (0..8).for_each(|_| pace.answered(pace.range(), FAST));
        assert_eq!(pace.range(), LARGEST_RANGE);
        let mut refused = 0;
        while pace.range() > 500 {
            refused += 1;
            assert!(pace.too_much(pace.range()));
        }
        assert!(refused <= 8, "{refused}");
        let found = pace.range();
        (0..6).for_each(|_| pace.answered(pace.range(), FAST));
        assert!(pace.range() >= found && pace.range() < LARGEST_RANGE);
    }

    #[test]
    fn what_is_not_understood_is_asked_later_and_then_for_less() {
        let mut pace = Pace::new(2_000);
        for range in [2_000, 1_000, 500] {
            assert_eq!(pace.range(), range);
            assert_eq!((0..4).filter(|_| pace.puzzled(range).is_some()).count(), 3);
        }
    }

    #[test]
    fn slow_answers_make_requests_smaller_and_quick_ones_larger() {
        let mut pace = Pace::new(2_000);
        pace.answered(2_000, Duration::from_secs(9));
        assert_eq!(pace.range(), 1_000);
        // The last piece of a page says nothing about larger ones.
        pace.answered(3, FAST);
        assert_eq!(pace.range(), 1_000);
        (0..20).for_each(|_| pace.answered(pace.range(), FAST));
        assert_eq!(pace.range(), LARGEST_RANGE);
    }
}
