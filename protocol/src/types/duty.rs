//! What guardians do for the protocol: a duty is a statement about one finalized reference, and its bytes are all that gets signed.
//!
//! A duty's period *is* its reference epoch. Whoever comes late simply takes part in the next one, and no two guardians can
//! disagree about which reference a period means.

use super::{BlsPubkey, Epoch, Gwei, KeyEpoch, Slot, ValidatorIndex, Wei};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of duty, in the order in which they are decided.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DutyKind {
    /// Force validators out.
    Ejection,
    /// Report what stands behind pufETH.
    Reserves,
}

impl DutyKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Ejection, Self::Reserves];

    /// The word used in logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ejection => "ejection",
            Self::Reserves => "reserves",
        }
    }
}

/// Which duty. A guardian signs at most one digest for each, ever.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct DutyId {
    /// What is to be done.
    pub kind: DutyKind,
    /// The reference epoch.
    pub period: Epoch,
    /// The key that signs.
    pub key_epoch: KeyEpoch,
}

impl fmt::Display for DutyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind.as_str(), self.period)
    }
}

/// A statement of the guardians to the contracts.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Duty {
    /// The key that signs.
    pub key_epoch: KeyEpoch,
    /// The finalized epoch that everything was read at.
    pub period: Epoch,
    /// That epoch's first slot.
    pub reference_slot: Slot,
    /// Root of the block that the finalized checkpoint names.
    pub reference_root: B256,
    /// The statement.
    pub body: DutyBody,
}

/// The statement of a [`Duty`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutyBody {
    /// These validators must leave.
    Ejection(EjectionOrder),
    /// These are the reserves.
    Reserves(ReserveReport),
}

/// An order to force validators out. Invariant (checked by [`EjectionOrder::new`]): 1 to 256 entries, strictly increasing by index.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EjectionOrder {
    ejections: Vec<Ejection>,
}

/// One validator to be forced out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Ejection {
    /// Its index in the beacon state.
    pub index: ValidatorIndex,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// Why it has to leave.
    pub reason: EjectionReason,
}

/// Why a validator has to leave. The numbers are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[borsh(use_discriminant = true)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum EjectionReason {
    /// Its balance is below the contract's threshold.
    LowBalance = 1,
    /// It was slashed.
    Slashed = 2,
    /// It has not attested for too long. Not decided yet; the contract knows it.
    Offline = 3,
    /// Its operator's Validator Tickets are spent. Not decided yet; the contract knows it.
    TicketsSpent = 4,
    /// Its restaking module was slashed by a service. Not decided yet; the contract knows it.
    ModuleSlashed = 5,
}

impl EjectionReason {
    /// The word used in logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LowBalance => "low_balance",
            Self::Slashed => "slashed",
            Self::Offline => "offline",
            Self::TicketsSpent => "tickets_spent",
            Self::ModuleSlashed => "module_slashed",
        }
    }
}

/// What stands behind pufETH at the reference slot. Gwei, as the contract stores them: assets rounded down, liabilities up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ReserveReport {
    /// How many of the protocol's validators the beacon chain knows.
    pub validator_count: u64,
    /// Sum of their balances.
    pub validators: Gwei,
    /// Sum of the ether in the pods that they withdraw to.
    pub pods: Gwei,
    /// Sum of the vaults' ether.
    pub vaults: Gwei,
    /// Deposits and withdrawals on their way. Nothing tells it yet: guardians report 0, which states less than there is.
    pub pending: Gwei,
    /// The token's supply, in 10^9 of its smallest unit; 0 if the governor named no token.
    pub liabilities: Gwei,
}

/// Why bytes that look like a duty are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DutyError {
    /// An order without validators, or with more than [`EjectionOrder::MAX`].
    #[error("an ejection order holds 1 to {max} validators, not {0}", max = EjectionOrder::MAX)]
    OrderLength(usize),
    /// Validators out of order, or one twice.
    #[error("validators in an ejection order must be strictly increasing: {0} is not")]
    OrderNotIncreasing(ValidatorIndex),
    /// The slot is not the first of the period.
    #[error("reference slot {0} is not the first slot of its period")]
    NotAnEpochStart(Slot),
}

impl EjectionOrder {
    /// The contract's limit: one transaction must hold an order.
    pub const MAX: usize = 256;

    /// An order over `ejections`.
    ///
    /// # Errors
    /// If it is empty, too long, or not strictly increasing by index.
    pub fn new(ejections: Vec<Ejection>) -> Result<Self, DutyError> {
        let order = Self { ejections };
        order.check()?;
        Ok(order)
    }

    /// The validators, by index.
    #[must_use]
    pub fn ejections(&self) -> &[Ejection] {
        &self.ejections
    }

    /// The contract's packing: index (8 bytes, big-endian), public key (48), reason (1) each.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.ejections.len().saturating_mul(57));
        for ejection in &self.ejections {
            bytes.extend_from_slice(&ejection.index.0.to_be_bytes());
            bytes.extend_from_slice(ejection.pubkey.as_slice());
            bytes.push(ejection.reason as u8);
        }
        bytes
    }

    fn check(&self) -> Result<(), DutyError> {
        if self.ejections.is_empty() || self.ejections.len() > Self::MAX {
            return Err(DutyError::OrderLength(self.ejections.len()));
        }
        for pair in self.ejections.windows(2) {
            if let [a, b] = pair
                && a.index >= b.index
            {
                return Err(DutyError::OrderNotIncreasing(b.index));
            }
        }
        Ok(())
    }
}

impl ReserveReport {
    /// All assets together, in wei.
    #[must_use]
    pub fn assets(&self) -> Wei {
        [self.validators, self.pods, self.vaults, self.pending].iter().map(|amount| amount.to_wei()).sum()
    }
}

impl Duty {
    /// Which duty this is.
    #[must_use]
    pub fn id(&self) -> DutyId {
        DutyId { kind: self.kind(), period: self.period, key_epoch: self.key_epoch }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> DutyKind {
        match self.body {
            DutyBody::Ejection(_) => DutyKind::Ejection,
            DutyBody::Reserves(_) => DutyKind::Reserves,
        }
    }

    /// Checks what decoding alone does not: a duty that came from outside must hold the invariants of one made here.
    ///
    /// # Errors
    /// [`DutyError`] says which does not hold.
    pub fn check(&self, slots_per_epoch: u64) -> Result<(), DutyError> {
        if self.period.first_slot(slots_per_epoch) != Some(self.reference_slot) {
            return Err(DutyError::NotAnEpochStart(self.reference_slot));
        }
        match &self.body {
            DutyBody::Ejection(order) => order.check(),
            DutyBody::Reserves(_) => Ok(()),
        }
    }
}
