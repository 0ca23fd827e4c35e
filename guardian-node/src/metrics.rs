//! Metrics in Prometheus' format. `docs/metrics.md` says how to read each. A registry of our own, no global one; labels are words of
//! ours, configured names or member numbers, never text from a peer.

use guardian_protocol::{
    status::{Reason, Status},
    submit::Stage,
};
use prometheus::{
    CounterVec, Encoder, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, process_collector::ProcessCollector,
};

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    make: Maker,
    pub(crate) ready: IntGauge,
    pub(crate) not_ready: IntGaugeVec,
    pub(crate) observed_epoch: IntGauge,
    pub(crate) validators: IntGauge,
    pub(crate) members_connected: IntGauge,
    pub(crate) duties: IntCounterVec,
    pub(crate) duty_period: IntGaugeVec,
    pub(crate) sign_seconds: Histogram,
    pub(crate) finality_to_submit_seconds: Histogram,
    pub(crate) submissions: IntCounterVec,
    pub(crate) submission_gas: IntGaugeVec,
    pub(crate) exits: IntCounterVec,
    pub(crate) provider_failures: IntCounterVec,
    pub(crate) provider_disagreements: IntCounterVec,
    pub(crate) observations: IntCounterVec,
    provider_bytes: IntCounterVec,
    provider_requests: IntCounterVec,
    provider_seconds: CounterVec,
    provider_state_seconds: GaugeVec,
    provider_states: IntCounterVec,
    provider_offers: IntGaugeVec,
    pub(crate) contradictions: IntCounterVec,
    pub(crate) digest_disagreements: IntCounterVec,
    pub(crate) evidence_differences: IntCounterVec,
    pub(crate) signed_otherwise: IntCounter,
    pub(crate) culprits: IntCounterVec,
    pub(crate) doppelgangers: IntGaugeVec,
    pub(crate) messages_refused: IntCounterVec,
    pub(crate) inputs_dropped: IntCounterVec,
    pub(crate) step_seconds: Histogram,
    pub(crate) commit_seconds: Histogram,
}

/// Makes and registers metrics.
#[derive(Debug)]
pub(crate) struct Maker(Registry);

impl Maker {
    /// A fresh registry, with the process's own metrics.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self(registry))
    }

    /// The exposition text.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        // Encoding into memory fails only for metrics without a name; the first scrape of any test would show it.
        if TextEncoder::new().encode(&self.0.gather(), &mut text).is_err() {
            return String::new();
        }
        String::from_utf8(text).unwrap_or_default()
    }

    pub(crate) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    pub(crate) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    pub(crate) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::new(name, help)?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn second_counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<CounterVec, prometheus::Error> {
        let counters = CounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn second_gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
        let gauges = GaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    fn seconds(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
        let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
        self.0.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }
}

/// For work inside the process.
const FAST: [f64; 10] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0];
/// For work that waits for others.
const SLOW: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0];

