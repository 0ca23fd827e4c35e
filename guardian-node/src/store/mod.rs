//! The store: what a guardian must not forget, in RocksDB. Every append is one atomic, synced write.

mod rocks;
mod tables;

pub use rocks::{Store, StoreError};
