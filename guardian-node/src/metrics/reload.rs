//! Reloads of the configuration.

use super::{Maker, number};
use prometheus::IntGauge;

/// How the last one went.
#[derive(Clone, Debug)]
pub(crate) struct ReloadMetrics {
    successful: IntGauge,
    waiting: IntGauge,
}

impl ReloadMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            successful: make.gauge(
                "guardian_config_last_reload_successful",
                "0 if the configuration was refused when it was read again last",
            )?,
            waiting: make.gauge(
                "guardian_config_settings_waiting",
                "settings that differed when the configuration was read again last, and that need a restart",
            )?,
        };
        metrics.show(true, 0);
        Ok(metrics)
    }

    /// Shows whether it was taken over, and how many settings wait for a restart.
    pub(crate) fn show(&self, successful: bool, waiting: usize) {
        self.successful.set(i64::from(successful));
        self.waiting.set(number(waiting));
    }
}
