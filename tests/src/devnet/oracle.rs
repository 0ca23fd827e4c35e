//! The stand-in for Puffer's oracle on the devnet's EVM, with Puffer's roles: only guardians may bring it a count, and only with the
//! group's signature.

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    sol,
    sol_types::{SolCall, SolEvent},
};
use eyre::Result;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[sol(rpc)]
        interface PufferOracle {
            event TotalNumberOfValidatorsUpdated(uint256 oldNumberOfValidators, uint256 newNumberOfValidators, uint256 epochNumber);
            function provisionNode() external;
            function getTotalNumberOfValidators() external view returns (uint256);
            function setTotalNumberOfValidators(uint256 newTotal, uint256 epochNumber, bytes[] calldata signatures) external;
        }
    }
}

use abi::PufferOracle;

/// `ROLE_ID_OPERATIONS_MULTISIG`: who may bring the oracle a count.
pub(super) const OPERATIONS: u64 = 22;
/// The call that brings one.
pub(super) const COUNT: [u8; 4] = PufferOracle::setTotalNumberOfValidatorsCall::SELECTOR;
/// The call with which the protocol says that it has one validator more.
pub(super) const PROVISION: [u8; 4] = PufferOracle::provisionNodeCall::SELECTOR;
/// Where the oracle keeps the epoch of its last count; it has no getter.
const EPOCH_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);

/// A count that the oracle has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Active validators of the network.
    pub validators: u64,
    /// When they were counted.
    pub epoch: u64,
}

/// The oracle.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// Where it is.
    pub address: Address,
    provider: DynProvider,
}

impl Oracle {
    pub(super) fn at(address: Address, provider: DynProvider) -> Self {
        Self { address, provider }
    }

    /// What it holds; `None` if nothing was counted yet.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn count(&self) -> Result<Option<Count>> {
        let validators = PufferOracle::new(self.address, &self.provider).getTotalNumberOfValidators().call().await?;
        let epoch = self.provider.get_storage_at(self.address, EPOCH_SLOT).await?;
        let (validators, epoch) = (u64::try_from(validators)?, u64::try_from(epoch)?);
        Ok((epoch > 0).then_some(Count { validators, epoch }))
    }

    /// Whether a call by somebody without the role is refused, whatever signature it brings.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn refuses_strangers(&self, signatures: Vec<alloy::primitives::Bytes>) -> Result<bool> {
        let oracle = PufferOracle::new(self.address, &self.provider);
        let stranger = Address::repeat_byte(0x5a);
        let call = oracle.setTotalNumberOfValidators(U256::ONE, U256::MAX, signatures).from(stranger);
        Ok(call.call().await.is_err())
    }

    /// The transactions that brought counts, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn transactions(&self) -> Result<Vec<B256>> {
        let topic = PufferOracle::TotalNumberOfValidatorsUpdated::SIGNATURE_HASH;
        let logs =
            self.provider.get_logs(&Filter::new().address(self.address).event_signature(topic).from_block(0)).await?;
        Ok(logs.iter().filter_map(|log| log.transaction_hash).collect())
    }
}
