//! Gas, from the contracts' own gas tests: one measurement, quoted by everybody.

use super::Figure;
use crate::devnet::{process::tool, root};
use eyre::{Result, WrapErr, ensure, eyre};
use std::process::Command;

/// Name, the line that the tests print, what it is compared with, and that figure.
const FIGURES: [(&str, &str, &str, f64); 11] = [
    ("verify_gas", "verify, with its call and its memory", "safe-frost's verifier, measured", 5_196.0),
    ("reserve_report_gas", "submitReport, whole transaction", "Chronicle's report transaction, quoted", 54_620.0),
    (
        "reserve_report_first_of_interval_gas",
        "submitReport of an interval's first report, whole transaction",
        "Chronicle's report transaction, quoted",
        54_620.0,
    ),
    (
        "reserve_report_anchored_gas",
        "submitReport with the EIP-4788 anchor, whole transaction",
        "Chronicle's report transaction (not anchored), quoted",
        54_620.0,
    ),
    (
        "report_by_3_ecdsa_gas",
        "the same report by 3 ECDSA signatures, whole transaction",
        "another contract's, measured",
        55_523.0,
    ),
    (
        "report_by_7_ecdsa_gas",
        "the same report by 7 ECDSA signatures, whole transaction",
        "another contract's, measured",
        82_467.0,
    ),
    (
        "report_by_13_ecdsa_gas",
        "the same report by 13 ECDSA signatures, whole transaction",
        "another contract's, measured",
        122_895.0,
    ),
    ("ejection_gas_1", "submitOrder of 1, whole transaction", "Lido's exit bus with 1 key, quoted", 121_000.0),
    (
        "ejection_gas_per_validator_10",
        "submitOrder of 10, per validator",
        "Lido's exit bus with 100 keys, quoted",
        9_500.0,
    ),
    (
        "ejection_gas_per_validator_100",
        "submitOrder of 100, per validator",
        "Lido's exit bus with 100 keys, quoted",
        9_500.0,
    ),
    ("rotate_gas", "rotate, whole transaction", "estimate of two verifications and two writes", 60_000.0),
];

/// Runs the gas tests and reads what they log.
///
/// # Errors
/// If they fail, or a figure is missing.
pub fn measure() -> Result<Vec<Figure>> {
    // The launcher that npm installs for forge exits with 0 even when tests fail; this one does not.
    let output = Command::new("node")
        .arg(tool("contracts/forge.mjs")?)
        .args(["test", "--match-contract", "Gas", "-vv"])
        .current_dir(root().join("contracts"))
        .output()
        .wrap_err("can't run forge")?;
    ensure!(output.status.success(), "the gas tests fail: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    FIGURES
        .into_iter()
        .map(|(name, label, reference, reference_value)| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
            let line = line.ok_or_else(|| eyre!("no line `{label}`"))?;
            let value = line.trim().parse().wrap_err_with(|| label.to_owned())?;
            Ok(Figure { name, value, unit: "gas", reference, reference_value })
        })
        .collect()
}
