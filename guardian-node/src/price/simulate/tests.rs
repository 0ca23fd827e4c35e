//! The simulation against values computed independently, with a million paths each, and against itself.

use super::*;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf};

fn model(set: Set) -> Model {
    Model::new(set.assumptions(), &Payments::built_in().unwrap()).unwrap()
}

fn quiet(_: u64) {}

/// A few cells of both sets; the tolerance is that of few paths.
#[test]
fn outcomes_are_those_that_were_computed_independently() {
    for (set, validators, days, discount, positive, median, low) in [
        (Set::A, 1, 365, 800, 38.98, -6.94, -35.12),
        (Set::A, 5, 182, 800, 42.47, -3.36, -23.92),
        (Set::B, 1, 365, 800, 55.76, 3.7, -29.4),
        (Set::B, 5, 182, 600, 61.3, 5.3, -18.6),
        (Set::B, 20, 182, 700, 84.2, 10.8, -5.4),
    ] {
        let operator = Operator { validators, days };
        let [outcome] = simulate(&model(set), operator, &[discount], 20_000, 1, &quiet)[..] else { panic!() };
        let near = |found: f64, wanted: f64| (found - wanted).abs() < 2.0;
        let all = near(outcome.positive, positive) && near(outcome.low, low) && near(outcome.median, median);
        assert!(all, "{set:?} {operator:?}: {outcome:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_one_others() {
    let (model, operator) = (model(Set::B), Operator { validators: 2, days: 90 });
    let run = |seed| simulate(&model, operator, &[600, 800], 40_000, seed, &quiet);
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let [six, eight] = run(1)[..] else { panic!() };
    assert!(six.mean < eight.mean && six.positive <= eight.positive, "a discount is a gain");
}

/// Priced on what is paid, tickets without a discount are a fair game: before the yield, the mean return is 0.
#[test]
fn without_a_discount_nobody_gains_on_average() {
    let assumptions = Assumptions { bond_yield: 0.0, ..Set::B.assumptions() };
    let model = Model::new(assumptions, &Payments::built_in().unwrap()).unwrap();
    let [outcome] = simulate(&model, Operator { validators: 50, days: 365 }, &[0], 20_000, 1, &quiet)[..] else {
        panic!()
    };
    assert!(outcome.mean.abs() < 0.2, "{outcome:?}");
    assert!(outcome.positive > 40.0 && outcome.positive < 55.0, "{outcome:?}");
}

#[test]
fn progress_is_told_of_every_path() {
    let done = AtomicU64::new(0);
    let count = |paths| {
        done.fetch_add(paths, Ordering::Relaxed);
    };
    simulate(&model(Set::B), Operator { validators: 1, days: 1 }, &[800], 3 * BATCH + 5, 1, &count);
    assert_eq!(done.into_inner(), 3 * BATCH + 5);
}

/// Every published cell, where they are. In a debug build with as many paths as take seconds, and the tolerance for those.
#[test]
fn every_published_cell_is_met() {
    let root = std::env::var_os("GUARDIAN_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let Ok(text) = fs::read_to_string(root.join("ticket-price/montecarlo.json")) else {
        println!("skipped: the published cells are not here");
        return;
    };
    let (paths, tolerance) = if cfg!(debug_assertions) { (10_000, 1.6) } else { (1_000_000, 0.3) };
    let file: Value = serde_json::from_str(&text).unwrap();
    let payments = Payments::built_in().unwrap();
    for (set, name) in [(Set::A, "A_raw"), (Set::B, "B_article_like")] {
        let model = Model::new(set.assumptions(), &payments).unwrap();
        let assumed = &file["sets"][name]["assumptions"];
        let close = |name: &str, value: f64| {
            let wanted = assumed[name].as_f64().unwrap();
            assert!((value - wanted).abs() < wanted * 1e-7, "{name}: {value} and {wanted}");
        };
        close("cover_used", model.cover());
        close("mev_per_validator_day_eth", model.mev_per_validator_day());
        let price = assumed["vt_price_eth"]["0.07"].as_f64().unwrap();
        assert!((model.ticket_price(700) - price).abs() < price * 1e-7);
        let mut operators = BTreeMap::new();
        for (cell, result) in file["sets"][name]["results"].as_object().unwrap() {
            let numbers: Vec<f64> =
                cell.split(',').map(|part| part.split_once('=').unwrap().1.parse().unwrap()).collect();
            let operator = Operator { validators: numbers[1] as u64, days: numbers[0] as u64 };
            let discount = (numbers[2] * 10_000.0).round() as u16;
            operators.entry(operator).or_insert_with(BTreeMap::new).insert(discount, result["mean"].clone());
        }
        for (operator, cells) in operators {
            let discounts: Vec<u16> = cells.keys().copied().collect();
            let outcomes = simulate(&model, operator, &discounts, paths, 1, &quiet);
            for (outcome, (discount, wanted)) in outcomes.iter().zip(cells) {
                for (at, found) in [outcome.positive, outcome.median, outcome.low].into_iter().enumerate() {
                    let wanted = wanted[at].as_f64().unwrap();
                    assert!(
                        (found - wanted).abs() < tolerance,
                        "{name} {operator:?} {discount} [{at}]: {found}, {wanted}"
                    );
                }
            }
        }
    }
}
