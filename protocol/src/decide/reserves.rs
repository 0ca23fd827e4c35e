//! What stands behind pufETH: the balances of the protocol's validators and the ether of its vaults, at the reference slot.

use crate::{
    setup::Setup,
    types::{DutyBody, Evidence, ReserveReport, Wei},
};

/// A report is due in the first finalized epoch of every `report_period` epochs that the feed has no report of. If that epoch
/// passes without one, the next takes its place.
pub(super) fn decide(evidence: &Evidence, setup: &Setup) -> Option<DutyBody> {
    let period = evidence.chain.policy.report_period.max(1);
    let last = evidence.chain.accepted.reserves.0.checked_div(setup.network.slots_per_epoch)?;
    let due = evidence.checkpoint.epoch.0.checked_div(period)? > last.checked_div(period)?;
    let never = evidence.chain.accepted.reserves.0 == 0;
    if !due && !never {
        return None;
    }
    let validator_balance: Wei =
        evidence.validators.iter().try_fold(0, |sum: Wei, v| sum.checked_add(v.balance.to_wei()))?;
    let vault_balance: Wei =
        evidence.chain.policy.vaults.iter().try_fold(0, |sum: Wei, (_, wei)| sum.checked_add(*wei))?;
    let report = ReserveReport {
        validator_count: u64::try_from(evidence.validators.len()).ok()?,
        validator_balance,
        vault_balance,
    };
    // The feed refuses a report of nothing: it would be read as a price of zero.
    (report.total() > 0).then_some(DutyBody::Reserves(report))
}
