//! A state whose root is known: what was picked out of it, which block it belongs to, and proofs of single validators.

use super::{
    error::StateError,
    extract::Extract,
    gather::Gather,
    hash::Node,
    layout,
    merkle::{self, Work},
    preset::MAINNET,
    proof::{self, ValidatorProof},
    registry::{self, Entry},
    value,
    warm::WarmCache,
};
use guardian_protocol::{BlsPubkey, Slot};

/// What the small fields say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) genesis_time: u64,
    pub(super) genesis_validators_root: [u8; 32],
    pub(super) slot: u64,
    fork_version: [u8; 4],
    /// `latest_block_header`, encoded.
    header: Vec<u8>,
    pub(super) work: Work,
}

/// The outcome of a [`super::StateProver`].
#[derive(Debug)]
pub struct ProvedState {
    /// `hash_tree_root(state)`.
    pub root: [u8; 32],
    /// The state's slot.
    pub slot: Slot,
    /// `genesis_time`, Unix time in seconds.
    pub genesis_time: u64,
    /// `genesis_validators_root`: which chain it is of.
    pub genesis_validators_root: [u8; 32],
    /// `fork.current_version`.
    pub fork_version: [u8; 4],
    /// Its length in bytes.
    pub bytes: u64,
    /// Blocks of 64 bytes that were hashed for the root: less than all if the last state was alike, or validators are.
    pub hashed: u64,
    /// Blocks that were not hashed because validators are alike; of parts that are as in the last state, nothing is counted.
    pub spared: u64,
    /// What was picked out.
    pub extract: Extract,
    /// Whether the lists that have one element for each validator do: no true state is otherwise.
    pub lists_fit: bool,
    header: Vec<u8>,
    pub(super) fields: Vec<(&'static str, Node)>,
    pub(super) groups: [Vec<Node>; 2],
    pub(super) gather: Gather,
}

impl Outline {
    pub(super) fn note(&mut self, field: &str, bytes: &[u8]) {
        let number = || bytes.first_chunk().copied().map(u64::from_le_bytes).unwrap_or_default();
        match field {
            "genesis_time" => self.genesis_time = number(),
            "genesis_validators_root" => self.genesis_validators_root = merkle::chunk(bytes),
            "slot" => self.slot = number(),
            // The version before it, this one, and its epoch.
            "fork" => self.fork_version = bytes.get(4..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default(),
            "latest_block_header" => self.header = bytes.to_vec(),
            _ => {}
        }
    }
}

/// The root of a beacon block's header from its SSZ: slot, proposer, and the roots of parent, state and body. `None` if it has not the
/// length of one.
#[must_use]
pub(crate) fn header_root(header: &[u8]) -> Option<Node> {
    value::root(&layout::HEADER, header, &MAINNET, &mut merkle::Scratch::default()).ok()
}

impl ProvedState {
    pub(super) fn new(
        root: Node,
        bytes: u64,
        roots: Vec<Node>,
        names: Vec<&'static str>,
        outline: Outline,
        mut gather: Gather,
        warm: &WarmCache,
    ) -> Self {
        let groups = ["validators", "balances"].map(|field| {
            let needed = !gather.wanted.proofs.is_empty();
            warm.marks(field).iter().filter(|_| needed).map(|mark| mark.root).collect()
        });
        Self {
            root,
            slot: Slot(outline.slot),
            genesis_time: outline.genesis_time,
            genesis_validators_root: outline.genesis_validators_root,
            fork_version: outline.fork_version,
            bytes,
            hashed: outline.work.hashed,
            spared: outline.work.spared,
            extract: std::mem::take(&mut gather.extract),
            lists_fit: gather.lists_fit(),
            header: outline.header,
            fields: names.into_iter().zip(roots).collect(),
            groups,
            gather,
        }
    }

    /// The root of the block that the state is of: of the last one at or before its slot. A state right after its block does
    /// not have its own root in there yet; one that was advanced over skipped slots has the block's.
    #[must_use]
    pub fn block_root(&self) -> [u8; 32] {
        header_root(&self.filled_header()).unwrap_or_default()
    }

    /// Whether the state is the block's own, so that the block's root proves it; otherwise it was advanced over skipped slots, and
    /// only names the block.
    #[must_use]
    pub fn is_of_block(&self) -> bool {
        self.header_state_root() == Some(&[0; 32])
    }

    /// `latest_block_header`, with this state's root where it has none yet.
    pub(super) fn filled_header(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        if self.is_of_block()
            && let Some(place) = header.get_mut(48..80)
        {
            place.copy_from_slice(&self.root);
        }
        header
    }

    fn header_state_root(&self) -> Option<&[u8; 32]> {
        // Slot, proposer, parent root.
        self.header.get(48..80)?.first_chunk()
    }

    /// The proof of a validator that was wanted with one.
    ///
    /// # Errors
    /// [`StateError::Lists`] if the state is false; [`StateError::Encoding`] if nothing was kept for it, or no block has the state.
    pub fn proof(&self, pubkey: &BlsPubkey) -> Result<ValidatorProof, StateError> {
        let tracked = self.extract.validators.iter().find(|tracked| tracked.record.pubkey == *pubkey);
        let tracked = tracked.ok_or(StateError::Encoding("no such validator was asked for"))?;
        proof::prove(self, tracked)
    }

    /// A validator's bytes, if its surroundings were kept.
    pub(super) fn kept_validator(&self, index: u64) -> Option<Entry<'_>> {
        let [groups, _] = &self.gather.kept;
        let index = usize::try_from(index).ok()?;
        let group = groups.get(&(index / registry::GROUP))?;
        Entry::all(group).nth(index % registry::GROUP)
    }
}
