//! What was read: the shapes that providers' answers take, and the [`Evidence`] that is folded from those that agree.

use super::{BlsPubkey, Epoch, Gwei, KeyEpoch, Slot, ValidatorIndex, Wei};
use crate::observe::Registry;
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::schnorr::GroupKey;
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};
use std::collections::{BTreeMap, BTreeSet};

/// A finalized checkpoint of the beacon chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The finalized epoch.
    pub epoch: Epoch,
    /// Root of the last block at or before the epoch's first slot.
    pub root: B256,
    /// That block's own slot; smaller than the epoch's first slot if that one was skipped.
    pub block_slot: Slot,
    /// That block's post-state root.
    pub state_root: B256,
    /// The execution block it contains; `None` before the merge.
    pub execution: Option<BlockHash>,
}

/// An execution block as the beacon chain names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHash {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
}

/// An execution block as an execution node names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Unix time in seconds.
    pub timestamp: u64,
}

/// The rules that the contracts set, read at the reference block so that they can't differ between guardians.
///
/// In text, amounts of wei are decimal strings: they don't fit into the numbers of most readers of JSON.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Validators below this balance are forced out. `EjectionRegistry.getEjectionThreshold`.
    #[serde_as(as = "DisplayFromStr")]
    pub ejection_threshold: Wei,
    /// Epochs between two reserve reports. `ReserveFeed.reportPeriodEpochs`.
    pub report_period: u64,
    /// The vaults whose ether counts, with their balances. `ReserveFeed.getSources`.
    #[serde_as(as = "Vec<(_, DisplayFromStr)>")]
    pub vaults: Vec<(Address, Wei)>,
    /// The pods whose ether counts, with their balances. `ReserveFeed.getSources`.
    #[serde_as(as = "Vec<(_, DisplayFromStr)>")]
    pub pods: Vec<(Address, Wei)>,
    /// The supply of the token that is owed, 0 if there is none. `ReserveFeed.getSources`, `totalSupply`.
    #[serde_as(as = "DisplayFromStr")]
    pub liabilities: Wei,
}

/// The newest reference slots that the contracts accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// `EjectionRegistry.lastReferenceSlot`.
    pub ejection: Slot,
    /// `ReserveFeed.lastReferenceSlot`.
    pub reserves: Slot,
}

/// The execution layer's side of one observation, all at one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// The block.
    pub block: BlockRef,
    /// The contracts' rules.
    pub policy: Policy,
    /// The contracts' progress.
    pub accepted: Accepted,
    /// Which key the contracts verify against.
    pub key_epoch: KeyEpoch,
    /// That key.
    pub group_key: GroupKey,
}

/// Something that the contracts logged, in chain order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ProtocolEvent {
    /// A validator of the protocol was funded. Puffer's `SuccessfullyProvisioned`.
    Provisioned(BlsPubkey),
    /// A validator left and was settled. Puffer's `ValidatorExited`.
    Exited(BlsPubkey),
    /// The registry accepted an order for this validator. `ValidatorEjected`.
    Ordered {
        /// The validator.
        pubkey: BlsPubkey,
        /// The order's reference slot.
        reference_slot: Slot,
    },
}

/// A validator as the beacon state has it at the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorRecord {
    /// Its index.
    pub index: ValidatorIndex,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// Its balance (not the effective balance).
    pub balance: Gwei,
    /// Whether it was slashed.
    pub slashed: bool,
    /// When it became or will become active.
    pub activation_epoch: Epoch,
    /// When it will leave; [`Epoch::FAR_FUTURE`] if no exit is under way.
    pub exit_epoch: Epoch,
}

impl ValidatorRecord {
    /// Whether it is attesting at `epoch` and has not begun to leave: only such a validator can be forced out.
    #[must_use]
    pub fn is_active_ongoing(&self, epoch: Epoch) -> bool {
        self.activation_epoch <= epoch && self.exit_epoch == Epoch::FAR_FUTURE
    }
}

/// How the validators' records are known to be those of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Proof {
    /// Enough providers said the same.
    Quorum,
    /// The state they stand in was hashed: it is the one whose root the reference block has. No provider was believed.
    State {
        /// Its root.
        root: B256,
    },
    /// The reference slot was skipped, so no block has the state's root: the state was hashed, names the reference block as its
    /// last, and enough providers say that the state at the slot has this root.
    AdvancedState {
        /// Its root.
        root: B256,
    },
}

impl Proof {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::State { .. } => "state",
            Self::AdvancedState { .. } => "advanced_state",
        }
    }
}

/// Everything that duties are decided from. Built only by [`crate::observe`], from answers that enough providers gave alike; read
/// from a file it can be decided from again ([`crate::audit`]), but no guardian acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The finalized checkpoint.
    pub checkpoint: Checkpoint,
    /// The epoch's first slot: the reference slot.
    pub slot: Slot,
    /// The execution layer at the block that the reference contains.
    pub chain: ChainView,
    /// How the validators are known.
    pub proof: Proof,
    /// The protocol's validators that the beacon chain knows, by index.
    pub validators: Vec<ValidatorRecord>,
    /// The protocol's validators that it does not know.
    pub unknown: Vec<BlsPubkey>,
    /// Orders that the registry has accepted for the protocol's validators: the newest reference slot of each.
    pub orders: BTreeMap<BlsPubkey, Slot>,
    #[serde(skip)]
    _sealed: Sealed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sealed;

impl Evidence {
    pub(crate) fn new(
        checkpoint: Checkpoint,
        slot: Slot,
        chain: ChainView,
        (validators, proof): (Vec<ValidatorRecord>, Proof),
        registry: &Registry,
    ) -> Self {
        let known: BTreeSet<BlsPubkey> = validators.iter().map(|validator| validator.pubkey).collect();
        let unknown = registry.validators().filter(|pubkey| !known.contains(*pubkey)).copied().collect();
        let ordered = |pubkey: &BlsPubkey| Some((*pubkey, registry.ordered_at(pubkey)?));
        let orders = registry.validators().filter_map(ordered).collect();
        Self { checkpoint, slot, chain, proof, validators, unknown, orders, _sealed: Sealed }
    }
}
