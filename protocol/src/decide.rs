//! The second step: pure rules from evidence to duties. No opinion of the network enters here, and nothing that an operator could
//! configure: every honest guardian that sees the same chain computes the same bytes. The rules stand with their kinds ([`crate::duty`]).
//!
//! There is one set of rules so far. Where later ones decide otherwise, they are asked for by the version of the reference epoch
//! ([`RuleSchedule::at`](crate::RuleSchedule::at)), handed down from here, and the earlier ones stay beside them: an epoch is decided by one
//! version, whenever that is done, at once, after a signature of the others, or from a dossier.

use crate::{
    duty::{ChainView, Duty, DutyBody, DutyKind, Evidence, Need, Needs, Rules},
    types::{Checkpoint, Epoch, KeyEpoch},
};

/// What has to be read at a reference so that every duty that is due there can be decided.
pub(crate) fn needs(chain: &ChainView, epoch: Epoch, slots_per_epoch: u64) -> Needs {
    let of_kind = chain.rules.iter().map(|rules| rules.needs(epoch, chain.accepted(rules.kind()), slots_per_epoch));
    of_kind.fold(Needs::default(), Needs::and)
}

/// For each kind, the first epoch after `epoch` of which something is read for a duty of it, as far as its contract has come by now. None
/// within a year, and the kind is left out; of what may happen in any epoch, that is the next one.
pub(crate) fn next(
    chain: &ChainView,
    epoch: Epoch,
    slots_per_epoch: u64,
    epochs_of_a_year: u64,
) -> Vec<(DutyKind, Epoch)> {
    let later = || (1..=epochs_of_a_year).map(|ahead| Epoch(epoch.0.saturating_add(ahead)));
    let of = |rules: &Rules| {
        let (kind, accepted) = (rules.kind(), chain.accepted(rules.kind()));
        let is_read = |at: &Epoch| rules.needs(*at, accepted, slots_per_epoch) != Needs::default();
        Some((kind, later().find(is_read)?))
    };
    chain.rules.iter().filter_map(of).collect()
}

/// The duties that `evidence` demands, in the order of the kinds. `is_out` says of which duties a signed one is known that the evidence
/// can't show yet: a finalized reference is two epochs old, and what was just sent is not visible in it.
pub(crate) fn decide(evidence: &Evidence, is_out: impl Fn(&Duty) -> bool, slots_per_epoch: u64) -> Vec<Duty> {
    DutyKind::ALL
        .into_iter()
        .flat_map(|kind| of_kind(kind, evidence, slots_per_epoch))
        .filter(|duty| !is_out(duty))
        .collect()
}

/// The duties of one kind that `evidence` demands.
pub(crate) fn of_kind(kind: DutyKind, evidence: &Evidence, slots_per_epoch: u64) -> Vec<Duty> {
    let rules = evidence.chain.rules(kind).into_iter();
    let bodies = rules.flat_map(|rules| rules.decide(evidence, slots_per_epoch)).take(kind.most_open());
    let Checkpoint { epoch, root, .. } = evidence.checkpoint;
    let by_accounts = evidence.chain.rules(kind).is_some_and(|rules| rules.guardian_list().is_some());
    let duty = |body: DutyBody| Duty {
        // As `Setup::key_epoch_of` has it.
        key_epoch: if by_accounts { KeyEpoch(0) } else { evidence.chain.key_epoch },
        period: body.period(epoch),
        reference_slot: evidence.slot,
        reference_root: root,
        body,
    };
    bodies.map(duty).collect()
}

/// Whether `evidence` holds everything that duties of `kind` are decided from, and is proved as well as it can be: if not, that nothing
/// was decided says nothing.
pub(crate) fn is_complete(kind: DutyKind, evidence: &Evidence, slots_per_epoch: u64) -> bool {
    let Checkpoint { epoch, .. } = evidence.checkpoint;
    let rules = evidence.chain.rules(kind);
    let needs = rules.map(|rules| rules.needs(epoch, evidence.chain.accepted(kind), slots_per_epoch));
    evidence.proof.bears_orders() && needs.is_some_and(|needs| !needs.has(Need::Census) || evidence.census.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{any_chain_view, chain_spec, evidence, validator},
        types::{Census, Level, Proof},
    };

    /// Whoever could not know has no opinion about what the others signed.
    #[test]
    fn evidence_without_a_census_or_without_the_usual_proof_is_not_complete() {
        let slots = chain_spec().slots_per_epoch;
        let mut evidence = evidence(any_chain_view(100), 100, vec![validator(1, 1)]);
        let all = DutyKind::ALL.len();
        let is_whole = |kind: &DutyKind, evidence: &Evidence| is_complete(*kind, evidence, slots);
        let complete = |evidence: &Evidence| DutyKind::ALL.iter().filter(|kind| is_whole(kind, evidence)).count();
        assert!((1..all).contains(&complete(&evidence)), "only some kinds need a census");
        evidence.census = Some(Census::default());
        assert_eq!(complete(&evidence), all);
        evidence.proof = Proof::Downgraded;
        assert_eq!(complete(&evidence), 0);
        evidence.chain.rules.clear();
        evidence.proof = Proof::Quorum;
        assert_eq!(complete(&evidence), 0, "without a contract nothing is decided");
    }

    #[test]
    fn the_next_epoch_of_a_kind_is_the_first_that_reads_something_for_it() {
        let slots = chain_spec().slots_per_epoch;
        let mut chain = any_chain_view(100);
        crate::testing::reserve_rules(&mut chain).deviation_bps = 0;
        // A report every ten epochs, and the one of these is there.
        chain.accepted.insert(DutyKind::Reserves, Level(103 * slots));
        let of = |kind: DutyKind, year: u64| {
            next(&chain, Epoch(103), slots, year).into_iter().find_map(|(of, epoch)| (of == kind).then_some(epoch))
        };
        assert_eq!(of(DutyKind::Ejection, 365), Some(Epoch(104)), "in any epoch");
        assert_eq!((of(DutyKind::Reserves, 365), of(DutyKind::Reserves, 6)), (Some(Epoch(110)), None));
        assert_eq!(of(DutyKind::KeyVeto, 365), None, "nothing is read for it");
    }

    #[test]
    fn what_is_in_flight_is_not_decided_again() {
        let slots = chain_spec().slots_per_epoch;
        let evidence = evidence(any_chain_view(100), 100, vec![validator(1, 1)]);
        let all = decide(&evidence, |_| false, slots);
        assert!(all.len() > 1 && all.is_sorted_by_key(Duty::kind), "in the order of the kinds");
        let first = all[0].kind();
        let left = decide(&evidence, |duty| duty.kind() == first, slots);
        assert!(left.iter().eq(all.iter().filter(|duty| duty.kind() != first)));
        assert!(decide(&evidence, |_| true, slots).is_empty());
    }
}
