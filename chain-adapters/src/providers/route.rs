//! By which route validators are read. A whole state that proves itself needs one provider, so one is asked at a time, the best
//! first, until a state fits the checkpoint; asking the same twice costs one download. Where none does, every provider is asked
//! for the validators alone. What the answers are worth is not decided here: a state that does not fit is handed on beside its
//! provider.

use super::{Provider, Readers, health::FetchOutcome};
use crate::beacon::client::BeaconClient;
use alloy::primitives::B256;
use futures::future::join_all;
use guardian_protocol::{BlsPubkey, Checkpoint, ProviderId, ReadFailure, Reading, Slot, StateReading};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

type Answer = (ProviderId, Result<Reading, ReadFailure>);

/// A state that a block's root proves, and the question that it answers. Kept until the next one, so that whoever asks the same
/// again, or at the same time, costs no provider another download.
#[derive(Debug)]
pub(super) struct Proved {
    checkpoint: Checkpoint,
    slot: Slot,
    pubkeys: Vec<BlsPubkey>,
    answer: (ProviderId, Reading),
}

impl Readers {
    pub(super) async fn read_validators(
        &self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> Vec<Answer> {
        let mut answers = Vec::new();
        if self.chain.limits.prove_states && self.prove_once(checkpoint, slot, pubkeys, &mut answers).await {
            return answers;
        }
        // A state that contradicts the checkpoint stays that provider's answer: its word would not count.
        answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_))));
        let others = self.beacon.iter().filter(|provider| answers.iter().all(|(id, _)| *id != provider.id));
        let patience = self.chain.limits.answer_timeout;
        let words = join_all(others.map(|provider| {
            let work = async {
                provider.may_speak()?;
                provider.client.read_validators(&self.chain.beacon, slot, pubkeys).await
            };
            provider.answer(&self.chain, patience, work)
        }));
        let words = words.await;
        answers.extend(words);
        answers
    }

    /// Looks for a state that fits, one question at a time, unless that has just been found. `true`: one did, and `answers` has
    /// all that can be found out about it.
    async fn prove_once(
        &self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        answers: &mut Vec<Answer>,
    ) -> bool {
        let deadline = Instant::now() + self.chain.limits.state_timeout;
        let Ok(mut last) = timeout_at(deadline, self.proved.lock()).await else { return false };
        if let Some(proved) = last.as_ref()
            && (proved.checkpoint, proved.slot) == (*checkpoint, slot)
            && proved.pubkeys == pubkeys
        {
            let (id, reading) = proved.answer.clone();
            answers.push((id, Ok(reading)));
            return true;
        }
        let found = self.prove(checkpoint, slot, pubkeys, deadline, answers).await;
        // A root that others only vouch for may find more vouchers next time.
        let own = answers
            .iter()
            .find(|(_, answer)| state_of(answer).is_some_and(|state| state.own && fits(state, checkpoint)));
        if let Some((id, Ok(reading))) = own {
            let (pubkeys, answer) = (pubkeys.to_vec(), (*id, reading.clone()));
            *last = Some(Proved { checkpoint: *checkpoint, slot, pubkeys, answer });
        }
        found
    }

    /// Asks for states until one fits.
    async fn prove(
        &self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        deadline: Instant,
        answers: &mut Vec<Answer>,
    ) -> bool {
        let mut advanced = false;
        for provider in self.sources(checkpoint) {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                break;
            }
            let (answer, took) = self.state_from(provider, patience, slot, pubkeys).await;
            let state =
                state_of(&answer.1).filter(|state| fits(state, checkpoint)).map(|state| (state.own, state.root));
            provider.client.http.stats.state(state.is_some(), state_of(&answer.1).is_some());
            let outcome = came(&answer.1, state.and(took));
            answers.retain(|(id, _)| *id != provider.id);
            answers.push(answer);
            let served = match state {
                Some((true, _)) => true,
                Some((false, root)) => {
                    advanced = true;
                    self.is_served(root, slot, answers).await
                }
                None => false,
            };
            let outcome = if state.is_some() && !served { FetchOutcome::Trouble } else { outcome };
            provider.health.note(outcome, self.chain.beacon.epoch_length(), Instant::now());
            if served {
                return true;
            }
        }
        advanced
    }

    /// Whom to ask for a state, the best first. Who serves none, is left in peace or has sent enough in this hour, is not asked.
    fn sources(&self, checkpoint: &Checkpoint) -> impl Iterator<Item = &Provider<BeaconClient>> + use<'_> {
        let (now, budget) = (Instant::now(), self.chain.limits.state_budget);
        let affordable = self.beacon.iter().filter(|provider| provider.client.budget.affords(budget, now));
        let mut sources: Vec<_> = affordable
            .filter_map(|provider| Some(((provider.health.rank(checkpoint.epoch, now)?, provider.id), provider)))
            .collect();
        sources.sort_by_key(|(rank, _)| *rank);
        sources.into_iter().map(|(_, provider)| provider)
    }

    /// One provider's state, and how long it took, its turn not included.
    async fn state_from(
        &self,
        provider: &Provider<BeaconClient>,
        patience: Duration,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> (Answer, Option<Duration>) {
        let work = async {
            let begun = Instant::now();
            let reading = provider.client.read_state(&self.chain.beacon, slot, pubkeys, &self.hasher).await?;
            Ok((reading, begun.elapsed()))
        };
        match provider.answer(&self.chain, patience, work).await {
            (id, Ok((reading, took))) => {
                provider.client.http.stats.state_took(took);
                ((id, Ok(reading)), Some(took))
            }
            (id, Err(failure)) => ((id, Err(failure)), None),
        }
    }

    /// Whether a majority has this root for the advanced state at `slot`; who has not said what it has, is asked.
    async fn is_served(&self, root: B256, slot: Slot, answers: &mut Vec<Answer>) -> bool {
        let patience = self.chain.limits.request_timeout * 3;
        // Who only failed to send its state can still say its root.
        answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_) | Reading::StateRoot(_))));
        let others = self.beacon.iter().filter(|provider| answers.iter().all(|(id, _)| *id != provider.id));
        let roots = join_all(others.map(|provider| {
            let work = async {
                provider.may_speak()?;
                provider.client.read_state_root(slot).await
            };
            provider.answer(&self.chain, patience, work)
        }));
        let roots = roots.await;
        answers.extend(roots);
        let same = answers.iter().filter(|(_, answer)| match answer {
            Ok(Reading::State(state)) => state.root == root,
            Ok(Reading::StateRoot(served)) => *served == root,
            _ => false,
        });
        same.count() > self.beacon.len() / 2
    }
}

