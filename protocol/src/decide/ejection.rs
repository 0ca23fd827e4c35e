//! Who must leave: a validator whose balance fell below the contract's threshold, or that was slashed.

use crate::{
    observe::Registry,
    setup::Setup,
    types::{DutyBody, Ejection, EjectionOrder, EjectionReason, Evidence, ValidatorRecord},
};

/// Epochs for which an order that the registry accepted is given time to take effect before the validator is ordered out again.
/// A constant of the protocol, not of an operator: it changes what is decided. 256 epochs (27 hours) is the time a new validator
/// has to wait before it may exit at all (SHARD_COMMITTEE_PERIOD).
pub const ORDER_LIFE: u64 = 256;

pub(super) fn decide(evidence: &Evidence, registry: &Registry, setup: &Setup) -> Option<DutyBody> {
    let ejections = evidence
        .validators
        .iter()
        .filter_map(|validator| {
            let reason = reason(validator, evidence, registry, setup)?;
            Some(Ejection { index: validator.index, pubkey: validator.pubkey, reason })
        })
        .take(EjectionOrder::MAX)
        .collect();
    EjectionOrder::new(ejections).ok().map(DutyBody::Ejection)
}

fn reason(
    validator: &ValidatorRecord,
    evidence: &Evidence,
    registry: &Registry,
    setup: &Setup,
) -> Option<EjectionReason> {
    let ordered = registry.ordered_at(&validator.pubkey);
    if validator.slashed {
        // The beacon chain has begun its exit already: the order is the protocol's notice, and once is enough.
        return ordered.is_none().then_some(EjectionReason::Slashed);
    }
    let life = ORDER_LIFE.saturating_mul(setup.network.slots_per_epoch);
    let under_way = ordered.is_some_and(|slot| evidence.slot.0.saturating_sub(slot.0) <= life);
    let too_low = validator.balance.to_wei() < evidence.chain.policy.ejection_threshold;
    (too_low && !under_way && validator.is_active_ongoing(evidence.checkpoint.epoch))
        .then_some(EjectionReason::LowBalance)
}
