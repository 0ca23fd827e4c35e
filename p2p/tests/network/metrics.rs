//! The metrics text can be read by Prometheus, and holds what docs/metrics.md explains.

use std::collections::BTreeMap;

use guardian_p2p::{Channel, Limits};

use crate::committee::{TCP, committee, received};

/// The families of a text in format 0.0.4, with their kinds; panics on what a parser would refuse or misread.
fn must_parse(text: &str) -> BTreeMap<String, String> {
    let mut families = BTreeMap::new();
    let mut described = Vec::new();
    assert!(text.ends_with('\n'), "the last line is not ended");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let name = help.split(' ').next().unwrap().to_owned();
            assert!(!described.contains(&name), "described twice: {name}");
            described.push(name);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind), "{line}");
            assert!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "typed twice: {name}");
        } else {
            assert!(!line.starts_with('#'), "neither HELP nor TYPE: {line}");
            must_parse_sample(line, &families);
        }
    }
    families
}

fn must_parse_sample(line: &str, families: &BTreeMap<String, String>) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    assert!(value.parse::<f64>().is_ok(), "not a number: {line}");
    let (name, labels) = series.split_once('{').map_or((series, None), |(name, labels)| (name, Some(labels)));
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
    for label in labels.into_iter().flat_map(|labels| labels.strip_suffix('}').expect("closed").split("\",")) {
        let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        assert!(!value.trim_end_matches('"').contains('"'), "{line}");
    }
    let of_histogram = ["_bucket", "_sum", "_count"].iter().filter_map(|suffix| name.strip_suffix(suffix));
    let typed = families.contains_key(name)
        || of_histogram.into_iter().any(|family| families.get(family).is_some_and(|kind| kind == "histogram"));
    assert!(typed, "a sample before its TYPE: {line}");
}

#[tokio::test]
async fn the_text_is_what_prometheus_reads_and_the_numbers_move() {
    let [one, mut two] = committee::<2>(TCP, &Limits::default()).await;
    one.must_send(2, b"direct");
    two.until(&received(1, Channel::Direct, b"direct")).await;
    one.must_broadcast(b"broadcast");
    two.until(&received(1, Channel::Broadcast, b"broadcast")).await;

    let text = two.network.metrics_text();
    let families = must_parse(&text);
    assert!(families.keys().all(|name| name.starts_with("guardian_p2p_")));
    for counter in [
        "guardian_p2p_dropped_total",
        "guardian_p2p_limited_total",
        "guardian_p2p_strangers_total",
        "guardian_p2p_dials_total",
        "guardian_p2p_connections_total",
        "guardian_p2p_broadcast_copies_total",
    ] {
        assert_eq!(families.get(counter).map(String::as_str), Some("counter"), "{counter}");
    }
    assert_eq!(two.metric("guardian_p2p_received_total{channel=\"direct\"}"), 1);
    assert_eq!(two.metric("guardian_p2p_received_total{channel=\"broadcast\"}"), 1);
    assert_eq!(two.metric("guardian_p2p_received_bytes_total{channel=\"direct\"}"), 6);
    assert!(two.metric("guardian_p2p_connections_total") >= 1);
    let connected = format!("guardian_p2p_connected{{peer=\"{}\"}}", one.network.peer_id());
    assert_eq!(two.metric(&connected), 1);
}
