//! How long a million paths for each of 30 cells of `guardian price simulate` take, beside numpy on the same machine in the same run.
//!
//! Both follow ten operators and price each path at three discounts, so that numpy draws no more than we do. numpy runs on one core, as it
//! does; on fewer paths, scaled. Both must come to the same result.

use super::{Figure, memory};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_node::price::simulate::{Model, Operator, Payments, Set, simulate};
use serde::Deserialize;
use std::{io::Write, process::Command, time::Instant};

const SCRIPT: &str = include_str!("price.py");
const PATHS: u64 = 1_000_000;
/// Of numpy, which needs memory for each.
const FEWER_PATHS: u64 = 100_000;
const VALIDATORS: [u64; 5] = [1, 5, 10, 20, 50];
const DAYS: [u64; 2] = [182, 365];
const DISCOUNTS: [u16; 3] = [600, 700, 800];
/// Percentage points between the two, with as few paths as numpy has.
const TOLERANCE: f64 = 1.6;

/// What the script says.
#[derive(Debug, Deserialize)]
struct OfNumpy {
    seconds: f64,
    /// In the order of cells: the part with a gain, percent.
    positive: Vec<f64>,
}

/// Measures both. Without numpy there is a figure, and no reference.
///
/// # Errors
/// If the two disagree, or the system does not tell of its memory.
pub fn measure(say: impl Fn(&str)) -> Result<Vec<Figure>> {
    let model = Model::new(Set::B.assumptions(), &Payments::built_in()?).ok_or_else(|| eyre!("no payments"))?;
    let operators = || {
        DAYS.into_iter().flat_map(|days| VALIDATORS.into_iter().map(move |validators| Operator { validators, days }))
    };
    let run = |paths| -> Vec<f64> {
        let outcomes = operators().flat_map(|operator| simulate(&model, operator, &DISCOUNTS, paths, 1, &|_| {}));
        outcomes.map(|outcome| outcome.positive).collect()
    };
    // Memory after few paths and after many: what is more than before must not grow.
    run(1_000);
    let before = memory::peak()?;
    let start = Instant::now();
    let ours = run(PATHS);
    let seconds = start.elapsed().as_secs_f64();
    let grown = memory::peak()? - before;

    let numpy = of_numpy(&model).unwrap_or_else(|error| {
        say(&format!("numpy is not measured: {error:#}"));
        None
    });
    let mut reference = 0.0;
    if let Some(OfNumpy { seconds, positive }) = numpy {
        ensure!(positive.len() == ours.len(), "numpy has other cells");
        for (ours, theirs) in ours.iter().zip(&positive) {
            ensure!((ours - theirs).abs() < TOLERANCE, "{ours} % have a gain, by numpy {theirs} %");
        }
        reference = seconds * PATHS as f64 / FEWER_PATHS as f64;
    }
    let times = reference / seconds;
    Ok(vec![
        Figure {
            name: "monte_carlo_30_cells_s",
            value: seconds,
            unit: "s",
            reference: "numpy, one core, in this run (0: it is not here)",
            reference_value: reference,
        },
        Figure {
            name: "monte_carlo_over_numpy",
            value: times,
            unit: "x",
            reference: "to reach",
            reference_value: 10.0,
        },
        Figure {
            name: "monte_carlo_grown_mib",
            value: grown,
            unit: "MiB",
            reference: "a path's revenue each",
            reference_value: PATHS as f64 * 8.0 / 1_048_576.0,
        },
    ])
}

/// `None` if there is no python3 or no numpy.
fn of_numpy(model: &Model) -> Result<Option<OfNumpy>> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import numpy"]).output().wrap_err("python3 is not here")?;
    ensure!(has.status.success(), "python3 has no numpy (PYTHON names another python3)");
    let mut table = tempfile::NamedTempFile::new()?;
    for value in model.payments().gwei() {
        table.write_all(&(*value as f64 / 1e9).to_le_bytes())?;
    }
    table.flush()?;
    let arguments = serde_json::json!({
        "payments": table.path(),
        "paths": FEWER_PATHS,
        "validators": VALIDATORS,
        "days": DAYS,
        "prices": DISCOUNTS.map(|discount| model.ticket_price(discount)),
    });
    let output = Command::new(&python).args(["-c", SCRIPT, &arguments.to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}
