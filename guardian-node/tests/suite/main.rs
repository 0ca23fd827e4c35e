//! The `guardian` command and the store, as an operator meets them: real processes, real folders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that can't go on has failed"
)]

mod check;
mod cli;
mod custody;
mod dossiers;
mod dry_run;
mod help;
mod init;
mod key_changes;
mod key_generation;
mod output;
mod price;
mod reload;
mod remote_account;
mod stand_ins;
mod store;
mod support;
mod support_bundle;
mod verify;
mod views;
mod waiting;
