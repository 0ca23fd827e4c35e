//! A beacon chain of any size that nobody has to run: valid states, written as a stream, and a beacon node that serves them over HTTP
//! like a real one, or as a liar would; and a guardian's eyes to watch it with.

pub mod execution;
pub mod server;
pub mod state;
pub mod validator;
pub mod watch;

pub use execution::ExecutionServer;
pub use server::{BeaconServer, Manner};
pub use state::Synthetic;
pub use watch::{Watch, connect, view};
