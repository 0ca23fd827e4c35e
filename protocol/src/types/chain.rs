//! What the two chains show, in the shapes that providers' answers take. Which answer is believed is not decided here.

use super::{BlsPubkey, Epoch, Gwei, Slot, ValidatorIndex};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

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
    /// Exits of an order's validators were requested (EIP-7002). `ExitsTriggered`.
    ExitsRequested {
        /// The order's reference slot.
        reference_slot: Slot,
        /// A bit for each of them: the lowest is the order's first entry.
        positions: B256,
    },
}

/// What the contracts logged in a range of blocks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EventPage {
    /// The first block.
    pub from: u64,
    /// The last block. Its hash fixes the branch.
    pub upto: BlockRef,
    /// In chain order.
    pub events: Vec<ProtocolEvent>,
}

/// A validator as the beacon state has it at the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorRecord {
    /// Its index.
    pub index: ValidatorIndex,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// Where its stake returns to, with the type in the first byte.
    pub withdrawal_credentials: B256,
    /// Its balance.
    pub balance: Gwei,
    /// What counts of its balance for its duties: a whole number of ether, with hysteresis.
    pub effective_balance: Gwei,
    /// Whether it was slashed.
    pub slashed: bool,
    /// When it became or will become active.
    pub activation_epoch: Epoch,
    /// When it will leave; [`Epoch::FAR_FUTURE`] if no exit is under way.
    pub exit_epoch: Epoch,
    /// When its balance can be withdrawn; [`Epoch::FAR_FUTURE`] if no exit is under way.
    pub withdrawable_epoch: Epoch,
    /// How it takes part. Only a state that was hashed tells it, from Altair on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participation: Option<Participation>,
    /// Parts of its balance whose withdrawal is pending (EIP-7251): until they are done, the beacon chain lets it not leave. Only a state that
    /// was hashed tells it, from Electra on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_withdrawals: Option<Gwei>,
}

/// How a validator takes part in consensus. The flags are Altair's: source, target and head in the lowest three bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participation {
    /// In the epoch before the state's: final.
    pub previous: u8,
    /// In the state's own epoch, so far.
    pub current: u8,
    /// Its inactivity score.
    pub inactivity: u64,
}

impl ValidatorRecord {
    /// Whether it is attesting at `epoch` and has not begun to leave: only such a validator can be forced out.
    #[must_use]
    pub fn is_active_ongoing(&self, epoch: Epoch) -> bool {
        self.activation_epoch <= epoch && self.exit_epoch == Epoch::FAR_FUTURE
    }

    /// The same without what only a state that was hashed tells.
    #[must_use]
    pub const fn plain(self) -> Self {
        Self { participation: None, pending_withdrawals: None, ..self }
    }

    /// Whether `said`, by a provider that tells less than a state that was hashed, is the same.
    #[must_use]
    pub fn agrees_with(&self, said: &Self) -> bool {
        self.plain() == said.plain()
    }

    /// The account of the execution layer that its stake returns to; `None`: it has none yet.
    #[must_use]
    pub fn withdrawal_account(&self) -> Option<Address> {
        const ETH1: u8 = 1;
        const COMPOUNDING: u8 = 2;
        let [kind, _, _, _, _, _, _, _, _, _, _, _, account @ ..] = self.withdrawal_credentials.0;
        matches!(kind, ETH1 | COMPOUNDING).then(|| Address::from(account))
    }
}

/// The whole network at the epoch of a state.
#[serde_as]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Entries of the registry of validators.
    pub validators: u64,
    /// Active ones.
    pub active: u64,
    /// Their balances together, gwei.
    #[serde_as(as = "DisplayFromStr")]
    pub active_balance: u128,
    /// Their effective balances together, gwei.
    #[serde_as(as = "DisplayFromStr")]
    pub active_effective_balance: u128,
}

/// How the validators' records are known to be those of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Proof {
    /// Enough providers said the same, and none has served whole states within the last day.
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
    /// Enough providers said the same, although one has served whole states within the last day: those who lie need only keep states
    /// from being proved. Worth a report, and nothing that can't be undone.
    Downgraded,
}

impl Proof {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::State { .. } => "state",
            Self::AdvancedState { .. } => "advanced_state",
            Self::Downgraded => "downgraded",
        }
    }

    /// Whether something irrevocable may follow.
    #[must_use]
    pub const fn bears_orders(&self) -> bool {
        match self {
            Self::Quorum | Self::State { .. } | Self::AdvancedState { .. } => true,
            Self::Downgraded => false,
        }
    }
}
