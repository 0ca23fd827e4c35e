//! Readers of events, which tell people what happened. Each observer reads every [`Event`] of the brain in one exhaustive match, so that
//! a new event can't be forgotten by any of them. None of them decides anything, and none can fail.
//!
//! | file | tells |
//! |---|---|
//! | `log` | one line each |
//! | `past` | the log's lines about the contracts' past |
//! | `versions` | the log's lines, and the history's entries, about members of other versions |
//! | `metrics` | counters and durations |
//! | `proofs` | misconduct, as files that convince others |
//! | `history` | the newest events in JSON, for pages |

mod exits;
pub(crate) mod history;
mod log;
pub(crate) mod metrics;
mod past;
pub(crate) mod proofs;
#[cfg(test)]
mod tests;
mod versions;

use guardian_protocol::{Event, Layer, MemberId, ProviderId, Timestamp};
use history::History;
use log::Log;
use metrics::{EventMetrics, EventObserver};
use proofs::MisconductFiles;
use std::{collections::BTreeMap, sync::Arc};

/// All observers.
#[derive(Debug)]
pub(crate) struct Observers {
    log: Log,
    metrics: EventObserver,
    proofs: MisconductFiles,
    history: History,
    names: Arc<Names>,
}

impl Observers {
    pub(crate) fn new(names: Names, metrics: EventMetrics, proofs: MisconductFiles, history: History) -> Self {
        let names = Arc::new(names);
        let metrics = EventObserver::new(metrics, Arc::clone(&names));
        Self { log: Log::new(Arc::clone(&names)), metrics, proofs, history, names }
    }

    /// A provider said that something was finalized; the clock of `guardian_finality_to_submit_seconds` starts.
    pub(crate) fn nudged(&mut self) {
        self.metrics.nudged();
    }

    /// Tells everyone what happened at `now`.
    pub(crate) fn tell(&mut self, now: Timestamp, event: &Event) {
        self.metrics.observe(event);
        self.history.observe(&self.names, now, event);
        self.log.observe(event);
        self.proofs.observe(event);
    }
}

/// Names for numbers.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Beacon providers, in configured order.
    pub(crate) beacon: Vec<String>,
    /// Execution providers.
    pub(crate) execution: Vec<String>,
    /// Members.
    pub(crate) members: BTreeMap<MemberId, String>,
}

impl Names {
    fn provider(&self, layer: Layer, id: ProviderId) -> &str {
        let names = match layer {
            Layer::Beacon => &self.beacon,
            Layer::Execution => &self.execution,
        };
        names.get(usize::from(id.0)).map_or("?", String::as_str)
    }

    fn member(&self, id: MemberId) -> &str {
        self.members.get(&id).map_or("?", String::as_str)
    }

    fn all<'a>(&'a self, members: &[MemberId]) -> Vec<&'a str> {
        members.iter().map(|member| self.member(*member)).collect()
    }
}
