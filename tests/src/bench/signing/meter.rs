//! CPU time of a node's thread, and what answering a package cost it from the last time it woke until it rested again.
//!
//! Everything that a node does (connections, encryption, brain) is done on one thread, so that its CPU clock is the node's own,
//! however many nodes share the machine's cores. See [`super::round`] for what is made of it.

use guardian_protocol::DutyId;
use rustix::time::{ClockId, clock_gettime};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// A point in time, and in the work of this thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) cpu: Duration,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), cpu: cpu() }
    }
}

thread_local! {
    /// The clock when this thread woke, or when its last step ended.
    static SINCE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// A package was answered, and the clock before it was received.
    static ANSWERED: Cell<Option<(DutyId, Duration)>> = const { Cell::new(None) };
}

/// The thread has work again.
pub(super) fn woke() {
    SINCE.set(cpu());
}

/// A step of the brain has ended, in which a package for `answered` was answered.
pub(super) fn stepped(answered: Option<DutyId>) {
    if let Some(duty) = answered {
        ANSWERED.set(Some((duty, SINCE.get())));
    }
    SINCE.set(cpu());
}

/// The thread rests: what the answer before has cost, once.
pub(super) fn rests() -> Option<(DutyId, Duration)> {
    let (duty, since) = ANSWERED.take()?;
    Some((duty, cpu().saturating_sub(since)))
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
