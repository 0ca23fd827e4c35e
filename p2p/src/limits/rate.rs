//! How much one member may send: a token bucket over messages and one over bytes. The time is an argument.

use std::time::Instant;

use super::Limits;

/// Tokens are counted in billionths, so that refilling each nanosecond loses nothing to rounding.
const PARTS: u128 = 1_000_000_000;

/// Holds at most `capacity` tokens and gains `per_second` of them each second.
#[derive(Clone, Debug)]
struct Bucket {
    capacity: u128,
    per_second: u128,
    parts: u128,
    filled: Instant,
}

impl Bucket {
    /// A full one.
    fn new(capacity: u64, per_second: u64, now: Instant) -> Self {
        let capacity = u128::from(capacity) * PARTS;
        Self { capacity, per_second: u128::from(per_second), parts: capacity, filled: now }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_nanos();
        self.parts = self.parts.saturating_add(elapsed.saturating_mul(self.per_second)).min(self.capacity);
        self.filled = self.filled.max(now);
    }

    fn holds(&self, tokens: u64) -> bool {
        self.parts >= u128::from(tokens) * PARTS
    }

    fn take(&mut self, tokens: u64) {
        self.parts = self.parts.saturating_sub(u128::from(tokens) * PARTS);
    }
}

/// What one member may still send.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    messages: Bucket,
    bytes: Bucket,
}

impl Allowance {
    /// A full allowance, `times` as large as the limits say.
    pub(crate) fn new(limits: &Limits, times: u32, now: Instant) -> Self {
        let scaled = |value: u32| u64::from(value) * u64::from(times);
        Self {
            messages: Bucket::new(scaled(limits.message_burst), scaled(limits.messages_per_second), now),
            bytes: Bucket::new(scaled(limits.byte_burst), scaled(limits.bytes_per_second), now),
        }
    }

    /// The same for broadcasts that somebody passes on: as many messages, far fewer bytes.
    pub(crate) fn forwarded(limits: &Limits, times: u32, now: Instant) -> Self {
        let (bytes_per_second, byte_burst) = (limits.forwarded_bytes_per_second, limits.forwarded_byte_burst);
        Self::new(&Limits { bytes_per_second, byte_burst, ..limits.clone() }, times, now)
    }

    /// Takes one message of so many bytes, or nothing at all when either is used up.
    pub(crate) fn admit(&mut self, bytes: usize, now: Instant) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.messages.refill(now);
        self.bytes.refill(now);
        let admitted = self.messages.holds(1) && self.bytes.holds(bytes);
        if admitted {
            self.messages.take(1);
            self.bytes.take(bytes);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        Limits { messages_per_second: 10, message_burst: 3, bytes_per_second: 100, byte_burst: 50, ..Limits::default() }
    }

    #[test]
    fn a_burst_passes_and_the_next_message_does_not() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&limits(), 1, now);
        let passed: Vec<bool> = (0..4).map(|_| allowance.admit(1, now)).collect();
        assert_eq!(passed, [true, true, true, false]);
    }

    #[test]
    fn it_refills_at_the_rate_and_never_beyond_the_burst() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&limits(), 1, now);
        while allowance.admit(0, now) {}
        assert!(!allowance.admit(0, now + Duration::from_millis(99)));
        assert!(allowance.admit(0, now + Duration::from_millis(100)));
        let later = now + Duration::from_secs(3600);
        assert_eq!((0..10).filter(|_| allowance.admit(0, later)).count(), 3);
    }

    #[test]
    fn looking_often_gains_as_much_as_looking_once() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&limits(), 1, now);
        while allowance.admit(0, now) {}
        let early = (1..100_u64).filter(|millisecond| allowance.admit(0, now + Duration::from_millis(*millisecond)));
        assert_eq!(early.count(), 0);
        assert!(allowance.admit(0, now + Duration::from_millis(100)));
    }

    #[test]
    fn bytes_are_limited_on_their_own_and_a_refusal_costs_nothing() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&limits(), 1, now);
        assert!(!allowance.admit(51, now));
        assert!(allowance.admit(50, now));
        assert!(!allowance.admit(1, now));
        assert!(allowance.admit(0, now));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let now = Instant::now() + Duration::from_secs(10);
        let mut allowance = Allowance::new(&limits(), 1, now);
        while allowance.admit(0, now) {}
        assert!(!allowance.admit(0, now.checked_sub(Duration::from_secs(5)).unwrap()));
        assert!(!allowance.admit(0, now));
    }

    #[test]
    fn a_multiple_allows_that_many_times_as_much() {
        let now = Instant::now();
        let mut allowance = Allowance::new(&limits(), 4, now);
        assert_eq!((0..100).filter(|_| allowance.admit(0, now)).count(), 12);
    }
}
