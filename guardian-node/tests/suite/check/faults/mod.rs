//! Faults, planted one at a time. A set-up that is well has no finding that does not pass; each fault gives the findings that its line names,
//! each with a hint, and no others. What was said of each is in `docs/check.md`; `UPDATE_VECTORS=1` writes it anew.

mod beacons;
mod contracts;
mod document;
mod executions;
mod keys;
mod machine;

use super::Checked;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Something that is wrong, and what a check says of it.
struct Fault {
    /// In the words of an operator.
    name: &'static str,
    /// Makes it so.
    plant: fn(&mut Checked),
    /// Grades and reason codes.
    told: &'static [(&'static str, &'static str)],
    /// Whether this machine lets it be planted.
    possible: fn() -> bool,
}

impl Fault {
    const fn new(name: &'static str, plant: fn(&mut Checked), told: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, plant, told, possible: || true }
    }

    const fn if_possible(self, possible: fn() -> bool) -> Self {
        Self { possible, ..self }
    }

    /// What is wrong with these findings and this exit code.
    fn misjudged(&self, code: Option<i32>, found: &[Finding]) -> Option<String> {
        let told: BTreeSet<(&str, &str)> = self.told.iter().copied().collect();
        let said: BTreeSet<(&str, &str)> =
            found.iter().map(|finding| (finding.grade.as_str(), finding.code.as_str())).collect();
        let fails = i32::from(told.iter().any(|(grade, _)| *grade == "fail"));
        let is_whole = |finding: &Finding| finding.text.len() > 10 && finding.hint.len() > 10;
        let is_right = said == told && code == Some(fails) && found.iter().all(is_whole);
        (!is_right)
            .then(|| format!("{}: {told:?} was expected, with exit code {fails}: {code:?} {found:#?}", self.name))
    }
}

/// What a check found.
#[derive(Debug, Deserialize)]
struct Finding {
    grade: String,
    code: String,
    text: String,
    #[serde(default)]
    hint: String,
}

#[derive(Debug, Deserialize)]
struct Document {
    findings: Vec<Finding>,
}

/// What does not pass. What is said of this machine's disk is left out, unless `told` expects it.
fn findings(checked: &Checked, told: &[(&str, &str)]) -> (Option<i32>, Vec<Finding>) {
    let output = checked.run_with(&["--json"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let document: Document = serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("{error}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    let of_disk = |finding: &Finding| finding.code.starts_with("disk_");
    let expected = |finding: &Finding| told.contains(&(finding.grade.as_str(), finding.code.as_str()));
    let odd = document.findings.into_iter().filter(|finding| finding.grade != "pass");
    (output.status.code(), odd.filter(|finding| !of_disk(finding) || expected(finding)).collect())
}

/// Plants each of `faults`, and compares what is said of it with `docs/check.md`.
fn each_is_told_and_nothing_else(topic: &str, faults: &[Fault]) {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for fault in faults {
        if !(fault.possible)() {
            println!("skipped: {}: this machine does not let it be planted", fault.name);
            rows.push((fault.name, None));
            continue;
        }
        let mut checked = Checked::new();
        (fault.plant)(&mut checked);
        let (code, found) = findings(&checked, fault.told);
        wrong.extend(fault.misjudged(code, &found));
        rows.push((fault.name, Some(document::rows(fault.name, &found, &checked.place))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    document::compare(topic, rows);
}

#[test]
fn a_guardian_that_is_well_has_nothing_to_mend() {
    let (code, found) = findings(&Checked::new(), &[]);
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(code, Some(0));
}
