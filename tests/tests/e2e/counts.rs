//! The network's validators, as the oracle has them after the guardians' first count.

use alloy::primitives::Bytes;
use eyre::{Result, ensure};
use guardian_tests::devnet::{Devnet, oracle::Count, waiting::wait};

/// The minimal preset's.
const SLOTS_PER_EPOCH: u64 = 8;

/// What the oracle has is what the beacon API says of the epoch that it names; nobody else could have put it there.
pub(super) async fn the_oracle_has_the_count_of_the_beacon_state(devnet: &mut Devnet) -> Result<()> {
    let oracle = devnet.contracts.puffer.oracle.clone();
    wait("a validator count", async || Ok(oracle.count().await?.is_some())).await?;
    let Some(Count { validators, epoch }) = oracle.count().await? else { eyre::bail!("no count") };
    // The client prunes old states; then the finalized one tells as well, since no validator of the devnet has left yet.
    let slot = (epoch * SLOTS_PER_EPOCH).to_string();
    let all = match devnet.beacon.validators(&slot).await {
        Ok(all) => all,
        Err(_) => devnet.beacon.validators("finalized").await?,
    };
    let active = all.iter().filter(|validator| validator.status.starts_with("active")).count() as u64;
    ensure!(active == validators, "the oracle says {validators} at epoch {epoch}, the beacon API {active}");
    ensure!(oracle.transactions().await?.len() == 1, "one count was paid for more than once");
    ensure!(oracle.refuses_strangers(vec![Bytes::from(vec![0; 104])]).await?, "a stranger could bring a count");
    Ok(())
}
