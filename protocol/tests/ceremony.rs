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

#[path = "ceremony/cast.rs"]
mod cast;
#[path = "ceremony/complete.rs"]
mod complete;
#[path = "ceremony/evidence.rs"]
mod evidence;
#[path = "ceremony/formats.rs"]
mod formats;
#[path = "ceremony/liars.rs"]
mod liars;
#[path = "ceremony/nuisances.rs"]
mod nuisances;
#[path = "ceremony/plans.rs"]
mod plans;
#[path = "ceremony/restarts.rs"]
mod restarts;
#[path = "ceremony/signatures.rs"]
mod signatures;
#[path = "ceremony/table.rs"]
mod table;
