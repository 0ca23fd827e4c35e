//! The one chain that the providers must serve, and how it is found, at the start and again in each epoch: what a majority of them says.

use crate::{
    beacon::fingerprint::BeaconFingerprint,
    config::{ChainConfig, Limits},
    error::{Error, Layer},
};
use guardian_protocol::{ChainSpec, Contracts, ProviderQuorum, Query, ReadFailure};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The chain, as every provider must have it, and what to read on it.
#[derive(Debug)]
pub(crate) struct Chain {
    beacon: RwLock<Arc<BeaconFingerprint>>,
    pub(crate) chain_id: u64,
    pub(crate) contracts: Contracts,
    pub(crate) start_block: u64,
    /// So many equal answers are enough.
    pub(crate) quorum: ProviderQuorum,
    pub(crate) limits: Limits,
}

impl Chain {
    /// # Errors
    /// [`Error::Contradiction`] if the two layers, or the operator, mean different chains.
    pub(crate) fn new(beacon: BeaconFingerprint, chain_id: u64, config: &ChainConfig, now: u64) -> Result<Self, Error> {
        if let Some(expected) = config.chain_id
            && expected != chain_id
        {
            let what = format!("the execution providers serve chain {chain_id}, the configuration says {expected}");
            return Err(Error::Contradiction(what));
        }
        // Before the merge, a development chain's two layers know nothing of each other.
        let merged = beacon.bellatrix.is_some_and(|fork| fork <= beacon.epoch_at(now));
        if let Some(deposits) = beacon.deposit_chain_id
            && merged
            && deposits != chain_id
        {
            let what =
                format!("the beacon providers belong to chain {deposits}, the execution providers to {chain_id}");
            return Err(Error::Contradiction(what));
        }
        let &ChainConfig { contracts, start_block, quorum, limits, .. } = config;
        let beacon = RwLock::new(Arc::new(beacon));
        Ok(Self { beacon, chain_id, contracts, start_block, quorum, limits })
    }

