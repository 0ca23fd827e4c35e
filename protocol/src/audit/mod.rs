//! Accounts of what was decided and why: for auditors ([`Dossier`]), and between guardians that disagree ([`Comparisons`]). Nothing is
//! decided from any of it.

mod comparison;
mod dossier;
mod facts;
mod tree;

pub use comparison::{Comparisons, Found};
pub use dossier::{Dossier, Replay};
pub use facts::{Difference, Fact, differences, facts, statements};
pub use tree::{Node, Place, Tree};

#[cfg(test)]
mod tests;
