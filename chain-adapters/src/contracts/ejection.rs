//! Ejection orders: the registry's interface, an order as call data, the rules that are read, and the orders that are logged.

use super::{wei, words};
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes, Log, U256},
    sol,
    sol_types::{SolCall, SolEvent},
};
use futures::try_join;
use guardian_crypto::schnorr;
use guardian_protocol::{BlsPubkey, Duty, EjectionOrder, EjectionRules, Level, ProtocolEvent, ReadFailure, Slot};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug)]
        struct Order {
            uint64 keyEpoch;
            uint64 referenceSlot;
            bytes32 referenceRoot;
            bytes ejections;
        }

        interface EjectionRegistry {
            event ValidatorEjected(uint64 indexed validatorIndex, bytes32 pubkeyHead, bytes32 tailSlotReason);
            event ExitsTriggered(uint64 indexed referenceSlot, bytes32 indexed digest, uint256 positions, uint256 fee);

            function submitOrder(Order calldata order, (uint256, uint256, uint256) signature) external;
            function getEjectionThreshold() external view returns (uint256 amount);
            function lastReferenceSlot() external view returns (uint64 slot);
            function exitsLeft() external view returns (uint256 count);
            function requester() external view returns (address account);
            function withdrawalRequests() external view returns (address account);
            function withdrawalFee() external view returns (uint256 fee);
            function statusOf(bytes32 digest) external view returns (bool accepted, uint256 triggered);
            function triggerExits(
                Order calldata order,
                (uint256, uint256, uint256) signature,
                uint256 positions,
                (uint256, address, address) payment,
                bytes routing
            ) external payable;
        }
    }
}

pub(crate) use abi::EjectionRegistry;

/// The events that are asked for.
pub(super) const TOPICS: [B256; 2] =
    [EjectionRegistry::ValidatorEjected::SIGNATURE_HASH, EjectionRegistry::ExitsTriggered::SIGNATURE_HASH];

/// The most gas that `order` can need: some five times what it does (`make bench ARGS="--only gas"`).
pub(super) fn gas_cap(order: &EjectionOrder) -> u64 {
    let validators = u64::try_from(order.ejections().len()).unwrap_or(u64::MAX);
    validators.saturating_mul(20_000).saturating_add(500_000)
}

/// The call that brings `order` to the registry.
pub(super) fn call(duty: &Duty, order: &EjectionOrder, signature: &schnorr::Signature) -> Bytes {
    let order = words_of(duty, order);
    EjectionRegistry::submitOrderCall { order, signature: words(signature).into() }.abi_encode().into()
}

pub(super) fn words_of(duty: &Duty, order: &EjectionOrder) -> abi::Order {
    abi::Order {
        keyEpoch: duty.key_epoch.0,
        referenceSlot: duty.reference_slot.0,
        referenceRoot: duty.reference_root,
        ejections: order.packed().into(),
    }
}

/// The registry's rules at `block`.
pub(super) async fn rules(
    client: &ExecutionClient,
    registry: Address,
    block: B256,
) -> Result<EjectionRules, ReadFailure> {
    let (threshold, left, requester, requests) = try_join!(
        client.view_existing(registry, EjectionRegistry::getEjectionThresholdCall {}, block),
        client.view_existing(registry, EjectionRegistry::exitsLeftCall {}, block),
        client.view_existing(registry, EjectionRegistry::requesterCall {}, block),
        client.view_existing(registry, EjectionRegistry::withdrawalRequestsCall {}, block),
    )?;
    let requester = Some(requester).filter(|requester| !requester.is_zero() && !requests.is_zero());
    Ok(EjectionRules { threshold: wei(threshold)?, exits_stopped: left.is_zero(), requester })
}

/// The last reference slot that the registry has accepted; `None` if nothing answers there.
pub(super) async fn level(
    client: &ExecutionClient,
    registry: Address,
    block: B256,
) -> Result<Option<Level>, ReadFailure> {
    let slot = client.view(registry, EjectionRegistry::lastReferenceSlotCall {}, block).await?;
    Ok(slot.map(Level))
}

/// What a log of the registry says, if it is one of [`TOPICS`].
pub(super) fn event(log: &Log) -> Result<Option<ProtocolEvent>, alloy::sol_types::Error> {
    let topic = log.topics().first();
    if topic == Some(&EjectionRegistry::ExitsTriggered::SIGNATURE_HASH) {
        let event = EjectionRegistry::ExitsTriggered::decode_log_validate(log)?;
        let positions = B256::from(event.positions);
        return Ok(Some(ProtocolEvent::ExitsRequested { reference_slot: Slot(event.referenceSlot), positions }));
    }
    if topic != Some(&EjectionRegistry::ValidatorEjected::SIGNATURE_HASH) {
        return Ok(None);
    }
    let event = EjectionRegistry::ValidatorEjected::decode_log_validate(log)?;
    // The key's last 16 bytes, the slot (8), 7 zeros, the reason.
    let (tail, _) = event.tailSlotReason.0.split_at(16);
    let [_, slot, _, _] = U256::from_be_bytes(event.tailSlotReason.0).into_limbs();
    let pubkey = BlsPubkey::from_slice(&[event.pubkeyHead.as_slice(), tail].concat());
    Ok(Some(ProtocolEvent::Ordered { pubkey, reference_slot: Slot(slot) }))
}
