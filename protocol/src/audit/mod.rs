//! Accounts of what was decided and why: for auditors ([`Dossier`]), and between guardians that disagree ([`Comparisons`]). Nothing is
//! decided from any of it.

mod comparison;
mod dossier;
mod explanation;
mod facts;
mod tree;

pub(crate) use comparison::{Comparisons, Found};
pub use dossier::{Dossier, Replay};
pub use explanation::ValidatorLine;
pub use facts::{Difference, Fact};
pub(crate) use facts::{differences, facts};
pub use tree::Node;
pub(crate) use tree::Place;

#[cfg(test)]
mod tests;
