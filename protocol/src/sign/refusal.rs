//! Why the guard did not let a digest through.

use crate::{duty::DutyId, types::Epoch};
use alloy_primitives::B256;

/// The guard refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSafe {
    /// Another digest was let through for this duty.
    #[error("{id} already has the digest {decided}; refusing {refused}")]
    OtherDigest {
        /// The duty.
        id: DutyId,
        /// What was let through.
        decided: B256,
        /// What was refused.
        refused: B256,
    },
    /// The store is new; waiting for peers and chain to say how far the old one may have been.
    #[error("the store is new: not signing before peers and chain have said which periods may have been signed")]
    StoreIsNew,
    /// The store was set back; waiting as a new one does.
    #[error("the store was set back: not signing before peers and chain have said which periods may have been signed")]
    StoreWasSetBack,
    /// The period may have been signed from a store that was lost, or before this one was set back.
    #[error("not signing period {period}: periods up to {floor} may have been signed and forgotten")]
    BelowFloor {
        /// Refused.
        period: Epoch,
        /// Last period that is not safe.
        floor: Epoch,
    },
    /// Nothing was let through for this duty.
    #[error("{0} was never decided here")]
    NotDecided(DutyId),
}
