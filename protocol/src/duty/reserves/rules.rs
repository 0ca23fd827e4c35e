//! What stands behind pufETH: the balances of the protocol's validators and the ether of its pods and vaults, at the reference slot; and
//! what is owed against it.

use super::{ReserveReport, Rules};
use crate::{
    duty::{DutyKind, Evidence, Need, Needs, schedule},
    types::{Epoch, Gwei, Level, ValidatorRecord, Wei},
};
use alloy_primitives::Address;

const WEI_PER_GWEI: Wei = 1_000_000_000;

pub(in crate::duty) fn needs(rules: &Rules, epoch: Epoch, accepted: Level, slots_per_epoch: u64) -> Needs {
    if is_due(rules, epoch, accepted, slots_per_epoch) { Needs::of([Need::Validators]) } else { Needs::default() }
}

fn is_due(rules: &Rules, epoch: Epoch, accepted: Level, slots_per_epoch: u64) -> bool {
    schedule::is_due(epoch, schedule::epoch_of_slot(accepted, slots_per_epoch), rules.period)
}

pub(in crate::duty) fn decide(rules: &Rules, evidence: &Evidence, slots_per_epoch: u64) -> Option<ReserveReport> {
    let accepted = evidence.chain.accepted(DutyKind::Reserves);
    if !is_due(rules, evidence.checkpoint.epoch, accepted, slots_per_epoch) {
        return None;
    }
    // The feed refuses a report of nothing: it would be read as a price of zero.
    report(rules, evidence).filter(|report| report.assets() > 0)
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
