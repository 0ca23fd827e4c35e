//! What duties are decided from: one finalized reference, what the contracts say there, and whatever else the duties that are due
//! asked for ([`Need`]).

use super::{DutyKind, Figure, PerKind, Risk, Rules};
use crate::types::{BlockRef, BlsPubkey, Census, Checkpoint, KeyEpoch, Level, Proof, Registry, Slot, ValidatorRecord};
use alloy_primitives::B256;
use guardian_crypto::schnorr::GroupKey;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The execution layer's side of one reference, all at one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// The block.
    pub block: BlockRef,
    /// Which key the contracts verify against.
    pub key_epoch: KeyEpoch,
    /// That key.
    pub group_key: GroupKey,
    /// No signature counts: the governor or the vetoer has paused the keys. `GuardianKeys.isPaused`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// A key that the governor wants to put in the place of this one. `GuardianKeys.proposal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<KeyProposal>,
    /// What the contract of each kind says; at most one of a kind, in the order of the kinds.
    pub rules: Vec<Rules>,
    /// How far each contract is with duties about the whole.
    pub accepted: PerKind<Level>,
    /// How many validators the protocol has by its own books; `None` if its contract keeps none. A history that leads to another number
    /// is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_validators: Option<u64>,
}

/// A key that waits to begin the next epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyProposal {
    /// Which proposal of the contract it is.
    pub number: u64,
    /// From when on it can begin, Unix time in seconds.
    pub ready_at: u64,
    /// The key's coordinates. It has proven itself to the contract; nothing here depends on it.
    pub key: [B256; 2],
    /// The guardians have slowed it, which they can do once.
    pub slowed: bool,
}

impl ChainView {
    /// What the contract of `kind` says, if there is one.
    #[must_use]
    pub fn rules(&self, kind: DutyKind) -> Option<&Rules> {
        self.rules.iter().find(|rules| rules.kind() == kind)
    }

    /// How far the contract of `kind` is; a contract that does not exist has accepted nothing.
    #[must_use]
    pub fn accepted(&self, kind: DutyKind) -> Level {
        self.accepted.get(kind).copied().unwrap_or_default()
    }
}

/// Something to be read at a reference, besides what the contracts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// The protocol's validators: the contracts' events up to the reference block, and what the beacon state says of each.
    Validators,
    /// How many validators the network has. Only a state that was hashed tells it.
    Census,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    validators: bool,
    census: bool,
}

impl Needs {
    /// These.
    pub(crate) fn of(needs: impl IntoIterator<Item = Need>) -> Self {
        let mut all = Self::default();
        for need in needs {
            match need {
                Need::Validators => all.validators = true,
                Need::Census => all.census = true,
            }
        }
        all
    }

    /// These and those.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { validators: self.validators || other.validators, census: self.census || other.census }
    }

    /// Whether `need` is one of them.
    pub(crate) fn has(self, need: Need) -> bool {
        match need {
            Need::Validators => self.validators,
            Need::Census => self.census,
        }
    }
}

/// Everything that duties are decided from. Built only by observing, from answers that enough providers gave alike or that prove
/// themselves; read from a file it can be decided from again ([`Dossier`](crate::audit::Dossier)), but no guardian acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The finalized checkpoint.
    pub checkpoint: Checkpoint,
    /// The epoch's first slot: the reference slot.
    pub slot: Slot,
    /// The execution layer at the block that the reference contains.
    pub chain: ChainView,
    /// How what stands in the beacon state is known.
    pub proof: Proof,
    /// The protocol's validators that the beacon chain knows, by index.
    pub validators: Vec<ValidatorRecord>,
    /// The protocol's validators that it does not know.
    pub unknown: Vec<BlsPubkey>,
    /// Orders that the registry has accepted for the protocol's validators: the newest reference slot of each.
    pub orders: BTreeMap<BlsPubkey, Slot>,
    /// The protocol's validators whose exits were requested (EIP-7002).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requested: BTreeSet<BlsPubkey>,
    /// The whole network, where a proved state tells it.
    pub census: Option<Census>,
    #[serde(skip)]
    _sealed: Sealed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sealed;

impl Evidence {
    pub(crate) fn new(
        (checkpoint, slot, chain): (Checkpoint, Slot, ChainView),
        (validators, census, proof): (Vec<ValidatorRecord>, Option<Census>, Proof),
        registry: &Registry,
    ) -> Self {
        let known: BTreeSet<BlsPubkey> = validators.iter().map(|validator| validator.pubkey).collect();
        let unknown = registry.validators().filter(|pubkey| !known.contains(*pubkey)).copied().collect();
        let ordered = |pubkey: &BlsPubkey| Some((*pubkey, registry.ordered_at(pubkey)?));
        let orders = registry.validators().filter_map(ordered).collect();
        let requested = registry.validators().filter(|pubkey| registry.is_requested(pubkey)).copied().collect();
        Self { checkpoint, slot, chain, proof, validators, unknown, orders, requested, census, _sealed: Sealed }
    }

    /// What the rules say of one of these validators, for people.
    pub(crate) fn risk(&self, validator: &ValidatorRecord, slots_per_epoch: u64) -> Option<Risk> {
        self.chain.rules.iter().find_map(|rules| rules.risk(validator, self, slots_per_epoch))
    }

    /// What people watch of each kind.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let of_kind = |rules: &Rules| {
            let kind = rules.kind();
            rules.figures(self).into_iter().map(move |(name, value)| Figure { kind, name, value })
        };
        self.chain.rules.iter().flat_map(of_kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{any_chain_view, evidence_with, validator},
        types::ProtocolEvent,
    };

    #[test]
    fn evidence_names_validators_that_the_beacon_chain_does_not_know() {
        let mut registry = Registry::default();
        let pubkeys = [validator(1, 1).pubkey, validator(2, 1).pubkey];
        let block = BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 };
        registry.advance(block, &pubkeys.map(ProtocolEvent::Provisioned));
        let evidence = evidence_with(any_chain_view(100), 100, vec![validator(1, 1)], &registry);
        assert_eq!(evidence.unknown, vec![pubkeys[1]]);
        assert!(evidence.orders.is_empty());
    }
}
