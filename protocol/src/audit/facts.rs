//! Evidence and duties as facts: one name and one value each, in words. Two that differ, differ in facts that can be named.

use crate::{
    duty::{ChainView, Evidence, KeyProposal, Rules},
    types::{Census, Checkpoint, Epoch, Participation, ValidatorRecord},
};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that was read, or stated. Printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Fact {
    /// What it is about; there is one fact of a name.
    pub name: String,
    /// What was found.
    pub value: String,
}

impl Fact {
    /// The longest name or value of ours is far shorter.
    pub const MAX_BYTES: usize = 256;

    /// Whether it can be shown to people as it is: facts come from other members, too.
    #[must_use]
    pub fn is_presentable(&self) -> bool {
        let fine =
            |text: &str| text.len() <= Self::MAX_BYTES && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        fine(&self.name) && fine(&self.value)
    }
}

/// A fact that one side has, or has otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The fact's name.
    pub fact: String,
    /// Its value on this side, if there is one.
    pub ours: Option<String>,
    /// Its value on the other.
    pub theirs: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: {} here, {} there", self.fact, side(&self.ours), side(&self.theirs))
    }
}

/// What duties are decided from, by name. How the beacon state is known is left out: two guardians may know the same in different ways.
#[must_use]
pub(crate) fn facts(evidence: &Evidence) -> BTreeMap<String, String> {
    let Evidence { checkpoint, slot, chain, proof: _, validators, unknown, orders, census, .. } = evidence;
    let Checkpoint { epoch, root, block_slot, state_root, execution } = checkpoint;
    let ChainView { block, key_epoch, group_key, paused, proposal, rules, accepted, active_validators } = chain;
    let execution = execution.map_or_else(|| "none".to_owned(), |block| format!("{} {}", block.number, block.hash));
    let mut facts = BTreeMap::new();
    let mut tell = |name: String, value: String| facts.insert(name, value);
    tell("finalized epoch".to_owned(), epoch.to_string());
    tell("reference slot".to_owned(), slot.to_string());
    tell("finalized block".to_owned(), root.to_string());
    tell("finalized block's slot".to_owned(), block_slot.to_string());
    tell("finalized block's state".to_owned(), state_root.to_string());
    tell("finalized block's execution block".to_owned(), execution);
    tell("execution block".to_owned(), format!("{} {} at {}", block.number, block.hash, block.timestamp));
    tell("key epoch".to_owned(), key_epoch.to_string());
    tell("group key".to_owned(), group_key.to_string());
    if *paused {
        tell("keys".to_owned(), "paused".to_owned());
    }
    if let Some(KeyProposal { number, ready_at, key: [x, y], slowed }) = proposal {
        let slowed = if *slowed { ", slowed" } else { "" };
        tell(format!("key proposal {number}"), format!("{x} {y}, ready at {ready_at}{slowed}"));
    }
    for (name, value) in rules.iter().flat_map(Rules::facts) {
        tell(name, value);
    }
    if let Some(count) = active_validators {
        tell("validators by the protocol's books".to_owned(), count.to_string());
    }
    for (kind, level) in accepted.iter() {
        tell(format!("accepted of kind {kind}"), format!("up to {level}"));
    }
    for validator in validators {
        tell(format!("validator {}", validator.pubkey), describe(validator));
        if let Some(Participation { previous, current, inactivity }) = validator.participation {
            let value = format!("flags {previous:03b}, then {current:03b}; inactivity score {inactivity}");
            tell(format!("participation of {}", validator.pubkey), value);
        }
    }
    for pubkey in unknown {
        tell(format!("validator {pubkey}"), "not known to the beacon chain".to_owned());
    }
    for (pubkey, slot) in orders {
        tell(format!("order for {pubkey}"), format!("slot {slot}"));
    }
    if let Some(Census { validators, active, active_balance, active_effective_balance }) = census {
        tell("network's validators".to_owned(), format!("{validators}, active {active}"));
        let value = format!("{active_balance} gwei, effective {active_effective_balance} gwei");
        tell("network's active balance".to_owned(), value);
    }
    facts
}

fn describe(validator: &ValidatorRecord) -> String {
    let ValidatorRecord { index, balance, effective_balance, activation_epoch, exit_epoch, .. } = validator;
    let epoch = |epoch: &Epoch| if *epoch == Epoch::FAR_FUTURE { "never".to_owned() } else { format!("epoch {epoch}") };
    let (active, leaves, pays) = (epoch(activation_epoch), epoch(exit_epoch), epoch(&validator.withdrawable_epoch));
    let slashed = if validator.slashed { ", slashed" } else { "" };
    let credentials = validator.withdrawal_credentials;
    format!(
        "index {index}, {balance} gwei, effective {effective_balance} gwei, to {credentials}, active: {active}, leaves: {leaves}, \
         withdrawable: {pays}{slashed}"
    )
}

/// Where two sides differ, by name.
#[must_use]
pub(crate) fn differences(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    names
        .into_iter()
        .map(|name| Difference { fact: name.clone(), ours: ours.get(name).cloned(), theirs: theirs.get(name).cloned() })
        .filter(|difference| difference.ours != difference.theirs)
        .collect()
}
