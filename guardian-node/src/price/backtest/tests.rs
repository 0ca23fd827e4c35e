//! The walk against numbers that were computed independently, and on series whose errors can be said by heart.

use super::*;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const DAILY: &str = "mev/mevboost_daily_2023-10-10_2024-01-31.csv";

/// A file of the larger vectors; says so if there is none.
fn vectors(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GUARDIAN_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let full = root.join(path);
    if !full.exists() {
        println!("skipped: {path} is not here");
        return None;
    }
    Some(full)
}

fn vector(path: &str) -> Option<Value> {
    Some(serde_json::from_str(&fs::read_to_string(vectors(path)?).unwrap()).unwrap())
}

fn published_days(path: &Path) -> Daily {
    Daily::read(path).unwrap().between(Some("2023-10-11".parse().unwrap()), None).unwrap()
}

/// Whether everything that is wanted is there, numbers to a millionth.
fn assert_holds(found: &Value, wanted: &Value, place: &str) {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            for (name, wanted) in wanted {
                let found = found.get(name).unwrap_or_else(|| panic!("{place}: no {name}"));
                assert_holds(found, wanted, &format!("{place}/{name}"));
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{place}");
            for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                assert_holds(found, wanted, &format!("{place}/{at}"));
            }
        }
        (Value::Number(found), Value::Number(wanted)) => {
            let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
            assert!((found - wanted).abs() <= wanted.abs() * 1e-6, "{place}: {found}, not {wanted}");
        }
        _ => assert_eq!(found, wanted, "{place}"),
    }
}

#[test]
fn every_published_error_is_met_to_a_millionth() {
    let (Some(days), Some(wanted)) = (vectors(DAILY), vector("ticket-price/walkforward_dev.json")) else { return };
    let found = Walk { burn_in: 30, without: None, seeds: 0 }.run(&published_days(&days)).unwrap();
    assert_holds(&serde_json::to_value(&found).unwrap(), &wanted, "");
    let [low, high] = found.modes.incl.confidence_95.sma[&8];
    assert!(low < found.modes.incl.sma8_rmse && found.modes.incl.sma8_rmse < high);
}

/// Seconds when optimised, a minute when not.
#[test]
fn every_published_arima_is_met_to_a_hundredth_and_boosting_is_as_good() {
    let (Some(days), Some(wanted)) = (vectors(DAILY), vector("ticket-price/arima_boosting_dev.json")) else { return };
    let found = Walk { burn_in: 30, without: None, seeds: 2 }.run(&published_days(&days)).unwrap();
    for (name, wanted) in wanted["arima_mle"].as_object().unwrap() {
        let (found, wanted) = (found.arima_mle[name], wanted.as_f64().unwrap());
        println!("ARIMA {name}: {found}, published {wanted}");
        assert!((found - wanted).abs() < wanted * 0.01, "{name}: {found}, not {wanted}");
    }
    for mode in ["raw", "incl"] {
        let published = wanted["boosting"][format!("{mode}_sklearn_gbr")]["mean"].as_f64().unwrap();
        let found = found.boosting[mode].mean;
        println!("boosting {mode}: {found}, published {published}");
        assert!((found - published).abs() < published * 0.05, "{mode}: {found}, not {published}");
    }
}

/// Days that rise by one ether each: a mean of k days is (k + 1) / 2 behind.
fn rising(count: u64) -> Daily {
    let text: String = (0..count)
        .map(|day| {
            format!(
                "2023-{:02}-{:02},{}\n",
                1 + day / 28,
                1 + day % 28,
                u128::from(1_000 + day) * 1_000_000_000_000_000_000
            )
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("date_utc,mevboost_value_wei\n{text}")).unwrap();
    Daily::read(file.path()).unwrap()
}

#[test]
fn a_mean_of_rising_days_is_half_its_window_behind() {
    let found = Walk { burn_in: 30, without: None, seeds: 0 }.run(&rising(80)).unwrap();
    for mode in [&found.modes.raw, &found.modes.incl, &found.modes.excl, &found.modes.reccap] {
        assert!(mode.clipped_days.is_empty());
        for (&window, &rmse) in &mode.sma_rmse_by_window {
            assert!((rmse - (window as f64 + 1.0) / 2.0).abs() < 1e-9, "{window}: {rmse}");
        }
        assert!((mode.sma8_bias_mean_error + 4.5).abs() < 1e-9, "a forecast less what came");
        assert!(mode.ar_ols_rmse[&1] < 1e-6, "a line is an autoregression");
        assert_eq!((mode.sma_best_window, mode.ema_best_j), (1, 29));
    }
    let next = found.modes.incl.mean_of_next_28_days_rmse.unwrap();
    assert_eq!(next.n, 80 - 30 - 27);
    assert!((next.rmse_by_window[&1] - 14.5).abs() < 1e-9);
}

#[test]
fn days_that_are_too_few_are_refused() {
    let walk = |burn_in| Walk { burn_in, without: None, seeds: 0 };
    assert!(walk(29).run(&rising(80)).unwrap_err().advice().contains("at least 30"));
    assert!(walk(80).run(&rising(80)).is_err());
    assert!(Walk { without: Some("2023-01-05".parse().unwrap()), ..walk(30) }.run(&rising(80)).is_err());
    // Fewer than 28 days ahead: nothing is said of the mean of the next 28.
    assert_eq!(walk(30).run(&rising(35)).unwrap().modes.incl.mean_of_next_28_days_rmse.unwrap().n, 0);
}
