//! Reserve reports: the feed's interface, a report as call data, and the rules and amounts that are read.

use super::{wei, words};
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::SolCall,
};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use guardian_crypto::schnorr;
use guardian_protocol::{Duty, Level, ReadFailure, Reported, ReserveReport, ReserveRules, Wei};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug)]
        struct Packed {
            uint256 head;
            bytes32 referenceRoot;
            uint256 amounts;
        }

        #[derive(Debug)]
        struct Sources {
            address[] vaults;
            address[] pods;
            address liabilityToken;
        }

        interface ReserveFeed {
            function submitReport(Packed calldata report, (uint256, uint256, uint256) signature) external;
            function reportPeriodEpochs() external view returns (uint64 epochs);
            function getSources() external view returns (Sources memory sources);
            function sourcesVersion() external view returns (uint24 version);
            function deviationBps() external view returns (uint16 bps);
            function tryRead()
                external
                view
                returns (bool valid, uint256 assets, uint256 liabilities, uint256 updatedAt);
            function lastReferenceSlot() external view returns (uint64 slot);
        }

        interface ReserveProxy {
            function feed() external view returns (address feed);
        }

        interface LiabilityToken {
            function totalSupply() external view returns (uint256 supply);
            function convertToAssets(uint256 shares) external view returns (uint256 assets);
        }
    }
}

pub(crate) use abi::{LiabilityToken, ReserveFeed, ReserveProxy};

/// More accounts than this can't be meant.
const MOST_ACCOUNTS: usize = 256;
/// Balance requests in flight.
const BALANCES_AT_ONCE: usize = 8;

/// The most gas that one can need: more than five times what it does.
pub(super) const GAS_CAP: u64 = 500_000;

/// The call that brings `report` to the feed.
pub(super) fn call(duty: &Duty, report: &ReserveReport, signature: &schnorr::Signature) -> Bytes {
    let numbers = [duty.key_epoch.0, duty.reference_slot.0, report.sources_version, report.validator_count];
    let report = abi::Packed {
        head: head(numbers, [report.validators.0, report.supply.0]),
        referenceRoot: duty.reference_root,
        amounts: packed([report.pods, report.vaults, report.pending, report.liabilities].map(|gwei| gwei.0)),
    };
    ReserveFeed::submitReportCall { report, signature: words(signature).into() }.abi_encode().into()
}

/// Four numbers of 32 bits and two of 64 in one word, the first in the highest bits: `ReserveFeed.Packed`. A number that is
/// too large runs into its neighbour, and the contract refuses the signature.
fn head(numbers: [u64; 4], [validators, supply]: [u64; 2]) -> U256 {
    let small = numbers.into_iter().fold(U256::ZERO, |word, number| word << 32 | U256::from(number));
    small << 128 | U256::from(validators) << 64 | U256::from(supply)
}

/// Four numbers in one word, the first in the highest bits: `ReserveFeed.Packed`.
fn packed([first, second, third, fourth]: [u64; 4]) -> U256 {
    U256::from_limbs([fourth, third, second, first])
}

/// The feed's rules at `block`, and what its sources hold and owe there.
pub(super) async fn rules(client: &ExecutionClient, feed: Address, block: B256) -> Result<ReserveRules, ReadFailure> {
    let (period, sources, version, deviation, last) = try_join!(
        client.view_existing(feed, ReserveFeed::reportPeriodEpochsCall {}, block),
        client.view_existing(feed, ReserveFeed::getSourcesCall {}, block),
        client.view_existing(feed, ReserveFeed::sourcesVersionCall {}, block),
        client.view_existing(feed, ReserveFeed::deviationBpsCall {}, block),
        client.view_existing(feed, ReserveFeed::tryReadCall {}, block),
    )?;
    // A report is of a time; without one, everything is 0.
    let last = match last.updatedAt.is_zero() {
        true => None,
        false => Some(Reported { assets: wei(last.assets)?, liabilities: wei(last.liabilities)? }),
    };
    let (liabilities, supply) = owed(client, sources.liabilityToken, block).await?;
    Ok(ReserveRules {
        period,
        sources_version: version.to(),
        vaults: balances(client, sources.vaults, block).await?,
        pods: balances(client, sources.pods, block).await?,
        liabilities,
        supply,
        deviation_bps: deviation.into(),
        last,
    })
}

/// The last reference slot that the feed has accepted; `None` if nothing answers there.
pub(super) async fn level(client: &ExecutionClient, feed: Address, block: B256) -> Result<Option<Level>, ReadFailure> {
    Ok(client.view(feed, ReserveFeed::lastReferenceSlotCall {}, block).await?.map(Level))
}

/// The feed that `proxy` reads at `block`.
pub(crate) async fn proxied(client: &ExecutionClient, proxy: Address, block: B256) -> Result<Address, ReadFailure> {
    client.view_existing(proxy, ReserveProxy::feedCall {}, block).await
}

/// What all of a token is worth, and how much there is of it; of none, 0.
async fn owed(client: &ExecutionClient, token: Address, block: B256) -> Result<(Wei, Wei), ReadFailure> {
    if token.is_zero() {
        return Ok((0, 0));
    }
    let shares = client.view_existing(token, LiabilityToken::totalSupplyCall {}, block).await?;
    let worth = client.view_existing(token, LiabilityToken::convertToAssetsCall { shares }, block).await?;
    Ok((wei(worth)?, wei(shares)?))
}

async fn balances(
    client: &ExecutionClient,
    accounts: Vec<Address>,
    block: B256,
) -> Result<Vec<(Address, Wei)>, ReadFailure> {
    if accounts.len() > MOST_ACCOUNTS {
        return Err(ReadFailure::Malformed(format!("{} accounts to count", accounts.len())));
    }
    stream::iter(accounts)
        .map(|account| async move { Ok((account, wei(client.balance(account, block).await?)?)) })
        .buffered(BALANCES_AT_ONCE)
        .try_collect()
        .await
}
