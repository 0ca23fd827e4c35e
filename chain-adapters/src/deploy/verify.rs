//! Whether a deployment is on its chain. Code at a CREATE2 address was put there by the plan's creation code and arguments, if
//! the factory is the one that is meant; so it is the factory whose code is compared.

use super::{Deployment, FACTORY};
use crate::{
    config::{Endpoint, Limits},
    contracts::{keys, reserves},
    error::Error,
    execution::client::ExecutionClient,
    http::Http,
};
use alloy::primitives::{Address, B256, b256, keccak256};
use guardian_protocol::ReadFailure;

/// keccak256 of the factory's code.
pub(super) const FACTORY_CODE_HASH: B256 = b256!("0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989");

/// What was found of one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The contract.
    pub name: &'static str,
    /// Where it should be.
    pub address: Address,
    /// What is there.
    pub found: Found,
}

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// What should be.
    Right,
    /// Nothing.
    Nothing,
    /// Something else.
    Other(String),
}

impl Deployment {
    /// Asks one execution node what is at each address, and about the key in force.
    ///
    /// # Errors
    /// If the endpoint is not usable or the node does not answer.
    pub async fn verify(&self, endpoint: Endpoint, limits: Limits) -> Result<Vec<Finding>, VerifyError> {
        let node = ExecutionClient::new(Http::new(endpoint, limits)?);
        let chain = node.chain_id().await?;
        if chain != self.plan.chain_id {
            return Err(VerifyError::Chain { node: chain, plan: self.plan.chain_id });
        }
        let head = node.header("latest").await?;
        let head = head.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?.hash;
        let factory = keccak256(node.code(FACTORY, head).await?);
        let mut findings = vec![Finding {
            name: "CREATE2 factory",
            address: FACTORY,
            found: match factory {
                FACTORY_CODE_HASH => Found::Right,
                hash if hash == keccak256([]) => Found::Nothing,
                hash => Found::Other(format!("code with hash {hash}")),
            },
        }];
        for (name, address) in self.contracts() {
            let found = if node.has_code(address, head).await? { Found::Right } else { Found::Nothing };
            findings.push(Finding { name, address, found });
        }
        if findings.iter().all(|finding| finding.found == Found::Right) {
            findings.push(self.key_in_force(&node, head).await?);
            findings.push(self.feed_in_force(&node, head).await?);
        }
        Ok(findings)
    }

    /// The key may have been rotated since; then it is not the plan's, and the operator should know.
    async fn key_in_force(&self, node: &ExecutionClient, head: B256) -> Result<Finding, VerifyError> {
        let (epoch, key) = keys::in_force(node, self.guardian_keys, head).await?;
        let planned = (self.plan.group_key.px.0, self.plan.group_key.py.0);
        let found = match key.coordinates() == planned {
            true => Found::Right,
            false => Found::Other(format!("another key, of key epoch {epoch}")),
        };
        Ok(Finding { name: "group key", address: self.guardian_keys, found })
    }

    /// The proxy may have been switched since: then its readers read another deployment.
    async fn feed_in_force(&self, node: &ExecutionClient, head: B256) -> Result<Finding, VerifyError> {
        let feed = reserves::proxied(node, self.reserve_proxy, head).await?;
        let found = match feed == self.reserve_feed {
            true => Found::Right,
            false => Found::Other(format!("the feed at {feed}")),
        };
        Ok(Finding { name: "feed behind the proxy", address: self.reserve_proxy, found })
    }
}

/// Why a deployment could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The endpoint is not usable.
    #[error(transparent)]
    Endpoint(#[from] Error),
    /// The node does not answer.
    #[error("the execution node does not answer: {0}")]
    Read(#[from] ReadFailure),
    /// The wrong chain.
    #[error("the execution node is of chain {node}, the deployment of chain {plan}")]
    Chain {
        /// The node's.
        node: u64,
        /// The plan's.
        plan: u64,
    },
}
