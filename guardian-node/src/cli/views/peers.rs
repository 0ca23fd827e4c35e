//! `guardian peers`: the other members, how they are connected, and what there is against them.

use super::{at, is_true, span, table};
use crate::cli::{output, pages::NodeArguments, status};
use clap::Args;
use eyre::Result;
use serde_json::Value;

/// Arguments of `guardian peers`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Peers {
    /// For programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArguments,
}

const HEADS: [&str; 9] =
    ["MEMBER", "NAME", "VERSION", "CONNECTED", "TRANSPORT", "ADDRESS", "HEARD", "ROUND TRIP", "NOTES"];

impl Peers {
    pub(in crate::cli) async fn run(self) -> Result<()> {
        let page = self.node.pages()?.json("/peers").await?;
        if self.json {
            output::data(&serde_json::to_string_pretty(&page)?);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = page.as_array().into_iter().flatten().map(row).collect();
        table::print(&HEADS, &rows, "The committee has no other members.");
        Ok(())
    }
}

fn row(row: &Value) -> Vec<String> {
    let number = |path: &str| row.pointer(path).and_then(Value::as_f64);
    let connected = match (is_true(row, "/connected"), number("/age")) {
        (true, age) => age.map_or("yes".to_owned(), |age| format!("yes, {}", span(age))),
        (false, Some(_)) => "not on both channels".to_owned(),
        (false, None) => "no".to_owned(),
    };
    let heard = number("/heard").map_or("never".to_owned(), |heard| format!("{} ago", span(heard)));
    let round_trip = number("/round_trip").map(|seconds| format!("{:.1} ms", seconds * 1_000.0)).unwrap_or_default();
    let version = row.pointer("/program/version").map(status::version).unwrap_or_default();
    vec![
        at(row, "/member"),
        at(row, "/name"),
        version,
        connected,
        at(row, "/transport"),
        at(row, "/address"),
        heard,
        round_trip,
        notes(row),
    ]
}

/// What is out of the ordinary.
fn notes(row: &Value) -> String {
    let proven = [("/excluded", "proven to cheat"), ("/quarantined", "two processes with its identity")];
    let proven = proven.into_iter().filter(|(path, _)| is_true(row, path)).map(|(_, words)| words.to_owned());
    let counted = [
        ("/digest_disagreements", "other digests"),
        ("/evidence_differences", "facts read otherwise"),
        ("/messages_refused", "messages refused"),
    ];
    let counted = counted.into_iter().filter_map(|(path, words)| {
        let count = row.pointer(path)?.as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {words}"))
    });
    proven.chain(counted).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_says_how_a_member_is_connected_and_what_it_did() {
        let well = json!({
            "member": 2, "name": "bob", "connected": true, "address": "/ip4/192.0.2.1/udp/23700/quic-v1", "transport": "quic",
            "age": 3_700.0, "heard": 4.2, "round_trip": 0.0123, "excluded": false, "quarantined": false, "digest_disagreements": 0, "program": { "version": { "release": "0.2.0", "commit": "unknown" } },
        });
        assert_eq!(
            row(&well),
            ["2", "bob", "0.2.0", "yes, 1h 1m", "quic", "/ip4/192.0.2.1/udp/23700/quic-v1", "4s ago", "12.3 ms", ""]
        );
        let ill = json!({
            "member": 3, "name": "eve", "connected": false, "address": null, "transport": null, "age": null, "heard": null,
            "round_trip": null, "excluded": true, "digest_disagreements": 2,
        });
        assert_eq!(row(&ill), ["3", "eve", "", "no", "", "", "never", "", "proven to cheat; 2 other digests"]);
    }
}
