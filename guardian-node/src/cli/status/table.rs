//! The status for people: a line for what always matters, and lines for what is out of the ordinary only when there is something. Its input is
//! the page as the node serves it, so that a newer node can be asked, too: what it does not have is left out.

use serde_json::Value;

/// Lines for `status`, the page of `/status`.
pub(super) fn lines(status: &Value) -> Vec<String> {
    let mut table = Table { status, lines: Vec::new() };
    table.title();
    table.readiness();
    table.sight();
    table.duties();
    table.waiting();
    table.exits();
    table.members();
    table.account();
    table.lines
}

struct Table<'a> {
    status: &'a Value,
    lines: Vec<String>,
}

impl Table<'_> {
    fn line(&mut self, name: &str, text: &str) {
        self.lines.push(format!("{name:<12}{text}"));
    }

    fn text(&self, name: &str) -> String {
        self.status.get(name).map(plain).unwrap_or_default()
    }

    fn list(&self, name: &str) -> &[Value] {
        self.status.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// All of a list on one line, or `None` if it is empty.
    fn all(&self, name: &str) -> Option<String> {
        let all = self.list(name);
        (!all.is_empty()).then(|| all.iter().map(plain).collect::<Vec<_>>().join(", "))
    }

    fn title(&mut self) {
        let (name, member, threshold) = (self.text("name"), self.text("member"), self.text("threshold"));
        let (version, mode) = (self.text("version"), self.text("mode"));
        self.lines.push(format!("{name}, member {member}; {threshold} act together; version {version}, mode {mode}"));
    }

    fn readiness(&mut self) {
        match self.all("not_ready") {
            None => self.line("ready", "yes"),
            Some(reasons) => self.line("ready", &format!("no: {reasons}")),
        }
        if self.status.get("keys_paused") == Some(&Value::Bool(true)) {
            self.line("paused", "the contracts take no signature");
        }
        if let Some(proposal) = self.status.get("key_proposal").filter(|proposal| !proposal.is_null()) {
            let line = format!("the governor wants another key: {proposal}");
            self.line("proposal", &line);
        }
    }

    fn sight(&mut self) {
        let observed = self.status.get("observed").filter(|epoch| !epoch.is_null()).map(plain);
        let observed = observed.map_or("nothing yet".to_owned(), |epoch| format!("epoch {epoch}"));
        let history = self.status.get("history");
        let block = |name: &str| history?.get(name).filter(|block| !block.is_null()).map(plain);
        let events = match (block("read"), block("wanted")) {
            (Some(read), Some(wanted)) if read == wanted => format!("events up to block {read}"),
            (Some(read), Some(wanted)) => format!("events up to block {read} of {wanted}"),
            (None, Some(wanted)) => format!("events of no block of {wanted} yet"),
            (_, None) => "no events asked for yet".to_owned(),
        };
        let validators = self.text("validators");
        self.line("observed", &format!("{observed}; {validators} validators; {events}"));
        let connected = self.all("connected").map_or("nobody".to_owned(), |members| format!("members {members}"));
        self.line("connected", &connected);
        self.programs();
    }

    /// Nothing if all run what this guardian runs: the first line has it.
    fn programs(&mut self) {
        let Some(own) = self.status.get("program").map(program) else { return };
        let programs = self.list("programs").iter();
        let others: Vec<String> = programs
            .filter(|other| program(other) != own)
            .map(|other| format!("member {} {}", at(other, "/member"), program(other)))
            .collect();
        if !others.is_empty() {
            self.line("versions", &format!("own {own}; {}", others.join("; ")));
        }
        if let Some(members) = self.all("other_rules") {
            self.line("rules", &format!("members {members} decide by others: their votes are not counted with ours"));
        }
    }

    fn duties(&mut self) {
        let open: Vec<String> = self.list("open").iter().map(open).collect();
        let offered: Vec<String> = self.list("offered").iter().map(offered).collect();
        let signed = |duty: &Value| format!("{}  {}  {}", name(duty), at(duty, "/stage"), at(duty, "/digest"));
        let signed: Vec<String> = self.list("signed").iter().map(signed).collect();
        open.iter().for_each(|duty| self.line("open", duty));
        offered.iter().for_each(|duty| self.line("offered", duty));
        signed.iter().for_each(|duty| self.line("signed", duty));
    }

    fn waiting(&mut self) {
        let held = |held: &Value| {
            let until = held.get("until").filter(|until| !until.is_null());
            let until = until.map_or("until released".to_owned(), |until| format!("until {}", plain(until)));
            format!("{}  {until}: {}", at(held, "/kind"), at(held, "/reason"))
        };
        let held: Vec<String> = self.list("holds").iter().map(held).collect();
        held.iter().for_each(|held| self.line("held", held));
        let limited: Vec<String> = self.list("limited").iter().map(Value::to_string).collect();
        limited.iter().for_each(|limited| self.line("limited", limited));
        let differences: Vec<String> = self.list("differences").iter().map(Value::to_string).collect();
        differences.iter().for_each(|difference| self.line("differs", difference));
    }

    /// What it has, and how many days that lasts.
    fn account(&mut self) {
        let Some(account) = self.status.get("account").filter(|account| !account.is_null()) else { return };
        let left = account.get("seconds_left").and_then(Value::as_u64);
        let lasts = left.map_or("too little was spent to say for how long".to_owned(), |seconds| {
            const HOUR: u64 = 3_600;
            let (days, hours) = (seconds / (24 * HOUR), seconds / HOUR % 24);
            format!("for {days} days and {hours} hours at the present rate")
        });
        let line = format!("{} has {} ether: {lasts}", at(account, "/address"), at(account, "/balance"));
        self.line("account", &line);
    }

    fn exits(&mut self) {
        let under_way: Vec<String> = self.list("exits").iter().map(|exit| at(exit, "/validator")).collect();
        if !under_way.is_empty() {
            self.line("exits", &format!("under way: validators {}", under_way.join(", ")));
        }
        let (exitable, validators) = (self.text("exitable"), self.text("validators"));
        if !exitable.is_empty() && exitable != validators {
            let line = format!("the members that are connected can let go {exitable} of {validators} validators");
            self.line("exits", &line);
        }
    }

    fn members(&mut self) {
        if let Some(members) = self.all("excluded") {
            self.line("excluded", &format!("members {members}: proven to cheat"));
        }
        if let Some(members) = self.all("quarantined") {
            self.line("doubled", &format!("members {members}: two processes with one identity"));
        }
    }
}

