//! Who builds on the contracts: a consumer of the feed, and whoever brings a signed order to trigger its exits.

use super::{
    contracts::{Deployment, EjectionRegistry},
    evm::Action,
};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, Bytes, U256, address},
    providers::{DynProvider, Provider},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall, SolError},
};
use eyre::{Result, ensure, eyre};
use serde_json::json;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface BackedMint {
            error StaleAnswer(uint256 updatedAt, uint256 maxAge);
            error Contested(uint64 referenceSlot);
            function mint(uint256 amount) external;
        }
    }
}

use abi::BackedMint;

/// From here the chain itself calls its system contracts (EIP-7002).
const SYSTEM: Address = address!("fffffffffffffffffffffffffffffffffffffffe");

/// Somebody uses the consumer at this address.
pub(super) fn mint(consumer: Address) -> Action {
    Action::call(consumer, &BackedMint::mintCall { amount: U256::from(1) })
}

impl Deployment {
    /// Why the consumer would not act on the feed, as it is now, `seconds` from now: the error's name, or nothing.
    ///
    /// # Errors
    /// If it fails for another reason than a stale or contested report, or the EVM does not answer.
    pub async fn consumer_refuses(&self, seconds: u64) -> Result<Option<&'static str>> {
        let time = self.evm.time().await?.saturating_add(seconds);
        let input = BackedMint::mintCall { amount: U256::from(1) }.abi_encode();
        let call = TransactionRequest::default().to(self.consumer).input(input.into());
        let block = json!({ "time": format!("{time:#x}") });
        let answer = self.provider.raw_request::<_, Bytes>("eth_call".into(), (call, "latest", json!({}), block)).await;
        let Err(error) = answer else { return Ok(None) };
        let said = error.as_error_resp().and_then(|payload| payload.as_revert_data()).unwrap_or_default();
        let known =
            [("StaleAnswer", BackedMint::StaleAnswer::SELECTOR), ("Contested", BackedMint::Contested::SELECTOR)];
        let named = known.into_iter().find(|(_, selector)| said.starts_with(selector));
        Ok(Some(named.ok_or_else(|| eyre!("the consumer fails: {error}"))?.0))
    }

    /// Brings the first accepted order again, with the fees, as anybody could; returns how many requests then are in the queue of
    /// EIP-7002's contract.
    ///
    /// # Errors
    /// If there is no order, or the registry refuses.
    pub async fn trigger_exits(&self) -> Result<usize> {
        let order = self.orders().await?.first().copied().ok_or_else(|| eyre!("no order"))?;
        let transaction = self.provider.get_transaction_by_hash(order.transaction).await?;
        let transaction = transaction.ok_or_else(|| eyre!("the order's transaction is unknown"))?;
        let EjectionRegistry::submitOrderCall { order, signature } =
            EjectionRegistry::submitOrderCall::abi_decode(transaction.input())?;
        let positions = (U256::from(1) << (order.ejections.len() / 57)) - U256::from(1);
        let registry = EjectionRegistry::new(self.ejection_registry, &self.provider);
        let payment =
            EjectionRegistry::Payment { maxFee: U256::from(1_000), requester: self.requester, refundTo: Address::ZERO };
        let trigger = registry.triggerExits(order, signature, positions, payment, Bytes::new());
        let receipt = trigger.value(U256::from(1_000_000)).send().await?.get_receipt().await?;
        ensure!(receipt.status(), "the exits could not be triggered");
        let queue = queue(&self.provider, registry.withdrawalRequests().call().await?).await?;
        ensure!(queue.starts_with(self.requester.as_slice()), "the requests are somebody else's");
        Ok(queue.len() / 76)
    }
}

/// What the chain would take out of the queue at the end of the block: 76 bytes for each request.
async fn queue(provider: &DynProvider, requests: Address) -> Result<Bytes> {
    Ok(provider.call(TransactionRequest::default().from(SYSTEM).to(requests)).await?)
}
