//! What limits ask of ejections: how many validators an order forces out, of how many, and whether too many fail at once. A brake only
//! makes a guardian wait; who must leave is decided without it.

use super::{EjectionOrder, Verdict, judge};
use crate::duty::{
    Evidence,
    impact::{Bounds, Extent, Impact},
};

/// Soft and hard. By share, a protocol of some thousand validators loses 2 % before somebody is asked to look, and 10 % at most before
/// somebody has. The beacon chain itself lets 4 to 16 validators go in an epoch.
pub(in crate::duty) const BOUNDS: [Bounds; 2] = [
    Bounds {
        per_epoch: Some(32),
        per_day: Some(64),
        day_share_bps: Some(200),
        module_per_day: Some(48),
        change_bps: None,
    },
    Bounds {
        per_epoch: Some(128),
        per_day: Some(256),
        day_share_bps: Some(1_000),
        module_per_day: Some(192),
        change_bps: None,
    },
];

impl EjectionOrder {
    /// Every validator counts, also one that was slashed: an order that calls healthy ones slashed must find a limit too.
    pub(in crate::duty) fn impact(&self) -> Impact {
        Impact::Moves(self.ejections.iter().map(|ejection| ejection.index.0).collect())
    }
}

/// The protocol's validators. A module's validators withdraw to one pod, so the credentials tell modules apart.
pub(in crate::duty) fn extent(evidence: &Evidence) -> Extent {
    let validators = &evidence.validators;
    Extent {
        whole: u64::try_from(validators.len()).unwrap_or(u64::MAX),
        modules: validators.iter().map(|v| (v.index.0, v.withdrawal_credentials)).collect(),
    }
}

/// How many validators must leave now, and how many there are of which that is asked: not those that were ordered out, are leaving, or
/// are not active yet.
pub(in crate::duty) fn failing(evidence: &Evidence, slots_per_epoch: u64) -> (u64, u64) {
    let mut counted = (0u64, 0u64);
    for validator in &evidence.validators {
        let fails = match judge(validator, evidence, slots_per_epoch) {
            Verdict::Eject(_) => 1,
            Verdict::Stay(super::rules::Stay::Healthy) => 0,
            Verdict::Stay(_) => continue,
        };
        counted = (counted.0.saturating_add(fails), counted.1.saturating_add(1));
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_chain_view, evidence, validator};

    #[test]
    fn those_fail_that_must_leave_of_those_that_could() {
        let leaving = crate::ValidatorRecord { exit_epoch: crate::Epoch(200), ..validator(4, 1) };
        let validators = vec![validator(1, 1), validator(2, 32_000_000_000), validator(3, 1), leaving];
        let evidence = evidence(any_chain_view(100), 100, validators);
        assert_eq!(failing(&evidence, 8), (2, 3));
        let extent = extent(&evidence);
        assert_eq!((extent.whole, extent.modules.len()), (4, 4));
        let order = super::super::decide(&crate::EjectionRules::example(), &evidence, 8).unwrap();
        assert_eq!(order.impact(), Impact::Moves([1, 3].into()));
    }
}
