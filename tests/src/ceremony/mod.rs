//! Key ceremonies in one thread, from one seed.
//!
//! [`World`] picks a plan, seats its participants, and lets everything go wrong that may: messages are dropped,
//! doubled, delayed, reordered; the network falls apart; participants crash at any moment and come back from their
//! records, or from none; one runs twice; one lies. After every step [`invariants`] are checked; when the faults stop,
//! everybody must be done (or, with a liar, must know whose fault it is or whom to wait for). The same seed gives the
//! same log, line by line.

pub mod cast;
pub mod invariants;
mod liar;
mod lives;
mod network;
mod shell;
mod world;

pub use world::{Faults, Outcome, Sabotage, World};
