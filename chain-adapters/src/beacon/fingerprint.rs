//! What tells one beacon chain from another: genesis, slot times and the forks that have happened. A provider's answers count
//! only while its fingerprint is the network's.

use super::{
    state::{Preset, StateProver},
    wire::{ForkEntry, Genesis, Spec, decimal, fixed_bytes},
};
use alloy::primitives::FixedBytes;
use guardian_protocol::{Epoch, Fork, ReadFailure, Slot};
use std::time::Duration;

/// Mainnet's, where a client does not say.
const SHARD_COMMITTEE_PERIOD: u64 = 256;

/// One beacon node's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BeaconFingerprint {
    pub(crate) genesis_time: u64,
    pub(crate) genesis_validators_root: [u8; 32],
    pub(crate) seconds_per_slot: u64,
    pub(crate) slots_per_epoch: u64,
    pub(crate) deposit_chain_id: Option<u64>,
    /// Oldest first, without those that are not scheduled.
    pub(crate) forks: Vec<Fork>,
    pub(crate) bellatrix: Option<Epoch>,
    pub(crate) capella_version: Option<[u8; 4]>,
    pub(crate) deneb: Option<Epoch>,
    /// Epochs for which a validator must have been active before it may leave.
    pub(crate) shard_committee_period: u64,
    /// `None` if the client does not state its preset: its states can't be read then.
    pub(crate) preset: Option<Preset>,
    /// Forks by name, in lower case, and the epochs for which the spec schedules them.
    pub(crate) named_forks: Vec<(String, Epoch)>,
}

impl BeaconFingerprint {
    /// # Errors
    /// [`ReadFailure::Malformed`] if something that every client states is missing or no number.
    pub(crate) fn new(genesis: &Genesis, spec: &Spec, schedule: &[ForkEntry]) -> Result<Self, ReadFailure> {
        let seconds_per_slot = match number(spec, "SECONDS_PER_SLOT")? {
            Some(seconds) => Some(seconds),
            // Its successor in newer configurations. We count in seconds.
            None => number(spec, "SLOT_DURATION_MS")?.filter(|ms| ms.is_multiple_of(1000)).map(|ms| ms / 1000),
        };
        let mut forks: Vec<Fork> = schedule
            .iter()
            .map(|entry| Fork { epoch: entry.epoch.into(), version: entry.current_version.0 })
            .filter(|fork| fork.epoch != Epoch::FAR_FUTURE)
            .collect();
        // Stable: forks of one epoch keep the order in which they follow each other.
        forks.sort_by_key(|fork| fork.epoch);
        Ok(Self {
            genesis_time: genesis.genesis_time.0,
            genesis_validators_root: genesis.genesis_validators_root.0,
            seconds_per_slot: seconds_per_slot.filter(|n| *n > 0).ok_or_else(|| missing("SECONDS_PER_SLOT"))?,
            slots_per_epoch: number(spec, "SLOTS_PER_EPOCH")?
                .filter(|n| *n > 0)
                .ok_or_else(|| missing("SLOTS_PER_EPOCH"))?,
            deposit_chain_id: number(spec, "DEPOSIT_CHAIN_ID")?,
            forks,
            bellatrix: fork_epoch(spec, "BELLATRIX_FORK_EPOCH")?,
            capella_version: version(spec, "CAPELLA_FORK_VERSION")?,
            deneb: fork_epoch(spec, "DENEB_FORK_EPOCH")?,
            shard_committee_period: number(spec, "SHARD_COMMITTEE_PERIOD")?.unwrap_or(SHARD_COMMITTEE_PERIOD),
            preset: preset(spec)?,
            named_forks: named_forks(spec),
        })
    }

    /// The epoch at Unix time `now`; 0 before genesis.
    pub(crate) fn epoch_at(&self, now: u64) -> Epoch {
        let slot = now.saturating_sub(self.genesis_time) / self.seconds_per_slot.max(1);
        self.epoch_of(Slot(slot))
    }

    /// How long an epoch lasts.
    pub(crate) fn epoch_length(&self) -> Duration {
        Duration::from_secs(self.seconds_per_slot.saturating_mul(self.slots_per_epoch))
    }

    pub(crate) fn epoch_of(&self, slot: Slot) -> Epoch {
        Epoch(slot.0 / self.slots_per_epoch.max(1))
    }

    /// The name of the fork whose rules the state at `slot` follows. Only for reading bytes: a wrong one makes them no state.
    pub(crate) fn fork_at(&self, slot: Slot) -> &str {
        let epoch = self.epoch_of(slot);
        let begun = self.named_forks.iter().filter(|(_, begin)| *begin <= epoch);
        // Several may begin in one epoch; one that is not known is newer than those that are.
        let newest = begun.max_by_key(|(name, begin)| (*begin, StateProver::order(name)));
        newest.map_or("phase0", |(name, _)| name)
    }

    /// Whether blocks at `slot` contain execution payloads, by the fork schedule.
    pub(crate) fn has_payloads(&self, slot: Slot) -> bool {
        self.bellatrix.is_some_and(|fork| fork <= self.epoch_of(slot))
    }

