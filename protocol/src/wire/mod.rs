//! What guardians say to each other, and the strict codec for it.
//!
//! The encoding is [borsh](https://borsh.io), which is canonical: a value has exactly one encoding, and decoding refuses every
//! other byte sequence, trailing bytes included. `tests/formats/` pins it.

mod boot;
mod envelope;
mod message;
mod signing;

pub use boot::SignedBoot;
pub use envelope::{Envelope, EnvelopeError};
pub use message::{
    Alive, AttestedDuty, Finding, Greeting, Holdings, Inquiry, Introduction, Message, PartialExits, Probe, Reminder,
    SignedDuty,
};
pub use signing::{Announcement, Commitment, CommitmentLabel, Package, Share};
