//! What whole states may cost the nodes that serve them, and the guardian: how much, how often, whom first.

use super::guardian::{Guardian, TRACKED, quick, synthetic, truth};
use guardian_chain::{Limits, state::MAINNET};
use guardian_protocol::{Layer, Proof, Query, ReadFailure, Reading, Slot, testing::Trouble};
use guardian_tests::synthetic::{BeaconServer, Manner, Synthetic};
use std::time::Duration;

impl Guardian {
    /// Everybody has finalized a later epoch, so many after `state`'s.
    fn advance(&self, state: Synthetic, epochs: u64) -> Synthetic {
        let mut next = state;
        next.registry.epoch += epochs;
        for server in &self.servers {
            server.finalize(next).unwrap();
        }
        next
    }

    /// Observes some epochs, of which each must be reported rightly; returns how many of them were proved.
    async fn observe_epochs(&mut self, state: Synthetic, epochs: u64) -> usize {
        let mut proved = 0;
        for turn in 1..=epochs {
            let next = self.advance(state, turn);
            let evidence = self.observe().await.unwrap();
            assert_eq!(self.reported(&evidence), truth(next), "{turn}");
            proved += usize::from(matches!(evidence.proof, Proof::State { .. }));
        }
        proved
    }

    /// How many states each node was asked for.
    fn states(&self) -> Vec<u64> {
        self.servers.iter().map(BeaconServer::states).collect()
    }

    /// The question that an observation asks last, about `validators` of those that are tracked.
    async fn last_question(&self, validators: usize) -> Query {
        let (_, answer) = self.readers.read(&Query::Finalized).await.remove(0);
        let Ok(Reading::Finalized(Some(checkpoint))) = answer else { panic!("{answer:?}") };
        let registry = synthetic("deneb", false).registry;
        let pubkeys = TRACKED[..validators].iter().map(|index| registry.pubkey(*index).into()).collect();
        Query::State { checkpoint, slot: Slot(checkpoint.epoch.0 * 8), pubkeys }
    }
}

#[tokio::test]
async fn a_slow_node_is_given_up_and_its_budget_is_kept() {
    let state = Synthetic { preset: MAINNET, validators: 20_000, ..synthetic("electra", false) };
    let limits = Limits { state_timeout: Duration::from_secs(2), ..quick() };
    let mut guardian = Guardian::new(state, [Manner::IsSlow(1000); 3], limits).await;
    let evidence = guardian.observe().await.unwrap();
    // Not proved in time, but all three say the same.
    assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Quorum, truth(state)));

    // Each may be asked for one state in the hour.
    let state = synthetic("deneb", false);
    let limits = Limits { state_budget: state.length() * 3 / 2, ..quick() };
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], limits).await;
    assert_eq!(guardian.observe_epochs(state, 5).await, 3);
    assert_eq!(guardian.states(), [1, 1, 1]);
    assert!(guardian.servers.iter().all(|server| server.served() <= state.length() * 3 / 2));
}

#[tokio::test]
async fn the_very_first_state_is_cut_off_where_it_would_exceed_the_budget() {
    let state = Synthetic { preset: MAINNET, validators: 20_000, ..synthetic("electra", false) };
    for says_its_length in [false, true] {
        let limits = Limits { state_budget: 1 << 20, ..quick() };
        assert!(state.length() > 5 * limits.state_budget);
        let mut guardian = Guardian::new(state, [Manner::Honest; 3], limits).await;
        if says_its_length {
            guardian.servers.iter().for_each(BeaconServer::keep);
        }
        let evidence = guardian.observe().await.unwrap();
        assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Quorum, truth(state)));
        for stats in guardian.readers.stats().iter().take(3) {
            // A piece may be larger than what is kept back of so small a budget, and there were other answers.
            let most = if says_its_length { 1 << 17 } else { limits.state_budget + (1 << 19) };
            assert!(stats.bytes < most, "{stats:?}");
        }
        assert_eq!(guardian.states(), [1, 1, 1]);
        // Nobody is asked again for what is known to be too large.
        assert_eq!(guardian.observe_epochs(state, 2).await, 0);
        assert_eq!(guardian.states(), [1, 1, 1]);
    }
}

