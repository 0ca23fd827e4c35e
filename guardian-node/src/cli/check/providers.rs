//! Each provider by its name: whether it counts, what it offers, how far it is. A single provider's fault is told; whether enough are left
//! decides.

use super::{code::Code, findings::Findings};
use crate::config::Config;
use guardian_chain::{Capabilities, Layer, Readers, is_not_secure};
use guardian_protocol::{ChainSpec, Checkpoint, ProviderId, Query, ReadFailure, Reading};
use std::collections::{BTreeMap, BTreeSet};

/// Epochs from the finalized one to the clock's, beyond which the chain does not finalize, or its nodes have stopped.
const OLD: u64 = 5;

/// Urls over which anybody on the way can read and write.
pub(super) fn tell_urls(config: &Config, findings: &mut Findings) {
    for (layer, name) in config.readable_on_the_way() {
        findings.poor(
            Code::UrlReadable,
            &format!("{layer} provider {name}: its answers come over http:// from another network"),
            "who sits between can read its credentials and change every answer: use https://, or a tunnel",
        );
    }
}

/// With so many of a layer, one may fail or lie.
const ENOUGH: usize = 3;

/// Layers with so few providers that none may fail.
pub(super) fn tell_few(config: &Config, findings: &mut Findings) {
    for (layer, providers) in [("beacon", &config.beacon.providers), ("execution", &config.execution.providers)] {
        let text = match providers.len() {
            ENOUGH.. => continue,
            1 => format!("[{layer}] one provider: whatever it says is believed, and without it nothing goes"),
            count => format!("[{layer}] {count} providers: both must answer, and say the same"),
        };
        let advice = "three independent ones, of different clients and operators, let one of them fail or lie";
        findings.poor(Code::ProvidersFew, &text, advice);
    }
}

/// Names behind which there is one node: it would count more than once.
fn tell_twins(layer: Layer, named: &[(String, Option<String>)], findings: &mut Findings) {
    let mut known: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, id) in named {
        known.entry(id.as_deref().unwrap_or_default()).or_default().push(name);
    }
    for (_, names) in known.into_iter().filter(|(id, names)| !id.is_empty() && names.len() > 1) {
        findings.poor(
            Code::ProviderTwin,
            &format!("{layer} providers {} are one node, which counts {} times", names.join(", "), names.len()),
            "one node that counts twice can be its own majority: name another node instead",
        );
    }
}

/// Execution providers that are one node, of those that tell.
pub(super) async fn tell_execution_twins(readers: &Readers, findings: &mut Findings) {
    let name = |id| readers.name(Layer::Execution, id).unwrap_or_default().to_owned();
    let named: Vec<_> = readers.execution_ids().await.into_iter().map(|(id, itself)| (name(id), itself)).collect();
    tell_twins(Layer::Execution, &named, findings);
}

/// Whether each of the `usable` execution providers knows the finalized block, and still has its state: there the contracts are read.
pub(super) async fn tell_final_states(
    config: &Config,
    readers: &Readers,
    usable: &BTreeSet<ProviderId>,
    findings: &mut Findings,
) {
    let (mut have, needed) = (0_usize, config.quorum().execution);
    for (provider, answer) in readers.final_states().await.into_iter().filter(|(id, _)| usable.contains(id)) {
        let Err(failure) = answer else {
            have = have.saturating_add(1);
            continue;
        };
        let name = readers.name(Layer::Execution, provider).unwrap_or_default();
        findings.poor(
            Code::ProviderFinality,
            &format!("execution provider {name} does not have the state of the finalized block: {failure}"),
            "there the contracts are read: its client must know the block `finalized` (it follows a beacon node) and keep the last 128 states; \
             while nothing is finalized for long, only an archive node has it",
        );
    }
    let total = config.execution.providers.len();
    let text = format!("finalized block: {have} of {total} execution providers have its state");
    if have >= needed {
        findings.pass(Code::ProviderFinality, &text);
    } else if usable.len() >= needed {
        let advice = "mend or replace those that are named above";
        findings.fail(Code::ProvidersTooFew, &format!("{text}, {needed} are needed"), advice);
    }
}