/// Version, commit, and the newest rules that it knows with the epoch from which on they decide.
fn program(program: &Value) -> String {
    let newest = program.get("rules").and_then(Value::as_array).and_then(|rules| rules.last());
    let rules = newest.map_or_else(String::new, |newest| match at(newest, "/from").as_str() {
        "0" => format!(" rules {}", at(newest, "/version")),
        from => format!(" rules {} from epoch {from}", at(newest, "/version")),
    });
    format!("{}{rules}", program.get("version").map(version).unwrap_or_default())
}

/// A version as the page has it, for people.
pub(in crate::cli) fn version(version: &Value) -> String {
    let commit = at(version, "/commit");
    let commit = if commit == "unknown" { String::new() } else { format!("+{commit}") };
    format!("{}{commit}", at(version, "/release"))
}

/// A duty on its way to a signature.
fn open(duty: &Value) -> String {
    let line = format!("{}  {} votes  {}", name(duty), at(duty, "/votes"), at(duty, "/digest"));
    let held = duty.get("held").and_then(|held| held.get("reason")).map(plain);
    let others = duty.get("disagreeing").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
    let held = held.map(|reason| format!("  held: {reason}")).unwrap_or_default();
    let others = if others > 0 { format!("  {others} members announced something else") } else { String::new() };
    format!("{line}{held}{others}")
}

/// A duty that waits for the operator's word, with what it states.
fn offered(duty: &Value) -> String {
    let statements = duty.get("statements").and_then(Value::as_object).into_iter().flatten();
    let statements: Vec<String> = statements.map(|(name, said)| format!("{name} {}", plain(said))).collect();
    let (name, votes, digest) = (name(duty), at(duty, "/votes"), at(duty, "/digest"));
    format!("{name}  {votes} votes  {digest}  waits for your word: {}", statements.join(", "))
}

/// Kind and period, as in the names of dossiers.
fn name(duty: &Value) -> String {
    format!("{}-{}", at(duty, "/id/kind"), at(duty, "/id/period"))
}

/// What is at a path (RFC 6901).
fn at(value: &Value, path: &str) -> String {
    value.pointer(path).map(plain).unwrap_or_default()
}

