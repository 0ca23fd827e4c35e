//! `guardian validators`, `duties`, `exits` and `peers`: tables of what the running node knows, for people; `--json` for programs. Made from
//! the node's pages, of which a newer node may have more.

mod duties;
mod exits;
mod peers;
mod table;
mod validators;

pub(super) use duties::Duties;
pub(super) use exits::Exits;
pub(super) use peers::Peers;
pub(super) use validators::Validators;

use serde_json::Value;

/// What is at a path (RFC 6901), as text; nothing of `null`.
fn at(value: &Value, path: &str) -> String {
    match value.pointer(path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The list at a path; empty if there is none.
fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_true(value: &Value, path: &str) -> bool {
    value.pointer(path) == Some(&Value::Bool(true))
}

/// Kind and period, as in the names of dossiers.
fn name(id: &Value) -> String {
    format!("{}-{}", at(id, "/kind"), at(id, "/period"))
}

/// A time span in its two largest units.
fn span(seconds: f64) -> String {
    let whole = std::time::Duration::try_from_secs_f64(seconds.max(0.0).floor()).unwrap_or_default();
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units() {
        assert_eq!(span(0.4), "0s");
        assert_eq!(span(3_725.9), "1h 2m");
        assert_eq!(span(f64::MAX), "0s");
    }
}
