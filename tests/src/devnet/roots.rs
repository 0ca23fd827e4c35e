//! A real client's states, hashed by our own code.

use super::beacon::Beacon;
use eyre::{Result, ensure};
use guardian_chain::state::{MINIMAL, ProvedState, StateError, StateProver, Wanted, WarmCache};

/// A state whose root is the one that the client says, and no other bits have that root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// Its slot.
    pub slot: u64,
    /// Its fork.
    pub fork: String,
    /// Whether it is a block's own; else it was advanced over skipped slots.
    pub is_of_block: bool,
}

/// Hashes the state with this id. `None` if the node does not have it, or `id` meant another one meanwhile.
///
/// # Errors
/// If our root is another than the client's, or a changed bit does not change it.
pub async fn hash(beacon: &Beacon, id: &str) -> Result<Option<Hashed>> {
    let Ok(served) = beacon.state_root(id).await else { return Ok(None) };
    let Some(state) = beacon.state(id).await? else { return Ok(None) };
    if beacon.state_root(id).await.ok().as_ref() != Some(&served) {
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
    match beacon.header(&shown(&ours.block_root())).await {
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
    Ok(Some(Hashed { slot: ours.slot.0, fork: state.fork, is_of_block }))
}
