//! The execution side: one execution client's JSON-RPC, every value pinned to a block.

pub(crate) mod client;
pub(crate) mod logs;
pub(crate) mod reader;
