//! Readers of one beacon node and one execution node, with trouble where the test wants it.

use super::{
    beacon::healthy,
    config,
    execution::{Chain, Node},
    server::{Asked, Reply, Server},
};
use guardian_chain::Readers;
use guardian_protocol::{Query, ReadFailure, Reading};

pub(crate) const SYNCING: &str = "/eth/v1/node/syncing";
pub(crate) const FINALITY: &str = "/eth/v1/beacon/states/head/finality_checkpoints";

/// Readers of one beacon node that answers with `trouble` where that is something, else healthily.
pub(crate) async fn readers(
    trouble: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> (Readers, Server, Node) {
    let server = Server::start(move |asked| trouble(asked).unwrap_or_else(|| healthy(asked))).await;
    let node = Node::start(Chain::default()).await;
    let (readers, _) = Readers::connect(config(&[&server.url], &[&node.server.url])).await.unwrap();
    (readers, server, node)
}

/// The one provider's answer.
pub(crate) async fn ask(readers: &Readers, query: Query) -> Result<Reading, ReadFailure> {
    let mut answers = readers.read(&query).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0).1
}

/// Trouble on one route.
pub(crate) fn at(path: &'static str, reply: Reply) -> impl Fn(&Asked) -> Option<Reply> {
    move |asked| (asked.path() == path).then(|| reply.clone())
}
