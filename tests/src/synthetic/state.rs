//! Valid states of any fork and size, written in pieces: nothing is held but the piece. The fields are listed here once more, by hand
//! and not from the product's table, so that a mistake in one of the two is found.

use super::validator::{Registry, mix};
use guardian_chain::state::Preset;

/// Forks in their order, as `Eth-Consensus-Version` names them.
pub const FORKS: [&str; 7] = ["phase0", "altair", "bellatrix", "capella", "deneb", "electra", "fulu"];

/// Unix time of the synthetic genesis, in seconds.
pub const GENESIS_TIME: u64 = 1_600_000_000;
/// Its `genesis_validators_root`.
pub const GENESIS_ROOT: [u8; 32] = [0x5e; 32];

/// A state at the first slot of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// One of [`FORKS`].
    pub fork: &'static str,
    /// Constants.
    pub preset: Preset,
    /// Entries of the registry.
    pub validators: u64,
    /// What the validators are.
    pub registry: Registry,
    /// The epoch's first slot has no block: the state was advanced from that of the slot before.
    pub skipped: bool,
    /// Added to the balance of validator 0: a lie.
    pub lie: u64,
}

/// What a field's bytes are.
enum Bytes {
    /// These.
    These(Vec<u8>),
    /// So many, that nobody reads.
    Noise(u64),
    /// One entry for each validator, of so many bytes.
    Each(Each),
}

#[derive(Clone, Copy)]
enum Each {
    Entry,
    Balance,
    Flags(usize),
    Inactivity,
}

/// A field, and whether its size is fixed.
struct Field(bool, Bytes);

/// Bytes handed on at once.
const PIECE: usize = 1 << 18;

impl Synthetic {
    /// The state's slot.
    #[must_use]
    pub const fn slot(&self) -> u64 {
        self.registry.epoch * self.preset.slots_per_epoch
    }

