//! The store: what a guardian must not forget, in RocksDB. Every append is one atomic, synced write. Key ceremonies have stores of their
//! own.

pub(crate) mod belonging;
mod board;
mod rocks;
mod tables;
mod wal;

pub use belonging::{Belonging, compare};
pub use board::BoardStore;
pub use rocks::{Store, StoreError};
