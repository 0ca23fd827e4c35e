//! What a check has found: each finding with its grade, a reason code, and what to do. For people a line each, as they come; for machines
//! one JSON document at the end.

use super::code::Code;
use crate::{cli::output, hint::Hinted};
use serde::Serialize;
use std::error::Error;

/// How bad it is. The worst of all decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Grade {
    /// As it should be.
    Pass,
    /// It could not be found out.
    Unknown,
    /// Not as it should be; the guardian can work with it.
    Poor,
    /// It keeps the guardian from its work.
    Fail,
}

impl Grade {
    /// As wide as the others.
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "?   ",
            Self::Poor => "poor",
            Self::Fail => "fail",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Finding {
    grade: Grade,
    code: Code,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What has been found so far.
#[derive(Debug)]
pub(super) struct Findings {
    all: Vec<Finding>,
    json: bool,
}

/// All of a check for machines.
#[derive(Serialize)]
struct Document<'a> {
    worst: Grade,
    findings: &'a [Finding],
}

impl Findings {
    pub(super) const fn new(json: bool) -> Self {
        Self { all: Vec::new(), json }
    }

    pub(super) fn pass(&mut self, code: Code, text: &str) {
        self.add(Grade::Pass, code, text, None);
    }

    pub(super) fn unknown(&mut self, code: Code, text: &str, hint: &str) {
        self.add(Grade::Unknown, code, text, Some(hint));
    }

    pub(super) fn poor(&mut self, code: Code, text: &str, hint: &str) {
        self.add(Grade::Poor, code, text, Some(hint));
    }

    pub(super) fn fail(&mut self, code: Code, text: &str, hint: &str) {
        self.add(Grade::Fail, code, text, Some(hint));
    }

    /// What a part of the check found, or `None` after its failure was told.
    pub(super) fn take<T>(&mut self, code: Code, found: Result<T, Hinted>) -> Option<T> {
        found.inspect_err(|error| self.fail(code, &with_causes(error), error.advice())).ok()
    }

    /// The worst so far.
    pub(super) fn worst(&self) -> Grade {
        self.all.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Pass)
    }

    fn add(&mut self, grade: Grade, code: Code, text: &str, hint: Option<&str>) {
        if !self.json {
            match hint {
                None => output::data(&format!("{}  {}", grade.word(), output::indented(text))),
                Some(hint) => {
                    output::data(&format!("{}  {} [{code}]", grade.word(), output::indented(text)));
                    output::data(&format!("      hint: {}", output::indented(hint)));
                }
            }
        }
        self.all.push(Finding { grade, code, text: text.to_owned(), hint: hint.map(str::to_owned) });
    }

    #[cfg(test)]
    pub(super) fn graded(&self) -> Vec<(Grade, Code)> {
        self.all.iter().map(|finding| (finding.grade, finding.code)).collect()
    }

    fn count(&self, grade: Grade) -> usize {
        self.all.iter().filter(|finding| finding.grade == grade).count()
    }

    /// All of it for machines.
    pub(super) fn document(&self) -> String {
        let document = Document { worst: self.worst(), findings: &self.all };
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// Tells the whole, and whether it is good enough: nothing fails, and if that is asked for, nothing is poor or unknown either.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn finish(self, strict: bool) -> Result<(), Hinted> {
        let worst = self.worst();
        if self.json {
            output::data(&self.document());
        } else {
            let of = |grade| self.count(grade);
            output::data(&format!(
                "{} pass, {} poor, {} fail, {} unknown",
                of(Grade::Pass),
                of(Grade::Poor),
                of(Grade::Fail),
                of(Grade::Unknown)
            ));
        }
        if worst <= if strict { Grade::Pass } else { Grade::Poor } {
            return Ok(());
        }
        let text = match self.count(Grade::Fail) {
            0 => "not everything is as it should be".to_owned(),
            count => format!("{count} of these would keep the guardian from its work"),
        };
        Err(Hinted::new(text, "see the hint below each finding that does not pass"))
    }
}

/// An error with everything that led to it, on one line.
fn with_causes(error: &Hinted) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
