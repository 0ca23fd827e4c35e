//! What the duties need of a state, picked out while it is hashed.

use super::registry::{Entry, VALIDATOR_BYTES};
use guardian_protocol::{BlsPubkey, Census, Epoch, Gwei, Participation, ValidatorIndex, ValidatorRecord};
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

/// A validator that was asked for, as far as the state's lists have shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What the registry and the balances say; how it takes part is filled in by [`Tracked::complete`].
    pub record: ValidatorRecord,
    /// Its participation flags in the previous epoch; `None` before Altair.
    pub previous_participation: Option<u8>,
    /// Its participation flags in the state's epoch, so far; `None` before Altair.
    pub current_participation: Option<u8>,
    /// Its inactivity score; `None` before Altair.
    pub inactivity: Option<u64>,
}

/// What was picked out of one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// Validators asked for, by index.
    pub validators: Vec<Tracked>,
    /// The network.
    pub network: Census,
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
                withdrawal_credentials: entry.credentials().into(),
                effective_balance: Gwei(entry.effective_balance()),
                activation_epoch: Epoch(entry.activation_epoch()),
                exit_epoch: Epoch(entry.exit_epoch()),
                withdrawable_epoch: Epoch(entry.withdrawable_epoch()),
                participation: None,
                pending_withdrawals: None,
            },
            previous_participation: None,
            current_participation: None,
            inactivity: None,
        }
    }

    /// Everything that the state says of it.
    #[must_use]
    pub fn complete(&self) -> ValidatorRecord {
        let told = (self.previous_participation, self.current_participation, self.inactivity);
        let participation = match told {
            (Some(previous), Some(current), Some(inactivity)) => Some(Participation { previous, current, inactivity }),
            (_, _, _) => None,
        };
        ValidatorRecord { participation, ..self.record }
    }
}
