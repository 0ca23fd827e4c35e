//! Questions of a person who checks a configuration: each provider's own answer at its own newest block. Nothing is weighed, and
//! nothing is decided from it.

use super::{Provider, Readers};
use crate::{contracts, execution::client::ExecutionClient};
use alloy::primitives::Address;
use futures::future::join_all;
use guardian_protocol::{At, ChainView, ProviderId, ReadFailure};
use std::future::Future;

/// Each provider's answer.
type Said<T> = Vec<(ProviderId, Result<T, ReadFailure>)>;

impl Readers {
    /// The contracts' rules and progress at each execution provider's newest block.
    pub async fn contracts_now(&self) -> Said<ChainView> {
        self.survey(|provider| async move {
            let client = &provider.client;
            client.check_sync().await?;
            let newest = client.header("latest").await?;
            let newest = newest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?;
            client.read_chain(&self.chain.contracts, self.chain.start_block, At::Block(newest.hash)).await
        })
        .await
    }

    /// The contracts that are there before the first block of which events are asked for. What they logged until then would never be read.
    pub async fn created_before_start(&self) -> Said<Vec<Address>> {
        self.survey(|provider| async move {
            let Some(before) = self.chain.start_block.checked_sub(1) else { return Ok(Vec::new()) };
            let block = provider.client.header_at(before).await?.hash;
            let mut there = Vec::new();
            for contract in contracts::sources(&self.chain.contracts).0 {
                if provider.client.has_code(contract, block).await? {
                    there.push(contract);
                }
            }
            Ok(there)
        })
        .await
    }

    async fn survey<'a, T, F>(&'a self, ask: impl Fn(&'a Provider<ExecutionClient>) -> F) -> Said<T>
    where
        F: Future<Output = Result<T, ReadFailure>>,
    {
        let patience = self.chain.limits.answer_timeout;
        let answers = self.execution.iter().map(|provider| provider.answer(&self.chain, patience, ask(provider)));
        join_all(answers).await
    }
}
