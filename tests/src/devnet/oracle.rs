//! The stand-in for Puffer's oracle on the devnet's EVM, with Puffer's roles: only guardians may bring it a count, and only with the
//! group's signature.

use super::contracts::deploy;
use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    sol,
    sol_types::{SolCall, SolValue},
};
use eyre::{Result, ensure};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[sol(rpc)]
        interface AccessManager {
            function setTargetFunctionRole(address target, bytes4[] calldata selectors, uint64 roleId) external;
            function grantRole(uint64 roleId, address account, uint32 executionDelay) external;
        }
        #[sol(rpc)]
        interface FrostGuardianModule {
            function setCallers(address protocol, address oracle) external;
        }
        #[sol(rpc)]
        interface PufferOracle {
            event TotalNumberOfValidatorsUpdated(uint256 oldNumberOfValidators, uint256 newNumberOfValidators, uint256 epochNumber);
            function getTotalNumberOfValidators() external view returns (uint256);
            function setTotalNumberOfValidators(uint256 newTotal, uint256 epochNumber, bytes[] calldata signatures) external;
        }
    }
}

use abi::{AccessManager, FrostGuardianModule, PufferOracle};

/// `ROLE_ID_OPERATIONS_MULTISIG`: who may bring the oracle a count.
const OPERATIONS: u64 = 22;
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
    /// Deploys it behind an access manager of its own; `callers` get the role that Puffer's operations have.
    pub(super) async fn deploy(
        provider: &DynProvider,
        (module, protocol): (Address, Address),
        governor: Address,
        callers: &[Address],
    ) -> Result<Self> {
        let manager = deploy(provider, "AccessManager", governor.abi_encode()).await?;
        // Nothing was counted yet: any count is newer.
        let arguments = (module, Address::ZERO, manager, U256::ONE, U256::ZERO).abi_encode_params();
        let address = deploy(provider, "DevnetOracle", arguments).await?;
        let set = FrostGuardianModule::new(module, provider).setCallers(protocol, address).send().await?;
        ensure!(set.get_receipt().await?.status(), "the module could not be told whom it serves");
        let manager = AccessManager::new(manager, provider);
        let selectors = vec![PufferOracle::setTotalNumberOfValidatorsCall::SELECTOR.into()];
        let set = manager.setTargetFunctionRole(address, selectors, OPERATIONS).send().await?.get_receipt().await?;
        ensure!(set.status(), "the oracle's role could not be set");
        for caller in callers {
            let granted = manager.grantRole(OPERATIONS, *caller, 0).send().await?.get_receipt().await?;
            ensure!(granted.status(), "{caller} could not be given the oracle's role");
        }
        Ok(Self { address, provider: provider.clone() })
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
        use alloy::{rpc::types::Filter, sol_types::SolEvent};
        let topic = PufferOracle::TotalNumberOfValidatorsUpdated::SIGNATURE_HASH;
        let logs =
            self.provider.get_logs(&Filter::new().address(self.address).event_signature(topic).from_block(0)).await?;
        Ok(logs.iter().filter_map(|log| log.transaction_hash).collect())
    }
}
