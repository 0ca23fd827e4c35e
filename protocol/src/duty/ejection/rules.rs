//! Which validators must leave: those whose balance fell below the contract's threshold, and those that were slashed.

use super::{Ejection, EjectionOrder, EjectionReason, Rules};
use crate::{
    duty::{DutyKind, Evidence, Need, Needs, Rules as AnyRules},
    types::{Slot, ValidatorRecord},
};
use std::fmt;

/// Epochs for which an order that the registry accepted is given time to take effect before the validator is ordered out again.
/// A constant of the protocol, not of an operator: it changes what is decided. 256 epochs (27 hours) is the time a new validator
/// has to wait before it may exit at all (SHARD_COMMITTEE_PERIOD).
pub(crate) const ORDER_LIFE: u64 = 256;

/// What the rules say of one validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::duty) enum Verdict {
    /// It must leave.
    Eject(EjectionReason),
    /// It is left alone.
    Stay(Stay),
}

/// Why a validator is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::duty) enum Stay {
    /// It is not slashed, and its balance is not below the threshold.
    Healthy,
    /// It was ordered out already, at this reference slot.
    Ordered(Slot),
    /// Its balance is too low, but it is not active yet.
    NotActive,
    /// Its balance is too low, but it is leaving by itself.
    Leaving,
    /// It seems that it must leave, but that could not be proved, where proofs can be had.
    Unproved,
}

/// Every validator of the protocol is looked at in every epoch.
pub(in crate::duty) fn needs() -> Needs {
    Needs::of([Need::Validators])
}

pub(in crate::duty) fn decide(rules: &Rules, evidence: &Evidence, slots_per_epoch: u64) -> Option<EjectionOrder> {
    let ejections = evidence
        .validators
        .iter()
        .filter_map(|validator| match judge_by(rules, validator, evidence, slots_per_epoch) {
            Verdict::Eject(reason) => Some(Ejection { index: validator.index, pubkey: validator.pubkey, reason }),
            Verdict::Stay(_) => None,
        })
        .take(EjectionOrder::MAX)
        .collect();
    EjectionOrder::new(ejections).ok()
}

/// The verdict on `validator`, one of `evidence`'s.
pub(in crate::duty) fn judge(validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> Verdict {
    // Without a registry of orders, nobody is ordered out.
    let Some(AnyRules::Ejection(rules)) = evidence.chain.rules(DutyKind::Ejection) else {
        return Verdict::Stay(Stay::Healthy);
    };
    judge_by(rules, validator, evidence, slots_per_epoch)
}

/// Whether `evidence` alone demands that `validator`, one of its own, leaves by an exit that guardians sign. That it was ordered out
/// already is no objection.
pub(crate) fn demands_exit(validator: &ValidatorRecord, evidence: &Evidence) -> bool {
    let Some(AnyRules::Ejection(rules)) = evidence.chain.rules(DutyKind::Ejection) else { return false };
    !validator.slashed && is_low(rules, validator, evidence)
}

/// Whether the contracts let nobody out at `evidence`'s block: the keys are paused, or the registry's exits are stopped.
pub(crate) fn stops_exits(evidence: &Evidence) -> bool {
    let Some(AnyRules::Ejection(rules)) = evidence.chain.rules(DutyKind::Ejection) else { return true };
    evidence.chain.paused || rules.exits_stopped
}

/// Whether `validator` is active, and its balance below the threshold.
fn is_low(rules: &Rules, validator: &ValidatorRecord, evidence: &Evidence) -> bool {
    validator.balance.to_wei() < rules.threshold && validator.is_active_ongoing(evidence.checkpoint.epoch)
}

fn judge_by(rules: &Rules, validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> Verdict {
    let verdict = judge_as_said(rules, validator, evidence, slots_per_epoch);
    if matches!(verdict, Verdict::Eject(_)) && !evidence.proof.bears_orders() {
        return Verdict::Stay(Stay::Unproved);
    }
    verdict
}

/// The verdict if what is said of the validator is true.
fn judge_as_said(rules: &Rules, validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> Verdict {
    let ordered = evidence.orders.get(&validator.pubkey).copied();
    if validator.slashed {
        // The beacon chain has begun its exit already: the order is the protocol's notice, and once is enough.
        return ordered.map_or(Verdict::Eject(EjectionReason::Slashed), |slot| Verdict::Stay(Stay::Ordered(slot)));
    }
    if validator.balance.to_wei() >= rules.threshold {
        return Verdict::Stay(Stay::Healthy);
    }
    let life = ORDER_LIFE.saturating_mul(slots_per_epoch);
    match ordered {
        Some(slot) if evidence.slot.0.saturating_sub(slot.0) <= life => Verdict::Stay(Stay::Ordered(slot)),
        _ if is_low(rules, validator, evidence) => Verdict::Eject(EjectionReason::LowBalance),
        _ if validator.activation_epoch > evidence.checkpoint.epoch => Verdict::Stay(Stay::NotActive),
        _ => Verdict::Stay(Stay::Leaving),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eject(EjectionReason::LowBalance) => f.write_str("must leave: its balance is below the threshold"),
            Self::Eject(EjectionReason::Slashed) => f.write_str("must leave: it was slashed"),
            Self::Eject(reason) => write!(f, "must leave: {}", reason.as_str()),
            Self::Stay(stay) => write!(f, "stays: {stay}"),
        }
    }
}

impl fmt::Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("not slashed, and not below the threshold"),
            Self::Ordered(slot) => write!(f, "it was ordered out at slot {slot} already"),
            Self::NotActive => f.write_str("below the threshold, but not active yet"),
            Self::Leaving => f.write_str("below the threshold, but leaving already"),
            Self::Unproved => {
                f.write_str("it would have to leave by the providers' word alone, where states could be proved")
            }
        }
    }
}
