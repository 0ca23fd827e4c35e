//! Beacon states, proved: the root of a state of any known fork is computed while its bytes arrive, and what the duties need is
//! picked out in the same pass. Nothing here knows where the bytes come from or which root is the right one.
//!
//! ```text
//! layout, preset --> plan --> stream --> list, registry, value --> merkle, memo --> hash
//!                               |  `-> gather --> extract
//!                               `-> warm (what the last state had)      proved --> proof --> proven
//! ```

mod error;
mod extract;
mod gather;
mod hash;
mod layout;
mod list;
mod memo;
mod merkle;
mod plan;
mod preset;
mod proof;
mod proved;
mod proven;
mod registry;
mod stream;
mod value;
mod warm;

#[cfg(test)]
mod tests;

pub use error::StateError;
pub use extract::{Extract, Tracked, Wanted};
pub use hash::bare_hashing;
pub use preset::{MAINNET, MINIMAL, Preset};
pub use proof::{Branch, ValidatorProof};
pub use proved::ProvedState;
pub(crate) use proved::header_root;
pub use proven::{ProofError, ProvenValidator};
pub use stream::{Expected, StateProver};
pub use warm::WarmCache;