/// Whether each beacon provider counts, and what it offers; returns the finalized checkpoint, as one of them says. Nothing of the offers
/// is needed: what is missing is made up for, more slowly or with less proof.
pub(super) async fn tell_beacon(config: &Config, readers: &Readers, findings: &mut Findings) -> Option<Checkpoint> {
    let answers = readers.read(&Query::Finalized).await;
    let failures: BTreeMap<ProviderId, ReadFailure> =
        answers.iter().filter_map(|(id, answer)| Some((*id, answer.as_ref().err()?.clone()))).collect();
    let (total, needed) = (config.beacon.providers.len(), config.quorum().beacon);
    let mut usable = Vec::new();
    // One that was too late for the question has another chance here.
    let silent = ReadFailure::Unreachable("no answer in time".to_owned());
    for of in readers.capabilities().await {
        match failures.get(&of.id).or(Some(&silent).filter(|_| of.is_silent())) {
            Some(failure) => tell_uncounted("beacon", &of.name, failure, beacon_advice(failure), findings),
            None => {
                let version = of.version.as_deref().unwrap_or("of unknown version");
                let text = format!("beacon provider {}, {version}: {}", of.name, of.in_words());
                findings.pass(Code::ProviderUsable, &text);
                usable.push(of);
            }
        }
    }
    let named: Vec<_> = usable.iter().map(|of| (of.name.clone(), of.peer_id.clone())).collect();
    tell_twins(Layer::Beacon, &named, findings);
    tell_offers(&usable, findings);
    let usable = usable.len();
    if usable < needed {
        findings.fail(
            Code::ProvidersTooFew,
            &format!("{usable} of {total} beacon providers can be used, {needed} are needed"),
            "mend or replace those that are named above",
        );
    }
    answers
        .into_iter()
        .find_map(|(_, answer)| if let Ok(Reading::Finalized(finalized)) = answer { finalized } else { None })
}

/// What none of them offers; one that does is enough.
fn tell_offers(usable: &[Capabilities], findings: &mut Findings) {
    let Some((first, others)) = usable.split_first() else { return };
    for (what, hint) in first.hints() {
        let lacks = |of: &Capabilities| of.hints().any(|(other, _)| other == what);
        if others.iter().all(lacks) {
            findings.poor(Code::ProviderOffers, &format!("no beacon provider offers {what}"), hint);
        }
    }
}

/// How far behind the clock the finalized checkpoint is.
pub(super) fn tell_finality(now: u64, finalized: &Checkpoint, network: &ChainSpec, findings: &mut Findings) {
    let epoch = network.epoch().as_secs();
    let clock = now.saturating_sub(network.genesis_time).checked_div(epoch).unwrap_or_default();
    let behind = clock.saturating_sub(finalized.epoch.0);
    let text = format!("finality: epoch {}, {behind} behind the clock, at most {OLD} are usual", finalized.epoch);
    if behind > OLD {
        let advice = "explorers show whether the chain finalizes; if it does, your beacon nodes have stopped, or this machine's clock is wrong";
        findings.poor(Code::Finality, &text, advice);
    } else {
        findings.pass(Code::Finality, &text);
    }
}

/// A provider that does not count, and why.
pub(super) fn tell_uncounted(layer: &str, name: &str, failure: &ReadFailure, advice: &str, findings: &mut Findings) {
    let (code, what) = match failure {
        ReadFailure::Unreachable(_) if is_not_secure(failure) => (Code::ProviderTls, "can't be asked"),
        ReadFailure::Unreachable(_) => (Code::ProviderSilent, "does not answer"),
        ReadFailure::Unauthorized(_) => (Code::ProviderCredentials, "does not let us in"),
        ReadFailure::NotInSync(_) => (Code::ProviderSyncing, "does not count"),
        ReadFailure::WrongChain(_) => (Code::ProviderForeign, "does not count"),
        ReadFailure::NotAvailable(_) | ReadFailure::Malformed(_) | ReadFailure::TooLarge(_) => {
            (Code::ProviderRefuses, "does not count")
        }
        ReadFailure::RateLimited(_) => (Code::ProviderLimited, "is asked too often"),
    };
    findings.poor(code, &format!("{layer} provider {name} {what}: {failure}"), advice);
}

fn beacon_advice(failure: &ReadFailure) -> &'static str {
    match failure {
        ReadFailure::Unreachable(_) if is_not_secure(failure) => NOT_SECURE,
        ReadFailure::Unauthorized(_) => UNAUTHORIZED,
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

pub(super) fn execution_advice(failure: &ReadFailure) -> &'static str {
    match failure {
        ReadFailure::Unreachable(_) if is_not_secure(failure) => NOT_SECURE,
        ReadFailure::Unauthorized(_) => UNAUTHORIZED,
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

const NOT_SECURE: &str = "is its port one of http://? Else look at its certificate: expired, of another name, or of an authority that this machine does not know";
const UNAUTHORIZED: &str =
    "its key or password in url or url_file is wrong or was withdrawn, or its plan does not cover this";
const RATE: &str = "its plan allows too few requests for a guardian, or others use it up";
const WRONG_CHAIN: &str =
    "it serves another network than the majority, or its client is too old to know the forks: remove or update it";
const IN_SYNC: &str = "wait until it has caught up; until then it does not count";
