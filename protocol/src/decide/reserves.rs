//! What stands behind pufETH: the balances of the protocol's validators and the ether of its pods and vaults, at the
//! reference slot; and what is owed against it.

use crate::types::{DutyBody, Evidence, Gwei, ReserveReport, Wei};
use alloy_primitives::Address;

const WEI_PER_GWEI: Wei = 1_000_000_000;

/// A report is due in the first finalized epoch of every `report_period` epochs that the feed has no report of. If that epoch
/// passes without one, the next takes its place.
pub(super) fn decide(evidence: &Evidence, slots_per_epoch: u64) -> Option<DutyBody> {
    let period = evidence.chain.policy.report_period.max(1);
    let last = evidence.chain.accepted.reserves.0.checked_div(slots_per_epoch)?;
    let due = evidence.checkpoint.epoch.0.checked_div(period)? > last.checked_div(period)?;
    let never = evidence.chain.accepted.reserves.0 == 0;
    if !due && !never {
        return None;
    }
    let policy = &evidence.chain.policy;
    let report = ReserveReport {
        validator_count: u64::try_from(evidence.validators.len()).ok()?,
        validators: Gwei(evidence.validators.iter().try_fold(0, |sum: u64, v| sum.checked_add(v.balance.0))?),
        pods: ether(&policy.pods)?,
        vaults: ether(&policy.vaults)?,
        pending: Gwei(0),
        liabilities: Gwei(u64::try_from(policy.liabilities.div_ceil(WEI_PER_GWEI)).ok()?),
    };
    // The feed refuses a report of nothing: it would be read as a price of zero.
    (report.assets() > 0).then_some(DutyBody::Reserves(report))
}

/// The sum of some accounts' balances, rounded down.
fn ether(accounts: &[(Address, Wei)]) -> Option<Gwei> {
    let wei = accounts.iter().try_fold(0, |sum: Wei, (_, wei)| sum.checked_add(*wei))?;
    u64::try_from(wei.checked_div(WEI_PER_GWEI)?).ok().map(Gwei)
}
