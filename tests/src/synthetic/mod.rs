//! A beacon chain of any size that nobody has to run: valid states, written as a stream, and a beacon node that serves them over HTTP
//! like a real one, or as a liar would.

pub mod server;
pub mod state;
pub mod validator;

pub use server::{BeaconServer, Manner};
pub use state::Synthetic;
