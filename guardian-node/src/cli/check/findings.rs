//! The lines of a check: `ok`, or `no` with its reasons and advice. A fault is a `no` that keeps a guardian from its work.

use crate::{cli::output, hint::Hinted};
use std::error::Error;

/// What has been told so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    faults: usize,
}

impl Findings {
    pub(super) fn ok(&self, what: &str) {
        output::data(&format!("ok  {}", output::indented(what)));
    }

    /// Something that is not as it should be, and that the guardian can work with.
    pub(super) fn no(&self, what: &str, hint: &str) {
        output::data(&format!("no  {}", output::indented(what)));
        output::data(&format!("    hint: {}", output::indented(hint)));
    }

    pub(super) fn fault(&mut self, what: &str, hint: &str) {
        self.faults = self.faults.saturating_add(1);
        self.no(what, hint);
    }

    /// What a part of the check found, or `None` after its fault was told.
    pub(super) fn take<T>(&mut self, found: Result<T, Hinted>) -> Option<T> {
        found.inspect_err(|error| self.fault(&with_causes(error), error.advice())).ok()
    }

    /// # Errors
    /// If there was a fault.
    pub(super) fn finish(self) -> Result<(), Hinted> {
        if self.faults == 0 {
            return Ok(());
        }
        let advice = "see the hint below each line that begins with `no`";
        Err(Hinted::new(format!("{} of these would keep the guardian from its work", self.faults), advice))
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
