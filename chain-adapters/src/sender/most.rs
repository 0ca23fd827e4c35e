//! How long several nodes are waited for: until half of them have said something of use, and a moment for the others. One that hangs
//! would otherwise let the stand-by's turn come, which pays for a second transaction.

use futures::{StreamExt, stream::FuturesUnordered};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// For the others, when half have answered.
const GRACE: Duration = Duration::from_millis(500);

/// The answers that came in time, each beside the place of its node. Those that are of use count.
pub(super) async fn most<T, F: Future<Output = T>>(
    asked: impl IntoIterator<Item = F>,
    is_of_use: impl Fn(&T) -> bool,
) -> Vec<(usize, T)> {
    let numbered = asked.into_iter().enumerate();
    let mut open: FuturesUnordered<_> = numbered.map(|(place, answer)| async move { (place, answer.await) }).collect();
    let enough = open.len().div_ceil(2);
    let mut answers: Vec<(usize, T)> = Vec::new();
    let mut deadline: Option<Instant> = None;
    loop {
        let next = match deadline {
            None => open.next().await,
            Some(deadline) => timeout_at(deadline, open.next()).await.unwrap_or_default(),
        };
        let Some(answer) = next else { break };
        answers.push(answer);
        if deadline.is_none() && answers.iter().filter(|(_, answer)| is_of_use(answer)).count() >= enough {
            deadline = Some(Instant::now() + GRACE);
        }
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

    #[tokio::test]
    async fn a_node_that_never_answers_holds_nobody_up() {
        for said in [[None, Some(1), Some(2)], [Some(1), Some(2), None], [Some(1), None, Some(0)]] {
            let came = most(answers(&said), Result::is_ok);
            if said.contains(&Some(0)) {
                // One of three is not enough; the third is waited for.
                assert!(futures::poll!(std::pin::pin!(came)).is_pending());
                continue;
            }
            let came: Vec<u8> = came.await.into_iter().filter_map(|(_, answer)| answer.ok()).collect();
            assert_eq!(came, [1, 2]);
        }
    }

    #[tokio::test]
    async fn all_that_come_at_once_are_heard() {
        assert_eq!(most(answers(&[Some(3), Some(1), Some(2)]), Result::is_ok).await.len(), 3);
        assert_eq!(most(answers(&[Some(0), Some(0)]), Result::is_ok).await.len(), 2);
        assert!(most(answers(&[]), Result::is_ok).await.is_empty());
    }
}
