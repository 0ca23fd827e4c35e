//! By which route validators are read. A whole state that proves itself needs one provider, so one is asked after the other, the best
//! first, until a state fits the checkpoint; asking the same twice costs one download. A source that is slow is given its time, while
//! the next is asked already. Where none does, every provider is asked
//! for the validators alone. What the answers are worth is not decided here: a state that does not fit is handed on beside its
//! provider.

use super::{
    Asked, Readers,
    asking::{Answer, agree, ask},
    health::FetchOutcome,
    provider::Provider,
};
use crate::beacon::client::BeaconClient;
use alloy::primitives::B256;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use guardian_protocol::{BlsPubkey, Checkpoint, ReadFailure, Reading, Slot, StateReading};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::{Instant, timeout_at};

/// So many sources may be asked one after the other before the validators are asked for alone.
const HEDGES: u32 = 3;

/// A state that a block's root proves, and the question that it answers. Kept until the next one, so that whoever asks the same
/// again, or at the same time, costs no provider another download.
#[derive(Debug)]
pub(super) struct Proved {
    checkpoint: Checkpoint,
    slot: Slot,
    pubkeys: Vec<BlsPubkey>,
    answer: (guardian_protocol::ProviderId, Reading),
}

impl Readers {
    pub(super) async fn read_validators<'a>(
        &'a self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &'a [BlsPubkey],
    ) -> Asked<'a> {
        let mut found = Found::default();
        if self.chain.limits.prove_states && self.prove_once(checkpoint, slot, pubkeys, &mut found).await {
            return Asked::complete(found.answers).and(found.late);
        }
        // A state that contradicts the checkpoint stays that provider's answer: its word would not count.
        let mut answers = found.answers;
        answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_))));
        self.read_words(slot, pubkeys, answers).await
    }

    /// Every provider's word for the validators with `pubkeys` at `slot`; no state is asked for.
    pub async fn validators_in_words(&self, slot: Slot, pubkeys: &[BlsPubkey]) -> Vec<Answer> {
        self.read_words(slot, pubkeys, Vec::new()).await.rest().await
    }

    /// The word of those that have not answered.
    async fn read_words<'a>(&'a self, slot: Slot, pubkeys: &'a [BlsPubkey], answers: Vec<Answer>) -> Asked<'a> {
        let others: Vec<_> =
            self.beacon.iter().filter(|provider| answers.iter().all(|(id, _)| *id != provider.id)).collect();
        let patience = self.chain.limits.answer_timeout;
        let put = |provider: &'a Provider<BeaconClient>| -> BoxFuture<'a, Answer> {
            let work = async move {
                provider.may_speak()?;
                provider.client.read_validators(&self.chain.beacon(), slot, pubkeys).await
            };
            Box::pin(provider.answer(&self.chain, patience, work))
        };
        let words = ask(others, put, |answers| agree(answers, self.chain.quorum.beacon)).await;
        words.with(answers)
    }

    /// Looks for a state that fits, one question at a time, unless that has just been found. `true`: one did, and `found` has
    /// all that can be found out about it.
    async fn prove_once<'a>(
        &'a self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        found: &mut Found<'a>,
    ) -> bool {
        let deadline = Instant::now() + self.chain.limits.state_timeout + self.chain.limits.state_hedge * HEDGES;
        let Ok(mut last) = timeout_at(deadline, self.proved.lock()).await else { return false };
        if let Some(proved) = last.as_ref()
            && (proved.checkpoint, proved.slot) == (*checkpoint, slot)
            && proved.pubkeys == pubkeys
        {
            let (id, reading) = proved.answer.clone();
            found.answers.push((id, Ok(reading)));
            return true;
        }
        let proved = self.prove(checkpoint, slot, pubkeys, deadline, found).await;
        // A root that others only vouch for may find more vouchers next time.
        let own = found
            .answers
            .iter()
            .find(|(_, answer)| state_of(answer).is_some_and(|state| state.own && fits(state, checkpoint)));
        if let Some((id, Ok(reading))) = own {
            let (pubkeys, answer) = (pubkeys.to_vec(), (*id, reading.clone()));
            *last = Some(Proved { checkpoint: *checkpoint, slot, pubkeys, answer });
        }
        proved
    }

    /// Asks for states until one fits: the best source first, the next when that fails or has not answered after [`Limits::state_hedge`](crate::Limits).
    async fn prove<'a>(
        &'a self,
        checkpoint: &Checkpoint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
        deadline: Instant,
        found: &mut Found<'a>,
    ) -> bool {
        let mut contradicted = false;
        let mut sources = self.sources(checkpoint).peekable();
        let mut asked: Vec<&Provider<BeaconClient>> = Vec::new();
        let mut open = FuturesUnordered::new();
        while Instant::now() < deadline {
            if let Some(provider) = sources.next() {
                let patience = self.chain.limits.state_timeout;
                asked.push(provider);
                open.push(async move { (provider, self.state_from(provider, patience, slot, pubkeys).await) });
            } else if open.is_empty() {
                break;
            }
            let until = if sources.peek().is_some() {
                deadline.min(Instant::now() + self.chain.limits.state_hedge)
            } else {
                deadline
            };
            let Ok(Some((provider, came))) = timeout_at(until, open.next()).await else { continue };
            asked.retain(|other| other.id != provider.id);
            let fits = self.weigh(provider, came, checkpoint, found);
            let vouched = match fits {
                Some((true, _)) => Vouched::Yes,
                Some((false, root)) => self.is_served((root, checkpoint.state_root), slot, found).await,
                None => continue,
            };
            if vouched == Vouched::No {
                contradicted = true;
                provider.health.note(FetchOutcome::Trouble, self.chain.beacon().epoch_length(), Instant::now());
            }
            if vouched == Vouched::Yes {
                // Those that were asked before, and had not sent theirs when this one had.
                for slower in asked {
                    slower.health.note(FetchOutcome::Trouble, self.chain.beacon().epoch_length(), Instant::now());
                }
                return true;
            }
        }
        // Others have another root: that is for the protocol to judge. If nobody has any, the validators can still be asked for alone.
        contradicted
    }

    /// Takes what came from a source; if the state fits, whether it is the block's own, and its root.
    fn weigh(
        &self,
        provider: &Provider<BeaconClient>,
        (answer, took): (Answer, Option<Duration>),
        checkpoint: &Checkpoint,
        found: &mut Found<'_>,
    ) -> Option<(bool, B256)> {
        let state = state_of(&answer.1).filter(|state| fits(state, checkpoint)).map(|state| (state.own, state.root));
        provider.client.http.stats.state(state.is_some(), state_of(&answer.1).is_some());
        let outcome = came(&answer.1, state.and(took));
        found.answers.retain(|(id, _)| *id != provider.id);
        found.answers.push(answer);
        provider.health.note(outcome, self.chain.beacon().epoch_length(), Instant::now());
        state
    }

    /// Whom to ask for a state, the best first. Who serves none, is left in peace or has sent enough in this hour, is not asked.
    fn sources(&self, checkpoint: &Checkpoint) -> impl Iterator<Item = &Provider<BeaconClient>> + use<'_> {
        let (now, budget) = (Instant::now(), self.chain.limits.state_budget);
        let affordable = self.beacon.iter().filter(|provider| provider.client.budget.affords(budget, now));
        let mut sources: Vec<_> = affordable
            .filter_map(|provider| {
                // One that is slow with small answers is not the first to be asked for a large one.
                let (slow, role) = (provider.slow.load(Relaxed), provider.client.http.role());
                let rank = provider.health.rank(checkpoint.epoch, now)?;
                Some(((provider.health.has_lied(), role, slow, rank, provider.id), provider))
            })
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
            let reading = provider.client.read_state(&self.chain.beacon(), slot, pubkeys, &self.hasher).await?;
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

    /// Whether enough have this root for the advanced state at `slot`, where `own` is that of the block's own; those that have not said
    /// what they have are asked.
    async fn is_served<'a>(&'a self, (root, own): (B256, B256), slot: Slot, found: &mut Found<'a>) -> Vouched {
        let patience = self.chain.limits.request_timeout * 3;
        // Who only failed to send its state can still say its root.
        found.answers.retain(|(_, answer)| matches!(answer, Ok(Reading::State(_) | Reading::StateRoot(_))));
        let said = &found.answers;
        let others: Vec<_> =
            self.beacon.iter().filter(|provider| said.iter().all(|(id, _)| *id != provider.id)).collect();
        let put = |provider: &'a Provider<BeaconClient>| -> BoxFuture<'a, Answer> {
            let work = async move {
                provider.may_speak()?;
                provider.client.read_state_root(slot, own).await
            };
            Box::pin(provider.answer(&self.chain, patience, work))
        };
        let has = |(_, answer): &&Answer| match answer {
            Ok(Reading::State(state)) => state.root == root,
            Ok(Reading::StateRoot(served)) => *served == root,
            _ => false,
        };
        let k = self.chain.quorum.beacon;
        let known = said.iter().filter(has).count();
        let enough = |answers: &[Answer]| known + answers.iter().filter(has).count() >= k;
        let (roots, late) = ask(others, put, enough).await.into_open();
        found.answers.extend(roots);
        found.late.extend(late);
        let other = |(_, answer): &Answer| matches!(answer, Ok(Reading::StateRoot(served)) if *served != root);
        if found.answers.iter().filter(has).count() >= k {
            Vouched::Yes
        } else if found.answers.iter().any(other) {
            Vouched::No
        } else {
            Vouched::Unknown
        }
    }
}

/// Whether a state's root is the others' too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vouched {
    Yes,
    /// Others have another one.
    No,
    /// Too few have any.
    Unknown,
}

/// What was found out about a state, and what of it is still to come.
#[derive(Default)]
struct Found<'a> {
    answers: Vec<Answer>,
    late: Vec<BoxFuture<'a, Answer>>,
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
