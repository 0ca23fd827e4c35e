//! The third step: t members computed the same digest, each alone.
//!
//! There is no leader whose opinion counts and no merging of opinions: a digest is agreed when threshold members announced it.
//! Different digests are kept and shown, never averaged.

pub(crate) mod order;
pub(crate) mod tally;
#[cfg(test)]
mod tests;

pub(crate) use tally::Tally;
