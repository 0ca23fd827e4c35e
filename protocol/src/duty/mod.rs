//! What guardians do for the protocol: a duty is a statement about the chains, and its bytes are all that gets signed.
//!
//! **A kind of duty is a folder here** (or a file, where that is enough): its statement and the words of its digest, the rules that its
//! contract sets, what has to be read for it, how it is decided, and how the contract shows that it has it. This file is the table:
//! each question is one match with a line for each kind; those about kinds that guardians' accounts sign stand in `accounts.rs`. Everything
//! else in the brain knows a kind only as a label.
//!
//! To add a kind: its folder; its lines here; its file in `chain-adapters/src/contracts/`, and its lines there; its address in the
//! configuration.

mod abi;
mod accounts;
mod digest;
mod ejection;
mod evidence;
mod id;
mod impact;
mod key_veto;
pub(crate) mod legacy;
mod per_kind;
mod reserves;
mod schedule;
mod standing;
mod statement;
mod ticket_price;
mod validator_count;

#[cfg(any(test, feature = "testing"))]
pub(crate) use digest::rotation_of;
pub use digest::{DigestDomain, rotation};
pub use ejection::Risk;
pub(crate) use ejection::{ORDER_LIFE, demands_exit, stops_exits};
pub use evidence::{ChainView, Evidence, KeyProposal};
pub(crate) use evidence::{Need, Needs};
pub use id::{DutyId, Subject};
pub use impact::{Bounds, Measure};
pub(crate) use impact::{Extent, Impact};
pub use per_kind::PerKind;
pub use standing::Standing;
pub use statement::DutyError;

use self::kinds::{
    CountRules, EjectionOrder, EjectionRules, KeyVeto, ReserveReport, ReserveRules, ValidatorCount, VetoRules,
};
use crate::{
    setup::Contracts,
    types::{Epoch, KeyEpoch, Level, Slot, ValidatorRecord},
};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What each kind states, and the rules that its contract sets: all that other crates may use of them.
pub(crate) mod kinds {
    pub use super::ejection::{Ejection, EjectionOrder, EjectionReason, Rules as EjectionRules};
    pub use super::key_veto::{KeyVeto, Rules as VetoRules};
    pub use super::reserves::{Reported, ReserveReport, Rules as ReserveRules};
    pub use super::ticket_price::{
        Attesting, ConsensusReward, DailyRewards, Deviation, FORECAST_DAYS, Tolerance, Winsorizing, capped_total,
        mean_of_last,
    };
    pub use super::validator_count::{Rules as CountRules, ValidatorCount};
}

/// What guardians state to contracts. The order is that in which duties are decided; the numbers are lasting.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[borsh(use_discriminant = true)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DutyKind {
    /// Force validators out.
    Ejection = 0,
    /// Report what stands behind pufETH.
    Reserves = 1,
    /// Tell Puffer's oracle how many validators the network has.
    ValidatorCount = 2,
    /// Stop a key that shall replace the group's.
    KeyVeto = 3,
}

/// A statement of the guardians to a contract.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Duty {
    /// The key that signs.
    pub key_epoch: KeyEpoch,
    /// See [`DutyId`].
    pub period: Epoch,
    /// The first slot of the finalized epoch that everything was read at.
    pub reference_slot: Slot,
    /// Root of the block that the finalized checkpoint names.
    pub reference_root: B256,
    /// The statement.
    pub body: DutyBody,
}

/// The statement of a [`Duty`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutyBody {
    /// These validators must leave.
    Ejection(EjectionOrder),
    /// These are the reserves.
    Reserves(ReserveReport),
    /// So many validators does the network have.
    ValidatorCount(ValidatorCount),
    /// This proposed key shall not begin.
    KeyVeto(KeyVeto),
}

/// What a kind's contract says at the reference block: rules that its governor set, and amounts that it or other contracts hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// Of the registry of orders.
    Ejection(EjectionRules),
    /// Of the reserve feed.
    Reserves(ReserveRules),
    /// Of Puffer's oracle.
    ValidatorCount(CountRules),
    /// Of the keys, for vetoes.
    KeyVeto(VetoRules),
}

/// A number that people watch: of a kind, with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Whose.
    pub kind: DutyKind,
    /// What it is, with its unit at the end.
    pub name: &'static str,
    /// How much.
    pub value: f64,
}

// The table. --------------------------------------------------------------------------------------------------------------------

