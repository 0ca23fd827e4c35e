//! Which duty: the name under which at most one digest is ever signed.

use super::DutyKind;
use crate::types::{Epoch, KeyEpoch};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which duty. A guardian signs at most one digest for each, ever.
///
/// The period is an epoch that belongs to the subject and that nobody can choose. A duty about the protocol as a whole is due again
/// and again: its period is the finalized reference epoch. A duty about one thing is done once: its period is the epoch in which that
/// thing came about on chain, whenever it is decided, so that no later epoch makes room for a second digest. A new store waits past
/// periods (`sign/guard.rs`), and so leaves alone what an older store may have signed, in both cases.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct DutyId {
    /// What is stated.
    pub kind: DutyKind,
    /// To which epoch it belongs.
    pub period: Epoch,
    /// What it is about.
    pub subject: Subject,
    /// The key that signs.
    pub key_epoch: KeyEpoch,
}

/// What a duty is about. Two open duties of one kind differ in it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The protocol, or the network, as a whole.
    #[default]
    Whole,
    /// One registration in Puffer's books, whatever becomes of it.
    Registration {
        /// The module's name, as the contracts have it.
        module: B256,
        /// Its number in the module.
        index: u64,
    },
    /// Validators that are settled together.
    Batch(
        /// The hash of their list.
        B256,
    ),
}

impl fmt::Display for DutyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}{}", self.kind, self.period, self.subject)
    }
}

/// What follows kind and period in the name of a duty: nothing, where those say it all.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Registration { module, index } => write!(f, "-{}-{index}", short(module)),
            Self::Batch(hash) => write!(f, "-{}", short(hash)),
        }
    }
}

/// The first four bytes: enough for people, and safe in the name of a file.
fn short(word: &B256) -> String {
    word.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_duties_of_one_epoch_apart() {
        let of = |subject| DutyId { kind: DutyKind::Ejection, period: Epoch(7), subject, key_epoch: KeyEpoch(1) };
        let module = B256::repeat_byte(0xab);
        assert_eq!(of(Subject::Whole).to_string(), "ejection-7");
        assert_eq!(of(Subject::Registration { module, index: 3 }).to_string(), "ejection-7-abababab-3");
        assert_eq!(of(Subject::Batch(module)).to_string(), "ejection-7-abababab");
    }
}
