//! The providers, the contracts and the account, each by its name. A single provider's fault is told; whether enough are left decides.

use super::findings::Findings;
use crate::{cli::output, config::Config, hint::WithHint, node, store};
use guardian_chain::{Capabilities, Layer, Readers};
use guardian_crypto::secret::Secret;
use guardian_protocol::{
    BlsPubkey, ChainSpec, ChainView, Checkpoint, Committee, DutyKind, ProviderId, Query, ReadFailure, Reading, Record,
    ReserveRules, Rules,
};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks of history that nobody reads for nothing.
const SHORT: u64 = 100_000;
/// Gas of the dearest usual submission: an order for a full batch of validators.
const DEAR: u128 = 1_000_000;
const GWEI: u128 = 1_000_000_000;

/// What is known of the guardian before the chains are asked, as far as it could be read.
pub(super) struct Known<'a> {
    pub(super) committee: Option<&'a Committee>,
    pub(super) account: Option<&'a Secret<[u8; 32]>>,
    /// The protocol's validators.
    pub(super) provisioned: BTreeSet<BlsPubkey>,
    /// Of the store.
    pub(super) records: Vec<Record>,
}

/// Tells everything about the chains.
pub(super) async fn tell(config: &Config, known: Known<'_>, findings: &mut Findings) {
    let Known { committee, account, provisioned, records } = known;
    let Some(chain_config) = findings.take(node::chain_config(config)) else { return };
    let connected = Readers::connect(chain_config).await.hint(
        "can't connect to the chains",
        "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id",
    );
    let Some((readers, network)) = findings.take(connected) else { return };
    findings.ok(&format!("chain {}: genesis {}", network.chain_id, network.genesis_validators_root));
    for (fork, epoch) in readers.unknown_forks() {
        findings.no(
            &format!("this version does not know the fork '{fork}', which begins at epoch {epoch}"),
            node::FORK_HINT,
        );
    }
    if !records.is_empty()
        && let Some(belonging) = findings.take(store::compare(&records, &network, &config.contracts()))
    {
        let others = match belonging.of_other_contracts {
            0 => String::new(),
            count => format!("; {count} records are of other contracts, and history"),
        };
        findings.ok(&format!("the store is of this chain{others}"));
    }
    let rules = tell_contracts(config, &readers, committee, findings).await;
    if config.contracts.start_block > 0 {
        tell_start(config, &readers, findings).await;
    }
    if let Some(account) = account {
        tell_account(config, &network, account.expose(), findings).await;
    }
    let finalized = tell_beacon(config, &readers, findings).await;
    if let (Some(checkpoint), Some(rules), false) = (finalized, rules, provisioned.is_empty()) {
        tell_foreign(config, &network, (checkpoint, &rules), provisioned, findings).await;
    }
}

/// Stake that returns to somebody else than the protocol. Asked for in words, so that no whole state has to come.
async fn tell_foreign(
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
        return findings.no("no beacon provider says where the validators' stake returns to", "see the lines above");
    };
    let foreign: Vec<String> = validators
        .iter()
        .filter(|validator| rules.is_foreign(validator))
        .map(|validator| format!("{} to {}", validator.index, validator.withdrawal_credentials))
        .collect();
    if foreign.is_empty() {
        return findings.ok(&format!("validators: {}, of which the stake returns to the protocol", validators.len()));
    }
    findings.no(
        &format!(
            "the stake of {} validators returns to none of the protocol's pods: {}",
            foreign.len(),
            foreign.join(", ")
        ),
        "it is counted as reserves all the same: tell the protocol's governor",
    );
}

