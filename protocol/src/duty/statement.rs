//! One duty: its name, what it says, and whether it is one at all. What that means for a kind, the kind's folder knows.

use super::{Duty, DutyId, DutyKind, kinds::EjectionOrder};
use crate::types::{Epoch, Slot, ValidatorIndex};
use alloy_primitives::B256;

/// Why bytes that look like a duty are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DutyError {
    /// An order without validators, or with more than [`EjectionOrder::MAX`].
    #[error("an ejection order holds 1 to {max} validators, not {0}", max = EjectionOrder::MAX)]
    OrderLength(usize),
    /// Validators out of order, or one twice.
    #[error("validators in an ejection order must be strictly increasing: {0} is not")]
    OrderNotIncreasing(ValidatorIndex),
    /// A count of nothing.
    #[error("a network without validators has no count")]
    NoValidators,
    /// The veto of no proposal.
    #[error("the first proposal has the number 1")]
    NoProposal,
    /// The slot is not the first of the period.
    #[error("reference slot {0} is not the first slot of its period")]
    NotAnEpochStart(Slot),
}

impl Duty {
    /// Which duty this is.
    #[must_use]
    pub fn id(&self) -> DutyId {
        let Self { key_epoch, period, ref body, .. } = *self;
        DutyId { kind: body.kind(), period, subject: body.subject(), key_epoch }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> DutyKind {
        self.body.kind()
    }

    /// Checks what decoding alone does not: a duty that came from outside must hold the invariants of one made here.
    ///
    /// # Errors
    /// [`DutyError`] says which does not hold.
    pub fn check(&self, slots_per_epoch: u64) -> Result<(), DutyError> {
        let reference = self.reference_slot.0.checked_div(slots_per_epoch).map(Epoch);
        let starts = reference.and_then(|epoch| epoch.first_slot(slots_per_epoch)) == Some(self.reference_slot);
        if !starts || reference.map(|epoch| self.body.period(epoch)) != Some(self.period) {
            return Err(DutyError::NotAnEpochStart(self.reference_slot));
        }
        self.body.check()
    }

    /// EIP-712's hash of the statement.
    pub(super) fn struct_hash(&self) -> B256 {
        self.body.struct_hash(self)
    }

    /// What it says, by name.
    #[must_use]
    pub fn statements(&self) -> std::collections::BTreeMap<String, String> {
        let common = [
            ("kind", self.kind().to_string()),
            ("key epoch", self.key_epoch.to_string()),
            ("reference epoch", self.period.to_string()),
            ("reference slot", self.reference_slot.to_string()),
            ("reference root", self.reference_root.to_string()),
        ];
        let common = common.into_iter().map(|(name, value)| (name.to_owned(), value));
        common.chain(self.body.statements()).collect()
    }
}
