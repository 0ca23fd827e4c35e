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
use guardian_protocol::{Duty, Level, ReadFailure, ReserveReport, ReserveRules, Wei};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug)]
        struct Signature {
            uint256 rx;
            uint256 ry;
            uint256 z;
        }

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
            function submitReport(Packed calldata report, Signature calldata signature) external;
            function reportPeriodEpochs() external view returns (uint64 epochs);
            function getSources() external view returns (Sources memory sources);
            function lastReferenceSlot() external view returns (uint64 slot);
        }

        interface LiabilityToken {
            function totalSupply() external view returns (uint256 supply);
        }
    }
}

pub(crate) use abi::{LiabilityToken, ReserveFeed};

/// More accounts than this can't be meant.
const MOST_ACCOUNTS: usize = 256;
/// Balance requests in flight.
const BALANCES_AT_ONCE: usize = 8;

/// The call that brings `report` to the feed.
pub(super) fn call(duty: &Duty, report: &ReserveReport, signature: &schnorr::Signature) -> Bytes {
    let (epoch, slot) = (duty.key_epoch.0, duty.reference_slot.0);
    let report = abi::Packed {
        head: packed([epoch, slot, report.validator_count, report.validators.0]),
        referenceRoot: duty.reference_root,
        amounts: packed([report.pods, report.vaults, report.pending, report.liabilities].map(|gwei| gwei.0)),
    };
    ReserveFeed::submitReportCall { report, signature: abi_signature(signature) }.abi_encode().into()
}

/// Four numbers in one word, the first in the highest bits: `ReserveFeed.Packed`.
fn packed([first, second, third, fourth]: [u64; 4]) -> U256 {
    U256::from_limbs([fourth, third, second, first])
}

/// The feed's rules at `block`, and what its sources hold and owe there.
pub(super) async fn rules(client: &ExecutionClient, feed: Address, block: B256) -> Result<ReserveRules, ReadFailure> {
    let (period, sources) = try_join!(
        client.view_existing(feed, ReserveFeed::reportPeriodEpochsCall {}, block),
        client.view_existing(feed, ReserveFeed::getSourcesCall {}, block),
    )?;
    Ok(ReserveRules {
        period,
        vaults: balances(client, sources.vaults, block).await?,
        pods: balances(client, sources.pods, block).await?,
        liabilities: supply(client, sources.liabilityToken, block).await?,
    })
}

/// The last reference slot that the feed has accepted; `None` if nothing answers there.
pub(super) async fn level(client: &ExecutionClient, feed: Address, block: B256) -> Result<Option<Level>, ReadFailure> {
    Ok(client.view(feed, ReserveFeed::lastReferenceSlotCall {}, block).await?.map(Level))
}

/// The supply of a token; of none, 0.
async fn supply(client: &ExecutionClient, token: Address, block: B256) -> Result<Wei, ReadFailure> {
    if token.is_zero() {
        return Ok(0);
    }
    wei(client.view_existing(token, LiabilityToken::totalSupplyCall {}, block).await?)
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

fn abi_signature(signature: &schnorr::Signature) -> abi::Signature {
    let [rx, ry, z] = words(signature);
    abi::Signature { rx, ry, z }
}
