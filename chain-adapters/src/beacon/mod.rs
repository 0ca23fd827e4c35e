//! The beacon side: one consensus client's API, read strictly.

pub(crate) mod budget;
pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod fingerprint;
pub(crate) mod probe;
pub(crate) mod proving;
pub(crate) mod reader;
pub mod state;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
