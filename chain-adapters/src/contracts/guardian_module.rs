//! Puffer's guardian module: for whom operators encrypt shares of validators' keys, and how many shares make a key;
//! and where it is Puffer's own, whose signatures it takes, and how many.

use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, U256},
    sol,
};
use futures::try_join;
use guardian_protocol::{GuardianList, ReadFailure};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface GuardianModule {
            /// Too few of the signatures are their places' guardians'.
            error Unauthorized();
            function getGuardians() external view returns (address[] memory);
            function getThreshold() external view returns (uint256);
        }
    }
}

pub(crate) use abi::GuardianModule;

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