    /// Bytes of the whole state.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.fields().iter().map(|field| self.size(&field.1) + if field.0 { 0 } else { 4 }).sum()
    }

    /// Writes the state, piece by piece, until `take` says that it needs no more.
    pub fn write(&self, take: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let fields = self.fields();
        let fixed: u64 = fields.iter().map(|field| if field.0 { self.size(&field.1) } else { 4 }).sum();
        let mut offset = fixed;
        for (number, Field(is_fixed, bytes)) in (0..).zip(&fields) {
            let more = if *is_fixed {
                self.write_field(number, bytes, take)
            } else {
                let place = u32::try_from(offset).unwrap_or(u32::MAX);
                offset += self.size(bytes);
                take(&place.to_le_bytes())
            };
            if !more {
                return false;
            }
        }
        let mut lists = (0..).zip(&fields).filter(|(_, field)| !field.0);
        lists.all(|(number, Field(_, bytes))| self.write_field(number, bytes, take))
    }

    /// The whole state at once.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        self.write(&mut |piece| {
            all.extend_from_slice(piece);
            true
        });
        all
    }

    fn size(&self, bytes: &Bytes) -> u64 {
        match bytes {
            Bytes::These(bytes) => bytes.len() as u64,
            Bytes::Noise(count) => *count,
            Bytes::Each(Each::Entry) => self.validators * 121,
            Bytes::Each(Each::Flags(_)) => self.validators,
            Bytes::Each(Each::Balance | Each::Inactivity) => self.validators * 8,
        }
    }

    fn write_field(&self, number: u64, bytes: &Bytes, take: &mut impl FnMut(&[u8]) -> bool) -> bool {
        match bytes {
            Bytes::These(bytes) => take(bytes),
            Bytes::Noise(count) => {
                let seed = self.registry.seed ^ (number << 32);
                let mut words = 0..count.div_ceil(8);
                let mut left = usize::try_from(*count).unwrap_or(usize::MAX);
                chunked(take, || {
                    let word = mix(seed ^ words.next()?).to_le_bytes();
                    let now = left.min(8);
                    left -= now;
                    Some((word, now))
                })
            }
            Bytes::Each(each) => self.write_each(*each, take),
        }
    }

    fn write_each(&self, each: Each, take: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let mut indices = 0..self.validators;
        let registry = self.registry;
        match each {
            Each::Entry => chunked(take, || Some((registry.validator(indices.next()?).encoded(), 121))),
            Each::Balance => chunked(take, || {
                let index = indices.next()?;
                let lie = if index == 0 { self.lie } else { 0 };
                Some(((registry.validator(index).balance + lie).to_le_bytes(), 8))
            }),
            Each::Flags(which) => chunked(take, || {
                let flags = registry.validator(indices.next()?).participation;
                Some(([flags.get(which).copied().unwrap_or_default()], 1))
            }),
            Each::Inactivity => {
                chunked(take, || Some((registry.validator(indices.next()?).inactivity.to_le_bytes(), 8)))
            }
        }
    }

    fn fields(&self) -> Vec<Field> {
        let preset = &self.preset;
        let fork = FORKS.iter().position(|fork| *fork == self.fork).unwrap_or_default();
        let these = |bytes: &[u8]| Field(true, Bytes::These(bytes.to_vec()));
        let noise = |count: u64| Field(true, Bytes::Noise(count));
        let list = |count: u64| Field(false, Bytes::Noise(count));
        let each = |each| Field(false, Bytes::Each(each));
        let mut fields = vec![
            these(&GENESIS_TIME.to_le_bytes()),
            these(&GENESIS_ROOT),
            these(&self.slot().to_le_bytes()),
            noise(16),
            these(&self.header()),
            noise(preset.historical_root_slots * 32),
            noise(preset.historical_root_slots * 32),
            list(0),
            noise(72),
            list(72 * 3),
            noise(8),
            each(Each::Entry),
            each(Each::Balance),
            noise(preset.historical_vector * 32),
            noise(preset.slashings_vector * 8),
        ];
        fields.extend(if fork == 0 { [list(0), list(0)] } else { [each(Each::Flags(0)), each(Each::Flags(1))] });
        fields.extend([these(&[0b0000_1111]), noise(40), noise(40), noise(40)]);
        if fork >= 1 {
            let committee = preset.sync_committee * 48 + 48;
            fields.extend([each(Each::Inactivity), noise(committee), noise(committee)]);
        }
        if fork >= 2 {
            fields.push(Field(false, Bytes::These(payload_header(fork))));
        }
        if fork >= 3 {
            fields.extend([noise(8), noise(8), list(64 * 700)]);
        }
        if fork >= 5 {
            fields.extend((0..6).map(|_| noise(8)));
            fields.extend([list(192 * 500), list(24 * 50), list(16 * 20)]);
        }
        if fork >= 6 {
            fields.push(noise(16 * preset.slots_per_epoch));
        }
        fields
    }

    /// `latest_block_header`: of a block at the state's slot, whose state root is not in it yet, or of one in the slot before.
    fn header(&self) -> Vec<u8> {
        let slot = if self.skipped { self.slot() - 1 } else { self.slot() };
        let state_root = if self.skipped { [0x77; 32] } else { [0; 32] };
        [&slot.to_le_bytes()[..], &7_u64.to_le_bytes(), &[0x11; 32], &state_root, &[0x22; 32]].concat()
    }
}

/// An execution payload's header as `fork` has it, with two bytes of extra data.
fn payload_header(fork: usize) -> Vec<u8> {
    // Everything up to the offset of the extra data; base fee and two roots; what later forks have behind.
    let (before, behind) = (436, 32 * 3);
    let later = match fork {
        2 => 0,
        3 => 32,
        _ => 32 + 16,
    };
    let fixed = before + 4 + behind + later;
    let mut bytes = vec![0x33; before];
    bytes.extend(u32::try_from(fixed).unwrap_or_default().to_le_bytes());
    bytes.resize(fixed, 0x44);
    bytes.extend([1, 2]);
    bytes
}

/// Hands on what `next` gives, a piece at a time.
fn chunked<const N: usize>(
    take: &mut impl FnMut(&[u8]) -> bool,
    mut next: impl FnMut() -> Option<([u8; N], usize)>,
) -> bool {
    let mut piece = Vec::with_capacity(PIECE + N);
    while let Some((bytes, count)) = next() {
        piece.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if piece.len() >= PIECE {
            if !take(&piece) {
                return false;
            }
            piece.clear();
        }
    }
    piece.is_empty() || take(&piece)
}
