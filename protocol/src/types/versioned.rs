//! How everything that outlives a process, or travels between processes, is encoded: one version byte, then
//! [borsh](https://borsh.io), which is canonical. Decoding refuses every other byte sequence.

use borsh::{BorshDeserialize, BorshSerialize};

/// Why bytes are not of a lasting format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by another version of the node.
    #[error("record version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// No bytes at all.
    #[error("empty record")]
    Empty,
    /// Not this version's encoding.
    #[error("corrupt record: {0}")]
    Corrupt(String),
}

/// A version byte and the borsh encoding of `value`. Encoding into memory can't fail for the types of this crate (no maps of unbounded
/// nesting, no I/O); should it ever, the empty body is refused by every decoder.
pub(crate) fn encode<T: BorshSerialize>(version: u8, value: &T) -> Vec<u8> {
    let mut bytes = vec![version];
    if value.serialize(&mut bytes).is_err() {
        bytes.truncate(1);
    }
    bytes
}

/// The strict inverse of [`encode`].
///
/// # Errors
/// On any byte sequence that [`encode`] does not produce.
pub(crate) fn decode<T: BorshDeserialize>(version: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    let (found, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *found != version {
        return Err(DecodeError::UnknownVersion(*found));
    }
    borsh::from_slice(body).map_err(|error| DecodeError::Corrupt(error.to_string()))
}
