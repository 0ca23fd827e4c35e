//! The request of an exit by EIP-7002: the fee is read, sent with the call up to what may be paid, and what is left comes back. A request that
//! was made already is not paid again: the registry is asked before each attempt, and refuses a second one.

use super::{CallOutcome, Goal, Sender, Submission, most::most, nonce::median};
use crate::{contracts::exit_requests, execution::client::ExecutionClient};
use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
};
use guardian_protocol::{DutyBody, DutyKind, ExitRequest, ReadFailure, RequestOutcome, Wei};
use serde::Deserialize;

/// What a transaction has logged.
#[derive(Debug, Deserialize)]
struct Logged {
    logs: Vec<Log>,
}

impl Sender {
    /// Has the registry request a validator's exit, unless it has done so under this order. As [`Sender::submit`]: after a failure, and after a
    /// restart, the next attempt takes the place of the one before, by its nonce.
    pub async fn request_exit(&self, request: &ExitRequest) -> RequestOutcome {
        let Some(to) = self.contracts.duties.get(DutyKind::Ejection).copied() else {
            return RequestOutcome::Refused("no registry of orders is configured".to_owned());
        };
        let DutyBody::Ejection(order) = &request.order.duty().body else {
            return RequestOutcome::Refused("not an order".to_owned());
        };
        let Some(signature) = request.order.attestation().group() else {
            return RequestOutcome::Refused("the group's key did not sign the order".to_owned());
        };
        match self.request_fee(to).await {
            Some(fee) if fee > request.max_fee => return RequestOutcome::TooDear { fee },
            Some(_) => {}
            None => return RequestOutcome::Failed("no execution provider tells the fee of a request".to_owned()),
        }
        let digest = request.order.digest();
        let submission = Submission {
            goal: Goal::ExitRequest(request.orders.clone()),
            to,
            data: exit_requests::call(request, order, signature),
            value: request.max_fee,
            gas_cap: exit_requests::most_gas(order),
            urgent: true,
        };
        match self.bring(&submission).await {
            CallOutcome::Included { transaction, gas } => match self.paid(to, digest, transaction).await {
                Some(fee) => RequestOutcome::Included { transaction, gas, fee },
                // Included it is: what it cost is taken for the most that it can have.
                None => RequestOutcome::Included { transaction, gas, fee: request.max_fee },
            },
            CallOutcome::AlreadyAccepted => RequestOutcome::AlreadyMade,
            CallOutcome::Refused(why) => RequestOutcome::Refused(why),
            CallOutcome::Failed(why) => RequestOutcome::Failed(why),
        }
    }

    /// What one request costs at the nodes' heads: what most say.
    async fn request_fee(&self, registry: Address) -> Option<Wei> {
        let fee = async |node: &ExecutionClient| -> Result<Wei, ReadFailure> {
            let latest = node.header("latest").await?;
            let block = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?.hash;
            exit_requests::fee(node, registry, block).await
        };
        let answers = most(self.nodes.iter().map(|node| (&node.slow, fee(node))), Result::is_ok).await;
        median(answers.into_iter().filter_map(|(_, fee)| fee.ok()).collect())
    }

    /// The fee that a transaction has paid, as most nodes' receipts show it.
    async fn paid(&self, registry: Address, order: B256, transaction: B256) -> Option<Wei> {
        let paid = async |node: &ExecutionClient| -> Option<Wei> {
            let receipt: Option<Logged> = node.request("eth_getTransactionReceipt", (transaction,)).await.ok()?;
            let logs: Vec<_> = receipt?.logs.into_iter().map(|log| log.inner).collect();
            exit_requests::fee_of(registry, order, &logs)
        };
        let answers = most(self.nodes.iter().map(|node| (&node.slow, paid(node))), Option::is_some).await;
        median(answers.into_iter().filter_map(|(_, fee)| fee).collect())
    }
}
