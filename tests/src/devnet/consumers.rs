//! Who builds on the contracts: a consumer of the feed, and whoever brings a signed order to trigger its exits.

use super::{
    Devnet,
    chains::{ChainKind, predeploy},
    contracts::{Deployment, EjectionRegistry},
    evm::Action,
    puffer,
};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, U256, address},
    providers::Provider,
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

/// Bytes of an ejection in an order: index, public key, reason.
const EJECTION_LENGTH: usize = 57;

/// Somebody uses the consumer at this address.
pub(super) fn mint(consumer: Address) -> Action {
    Action::call(consumer, &BackedMint::mintCall { amount: U256::from(1) })
}

impl Deployment {
    /// Why the consumer would not act on the feed, as it is now, `seconds` from now: the error's name, or nothing. Only anvil looks into the
    /// future.
    ///
    /// # Errors
    /// If it fails for another reason than a stale or contested report, or the EVM does not answer.
    pub async fn consumer_refuses(&self, seconds: u64) -> Result<Option<&'static str>> {
        let input = BackedMint::mintCall { amount: U256::from(1) }.abi_encode();
        let call = TransactionRequest::default().to(self.consumer).input(input.into());
        let answer = match seconds {
            0 => self.provider.call(call).await,
            _ => {
                ensure!(self.chain == ChainKind::BeforeMerge, "this client runs no call at another time");
                let time = self.evm.time().await?.saturating_add(seconds);
                let block = json!({ "time": format!("{time:#x}") });
                self.provider.raw_request("eth_call".into(), (call, "latest", json!({}), block)).await
            }
        };
        let Err(error) = answer else { return Ok(None) };
        let said = error.as_error_resp().and_then(|payload| payload.as_revert_data()).unwrap_or_default();
        let known =
            [("StaleAnswer", BackedMint::StaleAnswer::SELECTOR), ("Contested", BackedMint::Contested::SELECTOR)];
        let named = known.into_iter().find(|(_, selector)| said.starts_with(selector));
        Ok(Some(named.ok_or_else(|| eyre!("the consumer fails: {error}"))?.0))
    }

    /// Brings the first accepted order again, with the fees, as anybody could. Returns the number of the block that it is in, and the modules
    /// whose validators are to leave.
    async fn trigger_exits(&self) -> Result<(u64, Vec<Address>)> {
        let order = self.orders().await?.first().copied().ok_or_else(|| eyre!("no order"))?;
        let transaction = self.provider.get_transaction_by_hash(order.transaction).await?;
        let transaction = transaction.ok_or_else(|| eyre!("the order's transaction is unknown"))?;
        let EjectionRegistry::submitOrderCall { order, signature } =
            EjectionRegistry::submitOrderCall::abi_decode(transaction.input())?;
        let modules: Vec<Address> = order.ejections.chunks(EJECTION_LENGTH).map(module_of).collect::<Result<_>>()?;
        let payment =
            EjectionRegistry::Payment { maxFee: U256::from(1_000), requester: self.requester, refundTo: Address::ZERO };
        let trigger = EjectionRegistry::triggerExitsCall {
            order,
            signature,
            positions: (U256::from(1) << modules.len()) - U256::from(1),
            payment,
            routing: modules.concat().into(),
        };
        let trigger = Action::call(self.ejection_registry, &trigger).paying(U256::from(1_000_000));
        Ok((self.evm.send_all(vec![trigger]).await?, modules))
    }

    /// From which accounts requests wait in the queue of EIP-7002's contract, where no chain takes them out: 76 bytes for each.
    async fn queue(&self) -> Result<Vec<Address>> {
        let requests = predeploy("eip7002")?.0;
        let queue = self.provider.call(TransactionRequest::default().from(SYSTEM).to(requests)).await?;
        Ok(queue.chunks(76).filter_map(|request| request.get(..20)).map(Address::from_slice).collect())
    }
}

impl Devnet {
    /// Brings the first accepted order again, with the fees, as anybody could: the validators' modules request the exits. Returns how many
    /// requests the chain has taken; one of before the merge leaves them in the queue.
    ///
    /// # Errors
    /// If there is no order, the registry refuses, or the requests are not the modules'.
    pub async fn trigger_exits(&self) -> Result<usize> {
        let (block, modules) = self.contracts.trigger_exits().await?;
        let taken = match self.options.chain {
            ChainKind::Pair => {
                let block = self.contracts.provider.get_block_by_number(block.into()).await?;
                let time = block.ok_or_else(|| eyre!("the block is gone"))?.header.timestamp;
                self.beacon.withdrawal_requests(self.slot_of(time)).await?
            }
            ChainKind::BeforeMerge => self.contracts.queue().await?,
        };
        ensure!(taken == modules, "the requests are those of {taken:?}, not of {modules:?}");
        Ok(taken.len())
    }
}

/// The module of the validator in an ejection, which begins with its index.
fn module_of(ejection: &[u8]) -> Result<Address> {
    let index = ejection.first_chunk().copied().map(u64::from_be_bytes).ok_or_else(|| eyre!("half an ejection"))?;
    puffer::module_of(index)
}
