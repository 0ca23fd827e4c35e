//! What stands behind pufETH: the balances of the protocol's validators and the ether of its pods and vaults, at the reference slot; and
//! what is owed against it.

use super::{Reported, ReserveReport, Rules};
use crate::{
    duty::{DutyKind, Evidence, Need, Needs, schedule},
    types::{Epoch, Gwei, Level, ValidatorRecord, Wei},
};
use alloy_primitives::Address;

const WEI_PER_GWEI: Wei = 1_000_000_000;
const BPS: Wei = 10_000;

/// Balances are read when the period demands a report, and in each epoch when a change may demand one.
pub(in crate::duty) fn needs(rules: &Rules, epoch: Epoch, accepted: Level, slots_per_epoch: u64) -> Needs {
    let watched = rules.deviation_bps > 0 && rules.last.is_some();
    let needed = watched || is_due(rules, epoch, accepted, slots_per_epoch);
    if needed { Needs::of([Need::Validators]) } else { Needs::default() }
}

fn is_due(rules: &Rules, epoch: Epoch, accepted: Level, slots_per_epoch: u64) -> bool {
    schedule::is_due(epoch, schedule::epoch_of_slot(accepted, slots_per_epoch), rules.period)
}

/// Whether a report says something else than the feed by as much as the governor named.
fn deviates(rules: &Rules, report: &ReserveReport) -> bool {
    let by = |last: Wei, now: Wei| {
        let (change, limit) = (last.abs_diff(now).saturating_mul(BPS), last.saturating_mul(rules.deviation_bps.into()));
        change > 0 && change >= limit
    };
    let differs =
        |last: &Reported| by(last.assets, report.assets()) || by(last.liabilities, report.liabilities.to_wei());
    rules.deviation_bps > 0 && rules.last.as_ref().is_some_and(differs)
}

pub(in crate::duty) fn decide(rules: &Rules, evidence: &Evidence, slots_per_epoch: u64) -> Option<ReserveReport> {
    let accepted = evidence.chain.accepted(DutyKind::Reserves);
    let is_due = is_due(rules, evidence.checkpoint.epoch, accepted, slots_per_epoch);
    // The feed refuses a report of nothing: it would be read as a price of zero.
    report(rules, evidence).filter(|report| report.assets() > 0 && (is_due || deviates(rules, report)))
}

/// What stands behind pufETH by `evidence`; `None` if the numbers are larger than a report can hold.
pub(super) fn report(rules: &Rules, evidence: &Evidence) -> Option<ReserveReport> {
    let rounded_up = |wei: Wei| u64::try_from(wei.div_ceil(WEI_PER_GWEI)).ok().map(Gwei);
    Some(ReserveReport {
        sources_version: rules.sources_version,
        validator_count: u64::try_from(evidence.validators.len()).ok()?,
        validators: Gwei(evidence.validators.iter().try_fold(0, |sum: u64, v| sum.checked_add(v.balance.0))?),
        pods: ether(&rules.pods)?,
        vaults: ether(&rules.vaults)?,
        pending: Gwei(0),
        liabilities: rounded_up(rules.liabilities)?,
        supply: rounded_up(rules.supply)?,
    })
}

/// Whether a validator's stake returns to an account that is not counted: its ether is gone for the protocol. Whoever deposits first for
/// a key decides that (<https://eips.ethereum.org/EIPS/eip-7251> for the types). Where no pods are named, a BLS key may be anybody's.
pub(super) fn is_foreign(rules: &Rules, validator: &ValidatorRecord) -> bool {
    match validator.withdrawal_credentials.0 {
        [1 | 2, ..] => {
            let account = Address::from_word(validator.withdrawal_credentials);
            !rules.pods.iter().any(|(pod, _)| *pod == account)
        }
        _ => !rules.pods.is_empty(),
    }
}

/// The sum of some accounts' balances, rounded down.
fn ether(accounts: &[(Address, Wei)]) -> Option<Gwei> {
    let wei = accounts.iter().try_fold(0, |sum: Wei, (_, wei)| sum.checked_add(*wei))?;
    u64::try_from(wei.checked_div(WEI_PER_GWEI)?).ok().map(Gwei)
}
