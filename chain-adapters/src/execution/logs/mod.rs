//! The contracts' events of a range of blocks, in chain order: fetched piecewise, and every log checked to be one that was
//! asked for, on the branch that was asked for.

mod pace;

pub(crate) use pace::Pace;

use crate::{
    contracts::{event, sources},
    dialect::logs::LogRefusal,
    execution::client::ExecutionClient,
};
use alloy::{
    rpc::types::{Filter, Log},
    transports::TransportError,
};
use futures::{future::join_all, try_join};
use guardian_protocol::{BlockRef, Contracts, EventPage, ProtocolEvent, ReadFailure};
use std::{
    ops::RangeInclusive,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// More events than this in one answer to the protocol can't be: mainnet has 2.2 million validators, of which Puffer's are
/// a part, and each logs three events in its life.
const MOST_EVENTS: usize = 1_000_000;

/// What became of a request for a piece.
enum Piece {
    Logs(Vec<Log>),
    /// The same must be asked again, for less.
    Less,
    /// The same must be asked again, after this long.
    Later(Duration, ReadFailure),
}

impl ExecutionClient {
    /// The events of `blocks`, if `at` is on this node's chain, and not before them.
    pub(crate) async fn read_events(
        &self,
        contracts: &Contracts,
        blocks: RangeInclusive<u64>,
        at: BlockRef,
    ) -> Result<EventPage, ReadFailure> {
        let (from, last) = blocks.into_inner();
        let upto = self.branch(last, at).await?;
        let deadline = Instant::now() + self.http.limits.history_timeout.mul_f64(0.9);
        let mut events = Vec::new();
        let mut next = from;
        while next <= last {
            let pieces = self.pieces(next, last);
            let asked = pieces.iter().map(|piece| self.piece(contracts, piece.clone()));
            let answers = join_all(asked).await;
            for (piece, answer) in pieces.into_iter().zip(answers) {
                match answer? {
                    Piece::Logs(logs) => {
                        next = piece.end().saturating_add(1);
                        events.extend(decode(logs, contracts, piece, upto)?);
                    }
                    Piece::Less => break,
                    Piece::Later(pause, failure) => {
                        if Instant::now() + pause > deadline {
                            return Err(failure);
                        }
                        sleep(pause).await;
                        break;
                    }
                }
            }
            if events.len() > MOST_EVENTS {
                return Err(ReadFailure::Malformed(format!("more than {MOST_EVENTS} events")));
            }
        }
        // A reorganisation in between would have mixed two branches.
        if self.branch(last, at).await? != upto {
            return Err(ReadFailure::NotAvailable("the chain was reorganised meanwhile".to_owned()));
        }
        Ok(EventPage { from, upto, events })
    }

    /// The next pieces to be asked for at once.
    fn pieces(&self, next: u64, last: u64) -> Vec<RangeInclusive<u64>> {
        let pace = *self.pace();
        let (range, at_once) = (pace.range(), pace.at_once());
        let end = |from: u64| from.saturating_add(range.saturating_sub(1)).min(last);
        let starts = std::iter::successors(Some(next), |from| end(*from).checked_add(1).filter(|from| *from <= last));
        starts.take(at_once).map(|from| from..=end(from)).collect()
    }

    async fn piece(&self, contracts: &Contracts, blocks: RangeInclusive<u64>) -> Result<Piece, ReadFailure> {
        let (addresses, topics) = sources(contracts);
        let filter = Filter::new()
            .from_block(*blocks.start())
            .to_block(*blocks.end())
            .address(addresses)
            .event_signature(topics);
        let asked = Instant::now();
        let answer = self.logs(&filter).await;
        let (width, took) = (blocks.end().saturating_sub(*blocks.start()).saturating_add(1), asked.elapsed());
        let mut pace = self.pace();
        match answer {
            Ok(logs) => {
                pace.answered(width, took);
                Ok(Piece::Logs(logs))
            }
            Err(error) => {
                let failure = self.failure(&error);
                match self.meaning(&error, &failure, took) {
                    Some(LogRefusal::TooOften) => Ok(Piece::Later(pace.too_often(), failure)),
                    Some(LogRefusal::NotUnderstood) => match pace.puzzled(width) {
                        Some(pause) => Ok(Piece::Later(pause, failure)),
                        None if width > 1 => Ok(Piece::Less),
                        None => Err(failure),
                    },
                    Some(LogRefusal::TooMuch) if pace.too_much(width) => Ok(Piece::Less),
                    Some(LogRefusal::TooMuch | LogRefusal::Gone | LogRefusal::Unsupported) | None => Err(failure),
                }
            }
        }
    }

    /// What the question has to become after this failure; `None`: the node has no answer.
    fn meaning(&self, error: &TransportError, failure: &ReadFailure, took: Duration) -> Option<LogRefusal> {
        self.log_refusal(error).or(match failure {
            ReadFailure::RateLimited(_) => Some(LogRefusal::TooOften),
            ReadFailure::TooLarge(_) => Some(LogRefusal::TooMuch),
            // It has not come in time; that a node can't be reached at all is known much sooner.
            ReadFailure::Unreachable(_) => (took >= self.http.limits.request_timeout).then_some(LogRefusal::TooMuch),
            ReadFailure::NotAvailable(_)
            | ReadFailure::NotInSync(_)
            | ReadFailure::Unauthorized(_)
            | ReadFailure::Malformed(_)
            | ReadFailure::WrongChain(_) => None,
        })
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many blocks it bears in one question, as far as that is known: it has refused more.
    pub(crate) fn log_bound(&self) -> Option<u64> {
        self.pace().bound()
    }

    /// Behind the address there may be another node.
    pub(crate) fn forget_pace(&self) {
        self.pace().forget();
    }

    /// The block with this number on the branch of `at`.
    async fn branch(&self, number: u64, at: BlockRef) -> Result<BlockRef, ReadFailure> {
        if number > at.number {
            return Err(ReadFailure::NotAvailable(format!("block {number} is after {}", at.number)));
        }
        let (fixed, last) = if number == at.number {
            let fixed = self.header_at(number).await?;
            (fixed, fixed)
        } else {
            try_join!(self.header_at(at.number), self.header_at(number))?
        };
        if fixed.hash != at.hash {
            return Err(ReadFailure::NotAvailable(format!(
                "block {} is {} here, not {}",
                at.number, fixed.hash, at.hash
            )));
        }
        Ok(last.block())
    }
}

/// The events in one answer of `eth_getLogs` for the blocks `asked`.
fn decode(
    mut logs: Vec<Log>,
    contracts: &Contracts,
    asked: RangeInclusive<u64>,
    to: BlockRef,
) -> Result<Vec<ProtocolEvent>, ReadFailure> {
    let (addresses, topics) = sources(contracts);
    let malformed = |what: &str| ReadFailure::Malformed(what.to_owned());
    for log in &logs {
        let (Some(number), Some(hash), Some(_)) = (log.block_number, log.block_hash, log.log_index) else {
            return Err(malformed("a log that is in no block"));
        };
        if log.removed {
            return Err(malformed("a log that was removed"));
        }
        if !asked.contains(&number) || !log.topic0().is_some_and(|topic| topics.contains(topic)) {
            return Err(malformed("a log that was not asked for"));
        }
        if !addresses.contains(&log.address()) {
            return Err(malformed("a log of another contract"));
        }
        if number == to.number && hash != to.hash {
            return Err(malformed("a log of another branch"));
        }
    }
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    let twice = |pair: &[Log]| matches!(pair, [a, b] if (a.block_number, a.log_index) == (b.block_number, b.log_index));
    if logs.windows(2).any(twice) {
        return Err(malformed("a log twice"));
    }
    let events = logs.iter().map(|log| event(contracts, &log.inner).map_err(ReadFailure::Malformed));
    events.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests;
