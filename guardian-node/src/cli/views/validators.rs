//! `guardian validators`: each with what the rules say of it; `--at-risk`: those to look at, the worst first.

use super::{at, is_true, list, table};
use crate::{
    cli::{output, pages::NodeArguments},
    hint::Hinted,
};
use clap::Args;
use eyre::Result;
use serde_json::Value;

/// Arguments of `guardian validators`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Validators {
    /// Only those that must leave, are on their way, or have lost more than half of what they may lose; the worst first
    #[arg(long)]
    at_risk: bool,
    /// For programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArguments,
}

const HEADS: [&str; 6] = ["INDEX", "PUBLIC KEY", "STATUS", "BALANCE", "MARGIN", "RULES"];

impl Validators {
    pub(in crate::cli) async fn run(self) -> Result<()> {
        let mut page = self.node.pages()?.json("/validators").await?;
        if page.is_null() {
            let advice = "wait for the first finalized epoch; `guardian status` says what keeps the node from it";
            return Err(Hinted::new("this node has observed nothing yet", advice).into());
        }
        if let Some(Value::Array(rows)) = page.get_mut("validators") {
            if self.at_risk {
                rows.retain(|row| is_true(row, "/at_risk"));
            } else {
                // The node has the worst first.
                rows.sort_by_key(|row| row.get("index").and_then(Value::as_u64));
            }
        }
        if self.json {
            output::data(&serde_json::to_string_pretty(&page)?);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = list(&page, "/validators").iter().map(row).collect();
        let nothing = if self.at_risk { "No validator is at risk." } else { "The protocol has no validators." };
        table::print(&HEADS, &rows, nothing);
        let unknown = list(&page, "/unknown").len();
        let unknown =
            if unknown > 0 { format!("; {unknown} more are not on the beacon chain yet") } else { String::new() };
        output::talk(&format!("epoch {}, known by {}{unknown}", at(&page, "/epoch"), at(&page, "/proof")));
        Ok(())
    }
}

fn row(row: &Value) -> Vec<String> {
    let gwei = |path: &str| row.pointer(path).and_then(Value::as_i64);
    let balance = gwei("/balance").map(|gwei| ether(gwei, "")).unwrap_or_default();
    let margin = gwei("/margin").map(|gwei| ether(gwei, "+")).unwrap_or_default();
    vec![at(row, "/index"), at(row, "/pubkey"), at(row, "/status"), balance, margin, at(row, "/says")]
}

/// Gwei as ether, to a millionth, rounded down; positive ones begin with `plus`.
fn ether(gwei: i64, plus: &str) -> String {
    let millionths = gwei.div_euclid(1_000);
    let (sign, size) =
        if millionths < 0 { ("-", millionths.unsigned_abs()) } else { (plus, millionths.unsigned_abs()) };
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_far_a_validator_is_from_the_threshold() {
        let page = serde_json::json!({
            "index": 7, "pubkey": "0xab", "status": "active_ongoing", "balance": 31_749_999_999_u64, "margin": -1, "verdict": "must_leave",
            "says": "must leave: its balance is below the threshold",
        });
        let said = row(&page);
        assert_eq!(
            said,
            ["7", "0xab", "active_ongoing", "31.749999", "-0.000001", "must leave: its balance is below the threshold"]
        );
        assert_eq!(ether(250_000_000, "+"), "+0.250000");
        assert_eq!(row(&serde_json::json!({ "index": 7 }))[4], "", "no registry, or an older node");
    }
}
