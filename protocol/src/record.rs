//! What must survive a crash. A guardian is restored by folding its records; everything else it can find out again.
//!
//! The encoding is a lasting format: one version byte, then borsh. `tests/formats.rs` pins it.

use crate::{
    sign::{Fault, Signed},
    types::{BlockRef, Duty, DutyId, Epoch, MemberId, ProtocolEvent},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::schnorr::Signature;

/// One durable fact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Record {
    /// The guard let this digest through. There is at most one for a duty.
    Decided {
        /// The duty.
        id: DutyId,
        /// The only digest that this guardian will ever sign for it.
        digest: B256,
    },
    /// Nothing up to this period will be signed from this store.
    Floor {
        /// The period.
        epoch: Epoch,
    },
    /// The committee signed this duty.
    Signed {
        /// What was signed.
        duty: Duty,
        /// The signature.
        signature: Signature,
    },
    /// The contract has the duty, finally.
    Confirmed {
        /// The duty.
        id: DutyId,
    },
    /// The protocol's events up to this block.
    Events {
        /// The last block that was read.
        upto: BlockRef,
        /// What happened since the previous such record.
        events: Vec<ProtocolEvent>,
    },
    /// A member cheated: it takes no part in signing any more, as long as the committee is this one.
    Fault {
        /// [`Committee::id`](crate::types::Committee::id).
        committee: B256,
        /// Who.
        culprit: MemberId,
        /// The proof.
        fault: Fault,
    },
    /// The operator forgives a member what it did in periods up to this one. Written by the operator's command, not by the brain.
    Pardon {
        /// [`Committee::id`](crate::types::Committee::id).
        committee: B256,
        /// Whom.
        member: MemberId,
        /// The last period that is forgiven.
        upto: Epoch,
    },
}

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
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

impl Record {
    /// The format's version.
    pub const VERSION: u8 = 1;

    /// A signed duty as a record.
    #[must_use]
    pub fn signed(signed: &Signed) -> Self {
        Self::Signed { duty: signed.duty().clone(), signature: *signed.signature() }
    }

    /// The lasting encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        crate::wire::encode_versioned(Self::VERSION, self)
    }

    /// The strict inverse of [`Record::encode`].
    ///
    /// # Errors
    /// On any byte sequence that [`Record::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        decode_versioned(Self::VERSION, bytes)
    }
}

/// The strict inverse of [`encode_versioned`](crate::wire::encode_versioned).
pub(crate) fn decode_versioned<T: BorshDeserialize>(version: u8, bytes: &[u8]) -> Result<T, RecordError> {
    let (found, body) = bytes.split_first().ok_or(RecordError::Empty)?;
    if *found != version {
        return Err(RecordError::UnknownVersion(*found));
    }
    borsh::from_slice(body).map_err(|error| RecordError::Corrupt(error.to_string()))
}
