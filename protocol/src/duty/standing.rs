//! How far a contract is with a signed duty.

use crate::types::Level;

/// What a contract's [`Level`] means for a signed duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The contract does not have it, and would still take it.
    Open,
    /// It has it.
    Accepted,
    /// It has something that takes its place.
    Superseded,
}

impl Standing {
    /// For contracts that accept numbers in increasing order: `own` is the duty's.
    pub(super) fn by(level: Level, own: Level) -> Self {
        match level.cmp(&own) {
            std::cmp::Ordering::Less => Self::Open,
            std::cmp::Ordering::Equal => Self::Accepted,
            std::cmp::Ordering::Greater => Self::Superseded,
        }
    }
}
