//! The tables in `docs/check.md`: for each fault the findings that a check gave, in rows that fit into a document.

use super::Finding;
use crate::support::Place;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Letters of a hint in a row.
const WIDTH: usize = 60;
/// One topic at a time is written.
static FILE: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check.md")
}

/// The rows of `fault`; paths in hints are those below the guardian's folder, and its share has a name that is always the same.
pub(super) fn rows(fault: &str, found: &[Finding], place: &Place) -> String {
    let home = format!("{}/", place.home(1).display());
    let plain = |hint: &str| {
        let shares = place.share_files(1);
        shares.iter().fold(hint.replace(&home, ""), |hint, share| hint.replace(share, "SHARE.sealed"))
    };
    let mut rows: Vec<String> = Vec::new();
    let mut known: Vec<(&str, &str)> = Vec::new();
    for Finding { grade, code, hint, .. } in found {
        // Of several nodes or files the same is said.
        if known.contains(&(grade, code)) {
            continue;
        }
        known.push((grade, code));
        let mut cells =
            [if rows.is_empty() { fault } else { "" }, grade.as_str(), &format!("`{code}`")].map(str::to_owned);
        for line in wrapped(&plain(hint)) {
            rows.push(format!("| {} | {} | {} | {line} |", cells[0], cells[1], cells[2]));
            cells = Default::default();
        }
    }
    rows.join("\n").replace("|  |", "| |").replace("|  |", "| |")
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.len() + word.len() < WIDTH || line.is_empty() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// The document has these rows below the heading `topic`, and no others. What could not be planted is left as it is.
pub(super) fn compare(topic: &str, planted: Vec<(&str, Option<String>)>) {
    let _one_at_a_time = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = fs::read_to_string(path()).unwrap();
    let heading = format!("## {topic}\n");
    let (before, rest) = text.split_once(&heading).unwrap_or_else(|| panic!("docs/check.md has no heading `{topic}`"));
    let (section, after) = rest.split_once("\n## ").map_or((rest, ""), |(section, after)| (section, after));
    let known = documented(section);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let rows = planted.into_iter().filter_map(|(name, rows)| rows.or_else(|| known.get(name).cloned()));
        let table = format!(
            "| fault | grade | reason code | hint |\n|---|---|---|---|\n{}\n",
            rows.collect::<Vec<_>>().join("\n")
        );
        let after = if after.is_empty() { String::new() } else { format!("\n## {after}") };
        fs::write(path(), format!("{before}{heading}\n{table}{after}")).unwrap();
        return;
    }
    let mut stale: Vec<&String> = known.keys().collect();
    for (name, rows) in &planted {
        stale.retain(|known| known != name);
        let Some(rows) = rows else { continue };
        assert_eq!(known.get(*name), Some(rows), "docs/check.md is out of date: run with UPDATE_VECTORS=1");
    }
    assert!(stale.is_empty(), "nobody plants {stale:?}, which docs/check.md has");
}

/// The rows of each fault in a section.
fn documented(section: &str) -> BTreeMap<String, String> {
    let mut faults: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for row in section.lines().filter(|line| line.starts_with('|')).skip(2) {
        let name = row.trim_start_matches("| ").split(" |").next().unwrap();
        if !row.starts_with("| |") {
            current = name.to_owned();
        }
        let rows = faults.entry(current.clone()).or_default();
        if !rows.is_empty() {
            rows.push('\n');
        }
        rows.push_str(row);
    }
    faults
}
