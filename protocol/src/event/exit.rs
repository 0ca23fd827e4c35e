//! What happens on a validator's way out, from the members' parts to the settlement.

use crate::{
    duty::{DutyId, kinds::EjectionReason},
    exits::ExitStage,
    ports::RequestOutcome,
    types::{Epoch, ValidatorIndex, Wei},
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitEvent {
    /// This guardian gave its part of an exit: irrevocable.
    PartReleased {
        /// The validator.
        index: ValidatorIndex,
        /// Why it has to leave.
        reason: EjectionReason,
    },
    /// Threshold parts make the validator's own signature.
    Combined {
        /// The validator.
        index: ValidatorIndex,
    },
    /// The validator's exit is on the beacon chain.
    Seen {
        /// The validator.
        index: ValidatorIndex,
        /// When it leaves.
        exit_epoch: Epoch,
    },
    /// A validator whose exit is on the beacon chain is further on its way.
    Moved {
        /// The validator.
        index: ValidatorIndex,
        /// How far it is.
        stage: ExitStage,
    },
    /// A validator that has left was settled by the protocol: it is followed no longer.
    Settled {
        /// The validator.
        index: ValidatorIndex,
    },
    /// Nothing has been in the way of a validator's exit for many epochs, and no block has it: an alarm. Told once for each exit of an order.
    Stuck {
        /// The order.
        id: DutyId,
        /// The validator.
        index: ValidatorIndex,
        /// For how many epochs.
        epochs: u64,
        /// What was tried, in words.
        tried: String,
    },
    /// It is this guardian's turn to pay for the request of an exit (EIP-7002).
    Requesting {
        /// The validator.
        index: ValidatorIndex,
        /// The most wei that it pays.
        max_fee: Wei,
    },
    /// What became of that.
    Requested {
        /// The validator.
        index: ValidatorIndex,
        /// The outcome.
        outcome: RequestOutcome,
    },
    /// This guardian has no share of the key of a validator that must leave.
    NoShare {
        /// The validator.
        index: ValidatorIndex,
    },
}
