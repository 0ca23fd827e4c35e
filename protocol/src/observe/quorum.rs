//! Which of several answers to believe. Pure algebra over what the providers said; used for every read.
//!
//! A value is believed when at least k providers gave it, and k is a majority of those *configured*: two different values can't
//! both be believed, and silence never counts as consent.

use crate::{ports::ReadFailure, types::ProviderId};

/// What came of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<T> {
    /// The value that enough providers gave, if there is one.
    pub value: Option<T>,
    /// Providers that gave another value than the one believed; all that answered, if none was believed although there were
    /// different ones.
    pub dissent: Vec<(ProviderId, T)>,
    /// Providers that gave no answer. Not a contradiction.
    pub failed: Vec<(ProviderId, ReadFailure)>,
}

/// Weighs `answers`; `k` equal ones are believed.
#[must_use]
pub(crate) fn weigh<T: Clone + PartialEq>(answers: Vec<(ProviderId, Result<T, ReadFailure>)>, k: usize) -> Verdict<T> {
    let mut given: Vec<(ProviderId, T)> = Vec::new();
    let mut failed = Vec::new();
    for (provider, answer) in answers {
        match answer {
            // A provider that answers twice counts once.
            Ok(_) if given.iter().any(|(known, _)| *known == provider) => {}
            Ok(value) => given.push((provider, value)),
            Err(failure) => failed.push((provider, failure)),
        }
    }
    let value = given
        .iter()
        .find(|(_, value)| given.iter().filter(|(_, other)| other == value).count() >= k.max(1))
        .map(|(_, value)| value.clone());
    let all_alike = given.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a == b));
    let dissent = match &value {
        Some(believed) => given.into_iter().filter(|(_, value)| value != believed).collect(),
        None if all_alike => Vec::new(),
        None => given,
    };
    Verdict { value, dissent, failed }
}

/// The highest number that at least `k` providers have reached: for values that only grow, where a provider that is behind does
/// not contradict one that is ahead.
#[must_use]
pub(crate) fn reached<T: Copy + Ord>(mut values: Vec<T>, k: usize) -> Option<T> {
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(k.max(1).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answers(values: &[Option<u8>]) -> Vec<(ProviderId, Result<u8, ReadFailure>)> {
        let failure = || ReadFailure::Unreachable("down".into());
        let answer = |value: &Option<u8>| value.ok_or_else(failure);
        values.iter().enumerate().map(|(i, value)| (ProviderId(i as u8), answer(value))).collect()
    }

    #[test]
    fn one_liar_of_three_is_named_and_not_believed() {
        let verdict = weigh(answers(&[Some(7), Some(9), Some(7)]), 2);
        assert_eq!(verdict.value, Some(7));
        assert_eq!(verdict.dissent, vec![(ProviderId(1), 9)]);
    }

    #[test]
    fn two_silent_of_three_is_no_quorum_and_no_contradiction() {
        let verdict = weigh(answers(&[Some(7), None, None]), 2);
        assert_eq!(verdict.value, None);
        assert!(verdict.dissent.is_empty());
        assert_eq!(verdict.failed.len(), 2);
    }

    #[test]
    fn a_tie_is_believed_by_nobody_and_names_both() {
        let verdict = weigh(answers(&[Some(7), Some(9)]), 2);
        assert_eq!(verdict.value, None);
        assert_eq!(verdict.dissent.len(), 2);
    }

    proptest! {
        #[test]
        fn a_majority_of_honest_providers_is_always_believed(
            honest in 1usize..6, liars in proptest::collection::vec(proptest::option::of(0u8..4), 0..5), at in 0usize..6,
        ) {
            prop_assume!(honest > liars.len());
            let mut values = liars.clone();
            values.splice(at.min(liars.len())..at.min(liars.len()), std::iter::repeat_n(Some(9), honest));
            let k = values.len() / 2 + 1;
            let verdict = weigh(answers(&values), k);
            prop_assert_eq!(verdict.value, Some(9));
            prop_assert_eq!(verdict.dissent.len(), liars.iter().flatten().count());
        }

        #[test]
        fn nothing_is_believed_that_fewer_than_k_said(
            values in proptest::collection::vec(proptest::option::of(0u8..3), 0..7), k in 1usize..7,
        ) {
            let verdict = weigh(answers(&values), k);
            if let Some(believed) = verdict.value {
                prop_assert!(values.iter().filter(|v| **v == Some(believed)).count() >= k);
            }
        }

        #[test]
        fn what_is_reached_was_reached_by_k(values in proptest::collection::vec(0u64..9, 0..7), k in 1usize..7) {
            match reached(values.clone(), k) {
                Some(v) => prop_assert!(values.iter().filter(|x| **x >= v).count() >= k),
                None => prop_assert!(values.len() < k),
            }
        }
    }
}
