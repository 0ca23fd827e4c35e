//! What the devnet's reserve feed says, to consumers and to whoever watches it; and how its reserves are lost.

use super::{
    contracts::{self, Accepted, Deployment},
    plan,
};
use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    sol,
    sol_types::SolEvent,
};
use eyre::{Result, ensure};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug)]
        struct Stored {
            uint64 referenceSlot;
            uint64 validatorCount;
            uint64 validatorGwei;
            uint64 otherGwei;
            uint64 liabilityGwei;
            bool contested;
        }
        #[sol(rpc)]
        interface ReserveFeed {
            event ReserveReported(uint64 indexed referenceSlot, bytes32 indexed digest, bytes32 referenceRoot, uint256 assets, uint256 liabilities, uint256 supply);
            event ReportContested(uint64 indexed referenceSlot, address by);
            event ContestEnded(uint64 indexed referenceSlot);
            function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
            function latestReport() external view returns (Stored memory stored);
            function sourcesVersion() external view returns (uint24 version);
            function isStale() external view returns (bool stale);
        }
    }
}

pub(super) use abi::{ReserveFeed, Stored};

/// The reserve reports that a feed accepted, oldest first.
///
/// # Errors
/// If the EVM does not answer.
pub(super) async fn reports_of(provider: &DynProvider, feed: Address) -> Result<Vec<Accepted>> {
    contracts::accepted(provider, feed, ReserveFeed::ReserveReported::SIGNATURE_HASH).await
}

impl Deployment {
    /// The reserve reports that the feed accepted, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn reports(&self) -> Result<Vec<Accepted>> {
        reports_of(&self.provider, self.reserve_feed).await
    }

    /// The reports that were contested, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn contested(&self) -> Result<Vec<Accepted>> {
        self.of_feed(ReserveFeed::ReportContested::SIGNATURE_HASH).await
    }

    /// The reports that ended a contest, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn contests_ended(&self) -> Result<Vec<Accepted>> {
        self.of_feed(ReserveFeed::ContestEnded::SIGNATURE_HASH).await
    }

    async fn of_feed(&self, event: B256) -> Result<Vec<Accepted>> {
        contracts::accepted(&self.provider, self.reserve_feed, event).await
    }

    /// The latest report as the feed keeps it, contested or not.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn latest_report(&self) -> Result<Stored> {
        Ok(ReserveFeed::new(self.reserve_feed, &self.provider).latestReport().call().await?)
    }

    /// The version of what is counted.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn sources_version(&self) -> Result<u64> {
        Ok(ReserveFeed::new(self.reserve_feed, &self.provider).sourcesVersion().call().await?.to())
    }

    /// Whether nobody may rely on the feed.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn is_stale(&self) -> Result<bool> {
        Ok(ReserveFeed::new(self.reserve_feed, &self.provider).isStale().call().await?)
    }

    /// The feed's answer, read as a DeFi protocol would: reserves in wei, and the time of the reference slot.
    ///
    /// # Errors
    /// If there is no report yet, or a contested one.
    pub async fn latest_round(&self) -> Result<(U256, u64)> {
        let round = ReserveFeed::new(self.reserve_feed, &self.provider).latestRoundData().call().await?;
        Ok((round.answer.try_into()?, u64::try_from(round.updatedAt)?))
    }

    /// What the vaults hold, in wei.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn vault_balance(&self) -> Result<U256> {
        Ok(self.balance(self.puffer.vault).await? + self.balance(plan::VAULT).await?)
    }

    /// Ether vanishes from Puffer's vault. Returns a time before which no block shows it.
    ///
    /// # Errors
    /// If the vault does not have as much.
    pub(super) async fn lose(&self, wei: U256) -> Result<u64> {
        let (time, vault) = (self.evm.time().await?, self.puffer.vault);
        let before = self.balance(vault).await?;
        ensure!(wei < before, "the vault has {before} wei, and {wei} can't be lost");
        self.evm.set_balance(vault, before - wei).await?;
        Ok(time)
    }

    async fn balance(&self, account: Address) -> Result<U256> {
        Ok(self.provider.get_balance(account).await?)
    }
}
