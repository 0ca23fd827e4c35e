//! The validators of a synthetic chain: what each is follows from the seed, its index and the epoch, so none has to be kept.

/// A moment in a synthetic registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Another seed is another registry.
    pub seed: u64,
    /// The state's epoch; what changes from one to the next changes with it.
    pub epoch: u64,
}

/// A validator, as the state has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its key: of the right form, and no point of the curve.
    pub pubkey: [u8; 48],
    /// Withdrawal credentials.
    pub credentials: [u8; 32],
    /// In gwei.
    pub effective_balance: u64,
    /// Whether it was slashed.
    pub slashed: bool,
    /// Eligibility, activation, exit, withdrawable.
    pub epochs: [u64; 4],
    /// In gwei.
    pub balance: u64,
    /// Participation flags: of the previous epoch and of this one.
    pub participation: [u8; 2],
    /// Inactivity score.
    pub inactivity: u64,
}

const FAR: u64 = u64::MAX;
const ETH: u64 = 1_000_000_000;

/// A well-mixed number for each input (the finalizer of splitmix64).
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Registry {
    /// The validator with this index.
    #[must_use]
    pub fn validator(&self, index: u64) -> Validator {
        let chance = mix(self.seed ^ mix(index));
        // Half of mainnet's registry has left for good; one in 4096 of the rest is leaving in any one epoch.
        let gone = chance % 100 < 52;
        let leaving = !gone && mix(chance ^ self.epoch).is_multiple_of(4096);
        let slashed = chance % 1009 == 3;
        let compounding = chance % 17 == 5;
        let offline = chance % 113 == 1;
        let low = chance % 251 == 9;
        let full = if compounding { ETH * (32 + chance / 7 % 2017) } else { 32 * ETH };
        let activation = 1 + chance % 50;
        let epochs = if gone {
            [0, activation, 60 + chance % 50, 400]
        } else if leaving {
            [0, activation, self.epoch + 5, self.epoch + 260]
        } else if slashed {
            [0, activation, 100 + chance % 5000, 8192 + chance % 5000]
        } else {
            [0, activation, FAR, FAR]
        };
        let earned = mix(chance ^ (self.epoch << 20)) % 20_000_000;
        let balance = match (gone, low) {
            (true, _) => 0,
            (_, true) => full - full / 64 - earned,
            _ => full + earned,
        };
        Validator {
            pubkey: self.pubkey(index),
            credentials: credentials(chance, compounding),
            effective_balance: if gone { 0 } else { full },
            slashed,
            epochs,
            balance,
            participation: if gone || offline { [0, 0] } else { [7, (mix(chance ^ self.epoch) % 8) as u8] },
            inactivity: if offline && !gone { self.epoch % 64 } else { 0 },
        }
    }

    /// The key of the validator with this index.
    #[must_use]
    pub fn pubkey(&self, index: u64) -> [u8; 48] {
        let mut key = [0; 48];
        for (word, place) in (0_u64..).zip(key.as_chunks_mut::<8>().0) {
            *place = mix(self.seed ^ mix(index ^ (word << 56))).to_le_bytes();
        }
        // Compressed, and not infinity.
        let [first, ..] = &mut key;
        *first = 0x80 | (*first & 0x1f);
        key
    }
}

fn credentials(chance: u64, compounding: bool) -> [u8; 32] {
    let mut credentials = [0; 32];
    let [kind, .., a, b] = &mut credentials;
    *kind = if compounding { 2 } else { u8::from(!chance.is_multiple_of(23)) };
    // Some thousand operators.
    [*a, *b] = ((chance >> 40) as u16 % 4000).to_le_bytes();
    credentials
}

impl Validator {
    /// As the registry has it.
    #[must_use]
    pub fn encoded(&self) -> [u8; 121] {
        let mut bytes = [0; 121];
        let mut rest = bytes.as_mut_slice();
        let mut put = |part: &[u8]| {
            if let Some((place, behind)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                place.copy_from_slice(part);
                rest = behind;
            }
        };
        put(&self.pubkey);
        put(&self.credentials);
        put(&self.effective_balance.to_le_bytes());
        put(&[u8::from(self.slashed)]);
        for epoch in self.epochs {
            put(&epoch.to_le_bytes());
        }
        bytes
    }

    /// Whether it is active at `epoch`.
    #[must_use]
    pub fn is_active(&self, epoch: u64) -> bool {
        let [_, activation, exit, _] = self.epochs;
        activation <= epoch && epoch < exit
    }
}