/// What the contracts say at each execution provider: they must know this committee's key.
async fn tell_contracts(
    config: &Config,
    readers: &Readers,
    committee: Option<&Committee>,
    findings: &mut Findings,
) -> Option<ReserveRules> {
    let (mut ours, mut others, mut head, mut reserves) = (0_usize, 0_usize, 0, None);
    let answers = readers.contracts_now().await;
    let total = answers.len();
    for (provider, answer) in answers {
        let name = readers.name(Layer::Execution, provider).unwrap_or_default();
        match answer {
            Err(failure) => findings.no(&uncounted("execution", name, &failure), execution_advice(&failure)),
            Ok(view) if committee.is_some_and(|committee| !is_ours(&view, committee)) => {
                others = others.saturating_add(1);
                let (at, epoch) = (view.block.number, view.key_epoch);
                findings.no(
                    &format!("execution provider {name}, at block {at}: the contracts verify against another key (key epoch {epoch})"),
                    "after a rotation every guardian needs the new committee file and share; or is it another deployment?",
                );
            }
            Ok(view) => {
                ours = ours.saturating_add(1);
                head = head.max(view.block.number);
                reserves = reserves.or_else(|| reserve_rules(&view));
                findings.ok(&format!("execution provider {name}: block {}", view.block.number));
            }
        }
    }
    let needed = config.quorum().execution;
    if ours >= needed && committee.is_some() {
        findings.ok("contracts: the group key is ours");
    } else if ours < needed && others >= needed {
        findings.fault("contracts: the group key is another one", "see the lines above");
    } else if ours < needed {
        findings.fault(
            &format!("contracts: {ours} of {total} execution providers can be used, {needed} are needed"),
            "mend or replace those that are named above",
        );
    }
    if config.contracts.start_block == 0 && head > SHORT {
        findings.fault(
            &format!("[contracts] start_block = 0: all {head} blocks would be searched for events"),
            "set it to the block in which the first of the contracts was created",
        );
    }
    reserves
}

/// What the feed says, if there is one.
fn reserve_rules(view: &ChainView) -> Option<ReserveRules> {
    if let Rules::Reserves(rules) = view.rules(DutyKind::Reserves)? { Some(rules.clone()) } else { None }
}

fn is_ours(view: &ChainView, committee: &Committee) -> bool {
    view.key_epoch == committee.key_epoch() && view.group_key == committee.group_key()
}

/// Events before the start block would never be read.
async fn tell_start(config: &Config, readers: &Readers, findings: &mut Findings) {
    let start = config.contracts.start_block;
    let answers = readers.created_before_start().await;
    let there = answers.iter().find_map(|(_, answer)| answer.as_ref().ok()?.first());
    if let Some(contract) = there {
        return findings.fault(
            &format!("[contracts] start_block = {start}: the contract {contract} was there before it, so its earlier events would be missed"),
            "set it to the block in which the first of the contracts was created",
        );
    }
    let known = answers.iter().any(|(_, answer)| answer.is_ok());
    let note = if known { "" } else { " (not compared: no execution provider still has the state of that time)" };
    findings.ok(&format!("events are read from block {start} on{note}"));
}

/// The account must be able to pay.
async fn tell_account(config: &Config, network: &ChainSpec, key: &[u8; 32], findings: &mut Findings) {
    let Some(sender) = findings.take(node::sender(config, network, key)) else { return };
    let address = sender.address();
    let dear = u128::from(config.execution.fee_ceiling_gwei).saturating_mul(GWEI).saturating_mul(DEAR);
    let advice = "send it a little ether: it pays for transactions, and nothing else depends on it";
    match sender.balance().await {
        None => findings.no(
            &format!("account {address}: no execution provider says what it has"),
            "see the lines about execution providers",
        ),
        Some(0) => findings.fault(&format!("account {address} is empty: it can pay for no transaction"), advice),
        Some(balance) if balance < dear => findings.no(
            &format!("account {address} has {} ether: not enough for a full order at the fee ceiling", ether(balance)),
            advice,
        ),
        Some(balance) => findings.ok(&format!("account {address} has {} ether", ether(balance))),
    }
}

/// To a millionth, rounded down.
fn ether(wei: u128) -> String {
    const ETHER: u128 = GWEI * GWEI;
    format!("{}.{:06}", wei / ETHER, wei % ETHER / (ETHER / 1_000_000))
}

