//! Every metric is explained, and what providers cost is shown.

use super::*;
use guardian_chain::{Capabilities, Layer, ProviderStats};
use guardian_protocol::ProviderId;
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
        not_understood: times - 1,
        foreign: times == 2,
    }
}

#[test]
fn the_accounts_balance_is_shown_once_it_is_known() {
    let metrics = Metrics::new().unwrap();
    assert!(!metrics.text().contains("guardian_account_balance_eth"), "unknown is not empty");
    for (wei, shown) in [(25 * 10_u128.pow(16), "0.25"), (0, "0")] {
        metrics.account.show_balance("0xabc", wei, None);
        let line = format!("guardian_account_balance_eth{{account=\"0xabc\"}} {shown}");
        assert!(metrics.text().lines().any(|text| text == line), "{}", metrics.text());
    }
    let shows_an_end = |left| {
        metrics.account.show_balance("0xabc", 1, left);
        metrics.text().contains("guardian_account_seconds_left{account=\"0xabc\"} 90")
    };
    assert!(!shows_an_end(None) && shows_an_end(Some(Duration::from_secs(90))) && !shows_an_end(None));
}

/// The metrics' names that `text` speaks of.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("guardian_"));
    ours.filter(|word| !word.ends_with('_')).collect()
}

#[test]
fn every_metric_is_explained_and_every_alert_is_of_a_metric() {
    let strings = |source: &'static str| {
        let strings = source.split('"').skip(1).step_by(2);
        strings.filter(|text| text.starts_with("guardian_") && !text.contains(['{', ' ']))
    };
    let code = [
        include_str!("mod.rs"),
        include_str!("account.rs"),
        include_str!("exits.rs"),
        include_str!("providers.rs"),
        include_str!("reload.rs"),
        include_str!("../observers/metrics.rs"),
        include_str!("../ceremony/metrics.rs"),
        include_str!("../../../p2p/src/network/metrics.rs"),
    ];
    let ours: BTreeSet<&str> = code.into_iter().flat_map(strings).collect();
    assert!(ours.len() > 45, "{ours:?}");
    assert_eq!(named(include_str!("../../../docs/metrics.md")), ours);
    let alerts = named(include_str!("../../../deploy/alerts.yml"));
    assert!(alerts.is_subset(&ours) && alerts.len() > 5, "{alerts:?}");
}

#[test]
fn what_a_provider_costs_is_shown_and_moves() {
    let metrics = Metrics::new().unwrap();
    let shown = |line: &str| metrics.text().lines().any(|shown| shown == line);
    metrics.providers.show_costs(&[stats(1)]);
    assert!(shown(r#"guardian_provider_bytes_total{layer="beacon",provider="mine"} 1000"#));
    assert!(shown(r#"guardian_provider_seconds_total{layer="beacon",provider="mine"} 1.5"#));
    assert!(!metrics.text().contains("guardian_provider_states_total"), "none was asked for yet");
    assert!(!metrics.text().contains("guardian_provider_state_seconds"));
    for times in [2, 4] {
        metrics.providers.show_costs(&[stats(times)]);
        metrics.providers.show_costs(&[stats(times)]);
    }
    for line in [
        r#"guardian_provider_bytes_total{layer="beacon",provider="mine"} 4000"#,
        r#"guardian_provider_requests_total{layer="beacon",provider="mine"} 20"#,
        r#"guardian_provider_seconds_total{layer="beacon",provider="mine"} 6"#,
        r#"guardian_provider_state_seconds{provider="mine"} 2.25"#,
        r#"guardian_provider_not_understood_total{layer="beacon",provider="mine"} 3"#,
        r#"guardian_provider_foreign{layer="beacon",provider="mine"} 0"#,
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
    let capabilities = Capabilities {
        id,
        name,
        version: None,
        peer_id: None,
        states: Some(true),
        post: Some(false),
        events: None,
        past: None,
    };
    metrics.providers.show_capabilities(&capabilities);
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