impl Metrics {
    /// A fresh set, at zero.
    ///
    /// # Errors
    /// If two metrics have the same name: a defect, found at the first start.
    #[expect(clippy::too_many_lines, reason = "a list, one entry for each metric")]
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let make = Maker::new()?;
        let metrics = Self {
            ready: make.gauge("guardian_ready", "1 if this guardian would contribute to the next report")?,
            not_ready: make.gauges("guardian_not_ready", "1 for each reason why it would not", &["reason"])?,
            observed_epoch: make.gauge("guardian_observed_epoch", "last finalized epoch that was fully observed")?,
            validators: make.gauge("guardian_validators", "validators of the protocol, by the contracts' events")?,
            members_connected: make.gauge("guardian_members_connected", "other members connected now")?,
            duties: make.counters("guardian_duties_total", "duties that reached a step", &["kind", "step"])?,
            duty_period: make.gauges("guardian_duty_period", "newest period that reached a step", &["kind", "step"])?,
            sign_seconds: make.seconds("guardian_sign_seconds", "from deciding a duty to its signature", &SLOW)?,
            finality_to_submit_seconds: make.seconds(
                "guardian_finality_to_submit_seconds",
                "from the hint that something is final to our transaction",
                &SLOW,
            )?,
            submissions: make.counters(
                "guardian_submissions_total",
                "our submissions by outcome",
                &["kind", "outcome"],
            )?,
            submission_gas: make.gauges("guardian_submission_gas", "gas of our last transaction", &["kind"])?,
            exits: make.counters("guardian_exits_total", "voluntary exits that reached a step", &["step"])?,
            provider_failures: make.counters(
                "guardian_provider_failures_total",
                "questions that a provider did not answer",
                &["layer", "provider"],
            )?,
            provider_disagreements: make.counters(
                "guardian_provider_disagreements_total",
                "answers that contradict what enough other providers say",
                &["layer", "provider"],
            )?,
            observations: make.counters(
                "guardian_observations_total",
                "finalized epochs observed, by how the validators are known",
                &["proof"],
            )?,
            provider_bytes: make.counters(
                "guardian_provider_bytes_total",
                "bytes that a provider sent",
                &["layer", "provider"],
            )?,
            provider_requests: make.counters(
                "guardian_provider_requests_total",
                "requests to a provider",
                &["layer", "provider"],
            )?,
            provider_seconds: make.second_counters(
                "guardian_provider_seconds_total",
                "time spent waiting for a provider's complete answers",
                &["layer", "provider"],
            )?,
            provider_state_seconds: make.second_gauges(
                "guardian_provider_state_seconds",
                "how long the newest whole state took to come and be hashed",
                &["provider"],
            )?,
            provider_offers: make.gauges(
                "guardian_provider_capabilities",
                "what a provider was found to offer at the start: 1, or 0 if it does not",
                &["layer", "provider", "what"],
            )?,
            provider_states: make.counters(
                "guardian_provider_states_total",
                "whole states that were hashed: those that fit the finalized block, and those that do not",
                &["provider", "outcome"],
            )?,
            contradictions: make.counters(
                "guardian_contradictions_total",
                "questions on which providers contradict each other without a quorum",
                &["layer"],
            )?,
            digest_disagreements: make.counters(
                "guardian_digest_disagreements_total",
                "announcements of another digest than ours",
                &["member"],
            )?,
            evidence_differences: make.counters(
                "guardian_evidence_differences_total",
                "facts that a member has read otherwise than we did",
                &["member"],
            )?,
            signed_otherwise: make.counter(
                "guardian_signed_otherwise_total",
                "duties that the committee signed and that come out otherwise here",
            )?,
            culprits: make.counters("guardian_culprits_total", "proofs that a member cheated", &["member"])?,
            doppelgangers: make.gauges(
                "guardian_doppelgangers",
                "1 while two processes run with the member's identity",
                &["member"],
            )?,
            messages_refused: make.counters("guardian_messages_refused_total", "messages not taken", &["member"])?,
            inputs_dropped: make.counters(
                "guardian_inputs_dropped_total",
                "inputs dropped at a full queue",
                &["source"],
            )?,
            step_seconds: make.seconds("guardian_step_seconds", "one step of the brain", &FAST)?,
            commit_seconds: make.seconds("guardian_commit_seconds", "one synced write to the store", &FAST)?,
            make,
        };
        for reason in Reason::ALL {
            metrics.not_ready.with_label_values(&[reason.as_str()]).set(0);
        }
        Ok(metrics)
    }

    /// Shows `status`.
    pub(crate) fn show(&self, status: &Status) {
        self.ready.set(i64::from(status.not_ready.is_empty()));
        for reason in Reason::ALL {
            let holds = status.not_ready.contains(&reason);
            self.not_ready.with_label_values(&[reason.as_str()]).set(i64::from(holds));
        }
        self.observed_epoch.set(status.observed.map_or(0, |epoch| number(epoch.0)));
        self.validators.set(number(status.validators));
        self.members_connected.set(number(status.connected.len()));
        for duty in &status.signed {
            let step = match duty.stage {
                Stage::Signed => "signed",
                Stage::Submitted => "submitted",
                Stage::Confirmed => "confirmed",
                Stage::Superseded => "superseded",
            };
            self.duty_period.with_label_values(&[duty.id.kind.as_str(), step]).set(number(duty.id.period.0));
        }
    }

    /// The exposition text.
    pub(crate) fn text(&self) -> String {
        self.make.text()
    }
}

fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

impl Metrics {
    /// Takes over what each provider has cost so far.
    pub(crate) fn providers(&self, stats: &[guardian_chain::ProviderStats]) {
        for of in stats {
            let provider = [of.layer.as_str(), &of.name];
            raise(&self.provider_bytes, &provider, of.bytes);
            raise(&self.provider_requests, &provider, of.requests);
            let seconds = self.provider_seconds.with_label_values(&provider);
            seconds.inc_by((of.waited.as_secs_f64() - seconds.get()).max(0.0));
            if let Some(took) = of.last_state {
                self.provider_state_seconds.with_label_values(&[&of.name]).set(took.as_secs_f64());
            }
            if of.states_proved + of.states_disproved > 0 {
                raise(&self.provider_states, &[&of.name, "proved"], of.states_proved);
                raise(&self.provider_states, &[&of.name, "disproved"], of.states_disproved);
            }
        }
    }
}