    /// The beacon chain, as it was last agreed on.
    pub(crate) fn beacon(&self) -> Arc<BeaconFingerprint> {
        Arc::clone(&self.beacon.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over the forks that a majority states now. Another chain is never taken over.
    pub(crate) fn adopt(&self, stated: BeaconFingerprint) {
        let known = self.beacon();
        if !known.is_of_one_genesis(&stated) || known.forks == stated.forks && known.named_forks == stated.named_forks {
            return;
        }
        let forks: Vec<String> = stated.named_forks.iter().map(|(name, epoch)| format!("{name}@{epoch}")).collect();
        tracing::info!(forks = forks.join(" "), "the providers state other forks than before");
        *self.beacon.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stated);
    }

    pub(crate) fn network(&self) -> ChainSpec {
        let beacon = self.beacon();
        ChainSpec {
            chain_id: self.chain_id,
            genesis_validators_root: beacon.genesis_validators_root.into(),
            genesis_time: beacon.genesis_time,
            seconds_per_slot: beacon.seconds_per_slot,
            slots_per_epoch: beacon.slots_per_epoch,
            forks: beacon.forks.clone(),
            capella_fork_version: beacon.capella_version,
            deneb_fork_epoch: beacon.deneb,
            shard_committee_period: beacon.shard_committee_period,
        }
    }

    /// How long one provider may take for `query`.
    pub(crate) fn patience(&self, query: &Query) -> Duration {
        match query {
            Query::Events { .. } => self.limits.history_timeout,
            Query::Finalized | Query::Chain(_) | Query::State { .. } | Query::Progress(_) => self.limits.answer_timeout,
        }
    }
}

/// The fingerprint that a majority of all providers of `layer` has; the silent ones count as not having it. Where several would do,
/// because they differ in what does not matter now, the one that most agree with in everything, by `alike`, and of those the one that
/// says most, by `length`.
///
/// # Errors
/// [`Error::TooFewReachable`], [`Error::NoMajority`].
pub(crate) fn agree<F: Clone>(
    layer: Layer,
    said: &[(String, Result<F, ReadFailure>)],
    difference: impl Fn(&F, &F) -> Option<String>,
    alike: impl Fn(&F, &F) -> bool,
    length: impl Fn(&F) -> usize,
) -> Result<F, Error> {
    let total = said.len();
    let needed = (total / 2).saturating_add(1);
    let known: Vec<(&str, &F)> =
        said.iter().filter_map(|(name, said)| said.as_ref().ok().map(|print| (name.as_str(), print))).collect();
    if known.len() < needed {
        let reasons: Vec<String> = said
            .iter()
            .filter_map(|(name, said)| said.as_ref().err().map(|failure| format!("{name}: {failure}")))
            .collect();
        return Err(Error::TooFewReachable { layer, reached: known.len(), total, needed, reasons: reasons.join("; ") });
    }
    let followers = |candidate: &F| known.iter().filter(|(_, print)| difference(candidate, print).is_none()).count();
    let majority = known.iter().map(|(_, print)| *print).filter(|candidate| followers(candidate) >= needed);
    let support = |print: &F| known.iter().filter(|(_, other)| alike(print, other)).count();
    // The last of equal ones is taken: backwards, so that it is the operator's first.
    let best = majority.collect::<Vec<_>>().into_iter().rev().max_by_key(|print| (support(print), length(print)));
    if let Some(print) = best {
        return Ok(print.clone());
    }
    let first = known.first().map(|(_, print)| *print);
    let differences: Vec<String> = known
        .iter()
        .filter_map(|(name, print)| difference(first?, print).map(|text| format!("{name} serves {text}")))
        .collect();
    Err(Error::NoMajority { layer, reached: known.len(), total, needed, differences: differences.join("; ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(prints: &[Option<u64>]) -> Vec<(String, Result<u64, ReadFailure>)> {
        let answer = |print: &Option<u64>| print.ok_or_else(|| ReadFailure::Unreachable("refused".to_owned()));
        prints.iter().zip('a'..).map(|(print, name)| (name.to_string(), answer(print))).collect()
    }

    fn agreed(prints: &[Option<u64>]) -> Result<u64, Error> {
        let differ = |a: &u64, b: &u64| (a != b).then(|| format!("chain {b} instead of {a}"));
        agree(Layer::Execution, &said(prints), differ, |a, b| a == b, |_| 0)
    }

    #[test]
    fn the_chain_is_what_a_majority_of_all_providers_serves() {
        assert_eq!(agreed(&[Some(1)]).unwrap(), 1);
        assert_eq!(agreed(&[Some(2), Some(1), Some(1)]).unwrap(), 1);
        assert_eq!(agreed(&[None, Some(1), Some(1)]).unwrap(), 1);
    }

    #[test]
    fn of_answers_that_are_the_same_now_the_common_one_counts_and_then_the_longest() {
        // Tens are the chain, ones the forks to come.
        let agreed = |prints: &[u64]| {
            let prints: Vec<Option<u64>> = prints.iter().copied().map(Some).collect();
            let differ = |a: &u64, b: &u64| (a / 10 != b / 10).then(String::new);
            agree(Layer::Beacon, &said(&prints), differ, |a, b| a == b, |print| usize::try_from(*print).unwrap())
                .unwrap()
        };
        assert_eq!(agreed(&[10, 12, 11]), 12);
        assert_eq!(agreed(&[19, 11, 11]), 11, "a fork that one of them alone knows of");
        assert_eq!(agreed(&[29, 11, 12]), 12, "one of another chain");
    }

    #[test]
    fn too_few_answers_are_told_with_each_reason() {
        let error = agreed(&[None, None, Some(1)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1 of 3 execution providers answered, 2 are needed: a: unreachable: refused; b: unreachable: refused"
        );
        assert!(error.hint().contains("addresses") && error.may_pass());
    }

    #[test]
    fn a_split_is_told_with_what_differs() {
        let error = agreed(&[Some(1), Some(2)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no 2 of 2 execution providers serve the same chain: b serves chain 2 instead of 1"
        );
        assert!(!error.may_pass());
        let error = agreed(&[None, Some(1), Some(2)]).unwrap_err();
        assert!(matches!(error, Error::NoMajority { .. }) && error.may_pass(), "the third may decide it: {error}");
    }
}
