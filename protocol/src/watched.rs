//! The protocol's validators at the last reference, for people to look at. What is kept is the evidence itself; rows are made when
//! somebody asks for them. Nothing is decided from it.

use crate::{
    duty::{Evidence, Risk},
    types::{BlsPubkey, Epoch, Gwei, Slot, ValidatorIndex, ValidatorRecord},
};
use serde::Serialize;
use std::sync::Arc;

/// What was observed last. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watched {
    evidence: Arc<Evidence>,
    slots_per_epoch: u64,
}

/// All validators, those that are worse off first.
#[derive(Clone, Debug, Serialize)]
pub struct WatchedValidators {
    /// The reference.
    pub epoch: Epoch,
    /// Its slot.
    pub slot: Slot,
    /// How the records are known: as `proof` of `guardian_observations_total`.
    pub proof: &'static str,
    /// Those that the beacon chain knows.
    pub validators: Vec<WatchedValidator>,
    /// The others.
    pub unknown: Vec<BlsPubkey>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchedValidator {
    /// Its index.
    pub index: ValidatorIndex,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// The beacon API's word, as far as the record tells it: `pending`, `active_ongoing`, `active_exiting`, `active_slashed`,
    /// `exited_unslashed`, `exited_slashed`, `withdrawal_possible`, `withdrawal_done`.
    pub status: &'static str,
    /// Its balance, gwei.
    pub balance: Gwei,
    /// When the registry took an order for it.
    pub ordered_at: Option<Slot>,
    /// What the rules say of it; `None` where there is no registry of orders.
    #[serde(flatten)]
    pub risk: Option<Risk>,
}

impl Watched {
    pub(crate) fn new(evidence: Arc<Evidence>, slots_per_epoch: u64) -> Self {
        Self { evidence, slots_per_epoch }
    }

    /// Whether both are of one observation.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.evidence, &other.evidence)
    }

    /// The rows. Thousands of validators take milliseconds.
    #[must_use]
    pub fn validators(&self) -> WatchedValidators {
        let evidence = &*self.evidence;
        let row = |record: &ValidatorRecord| WatchedValidator {
            index: record.index,
            pubkey: record.pubkey,
            status: status(record, evidence.checkpoint.epoch),
            balance: record.balance,
            ordered_at: evidence.orders.get(&record.pubkey).copied(),
            risk: evidence.risk(record, self.slots_per_epoch),
        };
        let mut validators: Vec<WatchedValidator> = evidence.validators.iter().map(row).collect();
        // Stable: those that are equally well off stay in the order of their indices.
        validators.sort_by(|a, b| a.risk.cmp(&b.risk));
        WatchedValidators {
            epoch: evidence.checkpoint.epoch,
            slot: evidence.slot,
            proof: evidence.proof.as_str(),
            validators,
            unknown: evidence.unknown.clone(),
        }
    }
}

fn status(record: &ValidatorRecord, epoch: Epoch) -> &'static str {
    match record.slashed {
        _ if record.activation_epoch > epoch => "pending",
        true if record.exit_epoch > epoch => "active_slashed",
        false if record.exit_epoch == Epoch::FAR_FUTURE => "active_ongoing",
        false if record.exit_epoch > epoch => "active_exiting",
        true if record.withdrawable_epoch > epoch => "exited_slashed",
        false if record.withdrawable_epoch > epoch => "exited_unslashed",
        _ if record.balance == Gwei(0) => "withdrawal_done",
        _ => "withdrawal_possible",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_chain_view, chain_spec, evidence, validator};

    #[test]
    fn a_validators_status_is_the_beacon_apis_word() {
        let record = |activation, exit, withdrawable, slashed, balance| ValidatorRecord {
            activation_epoch: Epoch(activation),
            exit_epoch: Epoch(exit),
            withdrawable_epoch: Epoch(withdrawable),
            slashed,
            ..validator(1, balance)
        };
        let never = Epoch::FAR_FUTURE.0;
        for (record, word) in [
            (record(101, never, never, false, 1), "pending"),
            (record(100, never, never, false, 1), "active_ongoing"),
            (record(1, 101, never, false, 1), "active_exiting"),
            (record(1, 101, never, true, 1), "active_slashed"),
            (record(1, 100, 101, false, 1), "exited_unslashed"),
            (record(1, 100, 101, true, 1), "exited_slashed"),
            (record(1, 90, 100, false, 1), "withdrawal_possible"),
            (record(1, 90, 100, false, 0), "withdrawal_done"),
        ] {
            assert_eq!(status(&record, Epoch(100)), word);
        }
    }

    #[test]
    fn those_that_are_worse_off_come_first() {
        let low = validator(2, 31_000_000_000);
        let evidence = evidence(any_chain_view(100), 100, vec![validator(1, 32_000_000_000), low]);
        let page = Watched::new(Arc::new(evidence), chain_spec().slots_per_epoch).validators();
        assert_eq!(page.validators.iter().map(|row| row.index.0).collect::<Vec<_>>(), [2, 1]);
        let json = serde_json::to_value(&page.validators[0]).unwrap();
        assert_eq!((&json["verdict"], &json["at_risk"]), (&"must_leave".into(), &true.into()));
    }
}
