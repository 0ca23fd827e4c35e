//! Evidence and duties as facts: one name and one value each, in words. Two that differ, differ in facts that can be named.

use crate::types::{Checkpoint, Duty, DutyBody, Epoch, Evidence, ValidatorRecord};
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

/// What duties are decided from, by name. How the validators are known is left out: two guardians may know the same in different ways.
#[must_use]
pub fn facts(evidence: &Evidence) -> BTreeMap<String, String> {
    let Evidence { checkpoint, slot, chain, proof: _, validators, unknown, orders, .. } = evidence;
    let Checkpoint { epoch, root, block_slot, state_root, execution } = checkpoint;
    let policy = &chain.policy;
    let execution = execution.map_or_else(|| "none".to_owned(), |block| format!("{} {}", block.number, block.hash));
    let mut facts = BTreeMap::new();
    let mut tell = |name: &str, value: String| facts.insert(name.to_owned(), value);
    tell("finalized epoch", epoch.to_string());
    tell("reference slot", slot.to_string());
    tell("finalized block", root.to_string());
    tell("finalized block's slot", block_slot.to_string());
    tell("finalized block's state", state_root.to_string());
    tell("finalized block's execution block", execution);
    tell("execution block", format!("{} {} at {}", chain.block.number, chain.block.hash, chain.block.timestamp));
    tell("ejection threshold", format!("{} wei", policy.ejection_threshold));
    tell("report period", format!("{} epochs", policy.report_period));
    tell("liabilities", format!("{} wei", policy.liabilities));
    tell("last accepted order", format!("slot {}", chain.accepted.ejection));
    tell("last accepted report", format!("slot {}", chain.accepted.reserves));
    tell("key epoch", chain.key_epoch.to_string());
    tell("group key", chain.group_key.to_string());
    for (account, wei) in &policy.vaults {
        tell(&format!("vault {account}"), format!("{wei} wei"));
    }
    for (account, wei) in &policy.pods {
        tell(&format!("pod {account}"), format!("{wei} wei"));
    }
    for validator in validators {
        tell(&format!("validator {}", validator.pubkey), describe(validator));
    }
    for pubkey in unknown {
        tell(&format!("validator {pubkey}"), "not known to the beacon chain".to_owned());
    }
    for (pubkey, slot) in orders {
        tell(&format!("order for {pubkey}"), format!("slot {slot}"));
    }
    facts
}

fn describe(validator: &ValidatorRecord) -> String {
    let ValidatorRecord { index, pubkey: _, balance, slashed, activation_epoch, exit_epoch } = validator;
    let slashed = if *slashed { ", slashed" } else { "" };
    let epoch = |epoch: &Epoch| if *epoch == Epoch::FAR_FUTURE { "never".to_owned() } else { format!("epoch {epoch}") };
    let (active, leaves) = (epoch(activation_epoch), epoch(exit_epoch));
    format!("index {index}, {balance} gwei, active: {active}, leaves: {leaves}{slashed}")
}

/// What a duty says, by name.
#[must_use]
pub fn statements(duty: &Duty) -> BTreeMap<String, String> {
    let mut statements = BTreeMap::new();
    let mut tell = |name: &str, value: String| statements.insert(name.to_owned(), value);
    tell("kind", duty.kind().as_str().to_owned());
    tell("key epoch", duty.key_epoch.to_string());
    tell("reference epoch", duty.period.to_string());
    tell("reference slot", duty.reference_slot.to_string());
    tell("reference root", duty.reference_root.to_string());
    match &duty.body {
        DutyBody::Ejection(order) => {
            for ejection in order.ejections() {
                let value = format!("index {}, {}", ejection.index, ejection.reason.as_str());
                tell(&format!("eject {}", ejection.pubkey), value);
            }
        }
        DutyBody::Reserves(report) => {
            tell("validators", report.validator_count.to_string());
            tell("balance of validators", format!("{} gwei", report.validators));
            tell("ether in pods", format!("{} gwei", report.pods));
            tell("ether in vaults", format!("{} gwei", report.vaults));
            tell("pending", format!("{} gwei", report.pending));
            tell("liabilities", format!("{} gwei", report.liabilities));
        }
    }
    statements
}

/// Where two sides differ, by name.
#[must_use]
pub fn differences(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    names
        .into_iter()
        .map(|name| Difference { fact: name.clone(), ours: ours.get(name).cloned(), theirs: theirs.get(name).cloned() })
        .filter(|difference| difference.ours != difference.theirs)
        .collect()
}
