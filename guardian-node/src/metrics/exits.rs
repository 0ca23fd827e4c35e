//! How far the validators are that were ordered out.

use super::{Maker, number};
use guardian_protocol::{ExitStage, ExitStatus};
use prometheus::{IntGauge, IntGaugeVec};

/// The numbers of `exits` in `/status`.
#[derive(Clone, Debug)]
pub(super) struct ExitMetrics {
    stages: IntGaugeVec,
    stuck: IntGauge,
}

impl ExitMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(Self {
            stages: make.gauges(
                "guardian_exits",
                "validators that were ordered out and are not settled, by how far they are",
                &["stage"],
            )?,
            stuck: make.gauge(
                "guardian_exits_stuck",
                "validators that must leave and have not begun to, for many epochs with nothing in the way",
            )?,
        })
    }

    pub(super) fn show(&self, exits: &[ExitStatus]) {
        for stage in ExitStage::ALL {
            let exits = exits.iter().filter(|exit| exit.stage == stage);
            self.stages.with_label_values(&[stage.as_str()]).set(number(exits.count()));
        }
        self.stuck.set(number(exits.iter().filter(|exit| exit.is_stuck).count()));
    }
}
