//! Deployment of the contracts: what is deployed ([`Plan`]), where it comes to be ([`Creation`], CREATE2), and the record of it
//! ([`Deployment`]). Sending is the [`crate::Sender`]'s work.
//!
//! An address follows from the factory, the salt, the creation code and its arguments, and from nothing else: whoever has
//! the plan can tell where the contracts are, and that code at such an address is what the plan says.

mod file;
mod plan;
mod verify;

pub use file::{Deployment, DeploymentError};
pub use plan::{Creation, FACTORY, FACTORY_CREATOR, FACTORY_TRANSACTION, GroupKeyWords, Plan};
pub use verify::{Finding, Found, VerifyError};

#[cfg(test)]
mod tests;
