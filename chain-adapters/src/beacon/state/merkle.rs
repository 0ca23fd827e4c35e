//! Merkle trees as the SSZ specification has them ("Merkleization"): chunks of 32 bytes, padded with zeros up to the limit of
//! the type. Nothing here knows what the chunks mean.

use super::{
    hash::{NODE, Node, PAIR, hash_pair, hash_pairs},
    memo::Memo,
};
use std::sync::OnceLock;

/// Levels that a tree can have: limits reach 2^40, the lists' element counts and containers come on top.
const LEVELS: usize = 64;

/// Working memory of one thread, and how many blocks it hashed.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The level being reduced; a caller fills it with leaves.
    pub(super) nodes: Vec<u8>,
    above: Vec<u8>,
    /// Blocks of 64 bytes hashed, but for those of the memos.
    hashed: u64,
    /// Small trees over two numbers.
    pub(super) pairs: Memo<2>,
    /// Small trees over four numbers.
    pub(super) fours: Memo<4>,
}

/// Work on trees, in blocks of 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Hashed.
    pub(super) hashed: u64,
    /// Not hashed, because the digest was known.
    pub(super) spared: u64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, more: Self) {
        self.hashed += more.hashed;
        self.spared += more.spared;
    }
}

impl Scratch {
    /// The root of the tree of `depth` levels over [`Self::nodes`], which stand at `level` above the chunks. Nodes that are
    /// missing are those of zeros.
    pub(super) fn root(&mut self, level: usize, depth: usize) -> Node {
        if self.nodes.is_empty() {
            return zero(level + depth);
        }
        for height in level..level + depth {
            self.up(height);
        }
        self.nodes.first_chunk().copied().unwrap_or_default()
    }

    /// One level up from `height`.
    pub(super) fn up(&mut self, height: usize) {
        if !self.nodes.len().is_multiple_of(PAIR) {
            self.nodes.extend_from_slice(&zero(height));
        }
        self.above.resize(self.nodes.len() / 2, 0);
        self.hashed += hash_pairs(&mut self.above, &self.nodes);
        std::mem::swap(&mut self.nodes, &mut self.above);
    }

    /// One level up from `height`, with a sibling to the right of each node.
    pub(super) fn join(&mut self, height: usize, siblings: impl IntoIterator<Item = Node>) {
        self.above.resize(self.nodes.len() * 2, 0);
        let lefts = self.nodes.as_chunks::<NODE>().0;
        let pairs = self.above.as_chunks_mut::<NODE>().0.as_chunks_mut::<2>().0;
        for ((pair, left), right) in pairs.iter_mut().zip(lefts).zip(siblings) {
            *pair = [*left, right];
        }
        std::mem::swap(&mut self.nodes, &mut self.above);
        self.up(height);
    }

    /// What was done since the last call.
    pub(super) fn take_work(&mut self) -> Work {
        let take = std::mem::take::<u64>;
        let Self { hashed, pairs, fours, .. } = self;
        Work {
            hashed: take(hashed) + take(&mut pairs.hashed) + take(&mut fours.hashed),
            spared: take(&mut pairs.spared) + take(&mut fours.spared),
        }
    }
}

/// The root of a tree of `level` levels over zero chunks.
pub(super) fn zero(level: usize) -> Node {
    static ZEROS: OnceLock<Vec<Node>> = OnceLock::new();
    let zeros = ZEROS.get_or_init(|| {
        let mut zeros = vec![[0; NODE]];
        for _ in 0..LEVELS {
            let below = zeros.last().copied().unwrap_or_default();
            zeros.push(hash_pair(&below, &below));
        }
        zeros
    });
    zeros.get(level).copied().unwrap_or_default()
}

/// Levels of the smallest tree that has room for `count` leaves.
pub(super) const fn depth_for(count: u64) -> usize {
    if count <= 1 { 0 } else { (u64::BITS - (count - 1).leading_zeros()) as usize }
}

/// The root of a list: its chunks' root and its length.
pub(super) fn mix_in_length(root: &Node, length: u64) -> Node {
    hash_pair(root, &chunk(&length.to_le_bytes()))
}

/// `bytes`, of which 32 at most are taken, as a chunk.
pub(super) fn chunk(bytes: &[u8]) -> Node {
    let mut chunk = [0; NODE];
    for (to, from) in chunk.iter_mut().zip(bytes) {
        *to = *from;
    }
    chunk
}

/// The siblings on the way from leaf `index` to the root of a tree of `depth` levels over `nodes`, which stand at `level`;
/// lowest first.
pub(super) fn branch(nodes: &[Node], index: usize, level: usize, depth: usize) -> Vec<Node> {
    let mut nodes = nodes.to_vec();
    let mut index = index;
    let mut siblings = Vec::with_capacity(depth);
    for height in level..level + depth {
        siblings.push(nodes.get(index ^ 1).copied().unwrap_or(zero(height)));
        nodes = nodes
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash_pair(left, right),
                [left] => hash_pair(left, &zero(height)),
                _ => zero(height),
            })
            .collect();
        index /= 2;
    }
    siblings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(leaves: &[Node], depth: usize) -> Node {
        let mut scratch = Scratch { nodes: leaves.concat(), ..Scratch::default() };
        scratch.root(0, depth)
    }

    #[test]
    fn missing_leaves_are_zeros() {
        let leaf = |n: u8| [n; NODE];
        let padded = [leaf(1), leaf(2), leaf(3), leaf(0), leaf(0), leaf(0), leaf(0), leaf(0)];
        assert_eq!(root(&padded[..3], 3), root(&padded, 3));
        assert_eq!(root(&[], 3), zero(3));
        assert_eq!(root(&[leaf(0)], 40), zero(40));
        assert_eq!(root(&[leaf(9)], 0), leaf(9));
    }

    #[test]
    fn a_branch_leads_to_the_root() {
        let leaves: Vec<Node> = (0..11).map(|n| [n; NODE]).collect();
        for index in 0..leaves.len() {
            let mut node = leaves[index];
            for (height, sibling) in branch(&leaves, index, 0, 6).iter().enumerate() {
                node = if (index >> height) & 1 == 0 { hash_pair(&node, sibling) } else { hash_pair(sibling, &node) };
            }
            assert_eq!(node, root(&leaves, 6));
        }
    }

    #[test]
    fn depths_are_those_of_the_next_power_of_two() {
        let depths: Vec<usize> = [0, 1, 2, 3, 4, 5, 8, 9, 1 << 40].into_iter().map(depth_for).collect();
        assert_eq!(depths, [0, 0, 1, 2, 2, 3, 3, 4, 40]);
    }
}
