//! Reserves: what stands behind pufETH, reported to the feed. This file holds the statement and the contract's rules; how a report is
//! made is in [`rules`].

mod rules;
#[cfg(test)]
mod tests;

pub(super) use rules::{decide, needs};

use super::{
    Duty, DutyKind, Evidence,
    digest::Words,
    ejection,
    impact::{Bounds, Impact},
};
use crate::types::{Gwei, ValidatorRecord, Wei};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

const TYPE: &[u8] = b"ReserveReport(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,\
uint64 sourcesVersion,uint64 validatorCount,uint64 validatorGwei,uint64 podGwei,uint64 vaultGwei,uint64 pendingGwei,\
uint64 liabilityGwei,uint64 supplyGwei)";

/// Soft and hard: how far the assets may be from the last confirmed report's. The feed has a bound of its own, which its governor sets.
pub(super) const BOUNDS: [Bounds; 2] = [Bounds::of_change(300), Bounds::of_change(1_000)];

/// What the feed says, and what the accounts that it names hold. In text, amounts of wei are decimal strings.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Epochs between two reports. `ReserveFeed.reportPeriodEpochs`.
    pub period: u64,
    /// The vaults whose ether counts, with their balances. `ReserveFeed.getSources`.
    #[serde_as(as = "Vec<(_, DisplayFromStr)>")]
    pub vaults: Vec<(Address, Wei)>,
    /// The pods whose ether counts, with their balances. `ReserveFeed.getSources`.
    #[serde_as(as = "Vec<(_, DisplayFromStr)>")]
    pub pods: Vec<(Address, Wei)>,
    /// How often the governor has changed what is counted. `ReserveFeed.sourcesVersion`.
    pub sources_version: u64,
    /// What all of the token that is owed is worth in ether, by its own contract; 0 if there is none.
    /// `ReserveFeed.getSources`, `convertToAssets(totalSupply())`.
    #[serde_as(as = "DisplayFromStr")]
    pub liabilities: Wei,
    /// The supply of that token, in its smallest unit: shares, not ether. `totalSupply`.
    #[serde_as(as = "DisplayFromStr")]
    pub supply: Wei,
    /// Change of assets or liabilities, in 1/10,000 of what the feed says, with which a report is due between the periods; 0 if none is.
    /// `ReserveFeed.deviationBps`.
    pub deviation_bps: u64,
    /// What the feed says, contested or not; `None` before its first report. `ReserveFeed.tryRead`.
    pub last: Option<Reported>,
}

/// The last report, as the feed tells it.
#[serde_as]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// All assets together, wei.
    #[serde_as(as = "DisplayFromStr")]
    pub assets: Wei,
    /// What is owed, wei.
    #[serde_as(as = "DisplayFromStr")]
    pub liabilities: Wei,
}

/// What stands behind pufETH at the reference slot. Gwei, as the contract stores them: assets rounded down, liabilities up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ReserveReport {
    /// Which accounts and token were counted: the feed refuses a report of other ones than it names now.
    pub sources_version: u64,
    /// How many of the protocol's validators the beacon chain knows.
    pub validator_count: u64,
    /// Sum of their balances.
    pub validators: Gwei,
    /// Sum of the ether in the pods that they withdraw to.
    pub pods: Gwei,
    /// Sum of the vaults' ether.
    pub vaults: Gwei,
    /// Deposits and withdrawals on their way. Nothing tells it yet: guardians report 0, which states less than there is.
    pub pending: Gwei,
    /// What all of the token is worth in ether by its own contract; 0 if the governor named no token.
    pub liabilities: Gwei,
    /// The token's supply, in 10^9 of its smallest unit, rounded up.
    pub supply: Gwei,
}

impl Rules {
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn example() -> Self {
        Self {
            period: 10,
            vaults: vec![([8; 20].into(), 7_000_000_000), ([9; 20].into(), 5_999_999_999)],
            pods: vec![([7; 20].into(), 3_000_000_000)],
            sources_version: 1,
            liabilities: 4_000_000_001,
            supply: 3_000_000_001,
            deviation_bps: 100,
            last: None,
        }
    }

