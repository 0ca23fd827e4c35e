//! Newtypes for every number and key that crosses a boundary, so that a slot can't be passed where an epoch is meant.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            BorshSerialize, BorshDeserialize, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A beacon chain slot.
    Slot
);
number!(
    /// A beacon chain epoch.
    Epoch
);
number!(
    /// The generation of the committee's group key; the contract counts from 1.
    KeyEpoch
);
number!(
    /// A validator's index in the beacon state's registry.
    ValidatorIndex
);
number!(
    /// A beacon chain balance: 10^9 wei.
    Gwei
);
number!(
    /// How far a contract is with what it is told of one subject. It only grows; what it counts is each kind's own matter: the last
    /// reference slot that it accepted, an epoch, a status. 0: nothing yet.
    Level
);

/// An amount of ether in its smallest unit. `u128` holds more than all ether that can ever exist (about 2^87 wei).
pub type Wei = u128;

impl Gwei {
    /// The same amount in wei. Can't overflow: 2^64 * 10^9 < 2^94.
    #[must_use]
    pub const fn to_wei(self) -> Wei {
        (self.0 as Wei).saturating_mul(1_000_000_000)
    }
}

impl Epoch {
    /// The value that the beacon chain uses for "never".
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// This epoch's first slot, or `None` on overflow.
    #[must_use]
    pub fn first_slot(self, slots_per_epoch: u64) -> Option<Slot> {
        self.0.checked_mul(slots_per_epoch).map(Slot)
    }
}

/// A validator's compressed BLS public key. Not checked to be a point: the beacon chain did that when it took the deposit.
pub type BlsPubkey = alloy_primitives::FixedBytes<48>;

/// Which configured provider gave an answer: its place in the operator's list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ProviderId(pub u8);

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one start of a process. Nonces live no longer than it does, so commitments of an older boot are dead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct BootId {
    /// Counts the starts from one store, from 1, durably: an honest member's later start has a higher number. Two processes have the
    /// same only if one of them has another's store, or an older one.
    pub number: u64,
    /// Drawn at random, so that two processes never have one name, whatever stores they were started from.
    pub name: [u8; 16],
}

impl BootId {
    /// The start with this number. Key ceremonies do not count theirs: all have number 0.
    pub fn draw(number: u64, rng: &mut (impl rand_core::CryptoRng + rand_core::RngCore)) -> Self {
        let mut name = [0; 16];
        rng.fill_bytes(&mut name);
        Self { number, name }
    }
}

/// Drawn at random for one question. Who signs it in an answer was alive after it was drawn.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Challenge(pub [u8; 16]);

impl Challenge {
    /// A new challenge.
    pub fn random(rng: &mut (impl rand_core::CryptoRng + rand_core::RngCore)) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}
