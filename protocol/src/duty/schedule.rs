//! When a statement that is made once in a while is due.

use crate::types::{Epoch, Level};

/// Due in the first finalized epoch of every `period` epochs that the contract has nothing of. If that epoch passes without one, the
/// next takes its place. `last` is the epoch of what the contract has; `None` if it has nothing.
pub(super) fn is_due(epoch: Epoch, last: Option<Epoch>, period: u64) -> bool {
    let number = |epoch: Epoch| epoch.0.checked_div(period.max(1));
    last.is_none_or(|last| number(epoch) > number(last))
}

/// The epoch of a contract's last reference slot; `None` if it has accepted nothing.
pub(super) fn epoch_of_slot(accepted: Level, slots_per_epoch: u64) -> Option<Epoch> {
    (accepted.0 > 0).then(|| accepted.0.checked_div(slots_per_epoch).map(Epoch)).flatten()
}
