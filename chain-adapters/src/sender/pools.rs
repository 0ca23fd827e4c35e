//! Bringing a transaction into the pools of all nodes, and what most of them say to it.

use super::{CallOutcome, Sender, Submission, bids::Bid, fee::raise, most::most};
use crate::dialect::pool::Rejection;
use alloy::{
    consensus::TxEip1559,
    primitives::{B256, Bytes, TxKind, U256},
};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// Times that a refused broadcast is tried with another bid, at once.
const REPAIRS: u32 = 32;
/// The most eighths that are bid more after refusals that are not understood.
const MOST_PUZZLES: u32 = 8;

/// What became of a broadcast.
pub(super) enum Sent {
    /// Enough nodes have it, with this bid.
    Taken(Bid),
    /// The nonce is used up.
    NonceUsed,
}

impl Sender {
    /// Broadcasts to all nodes, raising the bid as long as most say that a stuck transaction of an earlier attempt outbids it. `sent` gets
    /// the hash of each transaction that any of them took.
    pub(super) async fn send(
        &self,
        submission: &Submission,
        mut bid: Bid,
        sent: &mut Vec<B256>,
    ) -> Result<Sent, CallOutcome> {
        for _ in 0..REPAIRS {
            let (hash, transaction) = self.sign(submission, bid).await?;
            let rejections = self.broadcast(&transaction).await;
            let taken = rejections.iter().filter(|rejection| rejection.is_none()).count();
            if taken > 0 && !sent.contains(&hash) {
                sent.push(hash);
            }
            let (meaning, times) = most_common(rejections.iter().flatten().map(|(meaning, _)| *meaning));
            let raised = raise(bid.fees, bid.fees, self.ceiling());
            if taken > 0 && (meaning != Some(Rejection::Underpriced) || times <= taken || raised.is_none()) {
                self.puzzled.store(0, Relaxed);
                return Ok(Sent::Taken(bid));
            }
            match meaning {
                Some(Rejection::NonceTooLow) => return Ok(Sent::NonceUsed),
                Some(Rejection::NoFunds) => {
                    return Err(CallOutcome::Failed(format!("the account {} can't pay", self.address())));
                }
                Some(Rejection::Underpriced) => {
                    bid.fees = raised.ok_or_else(|| {
                        CallOutcome::Failed("fee ceiling: a stuck transaction of this account bids as much".to_owned())
                    })?;
                }
                Some(Rejection::Known | Rejection::Node | Rejection::NotUnderstood) | None => {
                    if meaning == Some(Rejection::NotUnderstood) {
                        let puzzled = self.puzzled.load(Relaxed).saturating_add(1);
                        self.puzzled.store(puzzled.min(MOST_PUZZLES), Relaxed);
                    }
                    let said: Vec<String> = rejections.into_iter().flatten().map(|(_, said)| said).collect();
                    return Err(CallOutcome::Failed(format!("no execution provider took it: {}", said.join("; "))));
                }
            }
        }
        Err(CallOutcome::Failed("a stuck transaction of this account can't be replaced".to_owned()))
    }

    /// What each node that answers in time has against `transaction`; `None`: nothing. The others get it all the same.
    async fn broadcast(&self, transaction: &Bytes) -> Vec<Option<(Rejection, String)>> {
        let asked = self.nodes.iter().map(|node| {
            let (pool, transaction) = (Arc::clone(node), transaction.clone());
            // On its own, so that a node that is late for the count is not cut off.
            (&node.slow, tokio::spawn(async move { pool.broadcast(&transaction).await }))
        });
        let asked: Vec<_> = asked.collect();
        let is_of_use = |answer: &Result<Result<(), (Rejection, String)>, _>| matches!(answer, Ok(answer) if !matches!(answer, Err((Rejection::Node, _))));
        let answers = most(asked, is_of_use).await;
        answers.into_iter().filter_map(|(_, answer)| Some(answer.ok()?.err())).collect()
    }

    async fn sign(&self, submission: &Submission, bid: Bid) -> Result<(B256, Bytes), CallOutcome> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: bid.nonce,
            gas_limit: bid.gas,
            max_fee_per_gas: bid.fees.max_fee,
            max_priority_fee_per_gas: bid.fees.tip,
            to: TxKind::Call(submission.to),
            value: U256::from(submission.value),
            input: submission.data.clone(),
            ..TxEip1559::default()
        };
        self.account.sign(transaction).await.map_err(|error| {
            tracing::warn!(%error, hint = error.hint(), "the account's signer signed nothing");
            CallOutcome::Failed(format!("not signed: {error}"))
        })
    }
}

/// What most say, and how many; a node's own trouble only if there is nothing else. Of as many, what costs least to try.
fn most_common(said: impl Iterator<Item = Rejection> + Clone) -> (Option<Rejection>, usize) {
    use Rejection::{Known, NoFunds, Node, NonceTooLow, NotUnderstood, Underpriced};
    let times = |meaning: Rejection| said.clone().filter(|said| *said == meaning).count();
    // The last of equal ones counts.
    let telling = [NoFunds, NotUnderstood, NonceTooLow, Underpriced].map(|meaning| (times(meaning), meaning));
    let most = telling.into_iter().filter(|(times, _)| *times > 0).max_by_key(|(times, _)| *times);
    let rest = [Node, Known].into_iter().find(|meaning| times(*meaning) > 0);
    most.map_or_else(|| (rest, rest.map_or(0, times)), |(times, meaning)| (Some(meaning), times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rejection::{NoFunds, Node, NonceTooLow, NotUnderstood, Underpriced};

    #[test]
    fn one_liar_of_three_does_not_decide_what_a_refusal_means() {
        for liar in [NonceTooLow, NoFunds, NotUnderstood, Node] {
            assert_eq!(most_common([liar, Underpriced, Underpriced].into_iter()), (Some(Underpriced), 2));
        }
        assert_eq!(most_common([NoFunds, Underpriced].into_iter()).0, Some(Underpriced));
        assert_eq!(most_common([Node, Node, NoFunds].into_iter()).0, Some(NoFunds));
        assert_eq!(most_common([Node].into_iter()), (Some(Node), 1));
        assert_eq!(most_common([].into_iter()), (None, 0));
    }
}
