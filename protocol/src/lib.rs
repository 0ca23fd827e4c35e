//! The brain of a guardian: observe, decide, agree, sign, submit, confirm, as one pure state machine.
//!
//! # The line
//!
//! ```text
//!  tick -->  observe --> decide --> agree --> sign --> submit ------------> confirm --> done
//!            Evidence    Duty       votes     Signed   Submitted            Confirmed
//! ```
//!
//! - [`observe`] asks all providers what is finalized and what stands there, and folds what enough of them say into
//!   [`types::Evidence`], or refuses.
//! - [`mod@decide`] turns evidence into [`types::Duty`]s. It has no opinion that an operator could configure: everybody who sees the same
//!   chain computes the same bytes.
//! - [`agree`] counts equal digests. The announcement of a digest carries nonce commitments, so that a vote is also FROST's first round.
//! - [`sign`] lets the guard speak, spends nonces, collects shares ([`open`] holds what is open).
//! - [`submit`] brings [`sign::Signed`] duties to their contract, by turns, and watches the contract's own progress until it is final.
//! - [`audit`] keeps account of what was decided and why, and finds out where guardians that disagree have read something else.
//! - [`exits`] gives this guardian's part of the exits that a signed order demands.
//!
//! # What it rests on
//!
//! The chain orders things, so guardians need no consensus protocol of their own: a duty's period is its finalized reference epoch,
//! threshold equal digests are agreement, and the contract accepts each reference slot once, in increasing order. Safety needs fewer
//! than t liars; nothing here is safe against t. Liveness needs t honest, connected guardians and providers that agree.
//!
//! # What this crate can't do
//!
//! It has no runtime, clock, disk, network, environment or source of chance; all of those are arguments ([`Guardian::step`]) or
//! effects ([`effects::Effects`]), and effects leave only through [`effects::Effects::commit`], after their records are durable.

#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

pub mod agree;
pub mod audit;
pub mod ceremony;
pub mod decide;
pub mod effects;
pub mod event;
pub mod exits;
mod guardian;
pub mod input;
pub mod observe;
pub mod open;
pub mod peers;
pub mod ports;
pub mod record;
pub mod setup;
pub mod sign;
pub mod status;
pub mod submit;
pub mod types;
pub mod wire;

pub use guardian::{Guardian, RestoreError, Secrets};
