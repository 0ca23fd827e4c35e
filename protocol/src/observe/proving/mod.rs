//! Answers about the beacon state: a state that was hashed and fits the agreed block outweighs any number of providers that only say
//! something; where there is none, [`quorum`](super::quorum) decides. A state that was hashed and does not fit is a lie or
//! damage: its provider is named and ignored.

use super::{
    Trouble,
    weighing::{self, Raw, are_alike, report_failures},
};
use crate::{
    effects::Effects,
    event::{Event, Layer},
    ports::{ReadFailure, Reading, StateReading},
    setup::Setup,
    types::{Census, Checkpoint, Proof, ProviderId, Slot, ValidatorRecord},
};
use alloy_primitives::B256;

/// What is known of the state, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FromState {
    pub(super) validators: Vec<ValidatorRecord>,
    pub(super) census: Option<Census>,
    pub(super) proof: Proof,
}

/// What a state that was hashed is worth.
enum StateVerdict {
    Proof(Proof),
    /// Not enough providers say that the advanced state has this root.
    Unvouched,
    Lie(String),
}

/// What stands in the state at `slot`, the first of `checkpoint`'s epoch.
pub(super) fn state(
    raw: Raw,
    checkpoint: &Checkpoint,
    slot: Slot,
    setup: &Setup,
    fx: &mut Effects,
) -> Result<FromState, Trouble> {
    let vouched = served_roots(&raw, checkpoint);
    let mut proved: Vec<(ProviderId, FromState)> = Vec::new();
    let mut said = Raw::new();
    let (mut lies, mut unvouched) = (Vec::new(), Vec::<(ProviderId, StateReading)>::new());
    for (provider, answer) in raw {
        match answer {
            Ok(Reading::State(state)) => match verdict_on(&state, checkpoint, slot, &vouched, setup.quorum.beacon) {
                StateVerdict::Proof(proof) => {
                    let StateReading { validators, census, .. } = *state;
                    proved.push((provider, FromState { validators, census: Some(census), proof }));
                }
                StateVerdict::Unvouched => unvouched.push((provider, *state)),
                StateVerdict::Lie(detail) => {
                    lies.push(provider);
                    fx.report(Event::ProviderDisagrees { provider, layer: Layer::Beacon, detail });
                }
            },
            Ok(Reading::StateRoot(_)) => {}
            Ok(other) => said.push((provider, Ok(other))),
            Err(failure) => said.push((provider, Err(failure))),
        }
    }
    if let Some((_, known)) = proved.first().cloned() {
        for (provider, StateReading { root, .. }) in unvouched {
            let detail = format!("a state with root {root} at the skipped slot, which too few others have");
            fx.report(Event::ProviderDisagrees { provider, layer: Layer::Beacon, detail });
        }
        return agreed(&proved, known, said, fx);
    }
    if vouched.windows(2).any(|pair| matches!(pair, [(_, a), (_, b)] if a != b)) && !unvouched.is_empty() {
        return Err(no_root(&vouched, fx));
    }
    // Nobody has another root, but too few have one: such a state is worth as much as its provider's word.
    said.extend(unvouched.into_iter().map(|(provider, state)| (provider, Ok(Reading::Validators(words(state))))));
    // A provider that sent a false state is ignored.
    match weighing::validators(said, setup, fx) {
        Ok(validators) => Ok(FromState { validators, census: None, proof: Proof::Quorum }),
        Err(trouble) if lies.is_empty() => Err(trouble),
        Err(_) => {
            let detail =
                format!("no state was proved, and that of providers {} is not the finalized one", names(&lies));
            fx.report(Event::NoQuorum { layer: Layer::Beacon, detail });
            Err(Trouble::Contradiction(Layer::Beacon))
        }
    }
}

/// Proofs can't contradict each other unless a hash is broken or the code is; then nothing is believed. What others merely say is
/// compared, so that who lies is named.
fn agreed(
    proved: &[(ProviderId, FromState)],
    known: FromState,
    said: Raw,
    fx: &mut Effects,
) -> Result<FromState, Trouble> {
    if proved.iter().any(|(_, other)| *other != known) {
        let providers: Vec<ProviderId> = proved.iter().map(|(provider, _)| *provider).collect();
        let detail = format!("the states of providers {} are both proved and differ", names(&providers));
        fx.report(Event::NoQuorum { layer: Layer::Beacon, detail });
        return Err(Trouble::Contradiction(Layer::Beacon));
    }
    for (provider, answer) in &said {
        if let Ok(Reading::Validators(validators)) = answer
            && !are_alike(&known.validators, validators)
        {
            let detail = "validators that are not those of the proved state".to_owned();
            fx.report(Event::ProviderDisagrees { provider: *provider, layer: Layer::Beacon, detail });
        }
    }
    report_failures(&said, Layer::Beacon, fx);
    Ok(known)
}

fn verdict_on(state: &StateReading, checkpoint: &Checkpoint, slot: Slot, vouched: &Served, k: usize) -> StateVerdict {
    if state.slot != slot {
        return StateVerdict::Lie(format!("a state at slot {} instead of {slot}", state.slot));
    }
    if state.block_root != checkpoint.root {
        return StateVerdict::Lie(format!("a state of block {} instead of {}", state.block_root, checkpoint.root));
    }
    if state.own {
        // The block's root contains the state's, unless the header that was agreed on is no header of that root.
        return if state.root == checkpoint.state_root {
            StateVerdict::Proof(Proof::State { root: state.root })
        } else {
            StateVerdict::Lie(format!("state root {} instead of {}", state.root, checkpoint.state_root))
        };
    }
    let same = vouched.iter().filter(|(_, root)| *root == state.root).count();
    if same >= k.max(1) {
        StateVerdict::Proof(Proof::AdvancedState { root: state.root })
    } else {
        StateVerdict::Unvouched
    }
}

/// What `state` says of the validators, as a provider says it that only tells of them.
fn words(state: StateReading) -> Vec<ValidatorRecord> {
    state.validators.into_iter().map(ValidatorRecord::plain).collect()
}

/// The root of the state at the slot, as each provider has it: one that sent a state, by that state.
type Served = Vec<(ProviderId, B256)>;

/// The root of the block's own state is no answer: whoever names it has not advanced the state over the skipped slots.
fn served_roots(raw: &[(ProviderId, Result<Reading, ReadFailure>)], checkpoint: &Checkpoint) -> Served {
    let mut served = Served::new();
    for (provider, answer) in raw {
        let root = match answer {
            Ok(Reading::StateRoot(root)) if *root != checkpoint.state_root => *root,
            Ok(Reading::State(state)) => state.root,
            Ok(_) | Err(_) => continue,
        };
        // A provider that answers twice counts once.
        if served.iter().all(|(known, _)| known != provider) {
            served.push((*provider, root));
        }
    }
    served
}

fn no_root(served: &Served, fx: &mut Effects) -> Trouble {
    let roots: Vec<String> = served.iter().map(|(provider, root)| format!("{provider} says {root}")).collect();
    let detail = format!("the root of the state at a skipped slot: {}", roots.join(", "));
    for (provider, root) in served {
        let detail = format!("state root {root}");
        fx.report(Event::ProviderDisagrees { provider: *provider, layer: Layer::Beacon, detail });
    }
    fx.report(Event::NoQuorum { layer: Layer::Beacon, detail });
    Trouble::Contradiction(Layer::Beacon)
}

fn names(providers: &[ProviderId]) -> String {
    providers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
