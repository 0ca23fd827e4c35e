//! Eyes and hands of the Guardian node: the beacon API, the execution API, the contracts' interfaces and the sender of
//! transactions. Obeys what [`guardian_protocol`] asks for.
//!
//! - [`Readers`] put a [`guardian_protocol::Query`] to *every* provider and return every answer, each beside the
//!   provider that gave it. They have no opinion about which to believe: weighing is the protocol's work. What they do decide
//!   is what counts as an answer at all: it must be of this chain, in time, within bounds, of the exact shape, and from a
//!   node that says that it is in sync.
//! - [`deploy`] says where the contracts of a plan are, and whether they are there.
//! - [`Sender`] brings a [`guardian_protocol::Signed`] duty to its contract.
//! - [`Account`] pays: with a key in this process, or with one that a remote signer has.
//!
//! Nothing from outside is trusted in length, speed or encoding, and no error or log line shows an address's credentials.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod account;
mod beacon;
mod config;
mod contracts;
pub mod deploy;
mod dialect;
mod error;
mod execution;
mod http;
mod network;
mod node_info;
mod providers;
mod redact;
mod sender;
mod stats;

#[cfg(test)]
#[path = "../tests/adapters/support/inside.rs"]
mod support;

pub use account::{
    Account, AccountKey, AwsKmsAccess, AwsKmsKey, GoogleKmsAccess, GoogleKmsKey, SignError, SignFault, SignerStats,
    Web3SignerAccess,
};
pub use beacon::state;
pub use config::{ChainConfig, Endpoint, Limits, NoHeader, Role, SenderConfig};
pub use contracts::{KeyRotation, RegistrationError, registration};
pub use error::{Error, Layer};
pub use execution::reader::FinalKey;
pub use http::is_not_secure;
pub use node_info::{NodeInfo, node_info};
pub use providers::{Asked, Capabilities, LogsServed, Readers};
pub use redact::{redacted, secrets};
pub use sender::{FeeCeiling, Sender};
pub use stats::ProviderStats;