impl Provider<BeaconClient> {
    /// # Errors
    /// [`ReadFailure::Malformed`] if its last state was false: what it says instead of another one is not asked for.
    fn may_speak(&self) -> Result<(), ReadFailure> {
        if self.health.has_lied() {
            return Err(ReadFailure::Malformed(
                "its last state was false: it has no word until one is true".to_owned(),
            ));
        }
        Ok(())
    }
}

fn state_of(answer: &Result<Reading, ReadFailure>) -> Option<&StateReading> {
    match answer {
        Ok(Reading::State(state)) => Some(state),
        _ => None,
    }
}

/// Whether the state is one that the protocol can take for the checkpoint's; it decides that itself once more.
fn fits(state: &StateReading, checkpoint: &Checkpoint) -> bool {
    state.block_root == checkpoint.root && (!state.own || state.root == checkpoint.state_root)
}

/// What it means for its provider that this came; `took`, if the state fits.
fn came(answer: &Result<Reading, ReadFailure>, took: Option<Duration>) -> FetchOutcome {
    match (answer, took) {
        (Ok(_), Some(took)) => FetchOutcome::State(took),
        (Ok(_), None) => FetchOutcome::Lie,
        (Err(ReadFailure::NotAvailable(_)), _) => FetchOutcome::None,
        (Err(_), _) => FetchOutcome::Trouble,
    }
}
