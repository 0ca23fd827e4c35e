//! The vocabulary of the protocol: who, when, and what the chains show. It uses nothing else of this crate.

mod chain;
mod chain_spec;
mod committee;
mod guardian_list;
mod ids;
mod program;
mod registration;
mod registry;
mod time;
pub(crate) mod versioned;

pub use chain::{
    BlockHash, BlockRef, Census, Checkpoint, EventPage, Participation, Proof, ProtocolEvent, ValidatorRecord,
};
pub use chain_spec::{ChainIdentity, ChainSpec, Fork};
pub use committee::{Committee, CommitteeError, Member};
pub use guardian_crypto::member::MemberId;
pub use guardian_list::GuardianList;
pub use ids::{BlsPubkey, BootId, Challenge, Epoch, Gwei, KeyEpoch, Level, ProviderId, Slot, ValidatorIndex, Wei};
pub use program::{Program, ProgramVersion, RuleSchedule, RuleVersion};
pub use registration::{Registration, RegistrationFlaw, RegistrationTerms};
pub use registry::Registry;
pub use time::Timestamp;
pub use versioned::DecodeError;
