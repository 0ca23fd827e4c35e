//! The shell of a guardian: command line, configuration, store, HTTP, metrics, and the wiring of brain, network and chains.
//!
//! No decision about a duty is made here. `driver` feeds the brain with inputs and commits its effects, `perform` carries them
//! out, `observers` tell people about them.

#![deny(clippy::wildcard_enum_match_arm)]

mod account;
pub mod activation;
pub mod backup;
mod bounded;
pub mod ceremony;
pub mod cli;
pub mod committee;
mod committee_watch;
pub mod config;
mod dossiers;
mod driver;
mod dry_run;
pub mod durable;
pub mod enclave_keys;
mod exit_shares;
pub mod hint;
mod http;
pub mod keys;
mod memory;
mod metrics;
mod node;
mod observers;
mod operator;
mod passphrase;
mod peers;
mod perform;
pub mod price;
mod program;
pub mod shares;
mod start_mark;
pub mod store;
mod supervisor;
mod tasks;
mod telemetry;
mod waiting;