impl DutyKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Ejection, Self::Reserves, Self::ValidatorCount, Self::KeyVeto];

    /// The word used in logs, metrics, status, configuration and names of files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ejection => "ejection",
            Self::Reserves => "reserves",
            Self::ValidatorCount => "validator_count",
            Self::KeyVeto => "key_veto",
        }
    }

    /// The contract that verifies the signature; it is part of the digest. `None` if this network has none.
    pub(crate) fn verifier(self, contracts: &Contracts) -> Option<Address> {
        if let Some(accounts) = contracts.accounts.get(self) {
            return contracts.duties.get(self).map(|_| accounts.module);
        }
        match self {
            Self::Ejection | Self::Reserves => contracts.duties.get(self).copied(),
            Self::ValidatorCount => contracts.duties.get(self).and(contracts.guardian_module),
            Self::KeyVeto => contracts.duties.get(self).map(|_| contracts.guardian_keys),
        }
    }

    /// For how many epochs after its period a signed duty means anything: what is older has been decided afresh, or need not be.
    pub(crate) const fn life(self) -> u64 {
        match self {
            Self::Ejection | Self::Reserves | Self::ValidatorCount | Self::KeyVeto => ORDER_LIFE,
        }
    }

    /// The soft and the hard limit of an operator that says nothing else.
    pub(crate) const fn usual_bounds(self) -> [Bounds; 2] {
        match self {
            Self::Ejection => ejection::BOUNDS,
            Self::Reserves => reserves::BOUNDS,
            Self::ValidatorCount => validator_count::BOUNDS,
            Self::KeyVeto => key_veto::BOUNDS,
        }
    }

    /// Whether its contract's events are read.
    #[must_use]
    pub const fn logs_events(self) -> bool {
        match self {
            Self::Ejection => true,
            Self::Reserves | Self::ValidatorCount | Self::KeyVeto => false,
        }
    }

    /// Whether one is taken up only when the operator asks for it by its digest. What happens elsewhere neither holds it nor lets it go.
    #[must_use]
    pub const fn needs_a_word(self) -> bool {
        match self {
            Self::KeyVeto => true,
            Self::Ejection | Self::Reserves | Self::ValidatorCount => false,
        }
    }

    /// How many duties of this kind one guardian has open at most.
    pub(crate) const fn most_open(self) -> usize {
        match self {
            Self::Ejection | Self::Reserves | Self::ValidatorCount | Self::KeyVeto => 1,
        }
    }
}

impl Rules {
    /// Whose they are.
    #[must_use]
    pub const fn kind(&self) -> DutyKind {
        match self {
            Self::Ejection(_) => DutyKind::Ejection,
            Self::Reserves(_) => DutyKind::Reserves,
            Self::ValidatorCount(_) => DutyKind::ValidatorCount,
            Self::KeyVeto(_) => DutyKind::KeyVeto,
        }
    }

    /// What has to be read at the reference besides, to decide duties of this kind; nothing if none is due.
    pub(crate) fn needs(&self, epoch: Epoch, accepted: Level, slots_per_epoch: u64) -> Needs {
        match self {
            Self::Ejection(_) => ejection::needs(),
            Self::Reserves(rules) => reserves::needs(rules, epoch, accepted, slots_per_epoch),
            Self::ValidatorCount(rules) => rules.needs(epoch, accepted),
            Self::KeyVeto(_) => Needs::default(),
        }
    }

    /// The statements that are due by `evidence`. Pure, and nothing that an operator could configure enters.
    pub(crate) fn decide(&self, evidence: &Evidence, slots_per_epoch: u64) -> Vec<DutyBody> {
        match self {
            Self::Ejection(rules) => ejection::decide(rules, evidence, slots_per_epoch).map(DutyBody::Ejection),
            Self::Reserves(rules) => reserves::decide(rules, evidence, slots_per_epoch).map(DutyBody::Reserves),
            Self::ValidatorCount(rules) => rules.decide(evidence).map(DutyBody::ValidatorCount),
            Self::KeyVeto(rules) => rules.decide(evidence).map(DutyBody::KeyVeto),
        }
        .into_iter()
        .collect()
    }

    /// What the things that duties of this kind move are part of, for limits.
    pub(crate) fn extent(&self, evidence: &Evidence) -> Extent {
        match self {
            Self::Ejection(_) => ejection::extent(evidence),
            Self::Reserves(_) | Self::ValidatorCount(_) | Self::KeyVeto(_) => Extent::default(),
        }
    }

    /// How many of the things that this kind watches fail at this moment, and of how many; for a kind that watches none, none of none.
    pub(crate) fn failing(&self, evidence: &Evidence, slots_per_epoch: u64) -> (u64, u64) {
        match self {
            Self::Ejection(_) => ejection::failing(evidence, slots_per_epoch),
            Self::Reserves(_) | Self::ValidatorCount(_) | Self::KeyVeto(_) => (0, 0),
        }
    }

    /// What the rules of this kind say of one of `evidence`'s validators, for people; `None` if they say nothing of single ones.
    pub(crate) fn risk(&self, validator: &ValidatorRecord, evidence: &Evidence, slots_per_epoch: u64) -> Option<Risk> {
        match self {
            Self::Ejection(_) => Risk::of(validator, evidence, slots_per_epoch),
            Self::Reserves(_) | Self::ValidatorCount(_) | Self::KeyVeto(_) => None,
        }
    }

    /// What people watch of a kind, besides its duties.
    pub(crate) fn figures(&self, evidence: &Evidence) -> Vec<(&'static str, f64)> {
        match self {
            Self::Ejection(_) | Self::KeyVeto(_) => Vec::new(),
            Self::Reserves(rules) => rules.figures(evidence),
            Self::ValidatorCount(rules) => rules.figures(evidence),
        }
    }

