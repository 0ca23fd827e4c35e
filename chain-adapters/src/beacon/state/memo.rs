//! Roots of small trees over numbers that come again and again. Validators that entered together have the same epochs, and nearly all of
//! them one of a few effective balances: four of the nine blocks of a validator's place in the registry are those of its neighbours.

use super::hash::{NODE, Node, hash_pairs};

/// Trees that are remembered. A new one takes the place of another: neighbours are alike, the distant past is not.
const SLOTS: usize = 512;

/// The last trees over so many numbers. The number of leaves is a power of two.
#[derive(Debug, Default)]
pub(super) struct Memo<const LEAVES: usize> {
    slots: Vec<Option<([u64; LEAVES], Node)>>,
    /// Blocks of 64 bytes that need not be hashed.
    pub(super) spared: u64,
    /// Blocks that were.
    pub(super) hashed: u64,
}

impl<const LEAVES: usize> Memo<LEAVES> {
    /// The root of the tree whose leaves are chunks with one number each.
    pub(super) fn root(&mut self, leaves: [u64; LEAVES]) -> Node {
        let blocks = LEAVES as u64 - 1;
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        let Some(slot) = self.slots.get_mut(place(&leaves)) else { return root(&leaves) };
        if let Some((known, root)) = slot
            && *known == leaves
        {
            self.spared += blocks;
            return *root;
        }
        self.hashed += blocks;
        let root = root(&leaves);
        *slot = Some((leaves, root));
        root
    }
}

/// Any well-spread number will do: a collision costs time, since the leaves themselves are compared.
fn place(leaves: &[u64]) -> usize {
    let mixed =
        leaves.iter().fold(0_u64, |mixed, leaf| (mixed ^ leaf).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    (mixed >> 20) as usize % SLOTS
}

fn root<const LEAVES: usize>(leaves: &[u64; LEAVES]) -> Node {
    let mut nodes = [[0; NODE]; LEAVES];
    for (node, leaf) in nodes.iter_mut().zip(leaves) {
        if let Some(place) = node.first_chunk_mut() {
            *place = leaf.to_le_bytes();
        }
    }
    let mut above = [[0; NODE]; LEAVES];
    let mut count = LEAVES;
    while count > 1 {
        let below = nodes.get(..count).unwrap_or_default();
        hash_pairs(above.as_flattened_mut(), below.as_flattened());
        std::mem::swap(&mut nodes, &mut above);
        count /= 2;
    }
    nodes.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beacon::state::merkle::Scratch;

    fn scalar(leaves: &[u64]) -> Node {
        let mut scratch = Scratch::default();
        for leaf in leaves {
            scratch.nodes.extend_from_slice(&leaf.to_le_bytes());
            scratch.nodes.resize(scratch.nodes.len().next_multiple_of(NODE), 0);
        }
        scratch.root(0, leaves.len().ilog2() as usize)
    }

    #[test]
    fn a_root_is_the_trees_however_often_it_is_asked_for_and_whatever_was_in_its_place() {
        let (mut pairs, mut fours) = (Memo::<2>::default(), Memo::<4>::default());
        for round in 0..3_u64 {
            // Many more trees than slots, and each twice in a row.
            for n in (0..4 * SLOTS as u64).flat_map(|n| [n, n]) {
                let (pair, four) = ([n, u64::MAX - n], [n, n ^ 1, u64::MAX, n << 40]);
                assert_eq!(pairs.root(pair), scalar(&pair), "{round}");
                assert_eq!(fours.root(four), scalar(&four), "{round}");
            }
        }
        let asked = 3 * 2 * 4 * SLOTS as u64;
        assert_eq!((pairs.hashed + pairs.spared, fours.hashed + fours.spared), (asked, 3 * asked));
        assert!(pairs.spared >= asked / 2 && fours.spared >= 3 * asked / 2);
    }

    #[test]
    fn the_order_of_leaves_matters() {
        let mut pairs = Memo::<2>::default();
        assert_ne!(pairs.root([1, 2]), pairs.root([2, 1]));
        assert_eq!(pairs.root([0, 0]), scalar(&[0, 0]));
    }
}
