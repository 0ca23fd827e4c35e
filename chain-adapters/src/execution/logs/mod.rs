//! The contracts' events of a range of blocks, in chain order: fetched piecewise, and every log checked to be one that was
//! asked for, on the branch that was asked for.

use crate::contracts::{event, sources};
use crate::{dialect::logs::LogRefusal, execution::client::ExecutionClient};
use alloy::rpc::types::{Filter, Log};
use guardian_protocol::{BlockRef, Contracts, ProtocolEvent, ReadFailure};
use std::sync::atomic::Ordering::Relaxed;

/// The largest range that is tried, in blocks.
const LARGEST_RANGE: u64 = 100_000;
/// More events than this in one answer to the protocol can't be: mainnet has 2.2 million validators, of which Puffer's are
/// a part, and each logs three events in its life.
const MOST_EVENTS: usize = 1_000_000;

impl ExecutionClient {
    /// The events of `from..=to`, if `to` is on this node's chain.
    pub(crate) async fn read_events(
        &self,
        contracts: &Contracts,
        from: u64,
        to: BlockRef,
    ) -> Result<Vec<ProtocolEvent>, ReadFailure> {
        self.check_branch(to).await?;
        let (addresses, topics) = sources(contracts);
        let mut events = Vec::new();
        let mut next = from;
        while next <= to.number {
            let range = self.log_range.load(Relaxed).max(1);
            let last = next.saturating_add(range.saturating_sub(1)).min(to.number);
            let filter = Filter::new()
                .from_block(next)
                .to_block(last)
                .address(addresses.clone())
                .event_signature(topics.clone());
            match self.logs(&filter).await {
                Ok(logs) => {
                    events.extend(decode(logs, contracts, next..=last, to)?);
                    next = last.saturating_add(1);
                    if !self.log_range_known.load(Relaxed) {
                        self.log_range.store(range.saturating_mul(2).min(LARGEST_RANGE), Relaxed);
                    }
                }
                // Every provider has its own limit and its own words for it.
                Err(error) if range > 1 && self.log_refusal(&error) == Some(LogRefusal::TooMuch) => {
                    self.log_range.store(range / 2, Relaxed);
                    self.log_range_known.store(true, Relaxed);
                }
                Err(error) => return Err(self.failure(&error)),
            }
            if events.len() > MOST_EVENTS {
                return Err(ReadFailure::Malformed(format!("more than {MOST_EVENTS} events")));
            }
        }
        // A reorganisation in between would have mixed two branches.
        self.check_branch(to).await?;
        Ok(events)
    }

    async fn check_branch(&self, to: BlockRef) -> Result<(), ReadFailure> {
        let here = self.header_at(to.number).await?;
        if here.hash == to.hash {
            Ok(())
        } else {
            Err(ReadFailure::NotAvailable(format!("block {} is {} here, not {}", to.number, here.hash, to.hash)))
        }
    }
}

/// The events in one answer of `eth_getLogs` for the blocks `asked`.
fn decode(
    mut logs: Vec<Log>,
    contracts: &Contracts,
    asked: std::ops::RangeInclusive<u64>,
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
