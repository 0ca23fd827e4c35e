//! `guardian exits`: validators on their way out, from the signed order over the members' parts to the beacon chain.

use super::{at, is_true, list, name, span, table};
use crate::{
    cli::{output, pages::NodeArguments},
    driver,
};
use clap::Args;
use eyre::Result;
use serde::Serialize;
use serde_json::Value;

/// Arguments of `guardian exits`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Exits {
    /// For programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArguments,
}

const HEADS: [&str; 5] = ["VALIDATOR", "ORDER", "REASON", "PARTS", "STATE"];

/// An exit that is under way, or that the beacon chain has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    validator: String,
    order: String,
    reason: String,
    parts: String,
    state: String,
}

impl Exits {
    pub(in crate::cli) async fn run(self) -> Result<()> {
        let pages = self.node.pages()?;
        let (status, history) = (pages.json("/status").await?, pages.json("/history?limit=1000").await?);
        let rows = rows(&status, &history, driver::now().0);
        if self.json {
            output::data(&serde_json::to_string_pretty(&rows)?);
            return Ok(());
        }
        let cells = rows
            .into_iter()
            .map(|Row { validator, order, reason, parts, state }| vec![validator, order, reason, parts, state]);
        table::print(&HEADS, &cells.collect::<Vec<_>>(), "No exit is under way, and none was seen since the start.");
        Ok(())
    }
}

/// Those under way, then those that were seen since the start, the newest first.
fn rows(status: &Value, history: &Value, now: u64) -> Vec<Row> {
    let under_way = list(status, "/exits").iter().map(|exit| Row {
        validator: at(exit, "/validator"),
        order: exit.get("order").map(name).unwrap_or_default(),
        reason: at(exit, "/reason"),
        parts: format!("{} of {}", at(exit, "/parts"), at(exit, "/needed")),
        state: state(exit),
    });
    let seen = history.as_array().into_iter().flatten().filter(|event| at(event, "/event") == "exit_seen");
    let seen = seen.map(|event| {
        let ago = event.get("time").and_then(Value::as_u64).map_or(0, |time| now.saturating_sub(time));
        let state = format!(
            "on the beacon chain, leaves in epoch {}, seen {} ago",
            at(event, "/exit_epoch"),
            span(seconds(ago))
        );
        Row {
            validator: at(event, "/validator"),
            order: String::new(),
            reason: String::new(),
            parts: String::new(),
            state,
        }
    });
    under_way.chain(seen).collect()
}

/// How far it is, and what it waits for.
fn state(exit: &Value) -> String {
    let is = |what: &str| is_true(exit, what);
    let own = if is("/is_given") { "own part given" } else { "own part not given" };
    match () {
        () if is("/is_held") => format!("{own}: held"),
        () if !is("/is_cleared") => format!("{own}: waits until the order is final and the rules still demand it"),
        () if !is("/is_complete") => format!("{own}: waits for parts"),
        () if at(exit, "/published") == "0" => "complete: waits for its turn to be published".to_owned(),
        () => format!("published {} times: waits for the beacon chain", at(exit, "/published")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture of it is enough")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn exits_are_told_from_the_order_to_the_beacon_chain() {
        let exit = |validator: u64, more: Value| {
            let mut exit = json!({
                "validator": validator, "order": { "kind": "ejection", "period": 9 }, "reason": "low_balance", "parts": 1, "needed": 3,
                "is_given": false, "is_cleared": true, "is_held": false, "is_complete": false, "published": 0,
            });
            exit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            exit
        };
        let status = json!({ "exits": [
            exit(1, json!({ "is_cleared": false })), exit(2, json!({ "is_given": true })), exit(3, json!({ "is_held": true })),
            exit(4, json!({ "is_given": true, "is_complete": true, "parts": 3, "published": 2 })),
        ] });
        let history = json!([
            { "time": 1_000, "event": "observed" }, { "time": 2_000, "event": "exit_seen", "validator": 5, "exit_epoch": 40 },
        ]);
        let told: Vec<(String, String, String)> =
            rows(&status, &history, 62_000).into_iter().map(|row| (row.validator, row.parts, row.state)).collect();
        let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        assert_eq!(
            told,
            [
                ("1", "1 of 3", "own part not given: waits until the order is final and the rules still demand it"),
                ("2", "1 of 3", "own part given: waits for parts"),
                ("3", "1 of 3", "own part not given: held"),
                ("4", "3 of 3", "published 2 times: waits for the beacon chain"),
                ("5", "", "on the beacon chain, leaves in epoch 40, seen 1m ago"),
            ]
        );
    }
}
