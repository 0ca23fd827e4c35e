//! By which route validators are read. A whole state that proves itself needs one provider, so one is asked at a time, the best
//! first, until a state fits the checkpoint. Where none does, every provider is asked for the validators alone. What the
//! answers are worth is not decided here: a state that does not fit is handed on beside its provider.

use super::{Provider, Readers, care::Came};
use crate::beacon::client::BeaconClient;
use alloy::primitives::B256;
use futures::future::join_all;
use guardian_protocol::{
    ports::{ReadFailure, Reading, StateReading},
    types::{BlsPubkey, Checkpoint, ProviderId, Slot},
};
use tokio::time::Instant;

type Answer = (ProviderId, Result<Reading, ReadFailure>);

impl Readers {
    pub(super) async fn read_validators(
        &self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> Vec<Answer> {
        let mut answers = Vec::new();
        if self.chain.limits.prove_states && self.prove(checkpoint, slot, pubkeys, &mut answers).await {
            return answers;
        }
        // A state that contradicts the checkpoint stays that provider's answer: its word would not count.
        answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_))));
        let others = self.beacon.iter().filter(|provider| answers.iter().all(|(id, _)| *id != provider.id));
        let patience = self.chain.limits.answer_timeout;
        let words = join_all(others.map(|provider| {
            let work = provider.client.read_validators(&self.chain.beacon, slot, pubkeys);
            provider.answer(&self.chain, patience, work)
        }));
        let words = words.await;
        answers.extend(words);
        answers
    }

    /// Asks for states until one fits. `true`: one did, and `answers` has all that can be found out about it.
    async fn prove(
        &self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        answers: &mut Vec<Answer>,
    ) -> bool {
        let limits = &self.chain.limits;
        let deadline = Instant::now() + limits.state_timeout;
        let mut sources: Vec<(u32, &Provider<BeaconClient>)> = self
            .beacon
            .iter()
            .filter_map(|provider| Some((provider.care.rank(limits.state_budget, Instant::now())?, provider)))
            .collect();
        sources.sort_by_key(|(rank, provider)| (*rank, provider.id));
        let mut advanced = false;
        for (_, provider) in sources {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                break;
            }
            let before = provider.client.http.stats.bytes();
            let work = provider.client.read_state(&self.chain.beacon, slot, pubkeys, &self.desk);
            let answer = provider.answer(&self.chain, patience, work).await;
            let bytes = provider.client.http.stats.bytes().saturating_sub(before);
            let state =
                state_of(&answer.1).filter(|state| fits(state, checkpoint)).map(|state| (state.own, state.root));
            provider.client.http.stats.state(state.is_some(), state_of(&answer.1).is_some());
            let outcome = came(&answer.1, state.is_some());
            answers.retain(|(id, _)| *id != provider.id);
            answers.push(answer);
            match state {
                Some((true, _)) => {
                    provider.care.note(Came::State, bytes, Instant::now());
                    return true;
                }
                Some((false, root)) => {
                    advanced = true;
                    if self.is_served(root, slot, answers).await {
                        provider.care.note(Came::State, bytes, Instant::now());
                        return true;
                    }
                    provider.care.note(Came::Trouble, bytes, Instant::now());
                }
                None => provider.care.note(outcome, bytes, Instant::now()),
            }
        }
        advanced
    }

    /// Whether a majority has this root for the advanced state at `slot`; who has not said what it has, is asked.
    async fn is_served(&self, root: B256, slot: Slot, answers: &mut Vec<Answer>) -> bool {
        let patience = self.chain.limits.request_timeout * 3;
        // Who only failed to send its state can still say its root.
        answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_) | Reading::StateRoot(_))));
        let others = self.beacon.iter().filter(|provider| answers.iter().all(|(id, _)| *id != provider.id));
        let roots = join_all(
            others.map(|provider| provider.answer(&self.chain, patience, provider.client.read_state_root(slot))),
        );
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

fn came(answer: &Result<Reading, ReadFailure>, fits: bool) -> Came {
    match answer {
        Ok(_) if fits => Came::State,
        Err(ReadFailure::NotAvailable(_)) => Came::None,
        _ => Came::Trouble,
    }
}
