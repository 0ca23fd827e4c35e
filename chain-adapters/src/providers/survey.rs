//! Questions of a person who checks a configuration: each provider's own answer at its own newest block. Nothing is weighed, and
//! nothing is decided from it.

use super::{Provider, Readers};
use crate::{
    contracts,
    execution::client::{ExecutionClient, Header},
};
use alloy::primitives::Address;
use futures::future::join_all;
use guardian_protocol::{At, BlockRef, ChainView, GuardianList, ProviderId, ReadFailure};
use serde::Deserialize;
use std::future::Future;

/// Each provider's answer.
type Said<T> = Vec<(ProviderId, Result<T, ReadFailure>)>;

/// So many of the oldest blocks are asked for: whether they are there, the first ones tell.
const OLDEST: u64 = 100;

/// What an execution provider has of the contracts' logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsServed {
    /// Blocks that it bears in one question, if it refuses more.
    pub bound: Option<u64>,
    /// Why it does not have the first blocks that were asked for, if it does not.
    pub no_oldest: Option<ReadFailure>,
    /// Why it does not have the newest, if it does not.
    pub no_newest: Option<ReadFailure>,
}

/// `admin_nodeInfo`, as far as it is needed.
#[derive(Clone, Debug, Deserialize)]
struct Itself {
    id: String,
}

impl Readers {
    /// The contracts' rules and progress at each execution provider's newest block.
    pub async fn contracts_now(&self) -> Said<ChainView> {
        self.survey(|provider| async move {
            let client = &provider.client;
            let newest = newest(client).await?;
            client.read_chain(&self.chain.contracts, self.chain.start_block, At::Block(newest.hash)).await
        })
        .await
    }

    /// Those of the configured contracts that are not there at each execution provider's newest block.
    pub async fn contracts_absent(&self) -> Said<Vec<Address>> {
        self.survey(|provider| async move {
            let newest = newest(&provider.client).await?;
            let mut absent = Vec::new();
            for contract in contracts::all(&self.chain.contracts) {
                if !provider.client.has_code(contract, newest.hash).await? {
                    absent.push(contract);
                }
            }
            Ok(absent)
        })
        .await
    }

    /// The finalized block of each execution provider that has the contracts' state there; `None` while nothing is final.
    pub async fn final_states(&self) -> Said<Option<BlockRef>> {
        self.survey(|provider| async move {
            let Some(finalized) = provider.client.header("finalized").await? else { return Ok(None) };
            // A contract may be younger: that its code is empty is an answer, too.
            provider.client.code(self.chain.contracts.guardian_keys, finalized.hash).await?;
            Ok(Some(finalized.block()))
        })
        .await
    }

    /// For whom operators encrypt shares of validators' keys, at each execution provider's newest block; nobody, if no module is
    /// configured.
    pub async fn guardian_lists(&self) -> Said<GuardianList> {
        let Some(module) = self.chain.contracts.guardian_module else { return Vec::new() };
        self.survey(|provider| async move {
            let newest = newest(&provider.client).await?;
            contracts::guardian_list(&provider.client, module, newest.hash).await
        })
        .await
    }

    /// What each execution provider has of the contracts' logs: of the first blocks from `first` on, and of the newest.
    pub async fn logs_served(&self, first: u64) -> Said<LogsServed> {
        self.survey(|provider| async move {
            let (client, contracts) = (&provider.client, &self.chain.contracts);
            let head = newest(client).await?.block();
            let none = |upto: u64| upto < first;
            let recent = head.number.saturating_sub(self.chain.limits.log_range.saturating_sub(1)).max(first);
            let oldest = first.saturating_add(OLDEST.saturating_sub(1)).min(head.number);
            let mut failures = Vec::new();
            for blocks in [first..=oldest, recent..=head.number] {
                let read = match none(*blocks.end()) {
                    true => None,
                    false => client.read_events(contracts, blocks, head).await.err(),
                };
                failures.push(read);
            }
            let (no_newest, no_oldest) = (failures.pop().flatten(), failures.pop().flatten());
            Ok(LogsServed { bound: client.log_bound(), no_oldest, no_newest })
        })
        .await
    }

    /// The name that each execution provider has among its like, which no other node has; few tell it.
    pub async fn execution_ids(&self) -> Vec<(ProviderId, Option<String>)> {
        let said = self
            .survey(|provider| async move {
                let itself: Itself = provider.client.request("admin_nodeInfo", ()).await?;
                Ok(provider.client.http.sanitise(&itself.id))
            })
            .await;
        said.into_iter().map(|(id, said)| (id, said.ok())).collect()
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

/// The block at a node's head, if it follows the chain.
async fn newest(client: &ExecutionClient) -> Result<Header, ReadFailure> {
    client.check_sync().await?;
    let newest = client.header("latest").await?;
    newest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))
}
