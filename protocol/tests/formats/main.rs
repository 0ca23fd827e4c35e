//! Lasting formats, pinned: what is written here must be read by every later version. A changed vector is a decision, not a fix:
//! `UPDATE_VECTORS=1 cargo test -p guardian-protocol --test formats` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

mod committee;
mod digests;
mod golden;
mod puffer;
mod records;
mod wire;
