//! The real client's states, hashed by our own code.

use eyre::{Result, ensure};
use guardian_chain::state::{MINIMAL, ProvedState, StateError, StateProver, Wanted, WarmCache};
use guardian_tests::devnet::{Devnet, waiting::PATIENCE};
use std::time::{Duration, Instant};

/// Live states of every kind, hashed by our own code: the roots are those that the real client computed, and no bit can change.
pub(crate) async fn they_have_the_roots_that_the_chain_says(devnet: &Devnet) -> Result<()> {
    let (started, mut seen, mut skipped) = (Instant::now(), std::collections::BTreeSet::new(), 0);
    while started.elapsed() < PATIENCE && seen.len() < 12 {
        let finalized = devnet.beacon.finalized_epoch().await? * 8;
        let slots = (finalized..finalized + 24).filter(|slot| !seen.contains(slot)).map(|slot| slot.to_string());
        let names = ["finalized", "justified", "head"].map(str::to_owned);
        for id in names.into_iter().chain(slots.collect::<Vec<_>>()) {
            let Some((slot, is_of_block)) = the_root_is_right(devnet, &id).await? else { continue };
            skipped += usize::from(seen.insert(slot) && !is_of_block);
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

/// The state's slot, and whether it is a block's own. `None` if the node does not have it, or `id` meant another one meanwhile.
async fn the_root_is_right(devnet: &Devnet, id: &str) -> Result<Option<(u64, bool)>> {
    let Ok(served) = devnet.beacon.state_root(id).await else { return Ok(None) };
    let Some(state) = devnet.beacon.state(id).await? else { return Ok(None) };
    if devnet.beacon.state_root(id).await.ok().as_ref() != Some(&served) {
        return Ok(None);
    }
    let hashed = |bytes: &[u8]| -> Result<ProvedState, StateError> {
        let mut prover = StateProver::new(&state.fork, MINIMAL, None, Wanted::default(), WarmCache::default())?;
        prover.feed(bytes)?;
        prover.finish().0
    };
    let ours = hashed(&state.bytes)?;
    let shown = |root: &[u8; 32]| format!("0x{}", hex::encode(root));
    ensure!(shown(&ours.root) == served, "state {id}: {} instead of {served}", shown(&ours.root));
    let is_of_block = ours.is_of_block();
    match devnet.beacon.header(&shown(&ours.block_root())).await {
        Ok(header) => {
            let fits = (header.state_root == served, header.slot == ours.slot.0);
            ensure!(fits == (is_of_block, is_of_block), "state {id}: {header:?}");
        }
        // Nobody signed the genesis block: the client has no header of it.
        Err(error) => ensure!(ours.slot.0 < 8, "state {id}: {error}"),
    }
    // Places follow from the root: another one each time, and the same for who wants to see it again.
    for word in ours.root.chunks_exact(4) {
        let place = word.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)) % (state.bytes.len() * 8);
        let mut other = state.bytes.clone();
        other[place / 8] ^= 1 << (place % 8);
        let undetected = hashed(&other).is_ok_and(|other| other.root == ours.root);
        ensure!(!undetected, "state {id} with another bit {place} has the same root");
    }
    Ok(Some((ours.slot.0, is_of_block)))
}
