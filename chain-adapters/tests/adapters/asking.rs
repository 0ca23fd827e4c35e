//! A question is answered when enough providers agree; what the others say later is still heard.

use crate::support::{
    beacon::{self, STATE_ROOT, data, healthy},
    config,
    execution::{Chain, Node},
    readers::{FINALITY, SYNCING},
    server::{Asked, Reply, Said, Server},
};
use guardian_chain::Readers;
use guardian_protocol::{ProviderId, Query, Reading};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Answers on `path` with `reply`, but only when the semaphore lets it; healthily to everything else.
fn held(path: &'static str, reply: Reply, released: &Arc<Semaphore>) -> impl Fn(&Asked) -> Reply + use<> {
    let (Said::Whole(body), released) = (reply.body.clone(), Arc::clone(released)) else { panic!() };
    move |asked| {
        if asked.path() == path {
            reply.clone().saying(Said::Held(body.clone(), Arc::clone(&released)))
        } else {
            healthy(asked)
        }
    }
}

/// Readers of three beacon nodes, of which the last is `third`.
async fn readers(third: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Readers, Vec<Server>, Node) {
    let servers = vec![Server::start(healthy).await, Server::start(healthy).await, Server::start(third).await];
    let urls: Vec<_> = servers.iter().map(|server| &server.url).collect();
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&urls, &[&node.server.url])).await.unwrap();
    (readers, servers, node)
}

fn who(answers: &[(ProviderId, Result<Reading, guardian_protocol::ReadFailure>)]) -> Vec<u8> {
    let mut ids: Vec<u8> = answers.iter().map(|(id, _)| id.0).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_provider_that_is_silent_holds_nobody_up_and_is_heard_when_it_speaks() {
    let released = Arc::new(Semaphore::new(0));
    let other = data(beacon::checkpoints("3", STATE_ROOT));
    let (readers, servers, _node) = readers(held(FINALITY, other, &released)).await;
    let mut asked = readers.ask(&Query::Finalized).await;
    assert_eq!(who(&asked.take()), [0, 1]);
    // Nobody waits for it the next time either, not even for a moment.
    let mut again = readers.ask(&Query::Finalized).await;
    assert_eq!(who(&again.take()), [0, 1]);
    released.add_permits(100);
    let late = asked.rest().await;
    assert_eq!(who(&late), [2]);
    assert!(servers[2].asked().iter().any(|asked| asked.ends_with(FINALITY)));
}

#[tokio::test]
async fn a_provider_that_is_silent_from_the_first_request_on_holds_nobody_up() {
    let released = Arc::new(Semaphore::new(0));
    let (readers, _servers, _node) = readers(held(SYNCING, data(beacon::syncing()), &released)).await;
    let mut asked = readers.ask(&Query::Finalized).await;
    assert_eq!(who(&asked.take()), [0, 1]);
    released.add_permits(100);
    assert!(matches!(asked.rest().await.as_slice(), [(ProviderId(2), Ok(Reading::Finalized(Some(_))))]));
}

#[tokio::test]
async fn fewer_equal_answers_than_a_quorum_wait_for_the_others() {
    let released = Arc::new(Semaphore::new(0));
    let healthy_checkpoint = data(beacon::checkpoints("3", beacon::FINALIZED_ROOT));
    let ahead = Server::start(|asked| match asked.path() {
        FINALITY => data(beacon::checkpoints("0", beacon::FINALIZED_ROOT)),
        _ => healthy(asked),
    })
    .await;
    let servers =
        [Server::start(healthy).await, ahead, Server::start(held(FINALITY, healthy_checkpoint, &released)).await];
    let urls: Vec<_> = servers.iter().map(|server| &server.url).collect();
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&urls, &[&node.server.url])).await.unwrap();
    let readers = Arc::new(readers);
    let answers = {
        let readers = Arc::clone(&readers);
        tokio::spawn(async move { readers.ask(&Query::Finalized).await.take() })
    };
    while !servers[2].asked().iter().any(|asked| asked.ends_with(FINALITY)) {
        tokio::task::yield_now().await;
    }
    assert!(!answers.is_finished());
    released.add_permits(100);
    assert_eq!(who(&answers.await.unwrap()), [0, 1, 2]);
}
