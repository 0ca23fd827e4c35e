//! Metrics as Prometheus' text format 0.0.4, so that they can be appended to those of other libraries.
//!
//! `prometheus-client` writes OpenMetrics. The samples are the same; what differs is the metadata: a counter is described
//! there without its `_total`, units have a line of their own, and the end is marked.

use std::fmt::{self, Write as _};

use libp2p::metrics::Registry;
use prometheus_client::encoding::text::encode_registry;

/// Everything in the registry. Every line ends with a line feed; there is no end mark.
pub(crate) fn encode(registry: &Registry) -> Result<String, fmt::Error> {
    let mut open_metrics = String::new();
    encode_registry(&mut open_metrics, registry)?;
    to_prometheus(&open_metrics)
}

/// Rewrites the metadata. HELP comes before TYPE, which decides about the name of both.
fn to_prometheus(open_metrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "gauge" | "histogram" | "summary" => ("", kind),
                _ => ("", "untyped"),
            };
            if let Some((_, words)) = help.take().filter(|(described, _)| *described == name) {
                writeln!(text, "# HELP {name}{suffix} {words}")?;
            }
            writeln!(text, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') && !line.is_empty() {
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

    use super::*;

    #[test]
    fn counters_are_described_under_the_name_of_their_samples() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc();
        registry.register("dials", "Attempts to dial", counter);
        let gauge: Gauge = Gauge::default();
        registry.register("peers", "Peers", gauge);
        assert_eq!(
            encode(&registry).unwrap(),
            "# HELP dials_total Attempts to dial.\n# TYPE dials_total counter\ndials_total 1\n\
             # HELP peers Peers.\n# TYPE peers gauge\npeers 0\n"
        );
    }

    #[test]
    fn units_and_the_end_mark_are_left_out_and_histograms_stay() {
        let mut registry = Registry::default();
        let histogram = Histogram::new([1.0]);
        histogram.observe(0.5);
        registry.register_with_unit("rtt", "Round trip", prometheus_client::registry::Unit::Seconds, histogram);
        let text = encode(&registry).unwrap();
        assert!(text.contains("# TYPE rtt_seconds histogram\n"));
        assert!(text.contains("rtt_seconds_bucket{le=\"+Inf\"} 1\n"));
        assert!(!text.contains("UNIT") && !text.contains("EOF"));
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn kinds_that_prometheus_does_not_know_become_ones_that_it_knows() {
        let text = to_prometheus("# TYPE build info\nbuild_info{v=\"1\"} 1\n# TYPE x unknown\nx 1\n# EOF\n").unwrap();
        assert_eq!(text, "# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n# TYPE x untyped\nx 1\n");
    }
}
