//! Facts as a Merkle tree, so that two guardians find where they differ by comparing a few hashes.
//!
//! A fact's place is the hash of its name, and a node is what lies below a common beginning of places, in steps of four bits. So the
//! tree's shape depends on nothing but its facts: one that is missing on one side moves nothing else.

use super::facts::Fact;
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// A node's name: the first half-bytes of the places below it, from the root.
pub(crate) type Place = Vec<u8>;

/// What lies below one place.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Node {
    /// Few facts: these, in order of their places.
    Facts(Vec<Fact>),
    /// More: the hashes of what lies below each of the next half-bytes.
    Branch(Box<[B256; Node::CHILDREN]>),
}

impl Node {
    /// Children of a branch.
    pub const CHILDREN: usize = 16;
    /// More facts than these make a branch.
    pub const MAX_FACTS: usize = 16;

    /// Names everything below.
    #[must_use]
    pub fn hash(&self) -> B256 {
        // A node's encoding begins with its kind, so facts can't pass for hashes.
        borsh::to_vec(self).map(keccak256).unwrap_or_default()
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    facts: BTreeMap<B256, Fact>,
    branches: BTreeMap<Place, Node>,
}

impl Tree {
    /// The tree of `facts`, with all its hashes.
    #[must_use]
    pub(crate) fn new(facts: BTreeMap<String, String>) -> Self {
        let facts = facts.into_iter().map(|(name, value)| (keccak256(name.as_bytes()), Fact { name, value })).collect();
        let mut tree = Self { facts, branches: BTreeMap::new() };
        tree.plant(&mut Place::new());
        tree
    }

    /// Names all facts together.
    #[must_use]
    pub(crate) fn root(&self) -> B256 {
        self.node(&[]).map(|node| node.hash()).unwrap_or_default()
    }

    /// What lies below `place`; `None` if there is no such place.
    #[must_use]
    pub(crate) fn node(&self, place: &[u8]) -> Option<Node> {
        if let Some(branch) = self.branches.get(place) {
            return Some(branch.clone());
        }
        Some(Node::Facts(self.below(place)?.cloned().collect()))
    }

    /// All facts below `place`.
    pub(crate) fn below(&self, place: &[u8]) -> Option<impl Iterator<Item = &Fact> + use<'_>> {
        let (first, last) = (bound(place, 0)?, bound(place, 15)?);
        Some(self.facts.range(first..=last).map(|(_, fact)| fact))
    }

    fn plant(&mut self, place: &mut Place) -> B256 {
        let facts: Vec<Fact> =
            self.below(place).into_iter().flatten().take(Node::MAX_FACTS.saturating_add(1)).cloned().collect();
        if facts.len() <= Node::MAX_FACTS {
            return Node::Facts(facts).hash();
        }
        let mut children = [B256::ZERO; Node::CHILDREN];
        for (half, child) in (0u8..).zip(&mut children) {
            place.push(half);
            *child = self.plant(place);
            place.pop();
        }
        let branch = Node::Branch(Box::new(children));
        let hash = branch.hash();
        self.branches.insert(place.clone(), branch);
        hash
    }
}

/// The first or last place that begins with `place`, filled up with `fill`.
fn bound(place: &[u8], fill: u8) -> Option<B256> {
    let mut halves = [fill; 64];
    halves.get_mut(..place.len())?.copy_from_slice(place);
    if halves.iter().any(|half| *half > 15) {
        return None;
    }
    let mut bound = B256::ZERO;
    for (byte, pair) in bound.iter_mut().zip(halves.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (high << 4) | low;
    }
    Some(bound)
}
