//! The contracts, as each execution provider says at its newest block: they must be there, know this committee's key, and take signatures.

use super::{
    code::Code,
    findings::Findings,
    providers::{execution_advice, tell_uncounted},
};
use crate::config::Config;
use guardian_chain::{Layer, Readers};
use guardian_protocol::{ChainView, Committee, DutyKind, GuardianList, ProviderId, ReserveRules, Rules};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks of history that nobody reads for nothing.
const SHORT: u64 = 100_000;
/// Blocks that one node may be behind another, and seconds that the newest block may be old.
const LAG: u64 = 5;
const OLD: u64 = 90;

/// What was seen of the contracts.
pub(super) struct Seen {
    /// The providers that answered.
    pub(super) usable: BTreeSet<ProviderId>,
    /// What the feed says, if there is one.
    pub(super) reserves: Option<ReserveRules>,
}

/// Tells what the contracts say.
pub(super) async fn tell_contracts(
    config: &Config,
    readers: &Readers,
    (now, committee): (u64, Option<&Committee>),
    findings: &mut Findings,
) -> Seen {
    let absent = tell_absent(config, readers, findings).await;
    let answers = readers.contracts_now().await;
    let blocks = || answers.iter().filter_map(|(_, answer)| Some(answer.as_ref().ok()?.block));
    let head = blocks().map(|block| block.number).max().unwrap_or_default();
    let newest = blocks().map(|block| block.timestamp).max();
    let mut seen = Seen { usable: BTreeSet::new(), reserves: None };
    let (mut ours, mut others) = (Vec::new(), 0_usize);
    for (provider, answer) in answers {
        let name = readers.name(Layer::Execution, provider).unwrap_or_default();
        match answer {
            Err(_) if absent.contains(&provider) => {}
            Err(failure) => tell_uncounted("execution", name, &failure, execution_advice(&failure), findings),
            Ok(view) if committee.is_some_and(|committee| !is_ours(&view, committee)) => {
                seen.usable.insert(provider);
                others = others.saturating_add(1);
                let (at, epoch) = (view.block.number, view.key_epoch);
                findings.poor(
                    Code::ContractsKey,
                    &format!("execution provider {name}, at block {at}: the contracts verify against another key (key epoch {epoch})"),
                    "after a rotation every guardian needs the new committee file and share; or is it another deployment?",
                );
            }
            Ok(view) => {
                seen.usable.insert(provider);
                tell_head(name, view.block.number, head, findings);
                seen.reserves = seen.reserves.or_else(|| reserve_rules(&view));
                ours.push(view);
            }
        }
    }
    if let Some(newest) = newest {
        tell_clock(now, newest, findings);
    }
    if absent.is_empty() {
        tell_key(config, committee.is_some(), (ours.len(), others), findings);
    }
    if let Some(view) = ours.first() {
        tell_change(view, findings);
    }
    if config.contracts.start_block == 0 && head > SHORT {
        findings.fail(
            Code::StartBlock,
            &format!("[contracts] start_block = 0: all {head} blocks would be searched for events"),
            "set it to the block in which the first of the contracts was created",
        );
    }
    seen
}

/// Tells which of the configured addresses have no contract, by all that answer; returns who says so.
async fn tell_absent(config: &Config, readers: &Readers, findings: &mut Findings) -> BTreeSet<ProviderId> {
    let answers = readers.contracts_absent().await;
    let said: BTreeMap<ProviderId, BTreeSet<_>> =
        answers.into_iter().filter_map(|(id, answer)| Some((id, answer.ok()?.into_iter().collect()))).collect();
    let Some(mut absent) = said.values().next().cloned() else { return BTreeSet::new() };
    said.values().for_each(|others| absent.retain(|address| others.contains(address)));
    for (what, address) in configured(config).into_iter().filter(|(_, address)| absent.contains(address)) {
        findings.fail(
            Code::ContractAbsent,
            &format!("[contracts] {what} = {address}: there is no contract, by all execution providers that answer"),
            "compare it with the published address, or deployment.json with the others'; was it deployed on this chain?",
        );
    }
    if absent.is_empty() { BTreeSet::new() } else { said.into_keys().collect() }
}

/// The addresses by the names of their settings.
fn configured(config: &Config) -> Vec<(String, alloy_primitives::Address)> {
    let contracts = &config.contracts;
    let mut all =
        vec![("guardian_keys".to_owned(), contracts.guardian_keys), ("protocol".to_owned(), contracts.protocol)];
    all.extend(contracts.guardian_module.map(|module| ("guardian_module".to_owned(), module)));
    all.extend(contracts.accounts.iter().map(|(kind, accounts)| (format!("accounts.{kind}"), accounts.module)));
    all.extend(contracts.duties.iter().map(|(kind, address)| (format!("duties.{kind}"), *address)));
    all
}

/// Whether enough providers see this committee's key in the contracts.
fn tell_key(config: &Config, has_committee: bool, (ours, others): (usize, usize), findings: &mut Findings) {
    let (total, needed) = (config.execution.providers.len(), config.quorum().execution);
    if ours >= needed && has_committee {
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
}

/// Whether the contracts take signatures, and will go on to take this committee's.
fn tell_change(view: &ChainView, findings: &mut Findings) {
    if view.paused {
        findings.poor(
            Code::ContractsPaused,
            "contracts: they are paused and take no signature",
            "ask the governor; the node goes on by itself when the pause is over, and holds every duty until then",
        );
    }
    if let Some(proposal) = &view.proposal {
        findings.poor(
            Code::KeyProposed,
            &format!("contracts: the governor wants another group key (proposal {}), from Unix time {} on", proposal.number, proposal.ready_at),
            "ask the governor on another way than you were told on; if nobody agreed to it, `guardian status` shows the digest to veto",
        );
    }
}

/// The list of those to whom operators encrypt shares of validators' keys, against the committee.
pub(super) async fn tell_guardian_list(readers: &Readers, committee: &Committee, findings: &mut Findings) {
    let answers = readers.guardian_lists().await;
    let Some(list) = answers.into_iter().find_map(|(_, answer)| answer.ok()) else { return };
    let GuardianList { guardians, threshold } = list;
    let (listed, members, ours) = (guardians.len(), committee.size(), committee.threshold());
    let text = format!("guardian module: {listed} guardians, of whom {threshold} make a validator's key");
    if listed == members && usize::try_from(threshold).is_ok_and(|threshold| threshold == ours) {
        findings.pass(Code::GuardianList, &text);
    } else {
        findings.poor(
            Code::GuardianList,
            &format!("{text}; the committee has {members} members, of whom {ours} act"),
            "new validators' keys are dealt by that list: the governor sets it (setGuardians) to the committee's size and threshold",
        );
    }
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
