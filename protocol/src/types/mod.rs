//! The vocabulary of the protocol: who, when, what, and the exact bytes that get signed.

mod abi;
pub mod chain_spec;
pub mod committee;
pub mod digest;
pub mod duty;
pub mod evidence;
pub mod ids;
pub mod puffer;
pub mod time;

pub use chain_spec::{ChainSpec, Contracts, Fork};
pub use committee::{Committee, CommitteeError, Member};
pub use digest::DigestDomain;
pub use duty::{Duty, DutyBody, DutyError, DutyId, DutyKind, Ejection, EjectionOrder, EjectionReason, ReserveReport};
pub use evidence::{
    Accepted, BlockHash, BlockRef, ChainView, Checkpoint, Evidence, Policy, Proof, ProtocolEvent, ValidatorRecord,
};
pub use guardian_crypto::member::MemberId;
pub use ids::{BlsPubkey, BootId, Challenge, Epoch, Gwei, KeyEpoch, ProviderId, Slot, ValidatorIndex, Wei};
pub use puffer::{LegacyModule, Provisioning, PufferMessage, StoppedValidator};
pub use time::Timestamp;
