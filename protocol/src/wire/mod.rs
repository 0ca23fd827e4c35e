//! What guardians say to each other, and the strict codec for it.
//!
//! The encoding is [borsh](https://borsh.io), which is canonical: a value has exactly one encoding, and decoding refuses every
//! other byte sequence, trailing bytes included. `tests/formats.rs` pins it.

mod envelope;
mod message;
mod signing;

pub use envelope::{Envelope, EnvelopeError};
pub use message::{Alive, Finding, Greeting, Inquiry, Message, PartialExits, Probe, SignedDuty};
pub use signing::{Announcement, Commitment, CommitmentLabel, Package, Share};

/// A version byte and the borsh encoding of `value`. Encoding into memory can't fail for the types of this crate (no maps of
/// unbounded nesting, no I/O); should it ever, the empty body is refused by every decoder.
pub(crate) fn encode_versioned<T: borsh::BorshSerialize>(version: u8, value: &T) -> Vec<u8> {
    let mut bytes = vec![version];
    if value.serialize(&mut bytes).is_err() {
        bytes.truncate(1);
    }
    bytes
}
