//! Ejection: forcing out validators that the protocol can't leave in. This file holds the statement and the contract's rules; who must
//! leave is decided in [`rules`].

mod brakes;
mod risk;
mod rules;
#[cfg(test)]
mod tests;

pub(super) use brakes::{BOUNDS, extent, failing};
pub use risk::Risk;
use rules::Verdict;
pub(crate) use rules::{ORDER_LIFE, demands_exit, stops_exits};
pub(super) use rules::{decide, judge, needs};

use super::{Duty, DutyError, Evidence, digest::Words};
use crate::types::{BlsPubkey, ValidatorIndex, ValidatorRecord, Wei};
use alloy_primitives::{Address, B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

const TYPE: &[u8] = b"EjectionOrder(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes ejections)";

/// What the registry of orders says. In text, amounts of wei are decimal strings: they don't fit into the numbers of most readers of
/// JSON.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Validators below this balance are forced out, wei. `EjectionRegistry.getEjectionThreshold`.
    #[serde_as(as = "DisplayFromStr")]
    pub threshold: Wei,
    /// The registry requests no exits now: its governor or the keys' vetoer has paused them, or the day's limit is used up.
    /// `EjectionRegistry.exitsLeft` is 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exits_stopped: bool,
    /// The protocol's contract that requests exits (EIP-7002), if it offers one on a chain that has them. `EjectionRegistry.requester`. Nothing
    /// is decided from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Address>,
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

impl Rules {
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn example() -> Self {
        Self { threshold: 31_750_000_000_000_000_000, exits_stopped: false, requester: None }
    }

    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let stopped = self.exits_stopped.then(|| ("exits".to_owned(), "stopped".to_owned()));
        let threshold = ("ejection threshold".to_owned(), format!("{} wei", self.threshold));
        std::iter::once(threshold).chain(stopped).collect()
    }
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

    pub(super) fn check(&self) -> Result<(), DutyError> {
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

    pub(super) fn struct_hash(&self, duty: &Duty) -> B256 {
        Words::new(TYPE)
            .number(duty.key_epoch.0)
            .number(duty.reference_slot.0)
            .word(duty.reference_root)
            .word(keccak256(self.packed()))
            .hash()
    }

    pub(super) fn statements(&self) -> Vec<(String, String)> {
        let says = |ejection: &Ejection| {
            let value = format!("index {}, {}", ejection.index, ejection.reason.as_str());
            (format!("eject {}", ejection.pubkey), value)
        };
        self.ejections.iter().map(says).collect()
    }

    /// Whether this order holds `validator`, and why or why not.
    pub(super) fn verdict(&self, validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> String {
        let is_in = self.ejections.iter().any(|ejection| ejection.index == validator.index);
        match judge(validator, evidence, slots_per_epoch) {
            verdict @ Verdict::Eject(_) if is_in => format!("selected: {verdict}"),
            verdict @ Verdict::Eject(_) => {
                format!("not selected, because an order holds {} validators; it {verdict}", Self::MAX)
            }
            verdict @ Verdict::Stay(_) => format!("not selected: {verdict}"),
        }
    }
}
