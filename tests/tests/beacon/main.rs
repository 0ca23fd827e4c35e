//! Three beacon nodes, of which some lie or fail: which report goes out, how it is known, and who is named. The nodes are HTTP
//! servers of a synthetic chain; readers, observation and rules are the product's own.

mod finality;
mod guardian;
mod sparing;

use guardian::{Guardian, TRACKED, quick, synthetic, truth};
use guardian_chain::Limits;
use guardian_protocol::{BlsPubkey, Event, Layer, Proof, testing::Trouble};
use guardian_tests::synthetic::{BeaconServer, Manner};

#[tokio::test]
async fn a_proved_report_is_right_in_every_fork_and_one_node_is_asked() {
    for fork in guardian_tests::synthetic::state::FORKS {
        let state = synthetic(fork, false);
        let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
        let evidence = guardian.observe().await.expect(fork);
        assert!(matches!(evidence.proof, Proof::State { root } if root == evidence.checkpoint.state_root), "{fork}");
        assert_eq!(guardian.reported(&evidence), truth(state), "{fork}");
        assert_eq!(guardian.servers.iter().map(BeaconServer::states).sum::<u64>(), 1, "{fork}");
    }
}

#[tokio::test]
async fn with_one_that_lies_or_fails_the_right_report_goes_out() {
    let state = synthetic("electra", false);
    for (manner, is_named) in [
        (Manner::LiesAboutBalances, true),
        (Manner::LiesAboutHeader, true),
        (Manner::Truncates, false),
        (Manner::IsBehind, false),
        (Manner::IsEmpty, false),
        (Manner::HasNoStates, false),
        (Manner::MislabelsStates, false),
        (Manner::IsOfTheFuture, false),
    ] {
        // The liar is the one that is asked first.
        let mut guardian = Guardian::new(state, [manner, Manner::Honest, Manner::Honest], quick()).await;
        let evidence = guardian.observe().await.unwrap_or_else(|| panic!("{manner:?}: {:?}", guardian.events));
        assert!(matches!(evidence.proof, Proof::State { .. }), "{manner:?}");
        assert_eq!(guardian.reported(&evidence), truth(state), "{manner:?}");
        assert_eq!(guardian.named(), if is_named { vec![0] } else { vec![] }, "{manner:?}");
    }
}

#[tokio::test]
async fn where_no_node_serves_states_a_majority_of_words_counts() {
    let state = synthetic("deneb", false);
    let no_states = Limits { prove_states: false, ..quick() };
    let manners = [Manner::LiesAboutBalances, Manner::Honest, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, no_states).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Quorum, truth(state)));
    assert_eq!(guardian.named(), [0]);
    // An empty list is no answer, and no zero.
    let manners = [Manner::IsEmpty, Manner::IsEmpty, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
    assert_eq!(guardian.eyes.trouble(), Some(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[tokio::test]
async fn two_that_lie_alike_are_named_and_their_report_never_goes_out() {
    let state = synthetic("electra", false);
    // The third has no state that could prove the truth: nothing goes out.
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
    assert_eq!(guardian.eyes.trouble(), Some(Trouble::Contradiction(Layer::Beacon)));
    assert_eq!(guardian.named(), [0, 1]);
    assert!(guardian.events.iter().any(|event| matches!(event, Event::NoQuorum { .. })));
    // The third has: one proof outweighs them.
    let manners = [Manner::LiesAboutBalances, Manner::LiesAboutBalances, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!(guardian.reported(&evidence), truth(state));
    assert_eq!(guardian.named(), [0, 1]);
}

#[tokio::test]
async fn a_skipped_slots_state_needs_its_root_from_a_majority() {
    let state = synthetic("deneb", true);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert!(matches!(evidence.proof, Proof::AdvancedState { root } if root != evidence.checkpoint.state_root));
    assert_eq!(guardian.reported(&evidence), truth(state));
    // A state with another balance names the same block, but nobody else has its root.
    let manners = [Manner::LiesAboutBalances, Manner::Honest, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert!(matches!(evidence.proof, Proof::AdvancedState { .. }));
    assert_eq!(guardian.reported(&evidence), truth(state));
    assert_eq!(guardian.named(), [0]);
    // One says this and one says that: nothing is believed.
    let manners = [Manner::LiesAboutBalances, Manner::IsBroken, Manner::HasNoStates];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    assert_eq!(guardian.observe().await, None);
}

#[tokio::test]
async fn validators_are_found_as_the_generator_made_them() {
    let state = synthetic("fulu", false);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let evidence = guardian.observe().await.unwrap();
    assert_eq!(evidence.validators.len(), TRACKED.len());
    for (record, index) in evidence.validators.iter().zip(TRACKED) {
        let validator = state.registry.validator(index);
        assert_eq!((record.index.0, record.pubkey), (index, BlsPubkey::from(validator.pubkey)));
        assert_eq!((record.balance.0, record.slashed), (validator.balance, validator.slashed));
        assert_eq!(record.exit_epoch.0, validator.epochs[2]);
    }
}
