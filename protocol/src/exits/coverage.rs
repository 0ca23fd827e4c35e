//! Which validators the members that are present can still let go. Shares of validators' keys are dealt apart from the group key and outlive
//! memberships: after some turnover too few holders may be left, which would show only when a validator must leave. Members tell each
//! other which shares they hold; nothing is decided from that.

use crate::{
    types::{BlsPubkey, MemberId},
    wire::Holdings,
};
use std::collections::{BTreeMap, BTreeSet};

/// A validator as holdings name it: the first eight bytes of its public key. That two have the same is unlikely, and costs a wrong figure.
pub(crate) fn name(pubkey: &BlsPubkey) -> u64 {
    pubkey.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// What members hold, by their own word.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeMap<MemberId, BTreeSet<u64>>);

impl Coverage {
    /// Takes the word of `member`.
    pub(crate) fn hear(&mut self, member: MemberId, holdings: &Holdings) {
        self.0.insert(member, holdings.validators.iter().copied().collect());
    }

    /// How many of `validators` can be let go by `present` members and ourselves, if each needs `threshold(validator)` shares; `ours` says
    /// which of them we hold one of.
    pub(crate) fn count<'a>(
        &self,
        validators: impl Iterator<Item = &'a BlsPubkey>,
        present: &BTreeSet<MemberId>,
        ours: impl Fn(&BlsPubkey) -> bool,
        threshold: impl Fn(&BlsPubkey) -> usize,
    ) -> usize {
        let present: Vec<&BTreeSet<u64>> = present.iter().filter_map(|member| self.0.get(member)).collect();
        let can_go = |pubkey: &&BlsPubkey| {
            let name = name(pubkey);
            let theirs = present.iter().filter(|held| held.contains(&name)).count();
            theirs.saturating_add(usize::from(ours(pubkey))) >= threshold(pubkey)
        };
        validators.filter(can_go).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{member, validator};

    #[test]
    fn a_validator_can_go_when_enough_of_those_present_hold_a_share() {
        let keys: Vec<BlsPubkey> = (1..4).map(|index| validator(index, 1).pubkey).collect();
        let holdings = |indices: &[usize]| Holdings { validators: indices.iter().map(|at| name(&keys[*at])).collect() };
        let mut coverage = Coverage::default();
        coverage.hear(member(2), &holdings(&[0, 1, 2]));
        coverage.hear(member(3), &holdings(&[0, 1]));
        coverage.hear(member(4), &holdings(&[0]));
        let count = |coverage: &Coverage, present: &[u16]| {
            let present = present.iter().map(|number| member(*number)).collect();
            coverage.count(keys.iter(), &present, |pubkey| *pubkey != keys[2], |_| 3)
        };
        assert_eq!(count(&coverage, &[2, 3, 4]), 2);
        assert_eq!(count(&coverage, &[3, 4]), 1);
        assert_eq!(count(&coverage, &[2]), 0);
        // Its newest word counts.
        coverage.hear(member(2), &holdings(&[]));
        assert_eq!(count(&coverage, &[2, 3, 4]), 1);
    }
}
