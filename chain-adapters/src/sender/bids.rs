//! What to bid for a submission: the nonce, gas and fees that most nodes suggest after a trial run, raised when that was too little.

use super::{
    CallOutcome, GAS_CAP, Sender, Submission,
    fee::{Ceiling, Fees, quote, raise},
    most::most,
    node::Trial,
    nonce::median,
};
use crate::execution::client::ExecutionClient;
use guardian_protocol::ReadFailure;
use std::{cmp::Ordering, sync::atomic::Ordering::Relaxed};

/// What is put around a [`Submission`] to make a transaction of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bid {
    pub(super) nonce: u64,
    pub(super) gas: u64,
    pub(super) fees: Fees,
}

impl Sender {
    /// A bid, if the submission passes a trial on at least as many of `nodes` as refuse it: with the medians of the gas that they
    /// estimate and of the fees that they suggest. An estimate above what such a submission can need is no answer.
    pub(super) async fn prepare(
        &self,
        submission: &Submission,
        nodes: &[&ExecutionClient],
    ) -> Result<Bid, CallOutcome> {
        let nonce = self.next_nonce().await?;
        let (mut estimates, mut fees) = (Vec::new(), Vec::new());
        let (mut refused, mut worst) = (0_usize, CallOutcome::Failed("no execution provider".to_owned()));
        let tried = most(nodes.iter().map(|node| (&node.slow, self.try_on(node, submission))), |tried| {
            weight(tried.as_ref().err()) > 0
        });
        for (_, tried) in tried.await {
            match tried {
                Ok((estimate, suggested)) => {
                    estimates.push(estimate);
                    fees.push(suggested);
                }
                Err(problem) => {
                    refused = refused.saturating_add(usize::from(weight(Some(&problem)) > 0));
                    if weight(Some(&problem)) >= weight(Some(&worst)) {
                        worst = problem;
                    }
                }
            }
        }
        if estimates.len().cmp(&refused) == Ordering::Less {
            return Err(worst);
        }
        match (median(estimates), median(fees)) {
            (Some(estimate), Some(fees)) => {
                let gas = gas_limit(estimate, submission.gas_cap);
                Ok(Bid { nonce, gas, fees: self.after_puzzles(fees) })
            }
            _ => Err(worst),
        }
    }

    /// More by an eighth for each time that the pools have just refused in words that nobody knows: it may have been the bid.
    fn after_puzzles(&self, fees: Fees) -> Fees {
        let times = self.puzzled.load(Relaxed);
        (0..times).try_fold(fees, |fees, _| raise(fees, fees, self.ceiling()).ok_or(fees)).unwrap_or_else(|most| most)
    }

    /// The gas that one node estimates and the fees that follow from its blocks.
    async fn try_on(&self, node: &ExecutionClient, submission: &Submission) -> Result<(u64, Fees), CallOutcome> {
        let failed = |failure: ReadFailure| CallOutcome::Failed(format!("{}: {failure}", node.http.name()));
        let estimate = match node
            .trial(self.address(), submission.to, &submission.data, submission.value)
            .await
            .map_err(failed)?
        {
            Trial::Passes(estimate) if estimate <= submission.gas_cap => estimate,
            Trial::Passes(estimate) => {
                let (name, cap) = (node.http.name(), submission.gas_cap);
                return Err(CallOutcome::Failed(format!("{name}: estimates {estimate} gas, where {cap} are plenty")));
            }
            Trial::Stale => return Err(CallOutcome::AlreadyAccepted),
            Trial::Refused(reason) | Trial::OtherRoot { reason, .. } => return Err(CallOutcome::Refused(reason)),
        };
        let history = node.fee_history().await.map_err(failed)?;
        let fees = quote(&history, self.ceiling()).map_err(|error| CallOutcome::Failed(error.to_string()))?;
        Ok((estimate, fees))
    }

    async fn next_nonce(&self) -> Result<u64, CallOutcome> {
        let counts =
            most(self.nodes.iter().map(|node| (&node.slow, node.included_count(self.address()))), Result::is_ok).await;
        median(counts.into_iter().filter_map(|(_, count)| count.ok()).collect())
            .ok_or_else(|| CallOutcome::Failed("no execution provider tells the account's nonce".to_owned()))
    }

    pub(super) fn ceiling(&self) -> Ceiling {
        Ceiling { max_fee: self.fee_ceiling.wei(), tip: self.config.max_priority_fee }
    }

    /// A higher bid for a transaction that is not included, after another trial. `None`: the ceiling is reached, go on
    /// waiting with the old one.
    pub(super) async fn replacement(
        &self,
        submission: &Submission,
        bid: Bid,
        nodes: &[&ExecutionClient],
    ) -> Result<Option<Bid>, CallOutcome> {
        let fresh = match self.prepare(submission, nodes).await {
            Ok(fresh) => fresh,
            Err(CallOutcome::Failed(why)) => {
                tracing::debug!(why, "the bid is not raised");
                return Ok(None);
            }
            Err(outcome) => return Err(outcome),
        };
        if fresh.nonce > bid.nonce {
            // What was sent can't be included any more.
            return Ok(Some(fresh));
        }
        Ok(raise(bid.fees, fresh.fees, self.ceiling()).map(|fees| Bid { fees, ..bid }))
    }
}

/// Which of several nodes' problems to tell: the contract's word counts for more than a node's trouble. `None`: there is none.
fn weight(problem: Option<&CallOutcome>) -> u8 {
    match problem {
        Some(CallOutcome::Failed(_)) => 0,
        Some(CallOutcome::Refused(_)) => 1,
        None | Some(CallOutcome::AlreadyAccepted | CallOutcome::Included { .. }) => 2,
    }
}

/// A fifth more than the estimate: the state may have changed by the time of inclusion.
fn gas_limit(estimate: u64, cap: u64) -> u64 {
    estimate.saturating_add(estimate / 5).min(cap.max(estimate)).min(GAS_CAP)
}
