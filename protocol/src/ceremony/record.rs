//! What must survive a crash of a participant: the posts it has and what they led to. No secret is among them, because
//! all secrets follow from the identity key (and, when a key is dealt anew, from the old share).
//!
//! The encoding is a lasting format: one version byte, then borsh. `tests/ceremony_formats.rs` pins it.

use super::{fault::Fault, plan::CeremonyId, post::Post};
pub use crate::types::DecodeError;
use crate::types::versioned;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::schnorr::Signature;

/// One durable fact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Record {
    /// The first one: which ceremony these records are of.
    Begun(CeremonyId),
    /// A genuine post, this participant's own or another's.
    Post(Post),
    /// The test signature of all signers: the ceremony has succeeded.
    Proof(Signature),
    /// Somebody broke the rules: the ceremony has failed.
    Fault(Fault),
}

impl Record {
    /// The format's version.
    pub const VERSION: u8 = 1;

    /// The lasting encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Record::encode`].
    ///
    /// # Errors
    /// On any byte sequence that [`Record::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        versioned::decode(Self::VERSION, bytes)
    }
}
