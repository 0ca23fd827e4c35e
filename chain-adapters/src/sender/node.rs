//! What the sender asks one execution node, and what the answers mean to it. All at the node's head: a submission is about
//! what the chain is now.

use super::Goal;
use crate::{
    contracts::{self, Refusal, keys, refusal},
    deploy::FACTORY,
    dialect::{pool::Rejection, reverts::is_revert},
    execution::client::ExecutionClient,
};
use alloy::{
    primitives::{Address, B256, Bytes, U64, U256, hex},
    rpc::types::{FeeHistory, TransactionInput, TransactionRequest},
    transports::TransportError,
};
use futures::future::try_join_all;
use guardian_protocol::{Contracts, DutyKind, GuardianList, ReadFailure, Standing, Wei};
use serde::Deserialize;

/// A receipt, as far as it is needed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) transaction_hash: B256,
    status: U64,
    gas_used: U64,
}

/// What a trial run of a submission came to.
#[derive(Debug)]
pub(super) enum Trial {
    /// It would succeed, with this much gas.
    Passes(u64),
    /// The contract has this reference slot or a later one.
    Stale,
    /// The contract refuses, and says why.
    Refused(String),
    /// It refuses because the chain tells another reference root.
    OtherRoot {
        /// Which.
        actual: B256,
        /// What the contract says.
        reason: String,
    },
}

impl Receipt {
    pub(super) fn succeeded(&self) -> bool {
        self.status == U64::ONE
    }

    pub(super) fn gas(&self) -> u64 {
        self.gas_used.to()
    }
}

impl ExecutionClient {
    /// Whether the contract has accepted `goal` or something later.
    pub(super) async fn has(&self, addresses: &Contracts, goal: &Goal) -> Result<bool, ReadFailure> {
        let latest = self.header("latest").await?;
        let block = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?.hash;
        match goal {
            Goal::Duty(duty) => {
                let id = duty.id();
                let contract = addresses.duties.get(id.kind).copied();
                let contract =
                    contract.ok_or_else(|| ReadFailure::NotAvailable("no contract is configured".to_owned()))?;
                let level = contracts::level((id.kind, id.subject), self, contract, block).await?;
                let level =
                    level.ok_or_else(|| ReadFailure::NotAvailable(format!("no contract answers at {contract}")))?;
                Ok(duty.standing(level) != Standing::Open)
            }
            Goal::Code(address) => {
                // A call to an account without code succeeds and does nothing.
                if !self.has_code(FACTORY, block).await? {
                    return Err(ReadFailure::NotAvailable(format!("the chain has no factory at {FACTORY}")));
                }
                self.has_code(*address, block).await
            }
            Goal::ExitRequest(orders) => {
                let registry = addresses.duties.get(DutyKind::Ejection).copied();
                let registry =
                    registry.ok_or_else(|| ReadFailure::NotAvailable("no contract is configured".to_owned()))?;
                let asked =
                    orders.iter().map(|place| contracts::exit_requests::is_requested(self, registry, *place, block));
                Ok(try_join_all(asked).await?.contains(&true))
            }
            // Anybody may have it tried out.
            Goal::Proved { to, data } => {
                Ok(!matches!(self.trial(Address::ZERO, *to, data, 0).await?, Trial::OtherRoot { .. }))
            }
            Goal::Epoch(epoch) => Ok(keys::in_force(self, addresses.guardian_keys, block).await?.0 >= *epoch),
        }
    }

    /// Who is on the list of `module`.
    pub(super) async fn guardian_list_now(&self, module: Address) -> Result<GuardianList, ReadFailure> {
        let latest = self.header("latest").await?;
        let block = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?.hash;
        contracts::guardian_list(self, module, block).await
    }

    /// Runs a call without sending it. The estimate alone would do, but some nodes keep a revert's reason to
    /// themselves there.
    pub(super) async fn trial(
        &self,
        from: Address,
        to: Address,
        data: &Bytes,
        value: Wei,
    ) -> Result<Trial, ReadFailure> {
        let input = TransactionInput::both(data.clone());
        let request = TransactionRequest::default().from(from).to(to).value(U256::from(value)).input(input);
        let client = &self.rpc;
        let called: Result<Bytes, TransportError> = client.request("eth_call", (request.clone(), "latest")).await;
        if let Err(error) = called {
            return self.refused(error);
        }
        match client.request::<_, U64>("eth_estimateGas", (request,)).await {
            Ok(gas) => Ok(Trial::Passes(gas.to())),
            Err(error) => self.refused(error),
        }
    }

    pub(super) async fn fee_history(&self) -> Result<FeeHistory, ReadFailure> {
        // Ten blocks: two minutes of mainnet.
        self.request("eth_feeHistory", ("0xa", "latest", [50.0])).await
    }

    /// Transactions of `account` that are included: the nonce of the next.
    pub(super) async fn included_count(&self, account: Address) -> Result<u64, ReadFailure> {
        Ok(self.request::<_, U64>("eth_getTransactionCount", (account, "latest")).await?.to())
    }

    /// Ether of `account`, in wei.
    pub(super) async fn funds(&self, account: Address) -> Result<Wei, ReadFailure> {
        let funds: U256 = self.request("eth_getBalance", (account, "latest")).await?;
        Ok(Wei::try_from(funds).unwrap_or(Wei::MAX))
    }

    /// # Errors
    /// What the node has against it, and its words.
    pub(super) async fn broadcast(&self, transaction: &Bytes) -> Result<(), (Rejection, String)> {
        match self.rpc.request::<_, B256>("eth_sendRawTransaction", (transaction,)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let rejection = error.as_error_resp().map_or(Rejection::Node, |said| Rejection::of(&said.message));
                let said = self.failure(&error).to_string();
                if rejection == Rejection::NotUnderstood {
                    self.http.not_understood("a transaction", &said);
                }
                if rejection == Rejection::Known { Ok(()) } else { Err((rejection, said)) }
            }
        }
    }

    /// The receipt of `transaction`, if it is included.
    pub(super) async fn receipt(&self, transaction: B256) -> Option<Receipt> {
        let receipt: Option<Receipt> = self.request("eth_getTransactionReceipt", (transaction,)).await.ok()?;
        receipt.filter(|receipt| receipt.transaction_hash == transaction)
    }

    fn refused(&self, error: TransportError) -> Result<Trial, ReadFailure> {
        let Some(payload) = error.as_error_resp() else { return Err(self.failure(&error)) };
        if !is_revert(payload.code, &payload.message) {
            return Err(self.failure(&error));
        }
        let data = payload.as_revert_data().unwrap_or_default();
        Ok(match refusal(&data) {
            Some(Refusal::Stale) => Trial::Stale,
            Some(Refusal::OtherRoot { actual, text }) => Trial::OtherRoot { actual, reason: text },
            Some(Refusal::Other(text)) => Trial::Refused(text),
            None => {
                let shown = data.get(..4).map_or_else(
                    || payload.message.to_string(),
                    |id| format!("unknown error {}", hex::encode_prefixed(id)),
                );
                Trial::Refused(self.http.sanitise(&shown))
            }
        })
    }
}
