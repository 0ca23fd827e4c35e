//! Merkle proofs of single validators, against the root of the block, as EIP-4788 makes it known to contracts: branches from a
//! leaf to the block's root, with the generalized indexes of the SSZ specification ("Merkle proof formats").

use super::{
    error::StateError,
    extract::Tracked,
    hash::{Node, hash_pair},
    layout,
    list::Grouped,
    merkle::{Scratch, branch, chunk, depth_for},
    preset::MAINNET,
    proved::ProvedState,
    value,
};
use guardian_protocol::ValidatorIndex;
use serde::{Deserialize, Serialize};

/// A leaf of the block's tree and the way to its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The leaf: `hash_tree_root` of a validator, or a chunk of four balances.
    pub leaf: alloy::primitives::B256,
    /// Its generalized index in the block's tree.
    pub gindex: u128,
    /// Siblings, lowest first.
    pub siblings: Vec<alloy::primitives::B256>,
}

/// A validator's record and balance, provable to anybody who knows the block's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorProof {
    /// Root of the block.
    pub block_root: alloy::primitives::B256,
    /// The validator's index.
    pub index: ValidatorIndex,
    /// The chunks of the validator's own tree, in the order of the fields; the first is the root of the public key.
    pub fields: Vec<alloy::primitives::B256>,
    /// The validator in the registry.
    pub validator: Branch,
    /// The chunk with its balance: the balance is number `index % 4` of four little-endian numbers in the leaf.
    pub balance: Branch,
}

/// In a block's tree of eight leaves, `state_root` is the fourth.
const STATE_IN_BLOCK: u128 = 8 + 3;

impl Branch {
    /// The root that leaf and siblings lead to. `None` if there are not as many siblings as the index has levels.
    #[must_use]
    pub fn root(&self) -> Option<alloy::primitives::B256> {
        let levels = usize::try_from(self.gindex.checked_ilog2()?).ok()?;
        if levels != self.siblings.len() {
            return None;
        }
        let mut node = self.leaf.0;
        for (level, sibling) in self.siblings.iter().enumerate() {
            node = match (self.gindex >> level) & 1 {
                0 => hash_pair(&node, &sibling.0),
                _ => hash_pair(&sibling.0, &node),
            };
        }
        Some(node.into())
    }
}

pub(super) fn prove(state: &ProvedState, tracked: &Tracked) -> Result<ValidatorProof, StateError> {
    // A balance's way to the root has the list's length beside it, which is known of the validators alone.
    if !state.lists_fit {
        return Err(StateError::Lists);
    }
    let not_kept = StateError::Encoding("what a proof of this validator needs was not kept");
    if !state.is_of_block() {
        return Err(StateError::Encoding("the state was advanced over skipped slots: no block has its root"));
    }
    let index = tracked.record.index.0;
    let entry = state.kept_validator(index).ok_or(not_kept)?;
    let layout::Type::Container(types) = layout::VALIDATOR else { return Err(StateError::GivenUp) };
    let mut scratch = Scratch::default();
    let mut rest: &[u8] = entry.0;
    let mut fields = Vec::new();
    for ty in types {
        let (bytes, behind) = rest.split_at_checked(ty.size(&MAINNET).unwrap_or(0)).unwrap_or_default();
        fields.push(value::root(ty, bytes, &MAINNET, &mut scratch)?.into());
        rest = behind;
    }
    Ok(ValidatorProof {
        block_root: state.block_root().into(),
        index: tracked.record.index,
        fields,
        validator: list_branch(state, "validators", index, &mut scratch)?,
        balance: list_branch(state, "balances", index / 4, &mut scratch)?,
    })
}

/// The way from leaf number `leaf` of a list of the state to the block's root.
fn list_branch(
    state: &ProvedState,
    field: &'static str,
    leaf: u64,
    scratch: &mut Scratch,
) -> Result<Branch, StateError> {
    let missing = StateError::Encoding("what this proof needs was not kept");
    let number = state.fields.iter().position(|(name, _)| *name == field).ok_or(missing.clone())?;
    let ty = layout::fork("phase0").and_then(|fork| fork.fields().nth(number)).ok_or(missing.clone())?.ty;
    let grouped = Grouped::new(&ty, &MAINNET).ok_or(missing.clone())?;
    let [registry, balances] = &state.gather.kept;
    let [registry_roots, balances_roots] = &state.groups;
    let (kept, roots) = if field == "validators" { (registry, registry_roots) } else { (balances, balances_roots) };
    let place = usize::try_from(leaf).map_err(|_| missing.clone())?;
    let (group, in_group) = (place >> grouped.group_depth, place & ((1 << grouped.group_depth) - 1));
    let leaves = grouped.group_leaves(kept.get(&group).ok_or(missing.clone())?, scratch);
    let found = *leaves.get(in_group).ok_or(missing)?;

    let mut siblings = branch(&leaves, in_group, 0, grouped.group_depth);
    siblings.extend(branch(roots, group, grouped.group_depth, grouped.depth - grouped.group_depth));
    siblings.push(chunk(&state.extract_length(field).to_le_bytes()));
    let depth = depth_for(state.fields.len() as u64);
    let fields: Vec<Node> = state.fields.iter().map(|(_, root)| *root).collect();
    siblings.extend(branch(&fields, number, 0, depth));
    siblings.extend(header_branch(state, scratch)?);

    let gindex = gindex(depth, number, grouped.depth, leaf);
    Ok(Branch { leaf: found.into(), gindex, siblings: siblings.into_iter().map(Into::into).collect() })
}

/// The generalized index, in a block's tree, of a leaf of a list that is field `number` of a state with `depth` levels.
pub(super) fn gindex(depth: usize, number: usize, list_depth: usize, leaf: u64) -> u128 {
    let in_state = (1 << depth) + number as u128;
    let in_list = (in_state << (1 + list_depth)) + u128::from(leaf);
    joined(STATE_IN_BLOCK, in_list)
}

/// The generalized index of `inner` in a tree of which `outer` is the root of the tree that `inner` is in.
fn joined(outer: u128, inner: u128) -> u128 {
    let levels = inner.checked_ilog2().unwrap_or(0);
    (outer << levels) | (inner & !(1 << levels))
}

/// From the state's root to the block's.
fn header_branch(state: &ProvedState, scratch: &mut Scratch) -> Result<Vec<Node>, StateError> {
    let header = state.filled_header();
    let layout::Type::Container(types) = layout::HEADER else { return Err(StateError::GivenUp) };
    let mut rest = header.as_slice();
    let mut roots = Vec::new();
    for ty in types {
        let (bytes, behind) = rest.split_at_checked(ty.size(&MAINNET).unwrap_or(0)).unwrap_or_default();
        roots.push(value::root(ty, bytes, &MAINNET, scratch)?);
        rest = behind;
    }
    Ok(branch(&roots, 3, 0, 3))
}

impl ProvedState {
    fn extract_length(&self, _field: &str) -> u64 {
        // A true state has as many balances as validators.
        self.extract.network.validators
    }
}
