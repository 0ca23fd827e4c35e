//! Puffer's guardian module: for whom operators encrypt shares of validators' keys, and how many shares make a key. No duty reads it.

use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, U256},
    sol,
};
use futures::try_join;
use guardian_protocol::ReadFailure;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface GuardianModule {
            function getGuardians() external view returns (address[] memory);
            function getThreshold() external view returns (uint256);
        }
    }
}

pub(crate) use abi::GuardianModule;

/// The guardians of whose shares of a validator's key some make the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianList {
    /// Their accounts, in the order of their shares.
    pub guardians: Vec<Address>,
    /// How many shares make the key.
    pub threshold: u64,
}

/// The list that `module` has at `block`.
pub(crate) async fn guardian_list(
    client: &ExecutionClient,
    module: Address,
    block: B256,
) -> Result<GuardianList, ReadFailure> {
    let (guardians, threshold) = try_join!(
        client.view_existing(module, GuardianModule::getGuardiansCall {}, block),
        client.view_existing(module, GuardianModule::getThresholdCall {}, block),
    )?;
    let too_many = |_| ReadFailure::Malformed("a threshold larger than there can be".to_owned());
    Ok(GuardianList { guardians, threshold: U256::try_into(threshold).map_err(too_many)? })
}
