//! Which programs the members run, as they told the node that runs here: those of other versions, and those that decide by other rules.
//! Without a running node there is nobody to ask, and nothing is told.

use super::{code::Code, findings::Findings};
use crate::{cli::status, committee::CommitteeFile};
use serde_json::Value;

/// Tells what the running node, of which this is the page, knows of the others' versions.
pub(super) fn tell_versions(page: &Value, committee: &CommitteeFile, findings: &mut Findings) {
    tell_page(page, |member| name(member, committee), findings);
}

fn name(member: &Value, committee: &CommitteeFile) -> String {
    let entry = committee.members.iter().find(|entry| Some(u64::from(entry.id.get())) == member.as_u64());
    entry.map_or_else(|| member.to_string(), |entry| entry.name.clone())
}

fn tell_page(page: &Value, name: impl Fn(&Value) -> String, findings: &mut Findings) {
    let list = |name: &str| page.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(own) = page.pointer("/program/version") else { return };
    let of = |program: &Value| program.get("member").map(&name).unwrap_or_default();
    let programs = list("programs");
    for program in programs.iter().filter(|program| program.get("version") != Some(own)) {
        let (member, ours) = (of(program), status::version(own));
        let theirs = program.get("version").map(status::version).unwrap_or_default();
        findings.poor(
            Code::MemberVersion,
            &format!("member {member} runs version {theirs}, this node {ours}"),
            "versions work together while members are updated one after the other; agree on one in the end",
        );
    }
    for program in programs {
        if let Some(epoch) = program.get("parts_from").and_then(Value::as_u64) {
            let member = of(program);
            findings.poor(
                Code::MemberRules,
                &format!("member {member} decides by other rules from epoch {epoch} on"),
                "docs/operating.md, Upgrading: before that epoch, everybody runs the version with the later rules",
            );
        }
    }
    for member in list("other_rules").iter().map(&name) {
        findings.fail(
            Code::MemberRules,
            &format!("member {member} decides by other rules: its votes are not counted with this node's"),
            "docs/operating.md, Upgrading: whoever has the lower rules in `guardian status` updates at once",
        );
    }
    let alike = programs.iter().filter(|program| program.get("version") == Some(own)).count();
    if alike > 0 {
        let text = format!("members: {alike} run the version of this node, {}", status::version(own));
        findings.pass(Code::MemberVersion, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::findings::Grade;
    use serde_json::json;

    fn told(page: &Value) -> Vec<(Grade, Code)> {
        let mut findings = Findings::new(true);
        tell_page(page, ToString::to_string, &mut findings);
        findings.graded()
    }

    fn page(theirs: &str, parts_from: Option<u64>, other_rules: &[u16]) -> Value {
        let version = |release: &str| json!({ "release": release, "commit": "unknown" });
        let program = json!({ "member": 2, "version": version(theirs), "rules": [], "parts_from": parts_from });
        json!({ "program": { "version": version("0.2.0") }, "programs": [program], "other_rules": other_rules })
    }

    #[test]
    fn another_version_is_poor_and_other_rules_fail() {
        let version = |grade| (grade, Code::MemberVersion);
        let rules = |grade| (grade, Code::MemberRules);
        assert_eq!(told(&page("0.2.0", None, &[])), [version(Grade::Pass)]);
        assert_eq!(told(&page("0.1.0", None, &[])), [version(Grade::Poor)]);
        let soon = page("0.3.0", Some(900), &[]);
        assert_eq!(told(&soon), [version(Grade::Poor), rules(Grade::Poor)]);
        let now = page("0.3.0", None, &[2]);
        assert_eq!(told(&now), [version(Grade::Poor), rules(Grade::Fail)]);
        assert_eq!(told(&json!({ "name": "a node from before versions were told" })), []);
    }
}
