//! Puffer's own contract, or its stand-in: the life cycle of validators, as it logs it.

use super::pubkey;
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Log},
    sol,
    sol_types::SolEvent,
};
use guardian_protocol::{ProtocolEvent, ReadFailure};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface PufferProtocol {
            event SuccessfullyProvisioned(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
            event ValidatorExited(
                bytes pubKey,
                uint256 indexed pufferModuleIndex,
                bytes32 indexed moduleName,
                uint256 pufETHBurnAmount,
                uint256 vtBurnAmount
            );

            /// Keeps the number of the protocol's validators.
            function PUFFER_ORACLE() external view returns (address);
        }

        interface PufferOracle {
            function getNumberOfActiveValidators() external view returns (uint256);
        }
    }
}

pub(crate) use abi::{PufferOracle, PufferProtocol};

/// How many validators the protocol has by its own books at `block`: provisioned ones that were not settled. Its oracle counts them.
/// `None` if it keeps no such books.
pub(crate) async fn active_validators(
    client: &ExecutionClient,
    protocol: Address,
    block: B256,
) -> Result<Option<u64>, ReadFailure> {
    let oracle = client.view_if_offered(protocol, PufferProtocol::PUFFER_ORACLECall {}, block).await?;
    let Some(oracle) = oracle else { return Ok(None) };
    let count = client.view_if_offered(oracle, PufferOracle::getNumberOfActiveValidatorsCall {}, block).await?;
    let too_many = || ReadFailure::Malformed("more validators than there can be".to_owned());
    count.map(|count| u64::try_from(count).map_err(|_| too_many())).transpose()
}

/// The events that are asked for.
pub(super) const TOPICS: [B256; 2] =
    [PufferProtocol::SuccessfullyProvisioned::SIGNATURE_HASH, PufferProtocol::ValidatorExited::SIGNATURE_HASH];

/// What a log of the protocol says, if it is one of [`TOPICS`].
///
/// # Errors
/// A description, if the log can't be decoded.
pub(super) fn event(log: &Log) -> Result<Option<ProtocolEvent>, String> {
    let topic = log.topics().first().copied().unwrap_or_default();
    let text = |error: alloy::sol_types::Error| error.to_string();
    if topic == PufferProtocol::SuccessfullyProvisioned::SIGNATURE_HASH {
        let event = PufferProtocol::SuccessfullyProvisioned::decode_log_validate(log).map_err(text)?;
        return Ok(Some(ProtocolEvent::Provisioned(pubkey(&event.pubKey)?)));
    }
    if topic == PufferProtocol::ValidatorExited::SIGNATURE_HASH {
        let event = PufferProtocol::ValidatorExited::decode_log_validate(log).map_err(text)?;
        return Ok(Some(ProtocolEvent::Exited(pubkey(&event.pubKey)?)));
    }
    Ok(None)
}
