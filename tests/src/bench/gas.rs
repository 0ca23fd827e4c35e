//! Gas, from the contracts' own gas tests: one measurement, quoted by everybody.

use super::Figure;
use crate::devnet::{process::tool, root};
use eyre::{Result, WrapErr, ensure, eyre};
use std::process::Command;

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
    let value = |label: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.ok_or_else(|| eyre!("no line `{label}`"))?.trim().parse().wrap_err_with(|| label.to_owned())
    };
    let figure =
        |name, value, reference, reference_value| Figure { name, value, unit: "gas", reference, reference_value };
    Ok(vec![
        figure(
            "verify_gas",
            value("verify, with its call and its memory")?,
            "safe-frost's verifier, measured",
            5_196.0,
        ),
        figure(
            "reserve_report_gas",
            value("submitReport, whole transaction")?,
            "Chronicle's report transaction, quoted",
            54_620.0,
        ),
        figure(
            "reserve_report_anchored_gas",
            value("submitReport with the EIP-4788 anchor, whole transaction")?,
            "the report and 8,000",
            52_500.0,
        ),
        figure(
            "report_by_3_ecdsa_gas",
            value("the same report by 3 ECDSA signatures, whole transaction")?,
            "quoted for another contract",
            55_523.0,
        ),
        figure(
            "report_by_7_ecdsa_gas",
            value("the same report by 7 ECDSA signatures, whole transaction")?,
            "quoted for another contract",
            82_467.0,
        ),
        figure(
            "report_by_13_ecdsa_gas",
            value("the same report by 13 ECDSA signatures, whole transaction")?,
            "quoted for another contract",
            122_895.0,
        ),
        figure(
            "ejection_gas_1",
            value("submitOrder of 1, whole transaction")?,
            "Lido's exit bus with 1 key, quoted",
            121_000.0,
        ),
        figure(
            "ejection_gas_per_validator_10",
            value("submitOrder of 10, per validator")?,
            "Lido's exit bus with 100 keys, quoted",
            9_500.0,
        ),
        figure(
            "ejection_gas_per_validator_100",
            value("submitOrder of 100, per validator")?,
            "Lido's exit bus with 100 keys, quoted",
            9_500.0,
        ),
        figure(
            "rotate_gas",
            value("rotate, whole transaction")?,
            "estimate of two verifications and two writes",
            60_000.0,
        ),
    ])
}