#[tokio::test]
async fn two_questions_at_once_never_lead_to_two_downloads_at_one_node() {
    let state = synthetic("deneb", false);
    let guardian = Guardian::new(state, [Manner::IsSlow(10); 3], quick()).await;
    let (query, readers) = (guardian.last_question(5).await, &guardian.readers);
    let (one, other) = futures::join!(readers.read(&query), readers.read(&query));
    assert!(matches!(one.as_slice(), [(_, Ok(Reading::State(_)))]), "{one:?}");
    assert_eq!(one, other);
    assert_eq!(guardian.states(), [1, 0, 0]);
    assert_eq!(readers.read(&query).await, one, "the same question later");
    assert_eq!(guardian.states(), [1, 0, 0]);
    // Different questions have to wait for each other.
    let others = (guardian.last_question(4).await, guardian.last_question(3).await);
    let (one, other) = futures::join!(readers.read(&others.0), readers.read(&others.1));
    assert!(one.iter().chain(&other).all(|(_, answer)| matches!(answer, Ok(Reading::State(_)))));
    assert_eq!(guardian.states().iter().sum::<u64>(), 3);
    assert!(guardian.servers.iter().all(|server| server.most_under_way() <= 1));
}

#[tokio::test]
async fn a_node_that_fails_repeatedly_is_left_in_peace_and_one_without_states_is_not_asked() {
    let state = synthetic("deneb", false);
    let manners = [Manner::Truncates, Manner::HasNoStates, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe_epochs(state, 6).await, 0);
    // Two failures are repeated ones. Who has no states is asked by slot and by name, three times.
    assert_eq!(guardian.states(), [2, 6, 6]);
}

#[tokio::test]
async fn while_nodes_contradict_each_other_their_states_are_not_asked_for_at_every_poll() {
    let state = synthetic("deneb", false);
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    for poll in 0..30 {
        assert_eq!(guardian.observe().await, None, "{poll}");
        // Whose state is not asked for because its last one was false has no word meanwhile, either.
        let trouble = if poll < 2 { Trouble::Contradiction } else { Trouble::TooFewAnswers };
        assert_eq!(guardian.eyes.trouble(), Some(trouble(Layer::Beacon)), "{poll}");
    }
    assert_eq!(guardian.states(), [2, 2, 6]);
}

#[tokio::test]
async fn whose_last_state_was_false_has_no_word_while_it_is_left_in_peace() {
    let state = synthetic("deneb", false);
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    for _ in 0..3 {
        assert_eq!(guardian.observe().await, None);
    }
    let query = guardian.last_question(5).await;
    let answers = guardian.readers.read(&query).await;
    let silent = |answer: &Result<Reading, ReadFailure>| matches!(answer, Err(ReadFailure::Malformed(_)));
    assert_eq!([0, 1, 2].map(|node: usize| silent(&answers[node].1)), [true, true, false], "{answers:?}");
}

#[tokio::test]
async fn the_node_that_is_not_behind_is_asked_first_and_then_the_faster_one() {
    let state = synthetic("deneb", false);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let mut next = state;
    next.registry.epoch += 1;
    for server in &guardian.servers[1..] {
        server.finalize(next).unwrap();
    }
    let evidence = guardian.observe().await.unwrap();
    assert_eq!(guardian.reported(&evidence), truth(next));
    assert_eq!(guardian.states(), [0, 1, 0]);

    // Some forty pieces make a state.
    let mut guardian = Guardian::new(state, [Manner::IsSlow(60), Manner::Honest, Manner::Honest], quick()).await;
    assert_eq!(guardian.observe_epochs(state, 4).await, 4);
    assert_eq!(guardian.states()[0], 1, "{:?}", guardian.readers.stats());
}

#[tokio::test]
async fn no_state_is_asked_for_where_the_operator_wants_none() {
    let state = synthetic("deneb", false);
    let limits = Limits { prove_states: false, ..quick() };
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], limits).await;
    assert_eq!(guardian.observe_epochs(state, 3).await, 0);
    let capabilities = guardian.readers.capabilities().await;
    assert!(capabilities.iter().all(|of| of.states.is_none() && of.post == Some(true) && of.events == Some(true)));
    assert_eq!(guardian.states(), [0, 0, 0]);
    assert!(guardian.readers.stats().iter().all(|stats| (stats.states_proved, stats.last_state) == (0, None)));
}

#[tokio::test]
async fn what_states_cost_is_counted_at_who_sent_them() {
    let state = synthetic("deneb", false);
    let manners = [Manner::LiesAboutBalances, Manner::Honest, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe_epochs(state, 2).await, 2);
    let stats = guardian.readers.stats();
    let counted = [0, 1, 2].map(|node: usize| (stats[node].states_proved, stats[node].states_disproved));
    assert_eq!(counted, [(0, 1), (2, 0), (0, 0)]);
    assert!(stats[1].bytes > 2 * state.length() && stats[0].bytes > state.length() && stats[2].bytes < state.length());
    assert!(stats[1].last_state.is_some() && stats[1].waited >= stats[1].last_state.unwrap());
    assert_eq!(guardian.named(), [0]);
    // The liar is found out at the start to have states, and the third to have none.
    let capabilities = guardian.readers.capabilities().await;
    assert_eq!([0, 1, 2].map(|node: usize| capabilities[node].states), [Some(true), Some(true), Some(false)]);
}