impl Metrics {
    /// Takes over what a beacon provider was found to offer. What could not be found out is not shown.
    pub(crate) fn capabilities(&self, of: &guardian_chain::Capabilities) {
        for (what, offered) in of.all() {
            let Some(offered) = offered else { continue };
            self.provider_offers.with_label_values(&["beacon", &of.name, what]).set(i64::from(offered));
        }
    }
}

/// Brings a counter up to `total`.
fn raise(counters: &IntCounterVec, labels: &[&str], total: u64) {
    let counter = counters.with_label_values(labels);
    counter.inc_by(total.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_chain::{Capabilities, Layer, ProviderStats};
    use guardian_protocol::types::ProviderId;
    use std::{collections::BTreeSet, time::Duration};

    fn stats(times: u64) -> ProviderStats {
        ProviderStats {
            layer: Layer::Beacon,
            id: ProviderId(0),
            name: "mine".to_owned(),
            requests: 5 * times,
            errors: times,
            bytes: 1000 * times,
            last_latency_ms: 20,
            waited: Duration::from_millis(1500 * times),
            last_state: (times > 1).then_some(Duration::from_millis(2250)),
            states_proved: times - 1,
            states_disproved: 0,
        }
    }

    /// The metrics' names that `text` speaks of, except for the network's own.
    fn named(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let ours = words.filter(|word| word.starts_with("guardian_") && !word.starts_with("guardian_p2p"));
        ours.filter(|word| !word.ends_with('_')).collect()
    }

    #[test]
    fn every_metric_is_explained_and_every_alert_is_of_a_metric() {
        let strings = |source: &'static str| {
            let strings = source.split('"').skip(1).step_by(2);
            strings.filter(|text| text.starts_with("guardian_") && !text.contains(['{', ' ']))
        };
        let code = include_str!("metrics.rs").split("mod tests").next().unwrap();
        let ours: BTreeSet<&str> = strings(code).chain(strings(include_str!("ceremony/metrics.rs"))).collect();
        assert!(ours.len() > 30, "{ours:?}");
        assert_eq!(named(include_str!("../../docs/metrics.md")), ours);
        let alerts = named(include_str!("../../deploy/alerts.yml"));
        assert!(alerts.is_subset(&ours) && alerts.len() > 5, "{alerts:?}");
    }

    #[test]
    fn what_a_provider_costs_is_shown_and_moves() {
        let metrics = Metrics::new().unwrap();
        let shown = |line: &str| metrics.text().lines().any(|shown| shown == line);
        metrics.providers(&[stats(1)]);
        assert!(shown(r#"guardian_provider_bytes_total{layer="beacon",provider="mine"} 1000"#));
        assert!(shown(r#"guardian_provider_seconds_total{layer="beacon",provider="mine"} 1.5"#));
        assert!(!metrics.text().contains("guardian_provider_states_total"), "none was asked for yet");
        assert!(!metrics.text().contains("guardian_provider_state_seconds"));
        for times in [2, 4] {
            metrics.providers(&[stats(times)]);
            metrics.providers(&[stats(times)]);
        }
        for line in [
            r#"guardian_provider_bytes_total{layer="beacon",provider="mine"} 4000"#,
            r#"guardian_provider_requests_total{layer="beacon",provider="mine"} 20"#,
            r#"guardian_provider_seconds_total{layer="beacon",provider="mine"} 6"#,
            r#"guardian_provider_state_seconds{provider="mine"} 2.25"#,
            r#"guardian_provider_states_total{outcome="proved",provider="mine"} 3"#,
            r#"guardian_provider_states_total{outcome="disproved",provider="mine"} 0"#,
        ] {
            assert!(shown(line), "{line}\n{}", metrics.text());
        }
    }

    #[test]
    fn what_could_not_be_found_out_of_a_provider_is_not_shown() {
        let metrics = Metrics::new().unwrap();
        let (id, name) = (ProviderId(0), "mine".to_owned());
        let capabilities =
            Capabilities { id, name, version: None, states: Some(true), post: Some(false), events: None, past: None };
        metrics.capabilities(&capabilities);
        let text = metrics.text();
        let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("guardian_provider_capabilities")).collect();
        assert_eq!(
            shown,
            [
                r#"guardian_provider_capabilities{layer="beacon",provider="mine",what="post"} 0"#,
                r#"guardian_provider_capabilities{layer="beacon",provider="mine",what="states"} 1"#,
            ]
        );
    }
}
