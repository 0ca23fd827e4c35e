//! When a question is answered: as soon as enough providers say the same, and a moment for the others. One that is silent, or drips,
//! holds nobody up; what it says later is still handed on, so that it is heard who contradicts. Fallbacks are asked only where the others do not
//! suffice.

use super::{
    Readers,
    provider::{Client, Provider},
};
use crate::{beacon::client::BeaconClient, config::Role, execution::client::ExecutionClient, network::Chain};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use guardian_protocol::{ProviderId, Query, ReadFailure, Reading};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How long the others are waited for when enough have said the same. One that was too late for this the last time is not waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Fallbacks are asked when the others have not said the same within this.
const FALLBACK: Duration = Duration::from_secs(2);

/// One provider's answer.
pub(super) type Answer = (ProviderId, Result<Reading, ReadFailure>);

/// Answers to one question: those that are there, enough of them if so many agree, and those that are still to come.
pub struct Asked<'a> {
    answers: Vec<Answer>,
    open: FuturesUnordered<BoxFuture<'a, Answer>>,
    /// Until when an answer is in time.
    until: Instant,
    slow: Vec<(ProviderId, &'a AtomicBool)>,
}

impl Asked<'_> {
    /// The answers that are there, each given out once.
    pub fn take(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    /// Waits for the answers that are still to come. Dropping this instead gives them up.
    pub async fn rest(mut self) -> Vec<Answer> {
        while let Some(answer) = self.open.next().await {
            if Instant::now() <= self.until {
                note(&self.slow, answer.0, false);
            }
            self.answers.push(answer);
        }
        self.answers
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("answers", &self.answers).field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl<'a> Asked<'a> {
    /// All that will ever be said.
    pub(super) fn complete(answers: Vec<Answer>) -> Self {
        Self { answers, open: FuturesUnordered::new(), until: Instant::now(), slow: Vec::new() }
    }

    /// Beside what was said before.
    pub(super) fn with(mut self, earlier: Vec<Answer>) -> Self {
        self.answers.splice(0..0, earlier);
        self
    }

    /// Further answers that are still to come.
    pub(super) fn and(mut self, open: impl IntoIterator<Item = BoxFuture<'a, Answer>>) -> Self {
        self.open.extend(open);
        self
    }

    /// What of this has not come yet.
    pub(super) fn into_open(self) -> (Vec<Answer>, FuturesUnordered<BoxFuture<'a, Answer>>) {
        (self.answers, self.open)
    }
}

/// Asks `providers` with `put`, until their answers are `enough` and the others have had their moment. Fallbacks are asked when nobody else is left to
/// answer, or after [`FALLBACK`].
pub(super) async fn ask<'a, C: Client + 'a>(
    providers: impl IntoIterator<Item = &'a Provider<C>>,
    put: impl Fn(&'a Provider<C>) -> BoxFuture<'a, Answer>,
    enough: impl Fn(&[Answer]) -> bool,
) -> Asked<'a> {
    let (mut fallbacks, mut asked): (Vec<&'a Provider<C>>, Vec<_>) =
        providers.into_iter().partition(|provider| provider.client.http().role() == Role::Fallback);
    let mut open: FuturesUnordered<_> = asked.iter().copied().map(&put).collect();
    let mut answers: Vec<Answer> = Vec::new();
    let patience = Instant::now() + FALLBACK;
    while !enough(&answers) {
        let next = if fallbacks.is_empty() { Ok(open.next().await) } else { timeout_at(patience, open.next()).await };
        match next {
            Ok(Some(answer)) => answers.push(answer),
            Ok(None) | Err(_) if !fallbacks.is_empty() => {
                open.extend(fallbacks.iter().copied().map(&put));
                asked.append(&mut fallbacks);
            }
            Ok(None) | Err(_) => break,
        }
    }
    let slow: Vec<(ProviderId, &'a AtomicBool)> = asked.iter().map(|provider| (provider.id, &provider.slow)).collect();
    let until = Instant::now() + GRACE;
    let is_missed = |answers: &[Answer]| {
        let silent = slow.iter().filter(|(id, _)| answers.iter().all(|(said, _)| said != id));
        silent.into_iter().any(|(_, slow)| !slow.load(Relaxed))
    };
    while is_missed(&answers) {
        let Ok(Some(answer)) = timeout_at(until, open.next()).await else { break };
        answers.push(answer);
    }
    for (id, _) in &slow {
        note(&slow, *id, answers.iter().all(|(said, _)| said != id));
    }
    Asked { answers, open, until, slow }
}

fn note(flags: &[(ProviderId, &AtomicBool)], provider: ProviderId, slow: bool) {
    for (_, flag) in flags.iter().filter(|(id, _)| *id == provider) {
        flag.store(slow, Relaxed);
    }
}

/// Whether `k` answers are the same.
pub(super) fn agree(answers: &[Answer], k: usize) -> bool {
    let said = || answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    said().any(|one| said().filter(|other| *other == one).count() >= k)
}

impl Readers {
    async fn read_finalized(&self, provider: &Provider<BeaconClient>, patience: Duration) -> Answer {
        let chain = self.chain.beacon();
        let work = provider.client.read_finalized(&chain);
        let answer = provider.answer(&self.chain, patience, work).await;
        if let Ok(Reading::Finalized(Some(checkpoint))) = &answer.1 {
            provider.health.finalized(checkpoint.epoch);
        }
        answer
    }

    /// Every provider's answer to `query`, of the layer that it is about. Where one answer can prove itself, the others may be spared.
    pub async fn read(&self, query: &Query) -> Vec<Answer> {
        self.ask(query).await.rest().await
    }

    /// Answers to `query` as soon as enough providers have given the same one; the rest can be waited for.
    pub async fn ask<'a>(&'a self, query: &'a Query) -> Asked<'a> {
        let (patience, quorum) = (self.chain.patience(query), self.chain.quorum);
        match query {
            Query::State { checkpoint, slot, pubkeys } => self.read_validators(checkpoint, *slot, pubkeys).await,
            Query::Finalized => {
                let put = |provider| -> BoxFuture<'a, Answer> { Box::pin(self.read_finalized(provider, patience)) };
                ask(&self.beacon, put, |answers| agree(answers, quorum.beacon)).await
            }
            Query::Chain(_) | Query::Events { .. } | Query::Progress(_) => {
                let put = |provider: &'a Provider<ExecutionClient>| -> BoxFuture<'a, Answer> {
                    let work = read_execution(&provider.client, &self.chain, query);
                    Box::pin(provider.answer(&self.chain, patience, work))
                };
                // Heads differ, and levels only grow: as many answers are enough.
                let counts = matches!(query, Query::Progress(_));
                let enough = |answers: &[Answer]| {
                    let said = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
                    if counts { said >= quorum.execution } else { agree(answers, quorum.execution) }
                };
                ask(&self.execution, put, enough).await
            }
        }
    }
}

async fn read_execution(client: &ExecutionClient, chain: &Chain, query: &Query) -> Result<Reading, ReadFailure> {
    match query {
        Query::Chain(at) => {
            let view = client.read_chain(&chain.contracts, chain.start_block, *at).await?;
            Ok(Reading::Chain(Box::new(view)))
        }
        Query::Events { from, upto, at } => {
            Ok(Reading::Events(client.read_events(&chain.contracts, *from..=*upto, *at).await?))
        }
        Query::Progress(targets) => Ok(Reading::Progress(client.read_progress(&chain.contracts, targets).await?)),
        Query::Finalized | Query::State { .. } => {
            Err(ReadFailure::Malformed("a question that is not for execution providers".to_owned()))
        }
    }
}
