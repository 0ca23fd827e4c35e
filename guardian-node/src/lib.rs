//! The shell of a guardian: command line, configuration, store, HTTP, metrics, and the wiring of brain, network and chains.
//!
//! No decision about a duty is made here. `driver` feeds the brain with inputs and commits its effects, `perform` carries them
//! out, `report` tells people about them.

pub mod cli;
pub mod committee;
pub mod config;
mod driver;
pub mod hint;
mod http;
pub mod keys;
mod metrics;
pub mod node;
mod perform;
mod report;
pub mod store;
mod tasks;
mod telemetry;
