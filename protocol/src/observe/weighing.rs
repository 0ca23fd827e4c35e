//! From raw answers to one believed value of each kind, with everything suspicious reported on the way.

use super::{Trouble, history::lacks, quorum};
use crate::{
    duty::ChainView,
    effects::Effects,
    event::{Event, HistoryEvent, Layer},
    ports::{OnChainProgress, ReadFailure, Reading, Target},
    setup::Setup,
    types::{BlockRef, Checkpoint, Epoch, EventPage, Level, ProviderId, ValidatorRecord},
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

/// A range of blocks whose events were asked for, and a block that fixes the branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedPage {
    pub(super) from: u64,
    pub(super) upto: u64,
    pub(super) at: BlockRef,
}

/// The events of a page. A provider that has fewer than another, and no others, is no liar: its logs are pruned, or its index is broken.
/// So a page of which some provider knows more than enough others do is contested, and not believed, unless the protocol `has_books`: those
/// tell afterwards who was right.
pub(super) fn page(
    raw: Raw,
    asked: AskedPage,
    has_books: bool,
    setup: &Setup,
    fx: &mut Effects,
) -> Result<EventPage, Trouble> {
    let given = only(raw, |reading| if let Reading::Events(value) = reading { Some(value) } else { None });
    let is_asked = |page: &EventPage| {
        let ends_right = page.upto.number == asked.upto && (asked.upto != asked.at.number || page.upto == asked.at);
        page.from == asked.from && ends_right
    };
    let other = || ReadFailure::Malformed("events of other blocks than were asked for".into());
    let right = |page| if is_asked(&page) { Ok(page) } else { Err(other()) };
    let given: Given<EventPage> = given.into_iter().map(|(who, answer)| (who, answer.and_then(right))).collect();
    report_failures(&given, Layer::Execution, fx);
    let verdict = quorum::weigh(given.clone(), setup.quorum.execution);
    let pages = || given.iter().filter_map(|(_, page)| page.as_ref().ok());
    let is_part = |page: &EventPage, of: &EventPage| page.upto == of.upto && lacks(&page.events, &of.events).is_some();
    let most = pages().filter(|page| verdict.value.as_ref().is_none_or(|value| is_part(value, page)));
    let Some(most) = most.max_by_key(|page| page.events.len()) else {
        return Err(Trouble::TooFewAnswers(Layer::Execution));
    };
    let names = |pick: &dyn Fn(&EventPage) -> bool| -> Vec<ProviderId> {
        let picked = given.iter().filter(|(_, page)| page.as_ref().is_ok_and(pick));
        picked.map(|(provider, _)| *provider).collect()
    };
    // Whoever has a part of what is known is not accused, and neither is whoever knows more.
    let fewer = names(&|page| is_part(page, most) && page != most);
    if !fewer.is_empty() {
        let least = pages().filter(|page| is_part(page, most)).map(|page| page.events.len()).min();
        let missing = most.events.len().saturating_sub(least.unwrap_or_default());
        let more = names(&|page| page == most);
        fx.report(Event::History(HistoryEvent::Contested { range: (asked.from, asked.upto), fewer, more, missing }));
    }
    let answered = pages().count();
    let dissent = verdict.dissent.iter().filter(|(_, page)| !is_part(page, most)).cloned().collect::<Vec<_>>();
    // Where nobody is believed, nobody is picked out.
    let dissent = if verdict.value.is_none() && !dissent.is_empty() { verdict.dissent } else { dissent };
    let verdict = quorum::Verdict { dissent, ..verdict };
    let contradiction = report_dissent(&verdict, Layer::Execution, of_page, fx);
    match verdict.value {
        Some(value) if value == *most || has_books => Ok(value),
        Some(_) => Err(Trouble::HistoryContested),
        None if contradiction => Err(Trouble::Contradiction(Layer::Execution)),
        None if answered >= setup.quorum.execution => Err(Trouble::HistoryContested),
        None => Err(Trouble::TooFewAnswers(Layer::Execution)),
    }
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
        (Reading::Events(ours), Reading::Events(theirs)) => {
            // Whoever has fewer of the same has lost some, and whoever has more knows better: neither is a lie.
            let part = |one: &EventPage, of: &EventPage| lacks(&one.events, &of.events).is_some();
            (ours.from, ours.upto) != (theirs.from, theirs.upto) || !(part(ours, theirs) || part(theirs, ours))
        }
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
        Reading::Events(page) => of_page(page),
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

fn of_page(page: &EventPage) -> String {
    format!("{} events up to block {}", page.events.len(), page.upto.hash)
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
