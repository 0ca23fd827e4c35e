//! What participants send to each other. The transport says who sent a message; what has to hold beyond that is signed
//! inside.
//!
//! Layout: version (1 byte), ceremony (32), borsh. So whoever runs another plan is told from whoever sends nonsense.

use super::{fault::Fault, plan::CeremonyId, post::Post, signing};
use crate::types::versioned;
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::schnorr::Signature;

/// The format's version.
pub const VERSION: u8 = 2;

/// The largest message: the posts of a committee of the largest size are below 20 KiB, its list of hashes below 100
/// KiB.
pub const MAX_BYTES: usize = 256 * 1024;

/// Anything that a participant says to another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// What the sender has; the receiver answers with what it lacks.
    Have(Have),
    /// A post, of anybody.
    Post(Post),
    /// Evidence that the ceremony has failed.
    Fault(Fault),
    /// The test signature.
    Proof(Signature),
    /// On the way to it.
    Signing(signing::Message),
}

/// What a participant has.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Have {
    /// The hashes of its posts, strictly increasing.
    pub posts: Vec<B256>,
    /// Whether it has the test signature.
    pub proven: bool,
    /// Whether it has evidence that the ceremony has failed.
    pub failed: bool,
}

impl Have {
    /// Names what is had: two participants with the same have the same.
    #[must_use]
    pub fn digest(&self) -> B256 {
        super::hash("GUARDIAN/ceremony/have/v1", &versioned::encode(VERSION, self))
    }
}

/// Why bytes were not taken for a message of this ceremony.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More than [`MAX_BYTES`].
    #[error("message of {0} bytes is too large")]
    TooLarge(usize),
    /// Too short to be anything.
    #[error("message of {0} bytes is too short")]
    TooShort(usize),
    /// From another version of the node.
    #[error("message version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// Of another ceremony.
    #[error("the message is of ceremony {0}")]
    OtherCeremony(CeremonyId),
    /// Not this version's encoding.
    #[error("corrupt message: {0}")]
    Corrupt(String),
}

/// The bytes for the network.
#[must_use]
pub fn encode<T: BorshSerialize>(ceremony: CeremonyId, message: &T) -> Vec<u8> {
    versioned::encode(VERSION, &(ceremony, message))
}

/// The strict inverse of [`encode`].
///
/// # Errors
/// [`WireError`] if `bytes` are anything else than a message of `ceremony`.
pub fn decode<T: BorshDeserialize>(ceremony: CeremonyId, bytes: &[u8]) -> Result<T, WireError> {
    if bytes.len() > MAX_BYTES {
        return Err(WireError::TooLarge(bytes.len()));
    }
    let too_short = WireError::TooShort(bytes.len());
    let (version, rest) = bytes.split_first().ok_or_else(|| too_short.clone())?;
    if *version != VERSION {
        return Err(WireError::UnknownVersion(*version));
    }
    let (id, body) = rest.split_first_chunk::<32>().ok_or(too_short)?;
    let id = CeremonyId(B256::from(*id));
    if id != ceremony {
        return Err(WireError::OtherCeremony(id));
    }
    borsh::from_slice(body).map_err(|error| WireError::Corrupt(error.to_string()))
}
