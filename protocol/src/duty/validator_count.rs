//! Validator count: how many validators the network has, for Puffer's oracle, which holds the protocol's own share of them against its
//! burst threshold (`PufferOracleV2.setTotalNumberOfValidators`, checked by the group's module in the place of Puffer's, or by Puffer's own).

use super::{
    Duty, DutyError, DutyKind, Evidence, Need, Needs,
    impact::{Bounds, Impact},
    legacy::PufferMessage,
    schedule,
};
use crate::types::{Epoch, GuardianList, Level};
use alloy_primitives::{B256, U256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Epochs between two counts: a day. A constant of the protocol, not of an operator: it changes what is decided, and the oracle has no
/// period of its own.
const PERIOD: u64 = 225;

/// Soft and hard. The beacon chain's own churn lets less than half a percent of all validators come and go in a day.
pub(super) const BOUNDS: [Bounds; 2] = [Bounds::of_change(200), Bounds::of_change(500)];

/// What the oracle says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The protocol's own active validators. `getNumberOfActiveValidators`.
    pub own: u64,
    /// The last count. `getTotalNumberOfValidators`.
    pub last: u64,
    /// The list of its module, where guardians' own accounts sign. `getGuardians`, `getThreshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<GuardianList>,
}

/// How many validators are active at the reference epoch, in the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ValidatorCount {
    /// Never 0: the oracle would divide by it.
    pub active: u64,
}

impl Rules {
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn example() -> Self {
        Self { own: 2_300, last: 10_000, accounts: None }
    }

    pub(super) fn needs(&self, epoch: Epoch, accepted: Level) -> Needs {
        if is_due(epoch, accepted) { Needs::of([Need::Census]) } else { Needs::default() }
    }

    /// Only a state that was hashed tells the count: where none was, nothing is said.
    pub(super) fn decide(&self, evidence: &Evidence) -> Option<ValidatorCount> {
        let due = is_due(evidence.checkpoint.epoch, evidence.chain.accepted(DutyKind::ValidatorCount));
        let count = ValidatorCount { active: evidence.census.filter(|_| due)?.active };
        count.check().is_ok().then_some(count)
    }

    /// The protocol's share of all validators. The oracle sees it in whole percents, and stops beyond 22: from 23.00 on.
    pub(super) fn figures(&self, evidence: &Evidence) -> Vec<(&'static str, f64)> {
        let active = evidence.census.map_or(self.last, |census| census.active);
        let percent = |own: u64| own as f64 * 100.0 / active.max(1) as f64;
        vec![("own_share_percent", percent(self.own)), ("network_validators", active as f64)]
    }

    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("protocol's active validators, by the oracle".to_owned(), self.own.to_string()),
            ("network's validators, by the oracle".to_owned(), self.last.to_string()),
        ];
        if let Some(GuardianList { guardians, threshold }) = &self.accounts {
            facts.push(("accounts that must sign counts".to_owned(), threshold.to_string()));
            let numbered = (1_u64..).zip(guardians);
            facts.extend(
                numbered.map(|(number, account)| {
                    (format!("guardian {number} of the oracle's module"), account.to_string())
                }),
            );
        }
        facts
    }
}

impl ValidatorCount {
    pub(super) fn impact(self) -> Impact {
        Impact::Sets(self.active.into())
    }

    pub(super) fn check(self) -> Result<(), DutyError> {
        if self.active == 0 { Err(DutyError::NoValidators) } else { Ok(()) }
    }

    /// The oracle takes an epoch and no slot, so that is what is signed.
    pub(super) fn message(self, duty: &Duty) -> PufferMessage {
        PufferMessage::ValidatorCount { validators: U256::from(self.active), epoch: U256::from(duty.period.0) }
    }

    pub(super) fn struct_hash(self, duty: &Duty) -> B256 {
        self.message(duty).struct_hash(duty.key_epoch)
    }

    pub(super) fn statements(self) -> Vec<(String, String)> {
        vec![("active validators of the network".to_owned(), self.active.to_string())]
    }
}

/// The oracle's level is the epoch of its last count.
fn is_due(epoch: Epoch, accepted: Level) -> bool {
    schedule::is_due(epoch, (accepted.0 > 0).then_some(Epoch(accepted.0)), PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        duty::{DutyBody, Rules as AnyRules},
        testing::{any_chain_view, evidence},
        types::Census,
    };

    fn at(epoch: u64, accepted: u64, census: Option<u64>) -> Evidence {
        let mut chain = any_chain_view(epoch);
        chain.accepted.insert(DutyKind::ValidatorCount, Level(accepted));
        let census = census.map(|active| Census { active, ..Census::default() });
        let mut evidence = evidence(chain, epoch, Vec::new());
        evidence.census = census;
        evidence
    }

    fn decided(evidence: &Evidence) -> Option<u64> {
        let duties = crate::decide::of_kind(DutyKind::ValidatorCount, evidence, 8);
        duties.first().map(|duty| match duty.body {
            DutyBody::ValidatorCount(count) => count.active,
            DutyBody::Ejection(_) | DutyBody::Reserves(_) | DutyBody::KeyVeto(_) => unreachable!(),
        })
    }

    #[test]
    fn a_count_is_due_once_a_day_and_is_that_of_a_proved_state() {
        assert_eq!(decided(&at(300, 0, Some(10_000))), Some(10_000), "the first one");
        assert_eq!(decided(&at(449, 300, Some(10_000))), None, "the same day");
        assert_eq!(decided(&at(450, 449, Some(10_001))), Some(10_001), "the next");
        assert_eq!(decided(&at(450, 300, None)), None, "words do not tell it");
        assert_eq!(decided(&at(450, 300, Some(0))), None, "the oracle would divide by it");
    }

    #[test]
    fn only_a_count_that_is_due_asks_for_a_census() {
        let rules = Rules::example();
        assert!(rules.needs(Epoch(300), Level(0)).has(Need::Census));
        assert!(!rules.needs(Epoch(449), Level(300)).has(Need::Census));
    }

    /// The oracle divides whole numbers: 22.99 % is 22 to it, and only 23.00 % is beyond the threshold.
    #[test]
    fn the_protocol_s_share_is_watched_more_finely_than_the_oracle_sees_it() {
        let evidence = at(300, 0, Some(10_000));
        let Some(AnyRules::ValidatorCount(rules)) = evidence.chain.rules(DutyKind::ValidatorCount) else {
            panic!("the fixture has rules for every kind")
        };
        assert_eq!(rules.figures(&evidence), vec![("own_share_percent", 23.0), ("network_validators", 10_000.0)]);
        let oracle = |own: u64| own * 100 / 10_000 > 22;
        assert!(!oracle(2_299) && oracle(2_300));
    }
}
