//! `guardian price`: research that anybody does again, from files that anybody has.

use crate::support::{assert_done, assert_refused, guardian, template, text};
use guardian_chain::state::MINIMAL;
use guardian_tests::synthetic::{Synthetic, validator::Registry};
use serde_json::Value;
use std::{fmt::Write as _, fs, path::Path};

const ETHER: u128 = 1_000_000_000_000_000_000;

fn json(arguments: &[&str]) -> Value {
    let output = guardian(&[&["price"], arguments, &["--json"]].concat());
    assert_done(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// 90 days that look like days of a market, among columns that nobody needs.
fn days(path: &Path) -> String {
    let mut lines = "block_count,date_utc,mevboost_value_wei\r\n".to_owned();
    for day in 0..90_u128 {
        let total = (800 + day * day * 7_919 % 400) * ETHER + if day == 70 { 5_000 * ETHER } else { 0 };
        writeln!(lines, "7000,2024-{:02}-{:02},{total}\r", 1 + day / 28, 1 + day % 28).unwrap();
    }
    // Months of 28 days, so that some days are missing.
    fs::write(path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_backtest_tells_the_error_of_every_model() {
    let dir = tempfile::tempdir().unwrap();
    let data = days(&dir.path().join("days.csv"));
    let range =
        ["backtest", "--data", &data, "--from", "2024-01-02", "--to", "2024-04-05", "--burn-in", "65", "--seeds", "1"];
    let found = json(&range);
    assert_eq!(found["first_origin"], "2024-03-11");
    assert_eq!(found["last_origin"], "2024-04-05");
    assert_eq!((found["n_test"].as_u64(), found["burn_in"].as_u64()), (Some(23), Some(65)));
    for mode in ["raw", "incl", "excl", "reccap"] {
        let mode = &found["modes"][mode];
        assert_eq!(mode["sma_rmse_by_window"].as_object().unwrap().len(), 30);
        assert_eq!(mode["ema_rmse_by_j"].as_array().unwrap().len(), 30);
        assert!(mode["ar_ols_rmse"]["3"].is_number() && mode["without_2024-03-15"]["ema_best"][1].is_number());
    }
    assert_eq!(found["modes"]["incl"]["clipped_days"][0], "2024-03-15");
    assert!(found["modes"]["incl"]["sma8_rmse"].as_f64() < found["modes"]["raw"]["sma8_rmse"].as_f64());
    assert_eq!(found["arima_mle"].as_object().unwrap().len(), 14);
    assert!(found["boosting"]["incl"]["mean"].is_number());

    let shown = guardian(&[&["price"], &range[..], &["--quick"]].concat());
    assert_done(&shown);
    assert!(text(&shown).contains("best EMA"), "{}", text(&shown));
    assert!(String::from_utf8_lossy(&shown.stderr).contains("no line for the day before 2024-02-01"));
}

#[test]
fn a_mistake_in_the_data_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("days.csv");
    let file = path.to_str().unwrap();
    for (content, error, hint) in [
        ("", "there is no column `date_utc`", "first line names the columns"),
        ("date_utc,value\n", "line 1: there is no column `mevboost_value_wei`", "date_utc, mevboost_value_wei"),
        ("date_utc,mevboost_value_wei\n", "has no days", "one line for each day"),
        ("date_utc,mevboost_value_wei\n2024-01-01,5\n2024-01-02\n", "line 3: it has 1 columns", "cut off"),
        (
            "date_utc,mevboost_value_wei\n2024-01-01,5\n\n2024-02-30,6\n",
            "line 4: `date_utc` is `2024-02-30`",
            "correct the line",
        ),
        (
            "date_utc,mevboost_value_wei\n2024-01-01,1e18\n",
            "line 2: `mevboost_value_wei` is `1e18`",
            "correct the line",
        ),
        ("date_utc,mevboost_value_wei\n2024-01-01,-4\n", "line 2: `mevboost_value_wei` is `-4`", "correct the line"),
        (
            "date_utc,mevboost_value_wei\n2024-01-02,5\n2024-01-02,6\n",
            "line 3: 2024-01-02 stands after",
            "oldest first",
        ),
    ] {
        fs::write(&path, content).unwrap();
        assert_refused(&guardian(&["price", "backtest", "--data", file]), error, hint);
    }
    fs::write(&path, [0xff, 0xfe, b'\n']).unwrap();
    assert_refused(&guardian(&["price", "backtest", "--data", file]), "can't read", "plain or gzipped");
    assert_refused(
        &guardian(&["price", "backtest", "--data", "/nowhere.csv"]),
        "can't open /nowhere.csv",
        "readable CSV",
    );
    let data = days(&path);
    let outside = guardian(&["price", "backtest", "--data", &data, "--from", "2023-12-31"]);
    assert_refused(&outside, "is not within the data, which have 2024-01-01", "--from and --to");
    let short = guardian(&["price", "backtest", "--data", &data, "--burn-in", "90"]);
    assert_refused(&short, "of 90 days, 90 are for the start", "left to forecast");
}

#[test]
fn a_simulation_tells_what_operators_gain() {
    let cell = [
        "simulate",
        "--set",
        "B",
        "--validators",
        "3",
        "--days",
        "100",
        "--discount-bps",
        "750",
        "--paths",
        "20000",
        "--seed",
        "5",
    ];
    let found = json(&cell);
    let positive = found["P(positive) %"].as_f64().unwrap();
    assert!(positive > 40.0 && positive < 70.0, "{found}");
    assert_eq!(found["results"]["T=100,n=3,d=0.075"]["mean"][0], positive);
    assert_eq!(found["columns"].as_array().unwrap().len(), 4);
    assert_eq!(found, json(&cell), "the same seed");

    let several = json(&["simulate", "--validators", "1,2", "--days", "30", "--paths", "1000"]);
    assert_eq!(several["results"].as_object().unwrap().len(), 6);
    assert_eq!(several["assumptions"]["capital"], "bond+28VT");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payments.csv");
    fs::write(&path, "slot,value_wei\n10,1000000000000000000\n19,1000000000000000000\n").unwrap();
    let own = ["simulate", "--payments", path.to_str().unwrap(), "--paths", "1000", "--days", "10"];
    assert_eq!(json(&own)["measured_cover"], 0.2);
    let shown = guardian(&[&["price"], &own[..]].concat());
    assert!(text(&shown).contains("median APR") && shown.stderr.is_empty(), "no bar without a terminal");
    fs::write(&path, "slot,value_wei\n10,1\n10,1\n").unwrap();
    assert_refused(&guardian(&[&["price"], &own[..]].concat()), "line 3: slot 10 stands after", "sort the lines");
    assert!(!guardian(&["price", "simulate", "--validators", "0"]).status.success());
}

#[test]
fn commitments_have_a_price_in_both_readings() {
    let months = json(&["commitments"]);
    assert_eq!(months.as_array().unwrap().len(), 12);
    assert_eq!(months[7]["S_floor_wei"], "46241846593838828");
    assert_eq!(months[0]["S_unit"], "0.0107085614788557688949791686101202886300");
    assert!(months[11]["discounted_month_price"].as_str().unwrap().starts_with("0.081753208477148883768358"));
    assert!(text(&guardian(&["price", "commitments", "--months", "3"])).contains("as a discount"));
    for wrong in [["--rate", "1.5"], ["--max-discount", "-1"], ["--value", "x"], ["--months", "0"]] {
        assert!(!guardian(&[&["price", "commitments"], &wrong[..]].concat()).status.success(), "{wrong:?}");
    }
}

#[test]
fn a_quote_says_where_each_of_its_numbers_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let data = days(&dir.path().join("days.csv"));
    let asked = ["quote", "--data", &data, "--stake-gwei", "29667904000000000", "--discount-bps", "800"];
    let whole = [&asked[..], &["--to", "2024-03-28"]].concat();
    let found = json(&whole);
    let number = |found: &Value, name: &str| -> u128 { found[name]["value"].as_str().unwrap().parse().unwrap() };
    let last: u128 = (76..84_u128).map(|day| (800 + day * day * 7_919 % 400) * ETHER).sum::<u128>() / 8;
    assert_eq!(number(&found, "network_mev_forecast_wei"), last);
    let (mev, consensus) = (number(&found, "daily_mev_payouts_wei"), number(&found, "daily_consensus_rewards_wei"));
    assert_eq!(mev, last * 32 / 29_667_904);
    assert_eq!(consensus, 2_671_196_408_239_692);
    assert_eq!(number(&found, "mint_price_wei"), (mev + consensus) * 92 / 100);
    assert_eq!(found["total_active_balance_gwei"]["from"], "--stake-gwei");
    assert!(found["network_mev_wei_2024-03-28"]["from"].as_str().unwrap().contains("days.csv"), "{found}");
    assert!(found["mean_price_of_next_28_days_wei"].is_object());

    // What the pricer would refuse is cut to what it takes.
    let held = ["--last-mev", "1000", "--last-consensus", "2671196408239692", "--mev-tolerance-bps", "2000"];
    let found = json(&[&whole[..], &held].concat());
    assert_eq!(number(&found, "accepted_mev_payouts_wei"), 1_200);
    assert_eq!(number(&found, "accepted_consensus_rewards_wei"), consensus);
    assert_eq!(number(&found, "accepted_mint_price_wei"), (1_200 + consensus) * 92 / 100);

    assert!(text(&guardian(&[&["price"], &whole[..]].concat())).contains("rounded down once"));
    // The last day of a month of 28 days is followed by one that is not the next.
    let beside_a_gap = guardian(&[&["price"], &asked[..], &["--to", "2024-02-05"]].concat());
    assert_refused(&beside_a_gap, "no line for the day before 2024-02-01", "none of which is missing");
    let few = guardian(&[&["price"], &asked[..], &["--to", "2024-01-09"]].concat());
    assert_refused(&few, "9 days are too few", "the last 18 days");
    let none = ["price", "quote", "--data", &data, "--stake-gwei", "1", "--discount-bps", "800", "--to", "2024-03-28"];
    assert_refused(&guardian(&none), "there is no price with 1 gwei of stake", "effective balances");
    let state = ["price", "quote", "--data", &data, "--state", &data, "--discount-bps", "800"];
    assert_refused(&guardian(&state), "is no beacon state", "verify state");
    assert!(!guardian(&["price", "quote", "--data", &data, "--discount-bps", "800"]).status.success(), "no stake");
}

#[test]
fn a_quote_takes_the_stake_from_a_state_that_it_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let data = days(&dir.path().join("days.csv"));
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 900, registry, skipped: false, lie: 0 };
    let file = dir.path().join("state.ssz");
    fs::write(&file, state.bytes()).unwrap();
    let active =
        (0..900).map(|index| registry.validator(index)).filter(|validator| validator.is_active(registry.epoch));
    let stake: u64 = active.map(|validator| validator.effective_balance).sum();
    let found = json(&[
        "quote",
        "--data",
        &data,
        "--state",
        file.to_str().unwrap(),
        "--discount-bps",
        "800",
        "--to",
        "2024-03-28",
    ]);
    assert_eq!(found["total_active_balance_gwei"]["value"], stake.to_string());
    assert!(found["total_active_balance_gwei"]["from"].as_str().unwrap().contains("slot 56, root 0x"), "{found}");
}