/// Whether each beacon provider counts, and what it offers; returns the finalized checkpoint, as one of them says. Nothing of the latter is needed: what is missing is made up for, more slowly or
/// with less proof.
async fn tell_beacon(config: &Config, readers: &Readers, findings: &mut Findings) -> Option<Checkpoint> {
    let answers = readers.read(&Query::Finalized).await;
    let failures: BTreeMap<ProviderId, ReadFailure> =
        answers.iter().filter_map(|(id, answer)| Some((*id, answer.as_ref().err()?.clone()))).collect();
    let (total, needed) = (config.beacon.providers.len(), config.quorum().beacon);
    let mut usable = 0_usize;
    // One that was too late for the question has another chance here.
    let silent = ReadFailure::Unreachable("no answer in time".to_owned());
    for of in readers.capabilities().await {
        match failures.get(&of.id).or(Some(&silent).filter(|_| of.is_silent())) {
            Some(failure) => findings.no(&uncounted("beacon", &of.name, failure), beacon_advice(failure)),
            None => {
                usable = usable.saturating_add(1);
                tell_offers(&of, findings);
            }
        }
    }
    if usable < needed {
        findings.fault(
            &format!("{usable} of {total} beacon providers can be used, {needed} are needed"),
            "mend or replace those that are named above",
        );
    }
    answers
        .into_iter()
        .find_map(|(_, answer)| if let Ok(Reading::Finalized(finalized)) = answer { finalized } else { None })
}

fn tell_offers(of: &Capabilities, findings: &Findings) {
    let version = of.version.as_deref().unwrap_or("of unknown version");
    findings.ok(&format!("beacon provider {}, {version}: {}", of.name, of.in_words()));
    for (what, hint) in of.hints() {
        output::data(&format!("    no {what}: hint: {hint}"));
    }
}

fn uncounted(layer: &str, name: &str, failure: &ReadFailure) -> String {
    let what = match failure {
        ReadFailure::Unreachable(_) => "does not answer",
        ReadFailure::NotAvailable(_)
        | ReadFailure::NotInSync(_)
        | ReadFailure::Malformed(_)
        | ReadFailure::TooLarge(_)
        | ReadFailure::WrongChain(_) => "does not count",
        ReadFailure::RateLimited(_) => "is asked too often",
    };
    format!("{layer} provider {name} {what}: {failure}")
}

fn beacon_advice(failure: &ReadFailure) -> &'static str {
    match failure {
        ReadFailure::Unreachable(_) => {
            "check its url under [beacon]; the others are enough as long as a majority of all is left"
        }
        ReadFailure::WrongChain(_) => WRONG_CHAIN,
        ReadFailure::NotInSync(_) => IN_SYNC,
        ReadFailure::RateLimited(_) => RATE,
        ReadFailure::NotAvailable(_) | ReadFailure::Malformed(_) | ReadFailure::TooLarge(_) => {
            "is this url a beacon node's? Else update its client, or the proxy before it"
        }
    }
}

fn execution_advice(failure: &ReadFailure) -> &'static str {
    match failure {
        ReadFailure::Unreachable(_) => {
            "check its url under [execution]; the others are enough as long as a majority of all is left"
        }
        ReadFailure::WrongChain(_) => WRONG_CHAIN,
        ReadFailure::NotInSync(_) => IN_SYNC,
        ReadFailure::NotAvailable(why) if why.contains("EIP-1898") => {
            "this node can't be used: take one whose client understands EIP-1898, as Geth, Nethermind, Besu, Erigon and Reth do"
        }
        ReadFailure::NotAvailable(_) => {
            "compare [contracts] with the published addresses; were they deployed on this chain, and is the provider at its head?"
        }
        ReadFailure::RateLimited(_) => RATE,
        ReadFailure::Malformed(_) | ReadFailure::TooLarge(_) => {
            "is this url an execution node's? Else update its client, or the proxy before it"
        }
    }
}

const RATE: &str = "its plan allows too few requests for a guardian, or others use it up";
const WRONG_CHAIN: &str =
    "it serves another network than the majority, or its client is too old to know the forks: remove or update it";
const IN_SYNC: &str = "wait until it has caught up; until then it does not count";

/// Urls over which anybody on the way can read and write.
pub(super) fn tell_urls(config: &Config, findings: &Findings) {
    for (layer, name) in config.readable_on_the_way() {
        findings.no(
            &format!("{layer} provider {name}: its answers come over http:// from another network"),
            "who sits between can read its credentials and change every answer: use https://, or a tunnel",
        );
    }
}