    /// What the contract of `kind` says on the chain that tests stand on.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn example(kind: DutyKind) -> Self {
        match kind {
            DutyKind::Ejection => Self::Ejection(EjectionRules::example()),
            DutyKind::Reserves => Self::Reserves(ReserveRules::example()),
            DutyKind::ValidatorCount => Self::ValidatorCount(CountRules::example()),
            DutyKind::KeyVeto => Self::KeyVeto(VetoRules {}),
        }
    }

    /// Every rule as a fact: a name and a value in words.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        match self {
            Self::Ejection(rules) => rules.facts(),
            Self::Reserves(rules) => rules.facts(),
            Self::ValidatorCount(rules) => rules.facts(),
            // The proposal is a fact of the chain's view.
            Self::KeyVeto(VetoRules {}) => Vec::new(),
        }
    }
}

impl DutyBody {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> DutyKind {
        match self {
            Self::Ejection(_) => DutyKind::Ejection,
            Self::Reserves(_) => DutyKind::Reserves,
            Self::ValidatorCount(_) => DutyKind::ValidatorCount,
            Self::KeyVeto(_) => DutyKind::KeyVeto,
        }
    }

    /// What it is about.
    pub(crate) const fn subject(&self) -> Subject {
        match self {
            Self::Ejection(_) | Self::Reserves(_) | Self::ValidatorCount(_) | Self::KeyVeto(_) => Subject::Whole,
        }
    }

    /// The epoch that it belongs to, if it was decided at `reference`. See [`DutyId`].
    pub(crate) const fn period(&self, reference: Epoch) -> Epoch {
        match self {
            Self::Ejection(_) | Self::Reserves(_) | Self::ValidatorCount(_) | Self::KeyVeto(_) => reference,
        }
    }

    /// What it sets in motion, as far as limits count it.
    pub(crate) fn impact(&self) -> Impact {
        match self {
            Self::Ejection(order) => order.impact(),
            Self::Reserves(report) => report.impact(),
            Self::ValidatorCount(count) => count.impact(),
            Self::KeyVeto(veto) => veto.impact(),
        }
    }

    fn check(&self) -> Result<(), DutyError> {
        match self {
            Self::Ejection(order) => order.check(),
            Self::Reserves(_) => Ok(()),
            Self::ValidatorCount(count) => count.check(),
            Self::KeyVeto(veto) => veto.check(),
        }
    }

    fn struct_hash(&self, duty: &Duty) -> B256 {
        match self {
            Self::Ejection(order) => order.struct_hash(duty),
            Self::Reserves(report) => report.struct_hash(duty),
            Self::ValidatorCount(count) => count.struct_hash(duty),
            Self::KeyVeto(veto) => veto.struct_hash(duty),
        }
    }

    /// Everything it says, by name, in words.
    fn statements(&self) -> Vec<(String, String)> {
        match self {
            Self::Ejection(order) => order.statements(),
            Self::Reserves(report) => report.statements(),
            Self::ValidatorCount(count) => count.statements(),
            Self::KeyVeto(veto) => veto.statements(),
        }
    }

    /// Whether it says something of every single validator.
    pub(crate) const fn is_about_validators(&self) -> bool {
        match self {
            Self::Ejection(_) | Self::Reserves(_) => true,
            Self::ValidatorCount(_) | Self::KeyVeto(_) => false,
        }
    }

    /// What it says, or does not say, of one of `evidence`'s validators, and why. `None`: it is not about single validators.
    pub(crate) fn verdict(&self, validator: &ValidatorRecord, evidence: &Evidence, slots: u64) -> Option<String> {
        match self {
            Self::Ejection(order) => Some(order.verdict(validator, evidence, slots)),
            Self::Reserves(report) => Some(report.verdict(validator, evidence, slots)),
            Self::ValidatorCount(_) | Self::KeyVeto(_) => None,
        }
    }
}

impl Duty {
    /// The level that the contract has once it has accepted this duty.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self.body {
            DutyBody::Ejection(_) | DutyBody::Reserves(_) => Level(self.reference_slot.0),
            DutyBody::ValidatorCount(_) => Level(self.period.0),
            // Of proposals that are done with, the last.
            DutyBody::KeyVeto(veto) => Level(veto.proposal),
        }
    }

    /// What a contract at `level` shows of this duty.
    #[must_use]
    pub fn standing(&self, level: Level) -> Standing {
        match self.body {
            DutyBody::Ejection(_) | DutyBody::Reserves(_) | DutyBody::ValidatorCount(_) | DutyBody::KeyVeto(_) => {
                Standing::by(level, self.level())
            }
        }
    }
}

// What follows from the table. --------------------------------------------------------------------------------------------------

impl DutyKind {
    /// The number used in keys of the store.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl std::fmt::Display for DutyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_and_words_are_what_serde_says() {
        for (place, kind) in DutyKind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), place);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(borsh::to_vec(&kind).unwrap(), [kind.number()]);
        }
    }
}