#[test]
fn plots_are_whole_pictures_with_their_words() {
    let dir = tempfile::tempdir().unwrap();
    let data = days(&dir.path().join("days.csv"));
    let out = dir.path().join("plots");
    assert_done(&guardian(&["price", "plot", "--data", &data, "--paths", "2000", "--out", out.to_str().unwrap()]));
    for (name, words) in [
        ("forecast.svg", ["SMA(8), reccap: what is signed", "ETH a day"]),
        ("errors.svg", ["95 % of block-bootstrap draws, incl", "k, days"]),
        ("returns.svg", ["20 validators", "B: payments trimmed, 8 % discount"]),
    ] {
        let picture = fs::read_to_string(out.join(name)).unwrap();
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{name}");
        assert!(words.iter().all(|word| picture.contains(word)), "{name}");
        assert!(picture.matches("<polyline").count() >= 3, "{name} has no lines");
    }
    let nowhere = guardian(&["price", "plot", "--data", &data, "--paths", "10", "--out", "/dev/null/plots"]);
    assert_refused(&nowhere, "can't write to /dev/null/plots", "permissions");
}

/// A beacon and an execution node in one: the finalized state, and a pricer that holds five numbers by the selectors of its getters.
async fn chains(state: Vec<u8>) -> String {
    let pricer = |body: axum::Json<Value>| async move {
        let call = &body.0["params"];
        assert_eq!(call[1], "finalized");
        assert_eq!(call[0]["to"], "0x0909090909090909090909090909090909090909");
        let number: u64 = match call[0]["data"].as_str().unwrap() {
            "0xa7a9cbe8" => 850,                   // getDiscountRateBps
            "0xbd12cee5" => 1_000,                 // getDailyMevPayouts
            "0xe6a83a1d" => 2_671_196_408_239_692, // getDailyConsensusRewards
            "0x8ffa8314" => 2_000,                 // getDailyMevPayoutsChangeToleranceBps
            "0xbeb08660" => 500,                   // getDailyConsensusRewardsChangeToleranceBps
            other => panic!("{other}"),
        };
        axum::Json(serde_json::json!({ "jsonrpc": "2.0", "id": 1, "result": format!("0x{number:064x}") }))
    };
    let routes = axum::Router::new()
        .route("/eth/v2/debug/beacon/states/finalized", axum::routing::get(|| async move { state }))
        .route("/", axum::routing::post(pricer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_reads_stake_and_pricer_from_a_configuration_s_providers() {
    let dir = tempfile::tempdir().unwrap();
    let data = days(&dir.path().join("days.csv"));
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 900, registry, skipped: false, lie: 0 };
    let nodes = chains(state.bytes()).await;
    let file = dir.path().join("guardian.toml");
    fs::write(&file, template().replace("http://127.0.0.1:1\"", &format!("{nodes}\""))).unwrap();
    let config = file.to_str().unwrap();
    let asked = ["quote", "--data", &data, "--to", "2024-03-28", "--config", config, "--pricer"];
    let found = json(&[&asked[..], &["0x0909090909090909090909090909090909090909"]].concat());
    let stake: u64 = (0..900)
        .map(|index| registry.validator(index))
        .filter(|validator| validator.is_active(registry.epoch))
        .map(|validator| validator.effective_balance)
        .sum();
    assert_eq!(found["total_active_balance_gwei"]["value"], stake.to_string());
    assert!(found["total_active_balance_gwei"]["from"].as_str().unwrap().contains("beacon provider"), "{found}");
    assert_eq!(found["discount_bps"]["value"], "850");
    assert_eq!(found["accepted_mev_payouts_wei"]["value"], "1200");
    let accepted = found["accepted_consensus_rewards_wei"]["value"].as_str().unwrap();
    assert_eq!(accepted, (2_671_196_408_239_692_u64 * 105 / 100).to_string());

    // Nobody is there, and what is there is none.
    fs::write(&file, template()).unwrap();
    let silent = ["price", "quote", "--data", &data, "--to", "2024-03-28", "--config", config, "--discount-bps", "1"];
    assert_refused(&guardian(&silent), "does not serve the finalized state", "--stake-gwei");
    let nodes = chains(b"no state".to_vec()).await;
    fs::write(&file, template().replace("http://127.0.0.1:1\"", &format!("{nodes}\""))).unwrap();
    assert_refused(&guardian(&silent), "is no beacon state", "SSZ");
}
