//! From raw answers to one believed value of each kind, with everything suspicious reported on the way.

use super::{Trouble, quorum};
use crate::{
    duty::ChainView,
    effects::Effects,
    event::{Event, Layer},
    ports::{OnChainProgress, ReadFailure, Reading, Target},
    setup::Setup,
    types::{Checkpoint, Epoch, Level, ProtocolEvent, ProviderId, ValidatorRecord},
};
use std::collections::BTreeMap;

pub(super) type Raw = Vec<(ProviderId, Result<Reading, ReadFailure>)>;
pub(crate) type Given<T> = Vec<(ProviderId, Result<T, ReadFailure>)>;

/// The highest finalized checkpoint that enough providers name. One that is behind or ahead does not contradict; one that names
/// another root for the same epoch does.
pub(super) fn checkpoint(raw: Raw, setup: &Setup, fx: &mut Effects) -> Result<Option<Checkpoint>, Trouble> {
    let given = only(raw, |reading| if let Reading::Finalized(value) = reading { Some(value) } else { None });
    let mut epochs: Vec<Option<Epoch>> =
        given.iter().filter_map(|(_, answer)| answer.as_ref().ok().map(|c| c.map(|c| c.epoch))).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let k = setup.quorum.beacon;
    report_failures(&given, Layer::Beacon, fx);
    let mut contradiction = false;
    for epoch in epochs.into_iter().rev() {
        let of_epoch = given.iter().filter(|(_, answer)| matches!(answer, Ok(c) if c.map(|c| c.epoch) == epoch));
        let verdict = quorum::weigh(of_epoch.cloned().collect(), k);
        if report_dissent(&verdict, Layer::Beacon, of_checkpoint, fx) {
            contradiction = true;
        }
        if let Some(value) = verdict.value {
            return Ok(value);
        }
    }
    Err(if contradiction { Trouble::Contradiction(Layer::Beacon) } else { Trouble::TooFewAnswers(Layer::Beacon) })
}

pub(super) fn chain(raw: Raw, setup: &Setup, fx: &mut Effects) -> Result<ChainView, Trouble> {
    let given = only(raw, |reading| if let Reading::Chain(value) = reading { Some(*value) } else { None });
    believed(given, setup.quorum.execution, Layer::Execution, of_chain, fx)
}

pub(super) fn events(raw: Raw, setup: &Setup, fx: &mut Effects) -> Result<Vec<ProtocolEvent>, Trouble> {
    let given = only(raw, |reading| if let Reading::Events(value) = reading { Some(value) } else { None });
    let detail = |events: &Vec<ProtocolEvent>| format!("{} protocol events", events.len());
    believed(given, setup.quorum.execution, Layer::Execution, detail, fx)
}

pub(super) fn validators(raw: Raw, setup: &Setup, fx: &mut Effects) -> Result<Vec<ValidatorRecord>, Trouble> {
    let given = only(raw, |reading| if let Reading::Validators(value) = reading { Some(value) } else { None });
    report_failures(&given, Layer::Beacon, fx);
    let verdict = quorum::weigh(given, setup.quorum.beacon);
    // The first record that differs says more than two long lists would.
    let reference = verdict.value.clone().or_else(|| verdict.dissent.first().map(|(_, list)| list.clone()));
    let detail = |list: &Vec<ValidatorRecord>| of_validators(list, reference.as_deref().unwrap_or_default());
    let contradiction = report_dissent(&verdict, Layer::Beacon, detail, fx);
    verdict.value.ok_or(trouble(contradiction, Layer::Beacon))
}

/// How far the contracts are, as far as enough providers say so. Levels only grow, and heads differ: no contradiction is possible.
pub(crate) fn progress(raw: &Raw, setup: &Setup) -> BTreeMap<Target, OnChainProgress> {
    let mut given: BTreeMap<Target, Vec<OnChainProgress>> = BTreeMap::new();
    for (_, answer) in raw {
        if let Ok(Reading::Progress(progress)) = answer {
            for (target, progress) in progress {
                given.entry(*target).or_default().push(*progress);
            }
        }
    }
    let k = setup.quorum.execution;
    let reached = |given: &[OnChainProgress], of: fn(&OnChainProgress) -> Level| {
        quorum::reached(given.iter().map(of).collect(), k)
    };
    let believed = given.into_iter().filter_map(|(target, given)| {
        let (head, finalized) = (reached(&given, |p| p.head)?, reached(&given, |p| p.finalized)?);
        Some((target, OnChainProgress { head, finalized }))
    });
    believed.collect()
}

fn of_checkpoint(found: &Option<Checkpoint>) -> String {
    match found {
        Some(c) => format!("finalized root {} at epoch {}", c.root, c.epoch),
        None => "nothing finalized".to_owned(),
    }
}

