//! What is known of the groups of the last state: a collision-resistant digest of a group's bytes, and the root of its tree.
//! Most of a registry stays as it was from one epoch to the next, and digesting bytes with BLAKE3 is a tenth of the work of
//! hashing them as a tree. An entry is a fact about bytes, whoever sent them: a provider that lies cannot spoil it.

use super::hash::Node;
use std::collections::BTreeMap;

/// One group's bytes and root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) digest: [u8; 32],
    pub(super) root: Node,
}

/// The groups of every long field of the last states read. 64 bytes for each 31 kB of state: 0.7 MB at 2.2 million validators.
#[derive(Clone, Debug, Default)]
pub struct WarmCache {
    fields: BTreeMap<&'static str, Vec<Mark>>,
}

impl WarmCache {
    /// The groups of a field.
    pub(super) fn marks(&self, field: &'static str) -> &[Mark] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    /// Replaces the groups from number `first` on by `marks`; leaves those behind them.
    pub(super) fn put(&mut self, field: &'static str, first: usize, marks: impl IntoIterator<Item = Mark>) {
        let known = self.fields.entry(field).or_default();
        for (place, mark) in (first..).zip(marks) {
            match known.get_mut(place) {
                Some(old) => *old = mark,
                None => known.push(mark),
            }
        }
    }

    /// Forgets the groups of a field from number `count` on.
    pub(super) fn cut(&mut self, field: &'static str, count: usize) {
        if let Some(known) = self.fields.get_mut(field) {
            known.truncate(count);
        }
    }
}

/// A group's mark: the known one if the bytes are the same, otherwise what `root` computes.
pub(super) fn mark<E>(known: Option<&Mark>, bytes: &[u8], root: impl FnOnce() -> Result<Node, E>) -> Result<Mark, E> {
    let digest = *blake3::hash(bytes).as_bytes();
    match known {
        Some(mark) if mark.digest == digest => Ok(*mark),
        _ => Ok(Mark { digest, root: root()? }),
    }
}
