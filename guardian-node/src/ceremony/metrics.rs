//! A ceremony's metrics, while its process runs. Labels are words of ours and the plan's names.

use crate::metrics::Maker;
use guardian_protocol::ceremony::{Event, Status, Step};
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    make: Maker,
    step: IntGaugeVec,
    waiting_for: IntGaugeVec,
    connected: IntGauge,
    posts: IntCounterVec,
    proven: IntGauge,
    done: IntGauge,
    failed: IntGauge,
}

const STEPS: [Step; 6] = [Step::Deal, Step::Shares, Step::Sum, Step::Confirm, Step::Proof, Step::Done];

impl Metrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let make = Maker::new()?;
        Ok(Self {
            step: make.gauges("guardian_ceremony_step", "1 for the step that is not complete yet", &["step"])?,
            waiting_for: make.gauges(
                "guardian_ceremony_waiting_for",
                "1 for each participant that is waited for",
                &["member", "reason"],
            )?,
            connected: make.gauge("guardian_ceremony_connected", "other participants connected now")?,
            posts: make.counters(
                "guardian_ceremony_posts_total",
                "posts of all participants, ours included",
                &["step"],
            )?,
            proven: make.gauge("guardian_ceremony_proven", "1 once all signed together: the ceremony has succeeded")?,
            done: make.gauge("guardian_ceremony_done", "1 once everybody has put the outcome to use")?,
            failed: make.gauge("guardian_ceremony_failed", "1 if somebody provably broke the rules")?,
            make,
        })
    }

    pub(super) fn count(&self, event: &Event) {
        if let Event::Posted { step } | Event::Received { step, .. } = event {
            self.posts.with_label_values(&[step.as_str()]).inc();
        }
    }

    pub(super) fn show(&self, status: &Status) {
        for step in STEPS {
            self.step.with_label_values(&[step.as_str()]).set(i64::from(step == status.step));
        }
        self.waiting_for.reset();
        for waiting in &status.waiting_for {
            self.waiting_for.with_label_values(&[waiting.name.as_str(), waiting.reason.as_str()]).set(1);
        }
        self.connected.set(i64::try_from(status.connected.len()).unwrap_or(i64::MAX));
        self.proven.set(i64::from(status.proven));
        self.done.set(i64::from(status.done));
        self.failed.set(i64::from(status.fault.is_some()));
    }

    pub(super) fn text(&self) -> String {
        self.make.text()
    }
}
