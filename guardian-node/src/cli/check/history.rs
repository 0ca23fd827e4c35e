//! The contracts' past, as each execution provider has it: none of their events may be missed, and each must still be there.

use super::{code::Code, findings::Findings};
use crate::config::Config;
use guardian_chain::{Layer, LogsServed, Readers};
use guardian_protocol::{ProviderId, ReadFailure, Record};
use std::collections::BTreeSet;

/// Blocks in one question for events, below which a first start is slow.
const FEW: u64 = 500;

/// The first block of which events are still to be read, by what the store has.
pub(super) fn first_unread(config: &Config, records: &[Record]) -> u64 {
    let contracts = config.contracts();
    let read = records.iter().filter(|record| record.counts_with(&contracts)).filter_map(|record| {
        if let Record::Events { page, .. } = record { page.upto.number.checked_add(1) } else { None }
    });
    read.max().unwrap_or_default().max(config.contracts.start_block)
}

/// Events before the start block would never be read.
pub(super) async fn tell_start(config: &Config, readers: &Readers, findings: &mut Findings) {
    let start = config.contracts.start_block;
    let answers = readers.created_before_start().await;
    let there = answers.iter().find_map(|(_, answer)| answer.as_ref().ok()?.first());
    if let Some(contract) = there {
        return findings.fail(
            Code::StartBlock,
            &format!("[contracts] start_block = {start}: the contract {contract} was there before it, so its earlier events would be missed"),
            "set it to the block in which the first of the contracts was created",
        );
    }
    let text = format!("events are read from block {start} on");
    if answers.iter().any(|(_, answer)| answer.is_ok()) {
        findings.pass(Code::StartBlock, &text);
    } else {
        findings.unknown(
            Code::StartBlock,
            &format!("{text} (not compared: no execution provider still has the state of that time)"),
            "compare it with the block in which the first of the contracts was created, by an explorer",
        );
    }
}

/// Which of the `usable` providers have the contracts' events from `first` on, and how many blocks each bears in a question.
pub(super) async fn tell_logs(
    config: &Config,
    readers: &Readers,
    (first, usable): (u64, &BTreeSet<ProviderId>),
    findings: &mut Findings,
) {
    let (mut have, needed) = (0_usize, config.quorum().execution);
    for (provider, answer) in readers.logs_served(first).await.into_iter().filter(|(id, _)| usable.contains(id)) {
        let name = readers.name(Layer::Execution, provider).unwrap_or_default();
        let LogsServed { bound, no_oldest, no_newest } =
            answer.unwrap_or_else(|failure| LogsServed { bound: None, no_oldest: None, no_newest: Some(failure) });
        if let Some(failure) = no_newest {
            tell_missing(name, "of the newest blocks", (&failure, NO_LOGS), findings);
        } else if let Some(failure) = no_oldest {
            tell_missing(name, &format!("from block {first} on"), (&failure, NO_PAST), findings);
        } else {
            have = have.saturating_add(1);
        }
        if let Some(blocks) = bound.filter(|blocks| *blocks < FEW) {
            findings.poor(
                Code::ProviderLogs,
                &format!("execution provider {name} bears {blocks} blocks in a question for events, {FEW} and more are good"),
                "a first start reads all of the contracts' past and takes long with it: take a larger plan, or a node of your own",
            );
        }
    }
    let total = config.execution.providers.len();
    let text = format!("events from block {first} on: {have} of {total} execution providers have them");
    if have >= needed {
        findings.pass(Code::History, &text);
    } else if usable.len() >= needed {
        findings.fail(
            Code::History,
            &format!("{text}, {needed} are needed"),
            "name nodes that keep the logs since start_block: what nobody has, no guardian can read",
        );
    }
}

const NO_LOGS: &str = "eth_getLogs must be served: enable it, or name another node";
const NO_PAST: &str =
    "its client has thrown old logs away (pruned or snap-synced without receipts): enough of the others must have them";

fn tell_missing(name: &str, which: &str, (failure, advice): (&ReadFailure, &str), findings: &mut Findings) {
    let text = format!("execution provider {name} does not have the events {which}: {failure}");
    findings.poor(Code::ProviderLogs, &text, advice);
}
