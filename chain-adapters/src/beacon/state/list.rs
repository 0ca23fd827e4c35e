//! Long lists and vectors, hashed group by group: a group is a subtree of the list's tree, small enough for the processor's
//! cache. Groups are independent of each other, so all cores hash at once, and a group whose bytes are those of last time
//! need not be hashed again.

use super::{
    error::StateError,
    hash::{NODE, Node},
    layout::Type,
    merkle::{Scratch, depth_for, mix_in_length},
    preset::Preset,
    registry::{self, VALIDATOR_BYTES},
    value,
};

/// Levels of a group's tree over chunks: 1024 chunks, 32 KiB.
const CHUNK_LEVELS: usize = 10;
/// Levels of a group's tree over containers.
const CONTAINER_LEVELS: usize = registry::GROUP.ilog2() as usize;
/// Vectors below this size, in bytes, are read as a whole.
const SMALL: usize = 4096;

/// How the elements become leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// Several in a chunk.
    Packed,
    /// Each is a chunk.
    Chunks,
    /// [`registry`] knows how.
    Validators,
    /// Each has a root of its own.
    Containers(Type),
}

/// A list's or vector's tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouped {
    leaves: Leaves,
    /// Bytes of an element.
    pub(super) element: usize,
    /// Most elements; of a vector, all.
    pub(super) limit: u64,
    /// Bytes of a full group.
    pub(super) group: usize,
    /// Levels of a group's tree.
    pub(super) group_depth: usize,
    /// Levels of the whole tree.
    pub(super) depth: usize,
    is_list: bool,
}

impl Grouped {
    /// For types whose elements are all of one size, unless they are small.
    pub(super) fn new(ty: &Type, preset: &Preset) -> Option<Self> {
        if ty.size(preset).is_some_and(|size| size < SMALL) {
            return None;
        }
        let (element_type, limit, is_list) = match ty {
            Type::List(element, limit) => (element, limit.get(preset), true),
            Type::Vector(element, count) => (element, count.get(preset), false),
            Type::Uint(_) | Type::Bits(_) | Type::BitList(_) | Type::Container(_) => return None,
        };
        let element = element_type.size(preset).filter(|size| *size > 0)?;
        let (leaves, levels) = match element_type {
            Type::Uint(_) => (Leaves::Packed, CHUNK_LEVELS),
            Type::Vector(Type::Uint(1), _) if element == NODE => (Leaves::Chunks, CHUNK_LEVELS),
            Type::Container(_) if element == VALIDATOR_BYTES => (Leaves::Validators, CONTAINER_LEVELS),
            other @ (Type::Bits(_) | Type::BitList(_) | Type::Vector(..) | Type::List(..) | Type::Container(_)) => {
                (Leaves::Containers(**other), CONTAINER_LEVELS)
            }
        };
        let chunks = match leaves {
            Leaves::Packed => limit.div_ceil((NODE / element) as u64),
            Leaves::Chunks | Leaves::Validators | Leaves::Containers(_) => limit,
        };
        let depth = depth_for(chunks);
        let group_depth = levels.min(depth);
        let leaf = if matches!(leaves, Leaves::Packed) { NODE } else { element };
        Some(Self { leaves, element, limit, group: leaf << group_depth, group_depth, depth, is_list })
    }

    /// The root of one group.
    ///
    /// # Errors
    /// [`StateError::Encoding`] if an element encodes nothing.
    pub(super) fn group_root(&self, bytes: &[u8], preset: &Preset, scratch: &mut Scratch) -> Result<Node, StateError> {
        match self.leaves {
            Leaves::Packed | Leaves::Chunks => {
                scratch.nodes.clear();
                scratch.nodes.extend_from_slice(bytes);
                scratch.nodes.resize(bytes.len().div_ceil(NODE) * NODE, 0);
                Ok(scratch.root(0, self.group_depth))
            }
            Leaves::Validators => Ok(registry::group_root(bytes, self.group_depth, scratch)),
            Leaves::Containers(ty) => {
                let roots: Result<Vec<Node>, _> = bytes
                    .chunks_exact(self.element)
                    .map(|element| value::root(&ty, element, preset, scratch))
                    .collect();
                Ok(value::over(&roots?, self.group_depth, scratch))
            }
        }
    }

    /// The leaves of one group: what a proof needs of it.
    pub(super) fn group_leaves(&self, bytes: &[u8], scratch: &mut Scratch) -> Vec<Node> {
        match self.leaves {
            Leaves::Validators => registry::validator_roots(bytes, scratch),
            Leaves::Packed | Leaves::Chunks | Leaves::Containers(_) => {
                bytes.chunks(NODE).map(super::merkle::chunk).collect()
            }
        }
    }

    /// The root of the whole, over its groups' roots.
    pub(super) fn root(&self, groups: impl Iterator<Item = Node>, elements: u64, scratch: &mut Scratch) -> Node {
        scratch.nodes.clear();
        for root in groups {
            scratch.nodes.extend_from_slice(&root);
        }
        let root = scratch.root(self.group_depth, self.depth - self.group_depth);
        if self.is_list { mix_in_length(&root, elements) } else { root }
    }
}
