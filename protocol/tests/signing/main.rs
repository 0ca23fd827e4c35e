//! Whole guardians in memory, with everything but a network, a disk and chains: that committees of every size sign, that cheats are
//! found out and excluded, and that two processes with one identity are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

mod accounts;
mod alarms;
mod attesting;
mod cheats;
mod cluster;
mod doppelgangers;
mod holds;
mod limits;
mod observers;
mod set_back;
mod sizes;
mod thief;
mod upgrades;
mod versions;
mod vetoes;
