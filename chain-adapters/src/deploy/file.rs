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
    /// `FrostGuardianModule`.
    pub guardian_module: Address,
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
        let [keys, registry, feed, module] = plan.creations()?;
        Ok(Self {
            plan,
            guardian_keys: keys.address,
            ejection_registry: registry.address,
            reserve_feed: feed.address,
            guardian_module: module.address,
        })
    }

    /// Reads a file, and checks that its addresses follow from its plan.
    ///
    /// # Errors
    /// If it is not such a file, or says something else.
    pub fn from_json(text: &str) -> Result<Self, DeploymentError> {
        let stated: Self = serde_json::from_str(text).map_err(|error| DeploymentError::Malformed(error.to_string()))?;
        let expected = Self::of(stated.plan.clone())?;
        for (name, expected, stated) in [
            ("GuardianKeys", expected.guardian_keys, stated.guardian_keys),
            ("EjectionRegistry", expected.ejection_registry, stated.ejection_registry),
            ("ReserveFeed", expected.reserve_feed, stated.reserve_feed),
            ("FrostGuardianModule", expected.guardian_module, stated.guardian_module),
        ] {
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
