//! The contracts, as each execution provider says: they must know this committee's key, and none of their events may be missed.

use super::{
    code::Code,
    findings::Findings,
    providers::{execution_advice, tell_uncounted},
};
use crate::{config::Config, node};
use guardian_chain::{Layer, Readers};
use guardian_protocol::{
    BlsPubkey, ChainSpec, ChainView, Checkpoint, Committee, DutyKind, Query, Reading, ReserveRules, Rules,
};
use std::collections::BTreeSet;

/// Blocks of history that nobody reads for nothing.
const SHORT: u64 = 100_000;
/// Blocks that one node may be behind another, and seconds that the newest block may be old.
const LAG: u64 = 5;
const OLD: u64 = 90;

/// Tells what the contracts say; returns what the feed says, if there is one.
pub(super) async fn tell_contracts(
    config: &Config,
    readers: &Readers,
    (now, committee): (u64, Option<&Committee>),
    findings: &mut Findings,
) -> Option<ReserveRules> {
    let (mut ours, mut others, mut reserves) = (0_usize, 0_usize, None);
    let answers = readers.contracts_now().await;
    let total = answers.len();
    let blocks = || answers.iter().filter_map(|(_, answer)| Some(answer.as_ref().ok()?.block));
    let head = blocks().map(|block| block.number).max().unwrap_or_default();
    let newest = blocks().map(|block| block.timestamp).max();
    for (provider, answer) in answers {
        let name = readers.name(Layer::Execution, provider).unwrap_or_default();
        match answer {
            Err(failure) => tell_uncounted("execution", name, &failure, execution_advice(&failure), findings),
            Ok(view) if committee.is_some_and(|committee| !is_ours(&view, committee)) => {
                others = others.saturating_add(1);
                let (at, epoch) = (view.block.number, view.key_epoch);
                findings.poor(
                    Code::ContractsKey,
                    &format!("execution provider {name}, at block {at}: the contracts verify against another key (key epoch {epoch})"),
                    "after a rotation every guardian needs the new committee file and share; or is it another deployment?",
                );
            }
            Ok(view) => {
                ours = ours.saturating_add(1);
                tell_head(name, view.block.number, head, findings);
                reserves = reserves.or_else(|| reserve_rules(&view));
            }
        }
    }
    if let Some(newest) = newest {
        tell_clock(now, newest, findings);
    }
    let needed = config.quorum().execution;
    if ours >= needed && committee.is_some() {
        findings.pass(Code::ContractsKey, "contracts: the group key is ours");
    } else if ours < needed && others >= needed {
        findings.fail(Code::ContractsKey, "contracts: the group key is another one", "see the lines above");
    } else if ours < needed {
        findings.fail(
            Code::ProvidersTooFew,
            &format!("contracts: {ours} of {total} execution providers can be used, {needed} are needed"),
            "mend or replace those that are named above",
        );
    }
    if config.contracts.start_block == 0 && head > SHORT {
        findings.fail(
            Code::StartBlock,
            &format!("[contracts] start_block = 0: all {head} blocks would be searched for events"),
            "set it to the block in which the first of the contracts was created",
        );
    }
    reserves
}

fn tell_head(name: &str, block: u64, head: u64, findings: &mut Findings) {
    match head.saturating_sub(block) {
        0..=LAG => findings.pass(Code::ProviderUsable, &format!("execution provider {name}: block {block}")),
        behind => findings.poor(
            Code::ProviderLags,
            &format!("execution provider {name}: block {block}, {behind} behind the others, at most {LAG} are good"),
            "is its client still catching up, or is it overloaded? What it does not have yet, it can't confirm",
        ),
    }
}

/// The newest block's time against this machine's.
fn tell_clock(now: u64, newest: u64, findings: &mut Findings) {
    if newest > now.saturating_add(2) {
        let ahead = newest.saturating_sub(now);
        findings.poor(
            Code::Clock,
            &format!("clock: {ahead} s behind the newest block's"),
            "set it by NTP (timedatectl): turns and time-outs go by it",
        );
    } else if now.saturating_sub(newest) > OLD {
        findings.poor(
            Code::Clock,
            &format!("clock: the newest block is {} s old, at most {OLD} are usual", now.saturating_sub(newest)),
            "is this machine's clock ahead (timedatectl)? Else all execution nodes are behind, or the chain stands still",
        );
    } else {
        findings.pass(Code::Clock, &format!("clock: the newest block is {} s old", now.saturating_sub(newest)));
    }
}

/// What the feed says, if there is one.
fn reserve_rules(view: &ChainView) -> Option<ReserveRules> {
    if let Rules::Reserves(rules) = view.rules(DutyKind::Reserves)? { Some(rules.clone()) } else { None }
}

fn is_ours(view: &ChainView, committee: &Committee) -> bool {
    view.key_epoch == committee.key_epoch() && view.group_key == committee.group_key()
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

/// Stake that returns to somebody else than the protocol. Asked for in words, so that no whole state has to come.
pub(super) async fn tell_foreign(
    config: &Config,
    network: &ChainSpec,
    (checkpoint, rules): (Checkpoint, &ReserveRules),
    provisioned: BTreeSet<BlsPubkey>,
    findings: &mut Findings,
) {
    let Ok(mut config) = node::chain_config(config) else { return };
    config.limits.prove_states = false;
    let connected = Readers::connect(config).await.ok();
    let (Some((readers, _)), Some(slot)) = (connected, checkpoint.epoch.first_slot(network.slots_per_epoch)) else {
        return;
    };
    let pubkeys = provisioned.into_iter().collect();
    let answers = readers.read(&Query::State { checkpoint, slot, pubkeys }).await;
    let validators = answers
        .into_iter()
        .find_map(|(_, answer)| if let Ok(Reading::Validators(validators)) = answer { Some(validators) } else { None });
    let Some(validators) = validators else {
        return findings.unknown(
            Code::StakeForeign,
            "no beacon provider says where the validators' stake returns to",
            "see the lines above",
        );
    };
    let foreign: Vec<String> = validators
        .iter()
        .filter(|validator| rules.is_foreign(validator))
        .map(|validator| format!("{} to {}", validator.index, validator.withdrawal_credentials))
        .collect();
    if foreign.is_empty() {
        let text = format!("validators: {}, of which the stake returns to the protocol", validators.len());
        return findings.pass(Code::StakeForeign, &text);
    }
    findings.poor(
        Code::StakeForeign,
        &format!(
            "the stake of {} validators returns to none of the protocol's pods: {}",
            foreign.len(),
            foreign.join(", ")
        ),
        "it is counted as reserves all the same: tell the protocol's governor",
    );
}
