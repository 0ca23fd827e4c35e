//! Key ceremonies: how a committee makes a key that nobody ever sees ([`Purpose::Generate`]), deals it anew to another
//! committee or with another threshold ([`Purpose::Reshare`]; a refresh when both stay), and gives a member its lost
//! share back ([`Purpose::Repair`]).
//!
//! ```text
//!  plan --> Deal --> Shares --> [Sum] --> Confirm --> test signature --> outcome --> Done
//!           commit   echo, and  (repair)  everybody   all signers,       activated   everybody
//!                    encrypted            signs the   one coordinator    by the
//!                    shares               transcript                     shell
//! ```
//!
//! - [`plan`]: what is to be made, among whom. Its hash names the ceremony; everything that is said is bound to it.
//! - [`post`]: what a participant says to everybody in one step, signed. Posts are recorded before they are spoken of,
//!   and passed on until everybody has them: whoever meets says what it has ([`wire::Have`]) and gets what it lacks.
//! - [`fault`]: who broke the rules, provably to anyone with the plan. A fault ends the ceremony for good.
//! - [`signing`]: the test signature. It shows that all holders have working shares, before any old one is deleted.
//! - [`transcript`]: everything that was said; public, lasting, and together with an identity key as good as a share.
//! - [`Ceremony`]: one participant, with the same discipline as [`crate::Guardian`]: time and chance are arguments,
//!   effects leave through [`Effects::commit`] only.
//! - [`Authorisation`]: how the old committee signs for a key that replaces its own.
//!
//! # Why it is safe
//!
//! The library's key generation needs a broadcast channel on which everybody sees the same first messages. Here
//! everybody names the hash of every deal as it received it, and then signs the whole transcript; no key is used before
//! all signatures over one transcript exist, and an honest participant signs at most one. (Goldwasser and Lindell,
//! "Secure computation without agreement", 2002; the certificate of ChillDKG.)
//!
//! Shares are encrypted to their recipient's identity inside the posts. Who gets a wrong one opens that one ciphertext
//! to everybody, with a proof that it was opened truly: then either the dealer or who complains is at fault, and anyone
//! can tell which.
//!
//! All randomness of a dealer is derived from its identity and the plan: a restart, or a second process, makes the same
//! posts. The nonces of the test signature never are: they live in memory, for one package.
//!
//! Two posts of one author that differ in what it *dealt* convict it. Two that differ in what it *received* do not: an
//! honest participant that runs twice makes them, if a dealer shows different deals to its two halves. Then the
//! ceremony stops and names who contradicts itself, until the dealer's two deals come to light.
//!
//! # What it asks of its user
//!
//! The transport authenticates who sent a message. The shell keeps the records, puts the outcome to use, deletes the
//! old share only after that, and says so ([`Input::Activated`]); it keeps running until [`Status::done`], or until the
//! operator ends it: running it again is always safe. A ceremony needs all its participants; there is no timeout after
//! which it would go on without somebody.

pub mod authorisation;
mod board;
pub mod effects;
pub mod event;
pub mod fault;
mod ledger;
mod machine;
mod own;
pub mod plan;
pub mod post;
pub mod record;
mod rules;
mod scheme;
pub mod signing;
pub mod status;
pub mod transcript;
pub mod wire;

pub use authorisation::Authorisation;
pub use effects::{Effects, Outgoing, Released};
pub use event::Event;
pub use fault::{Evidence, Fault, FaultError};
pub use machine::{Ceremony, Input, Outcome, RestoreError};
pub use plan::{CeremonyId, Current, Participant, Plan, PlanError, Purpose, Rotation};
pub use post::{Body, Post, Step};
pub use record::{DecodeError, Record};
pub use status::{FaultStatus, Reason, Status, Waiting};
pub use transcript::{RecoverError, Transcript, TranscriptError, recover};

use alloy_primitives::{B256, keccak256};

/// keccak256 of the domain, a zero byte, and `bytes`: no hash for one purpose is one for another.
fn hash(domain: &'static str, bytes: &[u8]) -> B256 {
    keccak256([domain.as_bytes(), &[0], bytes].concat())
}
