//! `guardian duties`: the latest duties, how far each is, and what it waits for. Those before the newest come from the node's memory of
//! events, which begins with its start.

use super::{at, list, name, span, table};
use crate::{
    cli::{output, pages::NodeArguments},
    driver,
};
use clap::Args;
use eyre::Result;
use serde::Serialize;
use serde_json::Value;

/// Arguments of `guardian duties`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Duties {
    /// So many at most
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// For programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArguments,
}

const HEADS: [&str; 4] = ["DUTY", "STATE", "AGE", "DIGEST"];

/// One duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    duty: String,
    state: String,
    /// When it came so far, in Unix milliseconds.
    since: Option<u64>,
    digest: String,
}

impl Duties {
    pub(in crate::cli) async fn run(self) -> Result<()> {
        let pages = self.node.pages()?;
        let (status, history) = (pages.json("/status").await?, pages.json("/history?limit=1000").await?);
        let mut rows = rows(&status, &history);
        rows.truncate(self.limit);
        if self.json {
            output::data(&serde_json::to_string_pretty(&rows)?);
            return Ok(());
        }
        let now = driver::now().0;
        let age = |since: u64| span(std::time::Duration::from_millis(now.saturating_sub(since)).as_secs_f64());
        let cells = rows
            .into_iter()
            .map(|Row { duty, state, since, digest }| vec![duty, state, since.map(age).unwrap_or_default(), digest]);
        table::print(&HEADS, &cells.collect::<Vec<_>>(), "No duty was decided yet.");
        Ok(())
    }
}

/// Those that are open, wait for a word, or were signed last; then those before.
fn rows(status: &Value, history: &Value) -> Vec<Row> {
    let threshold = at(status, "/threshold");
    let row = |duty: &Value, state: String| {
        let name = duty.get("id").map(name).unwrap_or_default();
        let since = duty.get("since").and_then(Value::as_u64).or_else(|| last(history, &name)?.get("time")?.as_u64());
        Row { duty: name, state, since, digest: at(duty, "/digest") }
    };
    let announced = |duty: &Value| format!("announced {} of {threshold}", at(duty, "/votes"));
    let open = list(status, "/open").iter().map(|duty| {
        let held = at(duty, "/held/reason");
        let held = if held.is_empty() { String::new() } else { format!(", held: {held}") };
        let others = list(duty, "/disagreeing").len();
        let others = if others > 0 { format!(", {others} announced something else") } else { String::new() };
        row(duty, format!("{}{held}{others}", announced(duty)))
    });
    let offered =
        list(status, "/offered").iter().map(|duty| row(duty, format!("waits for your word, {}", announced(duty))));
    let signed = list(status, "/signed").iter().map(|duty| {
        let kept_back = list(status, "/limited").iter().find(|limited| limited.get("digest") == duty.get("digest"));
        let kept_back = kept_back.map(|limited| {
            format!(", kept back: beyond a {} limit ({})", at(limited, "/severity"), at(limited, "/measure"))
        });
        let failed = failed(history, &duty.get("id").map(name).unwrap_or_default());
        let is_done = ["confirmed", "superseded"].contains(&at(duty, "/stage").as_str());
        let failed = failed.filter(|_| !is_done).map(|failed| format!(", {failed}"));
        row(duty, format!("{}{}{}", at(duty, "/stage"), kept_back.unwrap_or_default(), failed.unwrap_or_default()))
    });
    let mut rows: Vec<Row> = open.chain(offered).chain(signed).collect();
    for event in history.as_array().into_iter().flatten() {
        let duty = at(event, "/duty");
        if duty.is_empty() || rows.iter().any(|row| row.duty == duty) {
            continue;
        }
        let digest = of(history, &duty).map(|event| at(event, "/digest")).find(|digest| !digest.is_empty());
        let since = event.get("time").and_then(Value::as_u64);
        rows.push(Row { duty, state: at(event, "/event"), since, digest: digest.unwrap_or_default() });
    }
    rows
}

/// The events of a duty, the newest first.
fn of<'a>(history: &'a Value, duty: &str) -> impl Iterator<Item = &'a Value> {
    let events = history.as_array().into_iter().flatten();
    events.filter(move |event| event.get("duty").and_then(Value::as_str) == Some(duty))
}

fn last<'a>(history: &'a Value, duty: &str) -> Option<&'a Value> {
    of(history, duty).next()
}

/// Why our last submission came to nothing, if it did.
fn failed(history: &Value, duty: &str) -> Option<String> {
    let submitted = of(history, duty).find(|event| at(event, "/event") == "submitted")?;
    let outcome = at(submitted, "/outcome");
    let is_failure = ["failed", "refused"].contains(&outcome.as_str());
    is_failure.then(|| format!("our submission {outcome}: {}", at(submitted, "/reason")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn duties_are_told_from_their_decision_to_the_contract_and_why_they_wait() {
        let id = |kind: &str, period: u64| json!({ "kind": kind, "period": period });
        let status = json!({
            "threshold": 3,
            "open": [{ "id": id("ejection", 9), "digest": "0x01", "votes": 2, "since": 7_000, "held": { "reason": "looking" },
                       "disagreeing": [[4, "0xff"]] }],
            "offered": [{ "id": id("key_veto", 9), "digest": "0x02", "votes": 1 }],
            "signed": [{ "id": id("reserves", 8), "digest": "0x03", "stage": "signed" },
                       { "id": id("validator_count", 8), "digest": "0x04", "stage": "confirmed" }],
            "limited": [{ "digest": "0x03", "severity": "hard", "measure": "change_bps" }],
        });
        let history = json!([
            { "time": 9_000, "event": "submitted", "duty": "reserves-8", "outcome": "failed", "reason": "no funds" },
            { "time": 8_000, "event": "submitted", "duty": "validator_count-8", "outcome": "refused", "reason": "late" },
            { "time": 6_000, "event": "expired", "duty": "ejection-7" },
            { "time": 5_000, "event": "decided", "duty": "ejection-7", "digest": "0x05" },
            { "time": 4_000, "event": "observed" },
        ]);
        let told: Vec<(String, String, Option<u64>, String)> =
            rows(&status, &history).into_iter().map(|row| (row.duty, row.state, row.since, row.digest)).collect();
        let told: Vec<(&str, &str, Option<u64>, &str)> =
            told.iter().map(|(a, b, c, d)| (a.as_str(), b.as_str(), *c, d.as_str())).collect();
        assert_eq!(
            told,
            [
                ("ejection-9", "announced 2 of 3, held: looking, 1 announced something else", Some(7_000), "0x01"),
                ("key_veto-9", "waits for your word, announced 1 of 3", None, "0x02"),
                (
                    "reserves-8",
                    "signed, kept back: beyond a hard limit (change_bps), our submission failed: no funds",
                    Some(9_000),
                    "0x03"
                ),
                ("validator_count-8", "confirmed", Some(8_000), "0x04"),
                ("ejection-7", "expired", Some(6_000), "0x05"),
            ]
        );
        assert!(rows(&Value::Null, &Value::Null).is_empty());
    }
}
