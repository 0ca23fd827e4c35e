//! Refused messages, told once for each sender and interval: whoever sends nonsense fills no disk with what is said about it.

use guardian_protocol::MemberId;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How often the refusals of one sender are told at most.
const EVERY: Duration = Duration::from_secs(10);

/// What was refused of whom. Senders are participants, so this is bounded.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<MemberId, Told>);

#[derive(Debug)]
struct Told {
    at: Instant,
    /// Refused since then.
    since: u64,
}

impl Refusals {
    /// Counts one more of `member`. If it is time to tell: how many there were since that was done last.
    pub(super) fn count(&mut self, member: MemberId, now: Instant) -> Option<u64> {
        let Some(told) = self.0.get_mut(&member) else {
            self.0.insert(member, Told { at: now, since: 0 });
            return Some(1);
        };
        told.since = told.since.saturating_add(1);
        if now.saturating_duration_since(told.at) < EVERY {
            return None;
        }
        told.at = now;
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_counted_line_per_sender_and_interval() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let [one, other] = [1, 2].map(|number| MemberId::new(number).unwrap());
        assert_eq!(refusals.count(one, start), Some(1), "the first is told at once");
        for _ in 0..1000 {
            assert_eq!(refusals.count(one, start + EVERY / 2), None);
        }
        assert_eq!(refusals.count(other, start + EVERY / 2), Some(1), "another sender is told of by itself");
        assert_eq!(refusals.count(one, start + EVERY), Some(1001), "nothing goes uncounted");
        assert_eq!(refusals.count(one, start + EVERY), None);
        assert_eq!(refusals.count(one, start + 3 * EVERY), Some(2));
    }
}
