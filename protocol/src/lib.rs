//! The brain of a guardian: observe, decide, agree, sign, submit, confirm, as one pure state machine.
//!
//! # The line
//!
//! ```text
//!  tick -->  observe --> decide --> agree --> sign --> submit ------------> confirm --> done
//!            Evidence    Duty       votes     Signed   Submitted            Confirmed
//! ```
//!
//! - `observe` asks all providers what is finalized, reads there what the duties that are due ask for, and folds what enough of them
//!   say into [`Evidence`], or refuses.
//! - `decide` turns evidence into [`Duty`]s. It has no opinion that an operator could configure: everybody who sees the same chain
//!   computes the same bytes.
//! - `hold` lets people, and limits, say wait or never before anything is said to the others.
//! - `agree` counts equal digests. The announcement of a digest carries nonce commitments, so that a vote is also FROST's first round.
//! - `sign` lets the guard speak, spends nonces, collects shares (`open` holds what is decided and not signed yet).
//! - `submit` brings [`Signed`] duties to their contract, in turn, and watches the contract's own progress until it is final.
//! - `audit` keeps account of what was decided and why, and finds out where guardians that disagree have read something else.
//! - `exits` gives this guardian's part of the exits that a signed order demands; what takes long is `work`, done elsewhere.
//!
//! Steps know a kind of duty only as a label. What a kind states, reads, decides and shows on chain stands in `duty/<kind>`.
//!
//! # What it rests on
//!
//! The chain orders things, so guardians need no consensus protocol of their own: a duty belongs to an epoch that nobody can choose
//! ([`DutyId`]), threshold equal digests are agreement, and each contract accepts a statement once. Safety needs fewer than t liars;
//! nothing here is safe against t. Liveness needs t honest, connected guardians and providers that agree.
//!
//! # What this crate can't do
//!
//! It has no runtime, clock, disk, network, environment or source of chance; all of those are arguments ([`Guardian::step`]) or
//! effects ([`Effects`]), and effects leave only through [`Effects::commit`], after their records are durable.
//!
//! # The door
//!
//! The list below is everything that other crates may use of the brain; the key ceremonies, a machine of their own, have a list in
//! [`ceremony`]. Leave to use the key share, above all, can't be made outside:
//!
//! ```compile_fail,E0432
//! use guardian_protocol::Permit;
//! ```
//!
//! ```compile_fail,E0603
//! use guardian_protocol::sign::guard::Guard;
//! ```

#![cfg_attr(not(test), deny(clippy::cast_possible_truncation, clippy::wildcard_enum_match_arm))]
#![cfg_attr(
    not(any(test, feature = "testing")),
    allow(unreachable_pub, dead_code, unused_imports, reason = "what only tests need leaves through `testing`")
)]

mod agree;
mod audit;
pub mod ceremony;
mod decide;
mod duty;
mod effects;
mod event;
mod exits;
mod guardian;
mod hold;
mod input;
mod observe;
mod open;
mod operator;
mod peers;
mod ports;
mod record;
mod setup;
mod sign;
mod status;
mod submit;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod types;
mod watched;
mod wire;
mod work;

// The machine: what goes in and what comes out.
pub use effects::{Effects, Outgoing, Recipient, Released};
pub use event::{Event, ExitEvent, Forgotten, HistoryEvent, Layer, VersionEvent};
pub use exits::{ExitStage, Wait};
pub use guardian::{Guardian, RestoreError, Secrets};
pub use input::Input;
pub use operator::{OperatorCommand, OperatorRefusal, OperatorReply};
pub use record::Record;
pub use setup::{AccountModule, Contracts, ExitRequestPolicy, Mode, ProviderQuorum, Setup, Timing};
pub use status::{ExitStatus, HeldKind, HistoryStatus, OpenDutyStatus, Reason, Status};
pub use submit::Stage;
pub use watched::{Watched, WatchedValidator, WatchedValidators};
pub use work::{Computed, Job, ValidatorKey};

// What it needs from the world.
pub use ports::{
    Answers, AppendRecords, At, Call, CallOutcome, ExitRequest, OnChainProgress, Query, QueryId, ReadFailure, Reading,
    RequestOutcome, SignedExit, StateReading, Target,
};

// Duties. What each kind states is listed beside the table of kinds, in `duty`.
pub use duty::kinds::*;
pub use duty::{
    Bounds, ChainView, DigestDomain, Duty, DutyBody, DutyError, DutyId, DutyKind, Evidence, Figure, KeyProposal,
    Measure, PerKind, Risk, Rules, Standing, Subject, rotation,
};
pub use hold::{Cause, Excess, Hold, LimitedDuty, Limits, Severity};
pub use sign::{AccountOrder, Attestation, Fault, FaultError, NotSafe, Signed, SignedError};
pub use wire::Envelope;

// Accounts.
pub use audit::{Difference, Dossier, Replay, ValidatorLine};

// Words.
pub use types::{
    BlockHash, BlockRef, BlsPubkey, BootId, Census, ChainIdentity, ChainSpec, Challenge, Checkpoint, Committee,
    CommitteeError, DecodeError, Epoch, EventPage, Fork, GuardianList, Gwei, KeyEpoch, Level, Member, MemberId,
    Participation, Program, ProgramVersion, Proof, ProtocolEvent, ProviderId, Registration, RegistrationFlaw,
    RegistrationTerms, RuleSchedule, RuleVersion, Slot, Timestamp, ValidatorIndex, ValidatorRecord, Wei,
};
