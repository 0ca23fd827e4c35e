//! What each provider has cost and how it did: numbers for metrics. Nothing here is decided from.

use crate::error::Layer;
use guardian_protocol::ProviderId;
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counters of one provider since the start.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    requests: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    latency_ms: AtomicU64,
    waited_us: AtomicU64,
    state_ms: AtomicU64,
    proved: AtomicU64,
    disproved: AtomicU64,
    not_understood: AtomicU64,
    foreign: AtomicBool,
}

impl Stats {
    /// A request was sent.
    pub(crate) fn requested(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// A request failed: no answer, or not a good one.
    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    /// Bytes of an answer's body came in.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Relaxed);
    }

    /// An answer was complete after this long.
    pub(crate) fn took(&self, duration: Duration) {
        self.latency_ms.store(millis(duration), Relaxed);
        self.waited(duration);
    }

    /// A whole state was complete and hashed after this long.
    pub(crate) fn state_took(&self, duration: Duration) {
        self.state_ms.store(millis(duration).max(1), Relaxed);
        self.waited(duration);
    }

    fn waited(&self, duration: Duration) {
        self.waited_us.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// A whole state came: one that fits the finalized block, or not. Nothing is counted if none came.
    pub(crate) fn state(&self, fits: bool, came: bool) {
        match (fits, came) {
            (true, _) => self.proved.fetch_add(1, Relaxed),
            (false, true) => self.disproved.fetch_add(1, Relaxed),
            (false, false) => 0,
        };
    }

    /// It refused something in words that nobody knows. Returns how many times it has done so.
    pub(crate) fn not_understood(&self) -> u64 {
        self.not_understood.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// Whether it serves another chain, as far as is known.
    pub(crate) fn is_foreign(&self, foreign: bool) {
        self.foreign.store(foreign, Relaxed);
    }

    pub(crate) fn snapshot(&self, layer: Layer, id: ProviderId, name: &str) -> ProviderStats {
        ProviderStats {
            layer,
            id,
            name: name.to_owned(),
            requests: self.requests.load(Relaxed),
            errors: self.errors.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            last_latency_ms: self.latency_ms.load(Relaxed),
            waited: Duration::from_micros(self.waited_us.load(Relaxed)),
            last_state: Some(self.state_ms.load(Relaxed)).filter(|ms| *ms > 0).map(Duration::from_millis),
            states_proved: self.proved.load(Relaxed),
            states_disproved: self.disproved.load(Relaxed),
            not_understood: self.not_understood.load(Relaxed),
            foreign: self.foreign.load(Relaxed),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One provider's counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderStats {
    /// Which half of a node it is.
    pub layer: Layer,
    /// Its place in the operator's list of that layer.
    pub id: ProviderId,
    /// The operator's name for it.
    pub name: String,
    /// Requests sent.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Bytes received, decompressed.
    pub bytes: u64,
    /// How long the newest complete answer took, in milliseconds; 0 before the first.
    pub last_latency_ms: u64,
    /// Time spent waiting for complete answers, states among them.
    pub waited: Duration,
    /// How long the newest whole state took to come and be hashed.
    pub last_state: Option<Duration>,
    /// Whole states that were hashed and fit the finalized block.
    pub states_proved: u64,
    /// Whole states that were hashed and did not.
    pub states_disproved: u64,
    /// Refusals in words that nobody knows.
    pub not_understood: u64,
    /// It serves another chain, and does not count.
    pub foreign: bool,
}
