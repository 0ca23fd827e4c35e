//! The record of a deployment: one JSON file per chain, which holds the plan and the addresses that follow from it.

use super::Plan;
use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

/// Where the contracts of a plan are. Lasting format: the version is the plan's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// What was deployed.
    pub plan: Plan,
    /// `GuardianKeys`.
    pub guardian_keys: Address,
    /// `EjectionRegistry`.
    pub ejection_registry: Address,
    /// `ReserveFeed`.
    pub reserve_feed: Address,
    /// `ReserveProxy`.
    pub reserve_proxy: Address,
    /// `FrostGuardianModule`.
    pub guardian_module: Address,
    /// `TicketPriceGate`, where the plan has a pricer.
    pub ticket_price_gate: Option<Address>,
}

/// Why a plan or a record of a deployment can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentError {
    /// Written by other software.
    #[error("the file has version {0}, not {version}", version = Plan::VERSION)]
    Version(u32),
    /// Not JSON of this shape.
    #[error("not a plan or deployment: {0}")]
    Malformed(String),
    /// Contracts need an owner.
    #[error("the governor is the zero address")]
    NoGovernor,
    /// Not a point of the curve that the contracts can verify against.
    #[error("the group key is not a key")]
    GroupKey,
    /// The program was built wrongly.
    #[error("the creation code of {0} in this program is broken")]
    Bytecode(&'static str),
    /// The addresses are not those of the plan and this program's contracts.
    #[error("{name} is at {expected} by this plan and this version of the contracts, but the file says {stated}")]
    OtherAddress {
        /// The contract.
        name: &'static str,
        /// What follows from the plan.
        expected: Address,
        /// What the file says.
        stated: Address,
    },
}

impl Deployment {
    /// The deployment that follows from `plan`.
    ///
    /// # Errors
    /// If the plan is not usable.
    pub fn of(plan: Plan) -> Result<Self, DeploymentError> {
        let addresses: Vec<Address> = plan.creations()?.iter().map(|creation| creation.address).collect();
        let [guardian_keys, ejection_registry, reserve_feed, reserve_proxy, guardian_module, gate @ ..] =
            &addresses[..]
        else {
            return Err(DeploymentError::Malformed("a plan makes five contracts at least".to_owned()));
        };
        Ok(Self {
            guardian_keys: *guardian_keys,
            ejection_registry: *ejection_registry,
            reserve_feed: *reserve_feed,
            reserve_proxy: *reserve_proxy,
            guardian_module: *guardian_module,
            ticket_price_gate: gate.first().copied(),
            plan,
        })
    }

    /// Each contract's name and address, in the order of their creation.
    pub(super) fn contracts(&self) -> impl Iterator<Item = (&'static str, Address)> {
        let gate = self.ticket_price_gate.map(|gate| ("TicketPriceGate", gate));
        let contracts = [
            ("GuardianKeys", self.guardian_keys),
            ("EjectionRegistry", self.ejection_registry),
            ("ReserveFeed", self.reserve_feed),
            ("ReserveProxy", self.reserve_proxy),
            ("FrostGuardianModule", self.guardian_module),
        ];
        contracts.into_iter().chain(gate)
    }

    /// Reads a file, and checks that its addresses follow from its plan.
    ///
    /// # Errors
    /// If it is not such a file, or says something else.
    pub fn from_json(text: &str) -> Result<Self, DeploymentError> {
        let stated: Self = serde_json::from_str(text).map_err(|error| DeploymentError::Malformed(error.to_string()))?;
        let expected = Self::of(stated.plan.clone())?;
        if stated.contracts().count() != expected.contracts().count() {
            return Err(DeploymentError::Malformed(
                "there is a gate where there is a pricer, and nowhere else".to_owned(),
            ));
        }
        for ((name, expected), (_, stated)) in expected.contracts().zip(stated.contracts()) {
            if expected != stated {
                return Err(DeploymentError::OtherAddress { name, expected, stated });
            }
        }
        Ok(stated)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never, in effect: everything in it can be written.
    pub fn to_json(&self) -> Result<String, DeploymentError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| DeploymentError::Malformed(error.to_string()))?;
        Ok(format!("{text}\n"))
    }
}

impl Plan {
    /// Reads and checks a plan.
    ///
    /// # Errors
    /// If it is none, or not usable.
    pub fn from_json(text: &str) -> Result<Self, DeploymentError> {
        let plan: Self = serde_json::from_str(text).map_err(|error| DeploymentError::Malformed(error.to_string()))?;
        plan.check()?;
        Ok(plan)
    }
}
