//! Answers to the protocol's execution queries, from one execution node, all values of an answer at one block.

use super::client::{ExecutionClient, Header};
use crate::contracts::{self, keys};
use alloy::primitives::{Address, B256};
use futures::{
    future::{try_join, try_join_all},
    try_join,
};
use guardian_crypto::schnorr::GroupKey;
use guardian_protocol::{At, ChainView, Contracts, KeyEpoch, Level, OnChainProgress, ReadFailure, Subject, Target};
use std::collections::{BTreeMap, BTreeSet};

/// The key against which the contracts verify, at the finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalKey {
    /// Its epoch.
    pub key_epoch: KeyEpoch,
    /// The key.
    pub group_key: GroupKey,
}

impl ExecutionClient {
    /// The contracts' rules and progress at one block.
    pub(crate) async fn read_chain(
        &self,
        contracts: &Contracts,
        start_block: u64,
        at: At,
    ) -> Result<ChainView, ReadFailure> {
        let header = match at {
            At::Block(hash) => self.header_by_hash(hash).await?,
            At::Time(time) => {
                self.check_sync().await?;
                self.last_block_at(start_block, time).await?
            }
        };
        let block = header.hash;
        let ((key_epoch, group_key), (paused, proposal)) = try_join!(
            keys::in_force(self, contracts.guardian_keys, block),
            keys::change(self, contracts.guardian_keys, block),
        )?;
        let of_kinds = contracts.duties.iter().map(|(kind, contract)| async move {
            let rules = contracts::rules(kind, self, (*contract, contracts.accounts.get(kind)), block).await?;
            let level = contracts::level((kind, Subject::Whole), self, *contract, block).await?;
            let level = level.ok_or_else(|| ReadFailure::NotAvailable(format!("no contract answers at {contract}")))?;
            Ok((rules, (kind, level)))
        });
        let books = contracts::active_validators(self, contracts.protocol, block);
        let (of_kinds, active_validators) = try_join(try_join_all(of_kinds), books).await?;
        let (rules, accepted): (Vec<_>, Vec<_>) = of_kinds.into_iter().unzip();
        let accepted = accepted.into_iter().collect();
        Ok(ChainView {
            block: header.block(),
            key_epoch,
            group_key,
            paused,
            proposal,
            rules,
            accepted,
            active_validators,
        })
    }

    /// How far the contracts are with `targets`, at the head and at the finalized block.
    pub(crate) async fn read_progress(
        &self,
        contracts: &Contracts,
        targets: &BTreeSet<Target>,
    ) -> Result<BTreeMap<Target, OnChainProgress>, ReadFailure> {
        self.check_sync().await?;
        let latest = self.header("latest").await?;
        let latest = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?.hash;
        // Nothing is final yet, so nothing that was accepted is.
        let last_final = self.header("finalized").await?.map(|block| block.hash);
        let of_target = |target: Target| async move {
            let contract = contracts.duties.get(target.0).copied();
            let contract = contract.ok_or_else(|| ReadFailure::NotAvailable("no contract is configured".to_owned()))?;
            let head = contracts::level(target, self, contract, latest).await?;
            let head = head.ok_or_else(|| ReadFailure::NotAvailable(format!("no contract answers at {contract}")))?;
            let finalized = match last_final {
                Some(block) => self.level_since_creation(target, contract, block).await?,
                None => Level(0),
            };
            Ok((target, OnChainProgress { head, finalized }))
        };
        Ok(try_join_all(targets.iter().copied().map(of_target)).await?.into_iter().collect())
    }

    /// A contract that does not exist yet has accepted nothing.
    async fn level_since_creation(&self, target: Target, contract: Address, block: B256) -> Result<Level, ReadFailure> {
        let level = contracts::level(target, self, contract, block).await?;
        // An empty answer is 'nothing accepted' only if the code is empty too.
        if level.is_none() && self.has_code(contract, block).await? {
            return Err(ReadFailure::NotAvailable(format!("no contract answers at {contract}")));
        }
        Ok(level.unwrap_or_default())
    }

    /// The key in force at the finalized block.
    pub(crate) async fn read_final_key(&self, contracts: &Contracts) -> Result<FinalKey, ReadFailure> {
        self.check_sync().await?;
        let finalized = self.header("finalized").await?;
        let block = finalized.ok_or_else(|| ReadFailure::NotAvailable("nothing is final yet".to_owned()))?.hash;
        let (key_epoch, group_key) = keys::in_force(self, contracts.guardian_keys, block).await?;
        Ok(FinalKey { key_epoch, group_key })
    }

    /// The last block whose timestamp is not after `time`, no block before `start` being looked at. Blocks near the head
    /// are the usual case, so the search gallops back from there before it halves.
    async fn last_block_at(&self, start: u64, time: u64) -> Result<Header, ReadFailure> {
        let latest = self.header("latest").await?;
        let latest = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?;
        if latest.timestamp() <= time {
            // Its successor could still have a timestamp that is not after the time.
            return Err(ReadFailure::NotAvailable(format!("its head is not past time {time} yet")));
        }
        let (mut after, mut step) = (latest, 1_u64);
        let mut before = loop {
            let number = after.number().saturating_sub(step).max(start);
            if after.number() <= start {
                return Err(ReadFailure::NotAvailable(format!("no block from {start} on is as old as time {time}")));
            }
            let header = self.header_at(number).await?;
            if header.timestamp() <= time {
                break header;
            }
            (after, step) = (header, step.saturating_mul(2));
        };
        while after.number().saturating_sub(before.number()) > 1 {
            let middle = before.number().midpoint(after.number());
            let header = self.header_at(middle).await?;
            if header.timestamp() <= time {
                before = header;
            } else {
                after = header;
            }
        }
        if after.parent_hash != before.hash {
            return Err(ReadFailure::NotAvailable("the chain was reorganised during the search".to_owned()));
        }
        Ok(before)
    }
}
