//! Providers in roles: who is asked first for what is large, who only when the others do not suffice, and with which headers.

use crate::support::{
    beacon::{FINALIZED_ROOT, FINALIZED_SLOT, STATE_ROOT, healthy},
    config,
    execution::{Chain, Node},
    readers::FINALITY,
    server::{Asked, Reply, Server},
};
use guardian_chain::{Endpoint, Readers, Role};
use guardian_protocol::{Checkpoint, Epoch, ProviderId, Query, ReadFailure, Reading, Slot};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// Three beacon nodes, of which any can be made to fail from now on.
struct Cast {
    readers: Readers,
    servers: Vec<Server>,
    fails: Vec<Arc<AtomicBool>>,
    /// Who was asked for a whole state, in this order.
    states: Arc<Mutex<Vec<usize>>>,
    _node: Node,
}

impl Cast {
    async fn new(roles: [Role; 3]) -> Self {
        let states = Arc::new(Mutex::new(Vec::new()));
        let fails: Vec<Arc<AtomicBool>> = roles.iter().map(|_| Arc::default()).collect();
        let mut servers = Vec::new();
        for (place, fails) in fails.iter().cloned().enumerate() {
            let states = Arc::clone(&states);
            let answer = move |asked: &Asked| {
                if asked.path().starts_with("/eth/v2/debug/beacon/states/") {
                    states.lock().unwrap().push(place);
                }
                if fails.load(SeqCst) { Reply::json("{}") } else { healthy(asked) }
            };
            servers.push(Server::start(answer).await);
        }
        let node = Node::start(Chain::default()).await;
        let urls: Vec<_> = servers.iter().map(|server| &server.url).collect();
        let mut config = config(&urls, &[&node.server.url]);
        for (endpoint, role) in config.beacon.iter_mut().zip(roles) {
            endpoint.role = role;
        }
        let (readers, _) = Readers::connect(config).await.unwrap();
        Self { readers, servers, fails, states, _node: node }
    }

    /// Who answers when asked what is final.
    async fn answer(&self) -> BTreeSet<u8> {
        let answers = self.readers.read(&Query::Finalized).await;
        answers.into_iter().filter(|(_, answer)| answer.is_ok()).map(|(id, _)| id.0).collect()
    }

    /// How often the node at `place` was asked what is final.
    fn asked(&self, place: usize) -> usize {
        self.servers[place].asked().iter().filter(|asked| asked.ends_with(FINALITY)).count()
    }
}

#[tokio::test]
async fn a_fallback_is_asked_only_when_the_others_do_not_suffice() {
    let cast = Cast::new([Role::Own, Role::Heavy, Role::Fallback]).await;
    assert_eq!(cast.answer().await, [0, 1].into());
    assert_eq!(cast.asked(2), 0, "it was not needed");
    cast.fails[0].store(true, SeqCst);
    assert_eq!(cast.answer().await, [1, 2].into());
    assert_eq!(cast.asked(2), 1);
    cast.fails[0].store(false, SeqCst);
    assert_eq!(cast.answer().await, [0, 1].into());
    assert_eq!(cast.asked(2), 1, "it is not needed any more");
}

#[tokio::test]
async fn one_own_node_and_two_fallbacks_are_three_of_which_two_must_agree() {
    let cast = Cast::new([Role::Fallback, Role::Own, Role::Fallback]).await;
    assert_eq!(cast.answer().await, [0, 1, 2].into());
}

#[tokio::test]
async fn whole_states_are_asked_for_at_the_heavy_one_first_and_at_fallbacks_last() {
    let cast = Cast::new([Role::Fallback, Role::Own, Role::Heavy]).await;
    let checkpoint = Checkpoint {
        epoch: Epoch(3),
        root: FINALIZED_ROOT.parse().unwrap(),
        block_slot: Slot(FINALIZED_SLOT),
        state_root: STATE_ROOT.parse().unwrap(),
        execution: None,
    };
    let query = Query::State { checkpoint, slot: Slot(FINALIZED_SLOT), pubkeys: Vec::new() };
    let answers = cast.readers.read(&query).await;
    assert!(answers.iter().any(|(_, answer)| matches!(answer, Ok(Reading::Validators(_)))), "{answers:?}");
    let mut order = cast.states.lock().unwrap().clone();
    // Each by two names.
    order.dedup();
    assert_eq!(order, [2, 1, 0], "none of them has one");
}

#[tokio::test]
async fn every_request_has_the_headers_and_no_error_shows_them() {
    let server = Server::start(|asked| match asked.header("authorization") {
        "Bearer topsecret" if asked.path() != FINALITY => healthy(asked),
        // As some gateways do, it repeats what it does not like.
        said => Reply::new(403, "text/plain", format!("no access with {said}, that is with topsecret")),
    })
    .await;
    let node = Node::start(Chain::default()).await;
    let mut config = config(&[&server.url], &[&node.server.url]);
    let hosted = Endpoint::new("hosted", server.url.clone());
    config.beacon = vec![hosted.with_header("Authorization", "Bearer topsecret").unwrap()];
    let (readers, _) = Readers::connect(config).await.unwrap();
    let answers = readers.read(&Query::Finalized).await;
    let [(ProviderId(0), Err(failure))] = answers.as_slice() else { panic!("{answers:?}") };
    let said = format!("{failure:?}");
    assert!(said.contains("no access with ***") && !said.contains("topsecret"), "{said}");
    assert!(!matches!(failure, ReadFailure::Malformed(_)));
}

#[test]
fn what_is_no_header_is_refused_and_not_repeated() {
    let url: url::Url = "http://127.0.0.1:1".parse().unwrap();
    for (name, value) in [("", "topsecret"), ("two words", "topsecret"), ("x-key", "top\nsecret")] {
        let error = Endpoint::new("hosted", url.clone()).with_header(name, value).unwrap_err();
        assert_eq!(error.to_string(), "not a header of HTTP");
    }
}
