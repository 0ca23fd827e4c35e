//! Lasting formats, pinned: what is written here must be read by every later version. A changed vector is a decision, not a fix:
//! `UPDATE_VECTORS=1 cargo test -p guardian-protocol --test formats` writes them anew.

#[path = "suite/committee.rs"]
mod committee;
#[path = "suite/digests.rs"]
mod digests;
#[path = "suite/golden.rs"]
mod golden;
#[path = "suite/records.rs"]
mod records;
#[path = "suite/wire.rs"]
mod wire;
