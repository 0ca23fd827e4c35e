//! A whole committee in one thread, from one seed.
//!
//! [`World`] holds n brains, a chain, providers and a bag of things that are under way: messages, answers, outcomes. From the seed it
//! picks what happens next: something is delivered, dropped, duplicated, in any order; a guardian crashes and comes back from its
//! records, from older ones, or from none; one runs twice; its clock is set anew; what was said long ago is said again; a provider lies; an
//! operator lets duties wait; a thief signs with the group's key. After every event [`invariants`] are checked, and
//! [`oracle`] looks at every nonce; when the faults stop, every duty must be done. The same seed gives the same log, line by line.

pub mod chain;
mod delivery;
pub mod invariants;
pub mod keys;
pub mod leak;
mod liar;
pub mod lives;
pub mod memories;
mod mishaps;
pub mod operators;
pub mod oracle;
pub mod process;
pub mod requests;
pub mod scenario;
pub mod store;
pub mod thief;
mod trials;
mod world;

pub use scenario::{Faults, Outcome, Profile, Sabotage, Tally};
pub use world::World;
