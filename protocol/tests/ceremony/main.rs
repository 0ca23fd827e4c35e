//! Key ceremonies in memory: what comes out, who is blamed for what, what survives a restart, and the lasting formats.
//! `UPDATE_VECTORS=1 cargo test -p guardian-protocol --test ceremony` writes the vectors anew; a changed vector is a
//! decision.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

mod cast;
mod complete;
mod endings;
mod evidence;
mod formats;
mod liars;
mod nuisances;
mod plans;
mod restarts;
mod signatures;
mod table;