/// Text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page() -> Value {
        json!({
            "name": "guardian-1", "version": "0.1.0", "member": 1, "threshold": 3, "mode": "act",
            "observed": 12, "validators": 16, "history": { "from": 1, "read": 90, "wanted": 90, "pages": 1 },
            "connected": [2, 3, 4], "not_ready": [], "open": [], "offered": [], "holds": [], "limited": [],
            "keys_paused": false, "key_proposal": null, "exits": [], "exitable": 16, "differences": [],
            "signed": [{ "id": { "kind": "reserves", "period": 12 }, "digest": "0xab", "stage": "confirmed" }],
            "excluded": [], "quarantined": [],
        })
    }

    #[test]
    fn a_guardian_that_is_well_needs_five_lines() {
        assert_eq!(
            lines(&page()),
            [
                "guardian-1, member 1; 3 act together; version 0.1.0, mode act",
                "ready       yes",
                "observed    epoch 12; 16 validators; events up to block 90",
                "connected   members 2, 3, 4",
                "signed      reserves-12  confirmed  0xab",
            ]
        );
    }

    #[test]
    fn what_is_out_of_the_ordinary_has_lines_of_its_own() {
        let mut page = page();
        page["not_ready"] = json!(["too_few_peers", "store_is_new"]);
        page["connected"] = json!([]);
        page["observed"] = Value::Null;
        page["history"] = json!({ "from": 1, "read": null, "wanted": 90, "pages": 0 });
        page["keys_paused"] = json!(true);
        page["exits"] = json!([{ "validator": 14 }, { "validator": 15 }]);
        page["exitable"] = json!(3);
        page["holds"] = json!([{ "kind": "ejection", "reason": "looking into it", "until": null }]);
        let duty = json!({ "id": { "kind": "ejection", "period": 13 }, "digest": "0xcd", "votes": 2, "since": 1,
            "disagreeing": [[4, "0xef"]], "held": { "reason": "looking into it", "until": null } });
        page["open"] = json!([duty]);
        page["offered"] = json!([{ "id": { "kind": "key_veto", "period": 13 }, "digest": "0xee", "votes": 1,
            "statements": { "number": "2", "px": "0x01" } }]);
        let said = lines(&page).join("\n");
        page["account"] = json!({ "address": "0xab", "balance": 0.25, "seconds_left": 180_000 });
        let said = format!("{said}\n{}", lines(&page).join("\n"));
        for line in [
            "account     0xab has 0.25 ether: for 2 days and 2 hours at the present rate",
            "ready       no: too_few_peers, store_is_new",
            "paused      the contracts take no signature",
            "observed    nothing yet; 16 validators; events of no block of 90 yet",
            "connected   nobody",
            "open        ejection-13  2 votes  0xcd  held: looking into it  1 members announced something else",
            "offered     key_veto-13  1 votes  0xee  waits for your word: number 2, px 0x01",
            "held        ejection  until released: looking into it",
            "exits       under way: validators 14, 15",
            "exits       the members that are connected can let go 3 of 16 validators",
        ] {
            assert!(said.contains(line), "no line `{line}` in:\n{said}");
        }
    }

    #[test]
    fn members_of_other_versions_and_rules_are_named() {
        let mut page = page();
        let first = json!([{ "from": 0, "version": 1 }]);
        page["program"] = json!({ "version": { "release": "0.2.0", "commit": "0123456789ab" }, "rules": first });
        page["programs"] = json!([
            { "member": 2, "version": { "release": "0.2.0", "commit": "0123456789ab" }, "rules": first },
            { "member": 3, "version": { "release": "0.1.0", "commit": "unknown" }, "rules": first },
            { "member": 4, "version": { "release": "0.3.0", "commit": "unknown" },
              "rules": [{ "from": 0, "version": 1 }, { "from": 90, "version": 2 }] },
        ]);
        page["other_rules"] = json!([4]);
        let said = lines(&page).join("\n");
        for line in [
            "versions    own 0.2.0+0123456789ab rules 1; member 3 0.1.0 rules 1; member 4 0.3.0 rules 2 from epoch 90",
            "rules       members 4 decide by others: their votes are not counted with ours",
        ] {
            assert!(said.contains(line), "no line `{line}` in:\n{said}");
        }
    }

    #[test]
    fn a_page_of_which_much_is_missing_is_shown_all_the_same() {
        assert!(lines(&json!({ "name": "older" })).iter().any(|line| line.starts_with("older")));
        lines(&Value::Null);
    }
}