fn of_chain(view: &ChainView) -> String {
    let accepted = view.accepted.iter().map(|(kind, level)| format!(", {kind} up to {level}"));
    let rules = view.rules.iter().flat_map(crate::duty::Rules::facts).map(|(name, value)| format!(", {name} {value}"));
    let all: String = accepted.chain(rules).collect();
    format!("block {} {}{all}", view.block.number, view.block.hash)
}

/// The first of `list` that is not in `against`.
fn of_validators(list: &[ValidatorRecord], against: &[ValidatorRecord]) -> String {
    list.iter().find(|record| !against.contains(record)).map_or_else(
        || format!("{} validators instead of {}", list.len(), against.len()),
        |record| {
            format!(
                "validator {}: balance {} gwei, slashed {}, exit epoch {}",
                record.index, record.balance, record.slashed, record.exit_epoch
            )
        },
    )
}

/// Whether a provider that says `said` contradicts what is believed. One that is behind or ahead does not.
pub(super) fn contradicts(believed: &Reading, said: &Reading) -> bool {
    match (believed, said) {
        (Reading::Finalized(Some(ours)), Reading::Finalized(Some(theirs))) => {
            ours.epoch == theirs.epoch && ours != theirs
        }
        (Reading::Chain(ours), Reading::Chain(theirs)) => ours != theirs,
        (Reading::Events(ours), Reading::Events(theirs)) => ours != theirs,
        (Reading::Validators(ours), Reading::Validators(theirs)) => ours != theirs,
        (Reading::StateRoot(ours), Reading::StateRoot(theirs)) => ours != theirs,
        (Reading::State(state), Reading::StateRoot(root)) => !state.own && state.root != *root,
        (Reading::State(state), Reading::Validators(theirs)) => !are_alike(&state.validators, theirs),
        _ => false,
    }
}

/// What `said` says that `believed` does not.
pub(super) fn detail(said: &Reading, believed: &Reading) -> String {
    match said {
        Reading::Finalized(checkpoint) => of_checkpoint(checkpoint),
        Reading::Chain(view) => of_chain(view),
        Reading::Events(events) => format!("{} protocol events", events.len()),
        Reading::Validators(list) => {
            if let Reading::Validators(ours) = believed {
                of_validators(list, ours)
            } else {
                "validators that are not those of the proved state".to_owned()
            }
        }
        Reading::State(state) => format!("a state with root {}", state.root),
        Reading::StateRoot(root) => format!("state root {root}"),
        Reading::Progress(_) => "another progress".to_owned(),
    }
}

/// Whether what a provider merely says is what was proved; of participation it says nothing.
pub(super) fn are_alike(proved: &[ValidatorRecord], said: &[ValidatorRecord]) -> bool {
    proved.len() == said.len() && proved.iter().zip(said).all(|(proved, said)| proved.agrees_with(said))
}

/// An answer to another question than was asked is malformed.
pub(super) fn only<T>(raw: Raw, pick: impl Fn(Reading) -> Option<T>) -> Given<T> {
    let wrong = || ReadFailure::Malformed("an answer to another question".into());
    raw.into_iter().map(|(provider, answer)| (provider, answer.and_then(|r| pick(r).ok_or_else(wrong)))).collect()
}

fn believed<T: Clone + PartialEq>(
    given: Given<T>,
    k: usize,
    layer: Layer,
    detail: impl Fn(&T) -> String,
    fx: &mut Effects,
) -> Result<T, Trouble> {
    report_failures(&given, layer, fx);
    let verdict = quorum::weigh(given, k);
    let contradiction = report_dissent(&verdict, layer, detail, fx);
    verdict.value.ok_or(trouble(contradiction, layer))
}

pub(super) fn trouble(contradiction: bool, layer: Layer) -> Trouble {
    if contradiction { Trouble::Contradiction(layer) } else { Trouble::TooFewAnswers(layer) }
}

pub(crate) fn report_failures<T>(given: &Given<T>, layer: Layer, fx: &mut Effects) {
    for (provider, answer) in given {
        if let Err(failure) = answer {
            fx.report(Event::ProviderFailed { provider: *provider, layer, failure: failure.clone() });
        }
    }
}

/// Names who contradicts the believed value; if none is believed, says so too. Returns whether there was a contradiction.
fn report_dissent<T>(
    verdict: &quorum::Verdict<T>,
    layer: Layer,
    detail: impl Fn(&T) -> String,
    fx: &mut Effects,
) -> bool {
    for (provider, value) in &verdict.dissent {
        fx.report(Event::ProviderDisagrees { provider: *provider, layer, detail: detail(value) });
    }
    if verdict.value.is_none() && !verdict.dissent.is_empty() {
        let names: Vec<String> = verdict.dissent.iter().map(|(provider, _)| provider.to_string()).collect();
        fx.report(Event::NoQuorum { layer, detail: format!("providers {} contradict each other", names.join(", ")) });
    }
    !verdict.dissent.is_empty()
}
