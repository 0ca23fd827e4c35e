//! What the duties need of a state, picked out while it is hashed.

use super::registry::{Entry, VALIDATOR_BYTES};
use guardian_protocol::types::{BlsPubkey, Epoch, Gwei, ValidatorIndex, ValidatorRecord};
use std::collections::{BTreeSet, HashSet};

/// Most validators that are kept because of their credentials: what is kept must be bounded whatever a provider sends.
pub(super) const MOST_BY_CREDENTIALS: usize = 1 << 20;
/// Most validators that can be proved from one reading: their surroundings are kept, 64 kB for each.
pub(super) const MOST_PROVED: usize = 64;

/// What to pick out.
#[derive(Debug, Default)]
pub struct Wanted {
    pub(super) pubkeys: HashSet<BlsPubkey>,
    pub(super) credentials: BTreeSet<[u8; 32]>,
    pub(super) proofs: BTreeSet<BlsPubkey>,
    /// A bit for each value that two bytes of a wanted key have: most keys are passed over without hashing them.
    filter: Vec<u64>,
}

/// A validator that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What duties are decided from.
    pub record: ValidatorRecord,
    /// Its effective balance.
    pub effective_balance: Gwei,
    /// Its withdrawal credentials.
    pub credentials: [u8; 32],
    /// When it can withdraw; [`Epoch::FAR_FUTURE`] if no exit is under way.
    pub withdrawable_epoch: Epoch,
    /// Its participation flags in the previous epoch; `None` before Altair.
    pub previous_participation: Option<u8>,
    /// Its participation flags in the state's epoch, so far; `None` before Altair.
    pub current_participation: Option<u8>,
    /// Its inactivity score; `None` before Altair.
    pub inactivity: Option<u64>,
}

/// The whole network at the state's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Entries of the registry.
    pub validators: u64,
    /// Active ones.
    pub active: u64,
    /// Their balances together, in gwei.
    pub active_balance: u128,
    /// Their effective balances together, in gwei.
    pub active_effective_balance: u128,
}

/// What was picked out of one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// Validators asked for, by index.
    pub validators: Vec<Tracked>,
    /// The network.
    pub network: Network,
    /// Validators with the credentials asked for, by index.
    pub by_credentials: Vec<(ValidatorIndex, [u8; 32])>,
}

impl Wanted {
    /// These validators.
    #[must_use]
    pub fn validators(pubkeys: impl IntoIterator<Item = BlsPubkey>) -> Self {
        let pubkeys: HashSet<BlsPubkey> = pubkeys.into_iter().collect();
        let mut filter = vec![0_u64; 1 << 10];
        for pubkey in &pubkeys {
            let (word, bit) = place(&pubkey.0);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self { pubkeys, filter, ..Self::default() }
    }

    /// And the indexes of all validators with one of these withdrawal credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: impl IntoIterator<Item = [u8; 32]>) -> Self {
        self.credentials.extend(credentials);
        self
    }

    /// And what proofs of these validators need, of 64 at most; they have to be among the validators asked for.
    #[must_use]
    pub fn with_proofs(mut self, pubkeys: impl IntoIterator<Item = BlsPubkey>) -> Self {
        self.proofs.extend(pubkeys.into_iter().take(MOST_PROVED));
        self
    }

    pub(super) fn may_want(&self, pubkey: &[u8; 48]) -> bool {
        let (word, bit) = place(pubkey);
        self.filter.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

/// Two bytes in the middle: the first few have flags.
fn place(pubkey: &[u8; 48]) -> (usize, u64) {
    let [.., a, b] = pubkey;
    let value = u16::from_le_bytes([*a, *b]);
    (usize::from(value / 64), 1 << (value % 64))
}

impl Tracked {
    /// From a validator's bytes; what other lists say of it comes later.
    pub(super) fn new(index: u64, bytes: &[u8; VALIDATOR_BYTES]) -> Self {
        let entry = Entry(bytes);
        Self {
            record: ValidatorRecord {
                index: ValidatorIndex(index),
                pubkey: BlsPubkey::new(*entry.pubkey()),
                balance: Gwei(0),
                slashed: entry.slashed().unwrap_or(true),
                activation_epoch: Epoch(entry.activation_epoch()),
                exit_epoch: Epoch(entry.exit_epoch()),
            },
            effective_balance: Gwei(entry.effective_balance()),
            credentials: *entry.credentials(),
            withdrawable_epoch: Epoch(entry.withdrawable_epoch()),
            previous_participation: None,
            current_participation: None,
            inactivity: None,
        }
    }
}
