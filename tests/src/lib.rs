//! What proves the node: the seeded cluster, the devnet with real processes on real chains, and the benchmarks.

pub mod bench;
pub mod ceremony;
pub mod devnet;
mod flood;
pub mod registrations;
pub mod simulation;
pub mod synthetic;
