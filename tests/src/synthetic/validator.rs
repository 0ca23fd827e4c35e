//! The validators of a synthetic chain: what each is follows from the seed, its index and the epoch, so none has to be kept.
//!
//! From one epoch to the next a registry of mainnet's size changes as mainnet's does: all that is active earns and attests, while the churn
//! limit (`MAX_PER_EPOCH_ACTIVATION_EXIT_CHURN_LIMIT` of EIP-7251, 256 ETH) lets eight validators of 32 ETH in, and eight out.

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
/// Within so many epochs everybody leaves: 8 in each, of the million that are active of 2.2 million.
const LIFE: u64 = 1 << 17;
/// So many come at once: the registry is in the order of deposits.
const COHORT: u64 = 16;
/// One in so many is new: 8 in each of [`ARRIVALS`].
const NEWCOMER: u64 = 64;
/// The epochs in which newcomers become active; mainnet's today.
const ARRIVALS: std::ops::Range<u64> = 399_000..401_048;
/// The first epoch in which somebody leaves who has not left for good.
const DEPARTURES: u64 = 400_000;
/// Until somebody who asked to leave is out, and until what joins is active (`MAX_SEED_LOOKAHEAD` + 1).
const LOOKAHEAD: u64 = 5;
/// From being out until the balance can be withdrawn.
const WITHDRAWABLE: u64 = 256;
/// Of so many epochs, the first quarter does not become final.
const LEAKS: u64 = 64;

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
        // Half of mainnet's registry has left for good.
        let gone = chance % 100 < 52;
        let slashed = chance % 1009 == 3;
        let compounding = chance % 17 == 5;
        let offline = chance % 113 == 1;
        let low = chance % 251 == 9;
        let full = if compounding { ETH * (32 + chance / 7 % 2017) } else { 32 * ETH };
        let arrival = 1 + index / COHORT;
        let eligibility = arrival.saturating_sub(2 * LOOKAHEAD);
        let epochs = if gone {
            // Who has validators side by side takes some of them out together.
            let exit = arrival + 256 + mix(self.seed ^ (index / 4)) % 100_000;
            [eligibility, arrival, exit, exit + WITHDRAWABLE]
        } else if slashed {
            let exit = arrival + 100 + chance % 5000;
            [eligibility, arrival, exit, exit + 8192]
        } else {
            self.life(arrival, chance)
        };
        let [_, activation, exit, withdrawable] = epochs;
        let active = activation <= self.epoch && self.epoch < exit;
        let withdrawn = gone || (!slashed && withdrawable <= self.epoch);
        let earned = if active { mix(chance ^ (self.epoch << 20)) % 20_000_000 } else { 0 };
        let balance = match (withdrawn, low) {
            (true, _) => 0,
            (_, true) => full - full / 64 - earned,
            _ => full + earned,
        };
        let attests = active && !offline;
        Validator {
            pubkey: self.pubkey(index),
            credentials: credentials(chance, compounding),
            effective_balance: if withdrawn { 0 } else { full },
            slashed,
            epochs,
            balance,
            participation: if attests { [7, (mix(chance ^ self.epoch) % 8) as u8] } else { [0, 0] },
            inactivity: if offline && active { self.inactivity() } else { 0 },
        }
    }

    /// Eligibility, activation, exit and withdrawable epoch of one that was neither slashed nor has left long ago.
    const fn life(&self, arrival: u64, chance: u64) -> [u64; 4] {
        let new = (chance >> 20).is_multiple_of(NEWCOMER);
        let arrival = if new { ARRIVALS.start + (chance >> 32) % (ARRIVALS.end - ARRIVALS.start) } else { arrival };
        // Those who left before are gone.
        let departure = if arrival > DEPARTURES { arrival } else { DEPARTURES } + mix(chance) % LIFE;
        let eligibility = arrival.saturating_sub(2 * LOOKAHEAD);
        let horizon = self.epoch + LOOKAHEAD;
        match (arrival <= horizon, departure <= horizon) {
            (false, _) => [eligibility, FAR, FAR, FAR],
            (true, false) => [eligibility, arrival, FAR, FAR],
            (true, true) => [eligibility, arrival, departure, departure + WITHDRAWABLE],
        }
    }

    /// The score of who never attests: 4 more in every epoch of a leak, 12 less in every one after it (Altair, `process_inactivity_updates`).
    const fn inactivity(&self) -> u64 {
        let (phase, leak) = (self.epoch % LEAKS, LEAKS / 4);
        if phase < leak { 4 * phase } else { (4 * leak).saturating_sub(12 * (phase - leak)) }
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
