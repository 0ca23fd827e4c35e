//! The real client's states, hashed by our own code.

use eyre::{Result, ensure};
use guardian_tests::devnet::{Devnet, roots, waiting::PATIENCE};
use std::time::{Duration, Instant};

/// Live states of every kind, hashed by our own code: the roots are those that the real client computed, and no bit can change.
pub(crate) async fn they_have_the_roots_that_the_chain_says(devnet: &Devnet) -> Result<()> {
    let (started, mut seen, mut skipped) = (Instant::now(), std::collections::BTreeSet::new(), 0);
    while started.elapsed() < PATIENCE && seen.len() < 12 {
        let finalized = devnet.beacon.finalized_epoch().await? * 8;
        let slots = (finalized..finalized + 24).filter(|slot| !seen.contains(slot)).map(|slot| slot.to_string());
        let names = ["finalized", "justified", "head"].map(str::to_owned);
        for id in names.into_iter().chain(slots.collect::<Vec<_>>()) {
            let Some(state) = roots::hash(&devnet.beacon, &id).await? else { continue };
            skipped += usize::from(seen.insert(state.slot) && !state.is_of_block);
        }
        // The node has validators to serve.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!(
        "{} states hashed as the client does, {skipped} of them advanced over skipped slots: {seen:?}",
        seen.len()
    );
    ensure!(seen.len() >= 12, "too few states were served: {seen:?}");
    Ok(())
}
