//! Requests of exits (EIP-7002) through the registry of orders: the call, its fee, and whether one was made.

use super::{
    ejection::{EjectionRegistry, gas_cap, words_of},
    wei, words,
};
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes, Log, U256},
    sol_types::{SolCall, SolEvent},
};
use guardian_crypto::schnorr;
use guardian_protocol::{EjectionOrder, ExitRequest, ReadFailure, Wei};

/// The most gas that the request of one exit can need, with the order's acceptance: some five times what it does, whatever its pod is.
pub(crate) fn most_gas(order: &EjectionOrder) -> u64 {
    gas_cap(order).saturating_add(1_000_000)
}

/// The call that has the registry request one validator's exit. `routing` is the account that the validator's withdrawal credentials name.
pub(crate) fn call(request: &ExitRequest, order: &EjectionOrder, signature: &schnorr::Signature) -> Bytes {
    let duty = request.order.duty();
    EjectionRegistry::triggerExitsCall {
        order: words_of(duty, order),
        signature: words(signature).into(),
        positions: position_bit(request.position),
        // What is left comes back to the account that pays.
        payment: (U256::from(request.max_fee), request.requester, Address::ZERO),
        routing: Bytes::copy_from_slice(request.account.as_slice()),
    }
    .abi_encode()
    .into()
}

fn position_bit(position: usize) -> U256 {
    U256::from(1).checked_shl(position).unwrap_or_default()
}

/// Whether the exit at `position` of the order with this digest was requested, at `block`.
pub(crate) async fn is_requested(
    client: &ExecutionClient,
    registry: Address,
    (order, position): (B256, usize),
    block: B256,
) -> Result<bool, ReadFailure> {
    let status = client.view_existing(registry, EjectionRegistry::statusOfCall { digest: order }, block).await?;
    Ok(status.triggered & position_bit(position) != U256::ZERO)
}

/// EIP-7002's fee for one request, in wei, at `block`.
pub(crate) async fn fee(client: &ExecutionClient, registry: Address, block: B256) -> Result<Wei, ReadFailure> {
    wei(client.view_existing(registry, EjectionRegistry::withdrawalFeeCall {}, block).await?)
}

/// The fee of a request that a transaction has made, by its logs.
pub(crate) fn fee_of(registry: Address, order: B256, logs: &[Log]) -> Option<Wei> {
    let of_order = logs.iter().filter(|log| log.address == registry);
    let made = of_order.filter_map(|log| EjectionRegistry::ExitsTriggered::decode_log_validate(log).ok());
    let made = made.filter(|made| made.digest == order).last()?;
    Wei::try_from(made.fee).ok()
}
