//! Puffer's own contract, or its stand-in: the life cycle of validators, as it logs it.

use super::pubkey;
use alloy::{
    primitives::{B256, Log},
    sol,
    sol_types::SolEvent,
};
use guardian_protocol::ProtocolEvent;

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
        }
    }
}

pub(crate) use abi::PufferProtocol;

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