    /// What a report of this moment would say, due or not.
    pub(super) fn figures(&self, evidence: &Evidence) -> Vec<(&'static str, f64)> {
        let Some(report) = rules::report(self, evidence) else { return Vec::new() };
        let ether = |wei: Wei| wei as f64 / 1e18;
        let foreign = evidence.validators.iter().filter(|validator| self.is_foreign(validator)).count();
        vec![
            ("assets_eth", ether(report.assets())),
            ("liabilities_eth", ether(report.liabilities.to_wei())),
            ("foreign_validators", foreign as f64),
        ]
    }

    /// Whether the stake of a validator of the protocol returns to somebody else: its withdrawal credentials name none of the pods.
    #[must_use]
    pub fn is_foreign(&self, validator: &ValidatorRecord) -> bool {
        rules::is_foreign(self, validator)
    }

    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let mut facts = vec![
            ("report period".to_owned(), format!("{} epochs", self.period)),
            ("liabilities".to_owned(), format!("{} wei", self.liabilities)),
            ("supply".to_owned(), format!("{} shares of 10^-18", self.supply)),
            ("version of the sources".to_owned(), self.sources_version.to_string()),
            ("deviation with which a report is due".to_owned(), format!("{} bps", self.deviation_bps)),
        ];
        if let Some(last) = &self.last {
            facts.push(("assets last reported".to_owned(), format!("{} wei", last.assets)));
            facts.push(("liabilities last reported".to_owned(), format!("{} wei", last.liabilities)));
        }
        facts.extend(self.vaults.iter().map(|(account, wei)| (format!("vault {account}"), format!("{wei} wei"))));
        facts.extend(self.pods.iter().map(|(account, wei)| (format!("pod {account}"), format!("{wei} wei"))));
        facts
    }
}

impl ReserveReport {
    /// All assets together, in wei.
    #[must_use]
    pub fn assets(&self) -> Wei {
        [self.validators, self.pods, self.vaults, self.pending].iter().map(|amount| amount.to_wei()).sum()
    }

    pub(super) fn impact(&self) -> Impact {
        Impact::Sets(self.assets())
    }

    pub(super) fn struct_hash(&self, duty: &Duty) -> B256 {
        Words::new(TYPE)
            .number(duty.key_epoch.0)
            .number(duty.reference_slot.0)
            .word(duty.reference_root)
            .number(self.sources_version)
            .number(self.validator_count)
            .number(self.validators.0)
            .number(self.pods.0)
            .number(self.vaults.0)
            .number(self.pending.0)
            .number(self.liabilities.0)
            .number(self.supply.0)
            .hash()
    }

    pub(super) fn statements(&self) -> Vec<(String, String)> {
        let gwei = |name: &str, amount: Gwei| (name.to_owned(), format!("{amount} gwei"));
        vec![
            ("validators".to_owned(), self.validator_count.to_string()),
            gwei("balance of validators", self.validators),
            gwei("ether in pods", self.pods),
            gwei("ether in vaults", self.vaults),
            gwei("pending", self.pending),
            gwei("liabilities", self.liabilities),
            ("supply".to_owned(), format!("{} shares of 10^-9", self.supply)),
            ("version of the sources".to_owned(), self.sources_version.to_string()),
        ]
    }

    /// Every validator is counted; whether it may stay is told besides.
    pub(super) fn verdict(&self, validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> String {
        let judgement = ejection::judge(validator, evidence, slots_per_epoch);
        if let Some(super::Rules::Reserves(rules)) = evidence.chain.rules(DutyKind::Reserves)
            && rules.is_foreign(validator)
        {
            let credentials = validator.withdrawal_credentials;
            return format!(
                "counted, ALTHOUGH its stake returns to none of the pods, but to {credentials}; {judgement}"
            );
        }
        format!("counted; {judgement}")
    }
}
