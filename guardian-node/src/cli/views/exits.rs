//! `guardian exits`: validators on their way out, from the signed order over the members' parts and the beacon chain to the withdrawal of
//! their stake.

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

const HEADS: [&str; 6] = ["VALIDATOR", "ORDER", "REASON", "STAGE", "PARTS", "STATE"];

/// A validator that was ordered out, or that was seen to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    validator: String,
    order: String,
    reason: String,
    stage: String,
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
        let cells = rows.into_iter().map(|Row { validator, order, reason, stage, parts, state }| {
            vec![validator, order, reason, stage.replace('_', " "), parts, state]
        });
        table::print(&HEADS, &cells.collect::<Vec<_>>(), "No exit is under way, and none was seen since the start.");
        Ok(())
    }
}

/// Those that were ordered out and are not settled, then those that were seen to leave since the start and are, the newest first.
fn rows(status: &Value, history: &Value, now: u64) -> Vec<Row> {
    let followed = list(status, "/exits");
    let is_followed = |event: &&Value| followed.iter().any(|exit| at(exit, "/validator") == at(event, "/validator"));
    let settled = history.as_array().into_iter().flatten().filter(|event| at(event, "/event") == "exit_settled");
    let settled = settled.filter(|event| !is_followed(event)).map(|event| {
        let ago = event.get("time").and_then(Value::as_u64).map_or(0, |time| now.saturating_sub(time));
        Row {
            validator: at(event, "/validator"),
            order: String::new(),
            reason: String::new(),
            stage: "settled".to_owned(),
            parts: String::new(),
            state: format!("settled by the protocol, seen {} ago", span(seconds(ago))),
        }
    });
    followed.iter().map(row).chain(settled).collect()
}

fn row(exit: &Value) -> Row {
    let parts = match at(exit, "/needed").as_str() {
        "" | "0" => String::new(),
        needed => format!("{} of {needed}", at(exit, "/parts")),
    };
    Row {
        validator: at(exit, "/validator"),
        order: exit.get("order").filter(|order| !order.is_null()).map(name).unwrap_or_default(),
        reason: at(exit, "/reason"),
        stage: at(exit, "/stage"),
        parts,
        state: state(exit),
    }
}

/// What it waits for.
fn state(exit: &Value) -> String {
    let (leaves, free) = (at(exit, "/exit_epoch"), at(exit, "/withdrawable_epoch"));
    match at(exit, "/stage").as_str() {
        "in_block" => format!("on the beacon chain: leaves in epoch {leaves}, its stake is free in epoch {free}"),
        "exited" => format!("left in epoch {leaves}: its stake is free in epoch {free}"),
        "withdrawable" => format!("left in epoch {leaves}: waits for the withdrawal of its stake"),
        "swept" => "its stake is withdrawn: waits for the protocol to settle it".to_owned(),
        _ => under_way(exit),
    }
}

/// The same, of one that no block has yet.
fn under_way(exit: &Value) -> String {
    let is = |what: &str| is_true(exit, what);
    let own = match () {
        () if !is("/has_share") => "no share of its key is here",
        () if is("/is_given") => "own part given",
        () => "own part not given",
    };
    let stuck = if is("/is_stuck") { "STUCK, " } else { "" };
    let published = at(exit, "/published");
    let told = match () {
        () if is("/is_held") => format!("{own}: held"),
        () if !is("/is_cleared") => format!("{own}: waits until the order is final and the rules still demand it"),
        () if exit.pointer("/waits/young").is_some() => {
            format!("{own}: may leave from epoch {} on", at(exit, "/waits/young"))
        }
        () if exit.pointer("/waits/partial_withdrawal").is_some() => {
            format!("{own}: the withdrawal of {} gwei of its balance is pending", at(exit, "/waits/partial_withdrawal"))
        }
        () if !is("/is_complete") => format!("{own}: waits for parts; {}", at(exit, "/request")),
        () if published == "0" => "complete: waits for its turn to be published".to_owned(),
        () => {
            let (taken, request) = (taken(exit), at(exit, "/request"));
            format!("published {published} times{taken}: waits for the beacon chain; {request}")
        }
    };
    format!("{stuck}{told}")
}

/// At how many beacon nodes an exit is that was published, and why not at all.
fn taken(exit: &Value) -> String {
    let (taken, asked) = (at(exit, "/taken/0"), at(exit, "/taken/1"));
    match (asked.as_str(), at(exit, "/refusal").as_str()) {
        ("", _) => String::new(),
        (_, "") => format!(", taken by {taken} of {asked} beacon nodes"),
        (_, refusal) => format!(", taken by {taken} of {asked} beacon nodes ({refusal})"),
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
    fn exits_are_told_from_the_order_to_the_settlement() {
        let exit = |validator: u64, stage: &str, more: Value| {
            let mut exit = json!({
                "validator": validator, "order": { "kind": "ejection", "period": 9 }, "reason": "low_balance", "stage": stage,
                "exit_epoch": null, "withdrawable_epoch": null, "parts": 1, "needed": 3, "has_share": true, "is_given": false,
                "is_cleared": true, "is_held": false, "is_complete": false, "published": 0, "taken": null, "refusal": null,
                "waits": null, "request": "not requested", "is_stuck": false,
            });
            exit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            exit
        };
        let chain = json!({ "order": null, "reason": null, "needed": 0, "exit_epoch": 40, "withdrawable_epoch": 296 });
        let published = json!({
            "is_given": true, "is_complete": true, "parts": 3, "published": 2, "taken": [1, 2], "refusal": "1: too early",
            "is_stuck": true,
        });
        let status = json!({ "exits": [
            exit(1, "ordered", json!({ "is_cleared": false })), exit(2, "parts", json!({ "is_given": true })),
            exit(3, "accepted", json!({ "is_held": true })), exit(4, "broadcast", published),
            exit(5, "accepted", json!({ "has_share": false, "needed": 0, "waits": { "young": 300 } })),
            exit(6, "in_block", chain.clone()), exit(7, "exited", chain.clone()), exit(8, "withdrawable", chain.clone()),
            exit(9, "swept", chain),
        ] });
        let history = json!([
            { "time": 1_000, "event": "observed" }, { "time": 2_000, "event": "exit_settled", "validator": 10 },
        ]);
        let told: Vec<String> = rows(&status, &history, 62_000)
            .into_iter()
            .map(|row| [row.validator, row.stage, row.parts, row.state].join("; "))
            .collect();
        assert_eq!(
            told,
            [
                "1; ordered; 1 of 3; own part not given: waits until the order is final and the rules still demand it",
                "2; parts; 1 of 3; own part given: waits for parts; not requested",
                "3; accepted; 1 of 3; own part not given: held",
                "4; broadcast; 3 of 3; STUCK, published 2 times, taken by 1 of 2 beacon nodes (1: too early): waits for the beacon chain; not requested",
                "5; accepted; ; no share of its key is here: may leave from epoch 300 on",
                "6; in_block; ; on the beacon chain: leaves in epoch 40, its stake is free in epoch 296",
                "7; exited; ; left in epoch 40: its stake is free in epoch 296",
                "8; withdrawable; ; left in epoch 40: waits for the withdrawal of its stake",
                "9; swept; ; its stake is withdrawn: waits for the protocol to settle it",
                "10; settled; ; settled by the protocol, seen 1m ago",
            ]
        );
    }
}
