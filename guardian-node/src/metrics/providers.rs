//! Offers and costs of each provider.

use super::{Maker, raise};
use guardian_chain::{Capabilities, ProviderStats};
use prometheus::{CounterVec, GaugeVec, IntCounterVec, IntGaugeVec};

/// By layer and name.
#[derive(Clone, Debug)]
pub(crate) struct ProviderMetrics {
    bytes: IntCounterVec,
    requests: IntCounterVec,
    seconds: CounterVec,
    not_understood: IntCounterVec,
    foreign: IntGaugeVec,
    state_seconds: GaugeVec,
    states: IntCounterVec,
    capabilities: IntGaugeVec,
}

impl ProviderMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let provider = ["layer", "provider"];
        Ok(Self {
            bytes: make.counters("guardian_provider_bytes_total", "bytes that a provider sent", &provider)?,
            requests: make.counters("guardian_provider_requests_total", "requests to a provider", &provider)?,
            seconds: make.second_counters(
                "guardian_provider_seconds_total",
                "time spent waiting for a provider's complete answers",
                &provider,
            )?,
            not_understood: make.counters(
                "guardian_provider_not_understood_total",
                "refusals of a provider in words that this version does not know",
                &provider,
            )?,
            foreign: make.gauges(
                "guardian_provider_foreign",
                "a provider serves another chain and does not count: 1, else 0",
                &provider,
            )?,
            state_seconds: make.float_gauges(
                "guardian_provider_state_seconds",
                "how long the newest whole state took to come and be hashed",
                &["provider"],
            )?,
            states: make.counters(
                "guardian_provider_states_total",
                "whole states that were hashed: those that fit the finalized block, and those that do not",
                &["provider", "outcome"],
            )?,
            capabilities: make.gauges(
                "guardian_provider_capabilities",
                "what a provider was found to offer at the start: 1, or 0 if it does not",
                &["layer", "provider", "what"],
            )?,
        })
    }

    /// Takes over what each provider has cost so far.
    pub(crate) fn show_costs(&self, stats: &[ProviderStats]) {
        for of in stats {
            let provider = [of.layer.as_str(), &of.name];
            raise(&self.bytes, &provider, of.bytes);
            raise(&self.requests, &provider, of.requests);
            raise(&self.not_understood, &provider, of.not_understood);
            self.foreign.with_label_values(&provider).set(i64::from(of.foreign));
            let seconds = self.seconds.with_label_values(&provider);
            seconds.inc_by((of.waited.as_secs_f64() - seconds.get()).max(0.0));
            if let Some(took) = of.last_state {
                self.state_seconds.with_label_values(&[&of.name]).set(took.as_secs_f64());
            }
            if of.states_proved + of.states_disproved > 0 {
                raise(&self.states, &[&of.name, "proved"], of.states_proved);
                raise(&self.states, &[&of.name, "disproved"], of.states_disproved);
            }
        }
    }

    /// Takes over what a beacon provider was found to offer. What could not be found out is not shown.
    pub(crate) fn show_capabilities(&self, of: &Capabilities) {
        for (what, offered) in of.all() {
            let Some(offered) = offered else { continue };
            self.capabilities.with_label_values(&["beacon", &of.name, what]).set(i64::from(offered));
        }
    }
}