    /// How `other` differs at Unix time `now`, if it does. The version in force decides, and no past fork may be at two epochs; but clients
    /// leave out some of them, and learn of those to come at different times.
    pub(crate) fn difference(&self, other: &Self, now: u64) -> Option<String> {
        if self.genesis_validators_root != other.genesis_validators_root || self.genesis_time != other.genesis_time {
            return Some(format!("genesis {} instead of {}", other.genesis(), self.genesis()));
        }
        if (self.seconds_per_slot, self.slots_per_epoch) != (other.seconds_per_slot, other.slots_per_epoch) {
            return Some(format!(
                "{} slots of {} s an epoch instead of {} of {} s",
                other.slots_per_epoch, other.seconds_per_slot, self.slots_per_epoch, self.seconds_per_slot
            ));
        }
        let epoch = self.epoch_at(now);
        let (mine, theirs) = (self.version_in_force(epoch), other.version_in_force(epoch));
        if mine != theirs {
            let [mine, theirs] = [mine, theirs].map(|version| version.map(FixedBytes::<4>::from));
            let name = |version: Option<FixedBytes<4>>| version.map_or_else(|| "none".to_owned(), |v| v.to_string());
            return Some(format!("fork version {} in force instead of {}", name(theirs), name(mine)));
        }
        for fork in &other.forks {
            let known = self.forks.iter().find(|known| known.version == fork.version);
            if let Some(known) = known.filter(|known| known.epoch != fork.epoch && known.epoch.min(fork.epoch) <= epoch)
            {
                let version = FixedBytes::<4>::from(fork.version);
                return Some(format!("fork version {version} at epoch {} instead of {}", fork.epoch, known.epoch));
            }
        }
        // Forks that one of them does not state, or schedules later, are no difference.
        let differ = |ours: Option<Epoch>, theirs: Option<Epoch>| matches!((ours, theirs), (Some(a), Some(b)) if a != b && a.min(b) <= epoch);
        if differ(self.bellatrix, other.bellatrix) || differ(self.deneb, other.deneb) {
            return Some("other epochs for Bellatrix or Deneb".to_owned());
        }
        // Exits are signed with it from Deneb on (EIP-7044).
        let has_deneb = self.deneb.is_some_and(|fork| fork <= epoch);
        if has_deneb && matches!((self.capella_version, other.capella_version), (Some(a), Some(b)) if a != b) {
            return Some("another fork version for Capella".to_owned());
        }
        None
    }

    /// The fork version of the beacon chain in `epoch`.
    fn version_in_force(&self, epoch: Epoch) -> Option<[u8; 4]> {
        self.forks.iter().rfind(|fork| fork.epoch <= epoch).map(|fork| fork.version)
    }

    /// Forks whose blocks and states this version does not know, and when they begin.
    pub(crate) fn unknown_forks(&self) -> Vec<(String, Epoch)> {
        self.named_forks.iter().filter(|(name, _)| !StateProver::knows(name)).cloned().collect()
    }

    /// Whether both are of one genesis, with the same slots: one chain, or forks of one.
    pub(crate) fn is_of_one_genesis(&self, other: &Self) -> bool {
        (self.genesis_validators_root, self.genesis_time) == (other.genesis_validators_root, other.genesis_time)
            && (self.seconds_per_slot, self.slots_per_epoch) == (other.seconds_per_slot, other.slots_per_epoch)
    }

    fn genesis(&self) -> String {
        let root = alloy::primitives::B256::from(self.genesis_validators_root);
        format!("{root} at {}", self.genesis_time)
    }
}

fn text<'a>(spec: &'a Spec, name: &str) -> Result<Option<&'a str>, ReadFailure> {
    match spec.get(name) {
        None => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ReadFailure::Malformed(format!("{name} in the spec is not a string"))),
    }
}

fn number(spec: &Spec, name: &str) -> Result<Option<u64>, ReadFailure> {
    let Some(text) = text(spec, name)? else { return Ok(None) };
    decimal(text).map(Some).ok_or_else(|| ReadFailure::Malformed(format!("{name} in the spec is not a number")))
}

fn fork_epoch(spec: &Spec, name: &str) -> Result<Option<Epoch>, ReadFailure> {
    Ok(number(spec, name)?.map(Epoch).filter(|epoch| *epoch != Epoch::FAR_FUTURE))
}

fn version(spec: &Spec, name: &str) -> Result<Option<[u8; 4]>, ReadFailure> {
    let Some(text) = text(spec, name)? else { return Ok(None) };
    fixed_bytes(text).map(Some).ok_or_else(|| ReadFailure::Malformed(format!("{name} in the spec is not 4 bytes")))
}

fn preset(spec: &Spec) -> Result<Option<Preset>, ReadFailure> {
    let base = text(spec, "PRESET_BASE")?;
    Ok(Preset::from_spec(base, |name| number(spec, name).ok().flatten()))
}

fn named_forks(spec: &Spec) -> Vec<(String, Epoch)> {
    let epoch = |(key, value): (&String, &serde_json::Value)| {
        let name = key.strip_suffix("_FORK_EPOCH")?.to_ascii_lowercase();
        Some((name, decimal(value.as_str()?).map(Epoch)?))
    };
    spec.iter().filter_map(epoch).filter(|(_, epoch)| *epoch != Epoch::FAR_FUTURE).collect()
}

