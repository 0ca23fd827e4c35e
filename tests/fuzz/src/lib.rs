//! What the fuzz targets do, apart from the fuzzer: functions from bytes to nothing, which fail an assertion when a rule is broken.
//! The targets call them with what the fuzzer finds, and `tests/tests/fuzz.rs` with the committed corpus.

pub mod ceremony;
pub mod encodings;
#[cfg(feature = "files")]
pub mod files;
pub mod messages;
pub mod records;
#[cfg(feature = "states")]
pub mod states;
