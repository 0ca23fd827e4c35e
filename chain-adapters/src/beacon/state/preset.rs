//! The constants of a preset that a state's layout depends on (consensus-specs, `presets/`). A provider states them in its spec;
//! what it leaves out is that of the preset it names.

/// A preset's constants. Counts are of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// `SLOTS_PER_EPOCH`.
    pub slots_per_epoch: u64,
    /// `SLOTS_PER_HISTORICAL_ROOT`.
    pub historical_root_slots: u64,
    /// `EPOCHS_PER_HISTORICAL_VECTOR`.
    pub historical_vector: u64,
    /// `EPOCHS_PER_SLASHINGS_VECTOR`.
    pub slashings_vector: u64,
    /// `EPOCHS_PER_ETH1_VOTING_PERIOD`.
    pub eth1_voting_epochs: u64,
    /// `SYNC_COMMITTEE_SIZE`.
    pub sync_committee: u64,
    /// `PENDING_PARTIAL_WITHDRAWALS_LIMIT`.
    pub partial_withdrawals: u64,
    /// `PENDING_CONSOLIDATIONS_LIMIT`.
    pub consolidations: u64,
}

/// Ethereum's networks.
pub const MAINNET: Preset = Preset {
    slots_per_epoch: 32,
    historical_root_slots: 8192,
    historical_vector: 65_536,
    slashings_vector: 8192,
    eth1_voting_epochs: 64,
    sync_committee: 512,
    partial_withdrawals: 1 << 27,
    consolidations: 1 << 18,
};

/// Tests and development chains.
pub const MINIMAL: Preset = Preset {
    slots_per_epoch: 8,
    historical_root_slots: 64,
    historical_vector: 64,
    slashings_vector: 64,
    eth1_voting_epochs: 4,
    sync_committee: 32,
    partial_withdrawals: 64,
    consolidations: 64,
};

/// `VALIDATOR_REGISTRY_LIMIT`, of every preset.
pub(super) const REGISTRY_LIMIT: u64 = 1 << 40;

impl Preset {
    /// The preset that a spec describes: `number` gives a constant by its name, `base` is `PRESET_BASE`. `None` if a constant
    /// that every client states is missing, or one is too large to be true.
    #[must_use]
    pub fn from_spec(base: Option<&str>, number: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        let named = match base {
            Some("mainnet") => Some(MAINNET),
            Some("minimal") => Some(MINIMAL),
            _ => None,
        };
        let stated = |name: &str, of: fn(&Self) -> u64| number(name).or_else(|| named.as_ref().map(of));
        let preset = Self {
            slots_per_epoch: number("SLOTS_PER_EPOCH")?,
            historical_root_slots: number("SLOTS_PER_HISTORICAL_ROOT")?,
            historical_vector: number("EPOCHS_PER_HISTORICAL_VECTOR")?,
            slashings_vector: number("EPOCHS_PER_SLASHINGS_VECTOR")?,
            eth1_voting_epochs: stated("EPOCHS_PER_ETH1_VOTING_PERIOD", |p| p.eth1_voting_epochs)?,
            sync_committee: stated("SYNC_COMMITTEE_SIZE", |p| p.sync_committee)?,
            partial_withdrawals: stated("PENDING_PARTIAL_WITHDRAWALS_LIMIT", |p| p.partial_withdrawals)?,
            consolidations: stated("PENDING_CONSOLIDATIONS_LIMIT", |p| p.consolidations)?,
        };
        preset.plausible().then_some(preset)
    }

    /// Vectors are of fixed length, so what a provider states here decides how much there is to read before the lists.
    fn plausible(&self) -> bool {
        let vectors = [self.historical_root_slots, self.historical_vector, self.slashings_vector, self.sync_committee];
        vectors.iter().all(|length| (1..=1 << 17).contains(length))
            && (1..=1 << 16).contains(&self.slots_per_epoch)
            && (1..=1 << 16).contains(&self.eth1_voting_epochs)
            && self.partial_withdrawals <= REGISTRY_LIMIT
            && self.consolidations <= REGISTRY_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(name: &str) -> Option<u64> {
        Some(match name {
            "SLOTS_PER_EPOCH" => 8,
            "SLOTS_PER_HISTORICAL_ROOT" | "EPOCHS_PER_HISTORICAL_VECTOR" | "EPOCHS_PER_SLASHINGS_VECTOR" => 64,
            _ => return None,
        })
    }

    #[test]
    fn what_a_spec_leaves_out_is_that_of_the_preset_it_names() {
        assert_eq!(Preset::from_spec(Some("minimal"), stated), Some(MINIMAL));
        assert_eq!(Preset::from_spec(None, stated), None);
        assert_eq!(Preset::from_spec(Some("gnosis"), stated), None);
        assert_eq!(Preset::from_spec(Some("minimal"), |_| None), None);
    }

    #[test]
    fn a_preset_that_cannot_be_true_is_none() {
        let huge = |name: &str| if name == "EPOCHS_PER_HISTORICAL_VECTOR" { Some(u64::MAX) } else { stated(name) };
        assert_eq!(Preset::from_spec(Some("minimal"), huge), None);
        let none = |name: &str| if name == "SLOTS_PER_EPOCH" { Some(0) } else { stated(name) };
        assert_eq!(Preset::from_spec(Some("minimal"), none), None);
    }
}
