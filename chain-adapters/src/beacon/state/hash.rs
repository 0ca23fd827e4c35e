//! SHA-256 of many 64-byte blocks at once: the only hash that a Merkle tree needs. The work is done by the CPU's instructions
//! (`hashtree`, which hashes blocks side by side and has the padding's schedule built in); this file only guards its door.

use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// A node of a Merkle tree.
pub(super) type Node = [u8; 32];

/// Bytes of a [`Node`].
pub(super) const NODE: usize = 32;
/// Bytes of two.
pub(super) const PAIR: usize = 64;

/// Hashes each 64 bytes of `pairs` to 32 bytes of `out`; what has no room in `out` is left out. Returns how many there were.
pub(super) fn hash_pairs(out: &mut [u8], pairs: &[u8]) -> u64 {
    // The library takes our word for the lengths.
    let count = (pairs.len() / PAIR).min(out.len() / NODE);
    if fast() {
        hashtree_rs::hash(out, pairs, count);
    } else {
        scalar(out, pairs);
    }
    count as u64
}

/// One pair.
pub(super) fn hash_pair(left: &Node, right: &Node) -> Node {
    let mut pair = [0; PAIR];
    let (first, second) = pair.split_at_mut(NODE);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    let mut out = [0; NODE];
    hash_pairs(&mut out, &pair);
    out
}

/// Hashes as many blocks as `count` says, over and over the same buffer: the bare work that proving is measured against.
pub fn bare_hashing(count: u64) {
    let (input, mut out) = (vec![0x5a; 512 * PAIR], vec![0; 512 * NODE]);
    let mut left = count;
    while left > 0 {
        let batch = usize::try_from(left.min(512)).unwrap_or(512);
        left -= hash_pairs(&mut out, input.get(..batch * PAIR).unwrap_or_default()).max(1);
        std::hint::black_box(&mut out);
    }
}

/// Whether the library may be used: on this CPU it has to give what the plain implementation gives.
fn fast() -> bool {
    static FAST: OnceLock<bool> = OnceLock::new();
    *FAST.get_or_init(|| {
        hashtree_rs::init();
        // More than the widest implementation hashes side by side, and an odd rest.
        const BLOCKS: usize = 35;
        let input: Vec<u8> = (0..BLOCKS * PAIR).map(|i| (i * 31 + i / 64) as u8).collect();
        let same = (1..=BLOCKS).all(|count| {
            let (mut ours, mut plain) = (vec![0; count * NODE], vec![0; count * NODE]);
            let input = input.get(..count * PAIR).unwrap_or_default();
            hashtree_rs::hash(&mut ours, input, count);
            scalar(&mut plain, input);
            ours == plain
        });
        if !same {
            tracing::error!("SHA-256 with this CPU's instructions gives wrong digests; hashing without them, slowly");
        }
        same
    })
}

fn scalar(out: &mut [u8], pairs: &[u8]) {
    for (pair, out) in pairs.chunks_exact(PAIR).zip(out.chunks_exact_mut(NODE)) {
        out.copy_from_slice(&Sha256::digest(pair));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_way_gives_what_the_plain_one_gives() {
        assert!(fast());
        let pairs: Vec<u8> = (0..PAIR * 70).map(|i| (i % 251) as u8).collect();
        for count in [0, 1, 2, 3, 15, 16, 17, 64, 70] {
            let (mut ours, mut plain) = (vec![0; count * NODE], vec![0; count * NODE]);
            assert_eq!(hash_pairs(&mut ours, &pairs[..count * PAIR]), count as u64);
            scalar(&mut plain, &pairs[..count * PAIR]);
            assert_eq!(ours, plain);
        }
    }

    #[test]
    fn nothing_is_written_beyond_the_room_there_is() {
        let mut out = [7; NODE + 5];
        assert_eq!(hash_pairs(&mut out, &[1; PAIR * 9]), 1);
        assert_eq!(out[NODE..], [7; 5]);
    }
}