fn missing(name: &str) -> ReadFailure {
    ReadFailure::Malformed(format!("the spec has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beacon::wire::{Hex, Quoted};

    fn fingerprint(forks: &[(u64, u8)]) -> BeaconFingerprint {
        let genesis = Genesis { genesis_time: Quoted(1000), genesis_validators_root: Hex([7; 32]) };
        let spec = [("SECONDS_PER_SLOT", "2"), ("SLOTS_PER_EPOCH", "8"), ("BELLATRIX_FORK_EPOCH", "5")];
        let spec = spec.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let schedule: Vec<ForkEntry> = forks
            .iter()
            .map(|(epoch, version)| ForkEntry { epoch: Quoted(*epoch), current_version: Hex([*version; 4]) })
            .collect();
        BeaconFingerprint::new(&genesis, &spec, &schedule).unwrap()
    }

    #[test]
    fn a_states_fork_is_the_newest_that_has_begun() {
        let mut chain = fingerprint(&[(0, 1)]);
        let names = [("deneb", 0), ("altair", 0), ("electra", 2), ("heze", 3)];
        chain.named_forks = names.into_iter().map(|(name, at)| (name.to_owned(), Epoch(at))).collect();
        let forks: Vec<&str> = [0, 15, 16, 24].into_iter().map(|slot| chain.fork_at(Slot(slot))).collect();
        assert_eq!(forks, ["deneb", "deneb", "electra", "heze"]);
        chain.named_forks = Vec::new();
        assert_eq!(chain.fork_at(Slot(9)), "phase0");
    }

    #[test]
    fn a_fork_to_come_that_only_one_client_knows_is_no_difference_until_it_comes() {
        let (old, new) = (fingerprint(&[(0, 1)]), fingerprint(&[(0, 1), (10, 2)]));
        let fork_time = 1000 + 10 * 8 * 2;
        assert_eq!(old.difference(&new, fork_time - 1), None);
        assert!(old.difference(&new, fork_time).unwrap().contains("fork version"));
    }

    #[test]
    fn the_same_forks_written_differently_are_no_difference() {
        let whole = fingerprint(&[(0, 1), (0, 2), (0, 3), (4, 4)]);
        let time = 1000 + 9 * 8 * 2;
        for other in [&[(0, 3), (4, 4)][..], &[(4, 4)], &[(0, 1), (4, 4)], &[(0, 1), (4, 4), (90, 5)]] {
            let other = fingerprint(other);
            assert_eq!((whole.difference(&other, time), other.difference(&whole, time)), (None, None));
        }
        for other in [&[(0, 1), (0, 2), (0, 3)][..], &[(0, 3), (4, 9)], &[(0, 4), (5, 5)], &[(3, 4)], &[]] {
            assert!(whole.difference(&fingerprint(other), time).is_some(), "{other:?}");
        }
        // A name that one of them does not have.
        let mut nameless = whole.clone();
        nameless.bellatrix = None;
        assert_eq!((whole.difference(&nameless, time), nameless.difference(&whole, time)), (None, None));
    }

    #[test]
    fn a_fork_that_this_version_does_not_know_is_named_before_it_comes() {
        let mut chain = fingerprint(&[(0, 1)]);
        let names = [("deneb", 0), ("gloas", 70), ("altair", 0)];
        chain.named_forks = names.into_iter().map(|(name, at)| (name.to_owned(), Epoch(at))).collect();
        assert_eq!(chain.unknown_forks(), [("gloas".to_owned(), Epoch(70))]);
    }

    #[test]
    fn forks_that_are_not_scheduled_do_not_exist() {
        assert_eq!(fingerprint(&[(0, 1), (u64::MAX, 9)]).forks.len(), 1);
    }

    #[test]
    fn payloads_begin_with_bellatrix() {
        let chain = fingerprint(&[(0, 1)]);
        assert!(!chain.has_payloads(Slot(39)));
        assert!(chain.has_payloads(Slot(40)));
    }

    #[test]
    fn another_genesis_or_slot_time_is_another_chain() {
        let chain = fingerprint(&[(0, 1)]);
        let mut other = chain.clone();
        other.genesis_validators_root = [8; 32];
        assert!(chain.difference(&other, 0).unwrap().contains("genesis"));
        let mut other = chain.clone();
        other.seconds_per_slot = 12;
        assert!(chain.difference(&other, 0).unwrap().contains("12 s"));
    }

    #[test]
    fn slot_duration_in_milliseconds_is_understood() {
        let genesis = Genesis { genesis_time: Quoted(0), genesis_validators_root: Hex([7; 32]) };
        let spec: Spec = [("SLOT_DURATION_MS", "12000"), ("SLOTS_PER_EPOCH", "32")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        assert_eq!(BeaconFingerprint::new(&genesis, &spec, &[]).unwrap().seconds_per_slot, 12);
        assert!(BeaconFingerprint::new(&genesis, &Spec::new(), &[]).is_err());
    }
}
