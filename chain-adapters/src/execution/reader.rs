//! Answers to the protocol's execution queries, from one execution node, all values of an answer at one block.

use super::client::{ExecutionClient, Header};
use crate::contracts::{EjectionRegistry, GuardianKeys, LiabilityToken, ReserveFeed};
use alloy::primitives::{Address, B256, U256};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use guardian_crypto::schnorr::GroupKey;
use guardian_protocol::{
    ports::{At, Landed, ReadFailure},
    types::{Accepted, ChainView, Contracts, KeyEpoch, Policy, Slot, Wei},
};

/// The key against which the contracts verify, at the finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalKey {
    /// Its epoch.
    pub key_epoch: KeyEpoch,
    /// The key.
    pub group_key: GroupKey,
}

/// More accounts than this can't be meant.
const MOST_ACCOUNTS: usize = 256;
/// Balance requests in flight.
const BALANCES_AT_ONCE: usize = 8;

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
        let (keys, registry, feed) = (contracts.guardian_keys, contracts.ejection_registry, contracts.reserve_feed);
        let (key, key_epoch, threshold, period, sources, accepted) = try_join!(
            self.view_existing(keys, GuardianKeys::groupKeyCall {}, block),
            self.view_existing(keys, GuardianKeys::keyEpochCall {}, block),
            self.view_existing(registry, EjectionRegistry::getEjectionThresholdCall {}, block),
            self.view_existing(feed, ReserveFeed::reportPeriodEpochsCall {}, block),
            self.view_existing(feed, ReserveFeed::getSourcesCall {}, block),
            self.accepted(contracts, block),
        )?;
        let group_key = group_key(key.px, key.py)?;
        let policy = Policy {
            ejection_threshold: wei(threshold)?,
            report_period: period,
            vaults: self.balances(sources.vaults, block).await?,
            pods: self.balances(sources.pods, block).await?,
            liabilities: self.supply(sources.liabilityToken, block).await?,
        };
        Ok(ChainView { block: header.block(), policy, accepted, key_epoch: KeyEpoch(key_epoch), group_key })
    }

    /// How far the contracts are, at the head and at the finalized block.
    pub(crate) async fn read_landed(&self, contracts: &Contracts) -> Result<Landed, ReadFailure> {
        self.check_sync().await?;
        let latest = self.header("latest").await?;
        let latest = latest.ok_or_else(|| ReadFailure::NotAvailable("it has no block".to_owned()))?;
        let head = self.accepted(contracts, latest.hash).await?;
        let finalized = match self.header("finalized").await? {
            // Nothing is final yet, so nothing that was accepted is.
            None => Accepted::default(),
            Some(block) => self.accepted_since_creation(contracts, block.hash).await?,
        };
        Ok(Landed { head, finalized })
    }

    /// The key in force at the finalized block.
    pub(crate) async fn read_final_key(&self, contracts: &Contracts) -> Result<FinalKey, ReadFailure> {
        self.check_sync().await?;
        let finalized = self.header("finalized").await?;
        let block = finalized.ok_or_else(|| ReadFailure::NotAvailable("nothing is final yet".to_owned()))?.hash;
        let (key, epoch) = try_join!(
            self.view_existing(contracts.guardian_keys, GuardianKeys::groupKeyCall {}, block),
            self.view_existing(contracts.guardian_keys, GuardianKeys::keyEpochCall {}, block),
        )?;
        Ok(FinalKey { key_epoch: KeyEpoch(epoch), group_key: group_key(key.px, key.py)? })
    }

    async fn accepted(&self, contracts: &Contracts, block: B256) -> Result<Accepted, ReadFailure> {
        let (ejection, reserves) = try_join!(
            self.view_existing(contracts.ejection_registry, EjectionRegistry::lastReferenceSlotCall {}, block),
            self.view_existing(contracts.reserve_feed, ReserveFeed::lastReferenceSlotCall {}, block),
        )?;
        Ok(Accepted { ejection: Slot(ejection), reserves: Slot(reserves) })
    }

    /// [`Self::accepted`], where a contract that does not exist yet has accepted nothing.
    async fn accepted_since_creation(&self, contracts: &Contracts, block: B256) -> Result<Accepted, ReadFailure> {
        let (registry, feed) = (contracts.ejection_registry, contracts.reserve_feed);
        let (ejection, reserves) = try_join!(
            self.view(registry, EjectionRegistry::lastReferenceSlotCall {}, block),
            self.view(feed, ReserveFeed::lastReferenceSlotCall {}, block),
        )?;
        for (contract, slot) in [(registry, ejection), (feed, reserves)] {
            // An empty answer is 'nothing accepted' only if the code is empty too.
            if slot.is_none() && self.has_code(contract, block).await? {
                return Err(ReadFailure::NotAvailable(format!("no contract answers at {contract}")));
            }
        }
        Ok(Accepted { ejection: Slot(ejection.unwrap_or(0)), reserves: Slot(reserves.unwrap_or(0)) })
    }

    /// The supply of a token; of none, 0.
    async fn supply(&self, token: Address, block: B256) -> Result<Wei, ReadFailure> {
        if token.is_zero() {
            return Ok(0);
        }
        wei(self.view_existing(token, LiabilityToken::totalSupplyCall {}, block).await?)
    }

    async fn balances(&self, accounts: Vec<Address>, block: B256) -> Result<Vec<(Address, Wei)>, ReadFailure> {
        if accounts.len() > MOST_ACCOUNTS {
            return Err(ReadFailure::Malformed(format!("{} accounts to count", accounts.len())));
        }
        stream::iter(accounts)
            .map(|account| async move { Ok((account, wei(self.balance(account, block).await?)?)) })
            .buffered(BALANCES_AT_ONCE)
            .try_collect()
            .await
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

fn group_key(px: U256, py: U256) -> Result<GroupKey, ReadFailure> {
    GroupKey::from_coordinates(px.to_be_bytes(), py.to_be_bytes())
        .map_err(|_| ReadFailure::Malformed("the contract's group key is not a key".to_owned()))
}

fn wei(amount: U256) -> Result<Wei, ReadFailure> {
    Wei::try_from(amount).map_err(|_| ReadFailure::Malformed("more ether than there can be".to_owned()))
}
