//! How near a validator is to being ordered out, for people to look at. Nothing is decided from it.

use super::rules::{Stay, Verdict, judge};
use crate::{
    duty::{DutyKind, Evidence, Rules as AnyRules},
    types::{Gwei, ValidatorRecord},
};
use serde::Serialize;
use std::cmp::Ordering;

/// What the rules say of one validator. Those that are worse off come first in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// In a word: `must_leave`, `unproved`, `ordered`, `leaving`, `not_active`, `healthy`. See [`Risk::says`].
    pub verdict: &'static str,
    /// In a sentence.
    pub says: String,
    /// Its balance above the threshold, gwei; below zero if it is lower.
    pub margin: i64,
    /// Whether people should look at it: it is not healthy, or more than half of what it may lose is lost.
    pub at_risk: bool,
    #[serde(skip)]
    rank: usize,
}

impl Risk {
    /// Of `validator`, one of `evidence`'s. `None` where no registry takes orders: then there is nothing to be ordered out by.
    pub(in crate::duty) fn of(validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> Option<Self> {
        let AnyRules::Ejection(rules) = evidence.chain.rules(DutyKind::Ejection)? else { return None };
        let above = |balance: Gwei| signed(balance.to_wei()).saturating_sub(signed(rules.threshold));
        let (margin, whole) = (above(validator.balance), above(validator.effective_balance));
        let verdict = judge(validator, evidence, slots_per_epoch);
        let (rank, word) = rank(verdict);
        let at_risk = verdict != Verdict::Stay(Stay::Healthy) || whole <= 0 || margin.saturating_mul(2) < whole;
        const WEI: i128 = 1_000_000_000;
        let margin = i64::try_from(margin.div_euclid(WEI)).unwrap_or(i64::MAX);
        Some(Self { verdict: word, says: verdict.to_string(), margin, at_risk, rank })
    }
}

fn signed(wei: u128) -> i128 {
    i128::try_from(wei).unwrap_or(i128::MAX)
}

/// The worse, the lower; and the word.
const fn rank(verdict: Verdict) -> (usize, &'static str) {
    match verdict {
        Verdict::Eject(_) => (0, "must_leave"),
        Verdict::Stay(Stay::Unproved) => (1, "unproved"),
        Verdict::Stay(Stay::Ordered(_)) => (2, "ordered"),
        Verdict::Stay(Stay::Leaving) => (3, "leaving"),
        Verdict::Stay(Stay::NotActive) => (4, "not_active"),
        Verdict::Stay(Stay::Healthy) => (5, "healthy"),
    }
}

impl PartialOrd for Risk {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Risk {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, self.margin, &self.says).cmp(&(other.rank, other.margin, &other.says))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_chain_view, chain_spec, evidence, validator};

    #[test]
    fn whoever_lost_half_of_its_margin_is_at_risk_and_the_worst_lead() {
        let slots = chain_spec().slots_per_epoch;
        let slashed = ValidatorRecord { slashed: true, ..validator(5, 32_000_000_000) };
        let leaving = ValidatorRecord { exit_epoch: crate::Epoch(200), ..validator(6, 31_000_000_000) };
        let balances = [32_000_000_000, 31_876_000_000, 31_874_000_000, 31_749_999_999];
        let healthy = (1..).zip(balances).map(|(index, balance)| ValidatorRecord {
            effective_balance: Gwei(32_000_000_000),
            ..validator(index, balance)
        });
        let evidence = evidence(any_chain_view(100), 100, healthy.chain([slashed, leaving]).collect());
        let mut risks: Vec<(Risk, u64)> =
            evidence.validators.iter().map(|v| (Risk::of(v, &evidence, slots).unwrap(), v.index.0)).collect();
        risks.sort();
        let order: Vec<u64> = risks.iter().map(|(_, index)| *index).collect();
        assert_eq!(order, [4, 5, 6, 3, 2, 1]);
        let at_risk: Vec<u64> = risks.iter().filter(|(risk, _)| risk.at_risk).map(|(_, index)| *index).collect();
        assert_eq!(at_risk, [4, 5, 6, 3]);
        assert_eq!((risks[0].0.margin, risks[0].0.verdict), (-1, "must_leave"));
        assert_eq!((risks[5].0.margin, risks[5].0.verdict), (250_000_000, "healthy"));
    }
}
