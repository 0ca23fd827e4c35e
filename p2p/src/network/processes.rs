//! Which processes of one member have connected: how one identity that runs in two places is noticed. Pure: the time is an argument.
//!
//! Every network draws a number when it starts and tells it on each connection (identify's agent). Connections are authenticated, so
//! whoever makes one lives at that moment, and a process lives without a break from its start to its end. A process that was there before
//! another one connected, and connects again after it, has therefore lived beside it. A member that is restarted, however often, never
//! looks so: its earlier process does not come back.

use std::time::{Duration, Instant};

/// Connections that were made at nearly the same moment may be seen in another order than they were made in.
const APART: Duration = Duration::from_secs(2);

/// Processes that are remembered: two that live push each other out again and again, and are then the latest.
const REMEMBERED: usize = 8;

/// A number that a network draws when it starts.
pub(crate) type Process = u64;

/// The processes of one member that have connected.
#[derive(Debug, Default)]
pub(crate) struct Processes(Vec<Seen>);

#[derive(Debug)]
struct Seen {
    process: Process,
    first: Instant,
    last: Instant,
}

impl Processes {
    /// `process` has made a connection at `now`, or, as it says once more, then. True if that proves that another one lived at the same time.
    pub(crate) fn met(&mut self, process: Process, now: Instant) -> bool {
        let known = self.0.iter().position(|seen| seen.process == process).map(|at| self.0.remove(at));
        let (first, last) = known.map_or((now, now), |seen| (seen.first, seen.last.max(now)));
        let between = |at: Instant| first + APART <= at && at + APART <= now;
        let doppelgangers = self.0.iter().any(|other| between(other.first) || between(other.last));
        self.0.push(Seen { process, first, last });
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
        doppelgangers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(processes: &mut Processes, story: &[(Process, u64)]) -> Vec<bool> {
        let start = Instant::now();
        story.iter().map(|(process, second)| processes.met(*process, start + Duration::from_secs(*second))).collect()
    }

    #[test]
    fn a_member_that_restarts_or_reconnects_is_one() {
        let story: Vec<(Process, u64)> = (0..40).map(|n| (n / 4, n * 3)).collect();
        assert!(!met(&mut Processes::default(), &story).contains(&true));
    }

    #[test]
    fn a_process_that_comes_back_after_another_one_has_lived_beside_it() {
        let story = [(1, 0), (2, 10), (1, 20), (2, 30), (3, 40), (2, 41), (2, 50)];
        assert_eq!(met(&mut Processes::default(), &story), [false, false, true, true, false, true, true]);
    }

    #[test]
    fn connections_that_are_seen_in_the_wrong_order_prove_nothing() {
        // Both were seen in one burst, the later one first; then it connects again.
        let story = [(2, 10), (1, 10), (2, 11), (2, 60)];
        assert!(!met(&mut Processes::default(), &story).contains(&true));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut processes = Processes::default();
        met(&mut processes, &(0..1_000).map(|n| (n, n * 10)).collect::<Vec<_>>());
        assert_eq!(processes.0.len(), REMEMBERED);
    }
}
