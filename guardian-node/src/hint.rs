//! Errors for a tired operator: what happened, why, and what to do about it.

use std::fmt;

/// An error with advice. Displayed as what happened; [`advice`] finds the rest.
#[derive(Debug)]
pub struct Hinted {
    what: String,
    hint: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Hinted {
    /// An error that needs no cause.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), source: None }
    }

    /// An error with its cause.
    pub fn caused(
        what: impl Into<String>,
        hint: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), hint: hint.into(), source: Some(source.into()) }
    }
}

impl Hinted {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Adds what was tried and what to do to any error.
pub trait WithHint<T> {
    /// `what` went wrong, and `hint` says what to do.
    ///
    /// # Errors
    /// The same failures, with advice.
    fn hint(self, what: impl Into<String>, hint: impl Into<String>) -> Result<T, Hinted>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> WithHint<T> for Result<T, E> {
    fn hint(self, what: impl Into<String>, hint: impl Into<String>) -> Result<T, Hinted> {
        self.map_err(|error| Hinted::caused(what, hint, error))
    }
}

/// The advice that belongs to `report`, if anything in its chain carries some.
#[must_use]
pub fn advice(report: &eyre::Report) -> Option<&str> {
    report.chain().find_map(|error| error.downcast_ref::<Hinted>()).map(|hinted| hinted.hint.as_str())
}
