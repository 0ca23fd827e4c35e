//! Validators of a state's registry, as bytes: their roots, and what is read from them in passing. A validator is never an
//! object of its own unless somebody asked for it.

use super::{
    extract::Wanted,
    hash::{Node, PAIR},
    merkle::Scratch,
};
use guardian_protocol::BlsPubkey;

/// `Validator`: public key 48, withdrawal credentials 32, effective balance 8, slashed 1, four epochs of 8.
pub(super) const VALIDATOR_BYTES: usize = 121;
/// Validators of a full group: 31 kB, which BLAKE3 digests eight kilobytes at a time. Groups of 64 leave more of the registry as it was from
/// one epoch to the next, but what they save in hashing they lose in digesting (measured).
pub(super) const GROUP: usize = 256;

/// One validator's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a>(pub(super) &'a [u8; VALIDATOR_BYTES]);

impl<'a> Entry<'a> {
    /// The whole entries of `bytes`.
    pub(super) fn all(bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        bytes.as_chunks().0.iter().map(Self)
    }

    pub(super) fn pubkey(self) -> &'a [u8; 48] {
        self.at(0)
    }

    pub(super) fn credentials(self) -> &'a [u8; 32] {
        self.at(48)
    }

    pub(super) fn effective_balance(self) -> u64 {
        u64::from_le_bytes(*self.at(80))
    }

    /// `None` if it is neither 0 nor 1.
    pub(super) fn slashed(self) -> Option<bool> {
        match self.at::<1>(88) {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    pub(super) fn activation_epoch(self) -> u64 {
        u64::from_le_bytes(*self.at(97))
    }

    pub(super) fn exit_epoch(self) -> u64 {
        u64::from_le_bytes(*self.at(105))
    }

    pub(super) fn withdrawable_epoch(self) -> u64 {
        u64::from_le_bytes(*self.at(113))
    }

    /// As leaves: a boolean's chunk is that of the number which its byte is.
    fn balance_and_slashed(self) -> [u64; 2] {
        let [slashed] = *self.at(88);
        [self.effective_balance(), slashed.into()]
    }

    /// Eligibility, activation, exit, withdrawable.
    fn epochs(self) -> [u64; 4] {
        [u64::from_le_bytes(*self.at(89)), self.activation_epoch(), self.exit_epoch(), self.withdrawable_epoch()]
    }

    fn at<const N: usize>(self, start: usize) -> &'a [u8; N] {
        // All places are constants within the entry.
        self.0.get(start..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0; N])
    }
}

/// The root of a group's tree of `depth` levels.
pub(super) fn group_root(bytes: &[u8], depth: usize, scratch: &mut Scratch) -> Node {
    fill_roots(bytes, scratch);
    scratch.root(0, depth)
}

/// Each validator's root.
pub(super) fn validator_roots(bytes: &[u8], scratch: &mut Scratch) -> Vec<Node> {
    fill_roots(bytes, scratch);
    scratch.nodes.as_chunks().0.to_vec()
}

/// Puts the validators' roots into the scratch's nodes. A validator's tree has eight leaves: the public key's root, credentials; effective
/// balance, slashed; and four epochs, of which the right half is.
fn fill_roots(bytes: &[u8], scratch: &mut Scratch) {
    let count = bytes.len() / VALIDATOR_BYTES;
    let balances: Vec<Node> = Entry::all(bytes).map(|entry| scratch.pairs.root(entry.balance_and_slashed())).collect();
    let epochs: Vec<Node> = Entry::all(bytes).map(|entry| scratch.fours.root(entry.epochs())).collect();
    // A public key is 48 bytes, hashed as two chunks.
    scratch.nodes.clear();
    scratch.nodes.resize(count * PAIR, 0);
    for (entry, block) in Entry::all(bytes).zip(scratch.nodes.as_chunks_mut::<PAIR>().0) {
        if let Some(place) = block.first_chunk_mut() {
            *place = *entry.pubkey();
        }
    }
    scratch.up(0);
    scratch.join(0, Entry::all(bytes).map(|entry| *entry.credentials()));
    scratch.join(1, balances);
    scratch.join(2, epochs);
}

/// What one group of the registry showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// One bit for each validator that is active at the state's epoch.
    pub(super) active: Vec<u64>,
    pub(super) active_count: u64,
    pub(super) active_effective: u128,
    /// Validators that were asked for: place in the group, and bytes.
    pub(super) found: Vec<(usize, [u8; VALIDATOR_BYTES])>,
    /// Validators with credentials that were asked for: place in the group, and credentials.
    pub(super) by_credentials: Vec<(usize, [u8; 32])>,
    /// A validator's `slashed` is no boolean.
    pub(super) malformed: bool,
}

/// Looks through a group for what is wanted at `epoch`.
pub(super) fn look(bytes: &[u8], epoch: u64, wanted: &Wanted) -> Seen {
    let mut seen = Seen::default();
    let mut word = 0_u64;
    let mut place = 0_usize;
    for entry in Entry::all(bytes) {
        let active = entry.activation_epoch() <= epoch && epoch < entry.exit_epoch();
        word |= u64::from(active) << (place % 64);
        seen.active_count += u64::from(active);
        seen.active_effective += if active { u128::from(entry.effective_balance()) } else { 0 };
        seen.malformed |= entry.slashed().is_none();
        if wanted.may_want(entry.pubkey()) && wanted.pubkeys.contains(&BlsPubkey::new(*entry.pubkey())) {
            seen.found.push((place, *entry.0));
        }
        if !wanted.credentials.is_empty() && wanted.credentials.contains(entry.credentials()) {
            seen.by_credentials.push((place, *entry.credentials()));
        }
        place += 1;
        if place.is_multiple_of(64) {
            seen.active.push(std::mem::take(&mut word));
        }
    }
    if !place.is_multiple_of(64) {
        seen.active.push(word);
    }
    seen
}
