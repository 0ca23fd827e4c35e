//! How long several nodes are waited for: until half of them have said something of use, and a moment for the others. One that hangs
//! would otherwise let the stand-by's turn come, which pays for a second transaction.

use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// For the others, when half have answered.
const GRACE: Duration = Duration::from_millis(500);
/// For those that were too late for that the last time. Not nothing, since one of those that have answered may lie.
const MOMENT: Duration = Duration::from_millis(50);

/// The answers that came in time, each beside the place of its node. Those that are of use count. Each is asked beside its node's flag that it
/// was late the last time: then it is waited for only a moment.
pub(super) async fn most<'a, T, F: Future<Output = T>>(
    asked: impl IntoIterator<Item = (&'a AtomicBool, F)>,
    is_of_use: impl Fn(&T) -> bool,
) -> Vec<(usize, T)> {
    let (slow, asked): (Vec<&AtomicBool>, Vec<F>) = asked.into_iter().unzip();
    let numbered = asked.into_iter().enumerate();
    let mut open: FuturesUnordered<_> = numbered.map(|(place, answer)| async move { (place, answer.await) }).collect();
    let enough = open.len().div_ceil(2);
    let mut answers: Vec<(usize, T)> = Vec::new();
    let has_answered = |answers: &[(usize, T)], place: usize| answers.iter().any(|(said, _)| *said == place);
    while answers.iter().filter(|(_, answer)| is_of_use(answer)).count() < enough {
        let Some(answer) = open.next().await else { break };
        answers.push(answer);
    }
    let now = Instant::now();
    loop {
        let mut missing = slow.iter().enumerate().filter(|(place, _)| !has_answered(&answers, *place));
        let patience = if missing.all(|(_, slow)| slow.load(Relaxed)) { MOMENT } else { GRACE };
        let Ok(Some(answer)) = timeout_at(now + patience, open.next()).await else { break };
        answers.push(answer);
    }
    for (place, slow) in slow.iter().enumerate() {
        slow.store(!has_answered(&answers, place), Relaxed);
    }
    answers.sort_by_key(|(place, _)| *place);
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::{BoxFuture, pending, ready};

    fn answers(said: &[Option<u8>]) -> Vec<BoxFuture<'static, Result<u8, ()>>> {
        said.iter()
            .map(|said| -> BoxFuture<'static, Result<u8, ()>> {
                match *said {
                    Some(0) => Box::pin(ready(Err(()))),
                    Some(said) => Box::pin(ready(Ok(said))),
                    None => Box::pin(pending()),
                }
            })
            .collect()
    }

    /// Puts a question to nodes with these flags.
    async fn put(flags: &[AtomicBool], said: &[Option<u8>]) -> Vec<u8> {
        let came = most(flags.iter().zip(answers(said)), Result::is_ok).await;
        came.into_iter().filter_map(|(_, answer)| answer.ok()).collect()
    }

    fn flags() -> [AtomicBool; 3] {
        std::array::from_fn(|_| AtomicBool::new(false))
    }

    #[tokio::test]
    async fn a_node_that_never_answers_holds_nobody_up() {
        let flags = flags();
        for said in [[None, Some(1), Some(2)], [None, Some(1), Some(2)], [Some(1), Some(2), None]] {
            assert_eq!(put(&flags, &said).await, [1, 2]);
        }
        // One of three is not enough; the third is waited for.
        assert!(futures::poll!(std::pin::pin!(put(&flags, &[Some(1), None, Some(0)]))).is_pending());
    }

    #[tokio::test]
    async fn a_node_that_was_late_the_last_time_is_known_and_heard_when_it_speaks() {
        let flags = flags();
        assert_eq!(put(&flags, &[None, Some(1), Some(2)]).await, [1, 2]);
        assert_eq!(flags.each_ref().map(|flag| flag.load(Relaxed)), [true, false, false]);
        assert_eq!(put(&flags, &[Some(3), Some(1), Some(2)]).await, [3, 1, 2]);
        assert!(!flags[0].load(Relaxed));
    }

    #[tokio::test]
    async fn all_that_come_at_once_are_heard() {
        assert_eq!(put(&flags(), &[Some(3), Some(1), Some(2)]).await.len(), 3);
        assert!(put(&flags(), &[Some(0), Some(0), Some(0)]).await.is_empty());
        assert!(put(&[], &[]).await.is_empty());
    }
}
