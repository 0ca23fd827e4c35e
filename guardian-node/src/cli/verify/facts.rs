//! What a check has found, by name: lines for people, or one object for programs.

use crate::{cli::output, hint::Hinted};
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

/// How to show it.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Form {
    /// Print one JSON object instead of lines for people
    #[arg(long)]
    json: bool,
}

/// Facts in the order in which people read them. Names are those of the JSON object.
#[derive(Debug, Default)]
pub(super) struct Facts(Vec<(&'static str, Value)>);

impl Facts {
    pub(super) fn add(&mut self, name: &'static str, value: impl Serialize) -> Result<(), serde_json::Error> {
        self.0.push((name, serde_json::to_value(value)?));
        Ok(())
    }

    /// Prints the facts and, as `valid`, what came of the check; `None` if there was nothing to compare with.
    pub(super) fn conclude(mut self, form: Form, outcome: Option<Result<(), Hinted>>) -> eyre::Result<()> {
        if let Some(outcome) = &outcome {
            self.0.insert(0, ("valid", outcome.is_ok().into()));
        }
        if form.json {
            let object: Map<String, Value> = self.0.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
            output::data(&serde_json::to_string_pretty(&object)?);
        } else {
            output::data(self.lines().trim_end());
        }
        Ok(outcome.transpose().map(drop)?)
    }

    /// The facts for people, wherever they are shown.
    pub(super) fn lines(&self) -> String {
        let flat: Vec<(String, &Value)> = self.0.iter().flat_map(|(name, value)| flat(name, value)).collect();
        let width = flat.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        flat.iter().map(|(name, value)| format!("{name:width$}  {}\n", plain(value))).collect()
    }
}

/// A fact's names and values; an object's are a line each.
fn flat<'a>(name: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(field, value)| flat(&format!("{name} {field}"), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            vec![(name.replace('_', " "), value)]
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
