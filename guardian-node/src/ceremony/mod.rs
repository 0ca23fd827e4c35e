//! The driver of key ceremonies: one process that takes part in one ceremony, beside the running node, and ends when everybody is done.
//!
//! ```text
//! plan.toml --check--> participant --driver--> outcome --finish--> share, committee.toml (activation), transcript
//!                          ^   |
//!                   board/ |   v network of the plan's participants
//! ```
//!
//! What is said and when is decided in [`guardian_protocol::ceremony`]; here it gets a disk, a network, a clock, and words for people.
//! Everything is safe to interrupt and to run again.

mod check;
mod driver;
mod finish;
pub(crate) mod folder;
mod http;
mod metrics;
mod network;
pub mod plan_file;
mod progress;
mod refusals;
mod rotation;
mod run;
mod shell;

pub use check::Participation;
pub use finish::{Outcome, Use, put_to_use};
pub use folder::{Folder, all as all_folders, short};
pub use rotation::{Rotate, rotate};
pub use run::{Ending, Run, run};
pub use shell::{Snapshot, Summary, Used};

/// How lines for people leave: to the terminal, or to nobody in tests.
pub type Say = fn(&str);
