//! Members of other versions, told: whom to update is what matters.

use super::Names;
use guardian_protocol::{Epoch, MemberId, Program, RuleVersion, VersionEvent};
use serde_json::{Value, json};
use tracing::{debug, error, info, warn};

/// A line in the log.
pub(super) fn log(names: &Names, event: &VersionEvent) {
    match event {
        VersionEvent::Introduced { member, program, parts_from } => {
            introduced(names.member(*member), program, *parts_from);
        }
        VersionEvent::NotIntroduced { member } => {
            info!(member = names.member(*member), "this member does not say which version it runs: an early one");
        }
        VersionEvent::OtherRules { member, period, theirs, ours } => {
            other_rules(names.member(*member), *period, *theirs, *ours);
        }
        VersionEvent::MessageUnknown { member, reason } => {
            debug!(member = names.member(*member), reason, "message of another version ignored");
        }
    }
}

fn introduced(member: &str, Program { version, rules }: &Program, parts_from: Option<Epoch>) {
    let rules = rules.newest().0;
    match parts_from {
        None => info!(member, %version, rules, "this member runs this version"),
        Some(epoch) => warn!(
            member,
            %version,
            rules,
            epoch = epoch.0,
            hint = "docs/operating.md, Upgrading: whoever has the lower rules updates before that epoch",
            "this member runs a version that decides by other rules from that epoch on"
        ),
    }
}

fn other_rules(member: &str, period: Epoch, theirs: RuleVersion, ours: RuleVersion) {
    let hint = if theirs > ours {
        "this node is out of date: update it"
    } else {
        "that member is out of date: ask its operator to update"
    };
    let (epoch, theirs, ours) = (period.0, theirs.0, ours.0);
    error!(
        member,
        epoch, theirs, ours, hint, "a member decides by other rules in this epoch: its vote is not counted with ours"
    );
}

/// The word in the history.
pub(super) const fn word(event: &VersionEvent) -> &'static str {
    match event {
        VersionEvent::Introduced { .. } => "introduced",
        VersionEvent::NotIntroduced { .. } => "not_introduced",
        VersionEvent::OtherRules { .. } => "other_rules",
        VersionEvent::MessageUnknown { .. } => "message_unknown",
    }
}

/// The rest of its entry.
pub(super) fn details(names: &Names, event: &VersionEvent) -> Value {
    let name = |member: &MemberId| names.member(*member);
    match event {
        VersionEvent::Introduced { member, program, parts_from } => {
            json!({"member": name(member), "program": program, "parts_from": parts_from})
        }
        VersionEvent::NotIntroduced { member } => json!({"member": name(member)}),
        VersionEvent::OtherRules { member, period, theirs, ours } => {
            json!({"member": name(member), "period": period, "theirs": theirs, "ours": ours})
        }
        VersionEvent::MessageUnknown { member, reason } => json!({"member": name(member), "reason": reason}),
    }
}
