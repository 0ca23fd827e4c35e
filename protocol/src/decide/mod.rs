//! The second step: pure rules from evidence to duties. No opinion of the network enters here, and nothing that an operator could
//! configure: every honest guardian that sees the same chain computes the same bytes.

mod ejection;
mod reserves;
#[cfg(test)]
pub(crate) mod tests;

use crate::types::{Duty, DutyKind, Evidence};

pub use ejection::{ORDER_LIFE, Stay, Verdict, judge};

/// The duties that `evidence` demands, in the order of [`DutyKind::ALL`]. `in_flight` says for which kinds a signed duty is known that
/// the evidence can't show yet: a finalized reference is two epochs old, and what was just sent is not visible in it.
#[must_use]
pub fn decide(evidence: &Evidence, in_flight: impl Fn(DutyKind) -> bool, slots_per_epoch: u64) -> Vec<Duty> {
    DutyKind::ALL
        .into_iter()
        .filter(|kind| !in_flight(*kind))
        .filter_map(|kind| match kind {
            DutyKind::Ejection => ejection::decide(evidence, slots_per_epoch),
            DutyKind::Reserves => reserves::decide(evidence, slots_per_epoch),
        })
        .map(|body| Duty {
            key_epoch: evidence.chain.key_epoch,
            period: evidence.checkpoint.epoch,
            reference_slot: evidence.slot,
            reference_root: evidence.checkpoint.root,
            body,
        })
        .collect()
}
