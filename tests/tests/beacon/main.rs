//! Three beacon nodes, of which some lie or fail: which report goes out, how it is known, and who is named. The nodes are HTTP
//! servers of a synthetic chain; readers, observation and rules are the product's own.

mod finality;
mod guardian;
mod sparing;

use guardian::{Guardian, TRACKED, quick, synthetic, truth};
use guardian_chain::Limits;
use guardian_protocol::{
    BlsPubkey, DutyKind, Event, Evidence, Layer, Proof,
    testing::{Trouble, decide},
};
use guardian_tests::synthetic::{BeaconServer, Manner};
use std::time::Duration;

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

#[tokio::test]
async fn a_node_that_is_silent_does_not_hold_up_the_evidence() {
    let state = synthetic("electra", false);
    // It speaks at the start, so that it would be believed; then it takes questions and answers none. Whether it would be asked
    // for the state first or last.
    for silent in [0, 2] {
        let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
        guardian.servers[silent].be_silent(true);
        let evidence = guardian.observe().await.unwrap();
        assert!(matches!(evidence.proof, Proof::State { .. }));
        // Nobody has given it up: that would be a failure, and told as one.
        assert_eq!(guardian.events.iter().filter(|event| matches!(event, Event::ProviderFailed { .. })).count(), 0);
        assert_eq!(guardian.reported(&evidence), truth(state));
    }
}

#[tokio::test]
async fn a_source_that_drips_does_not_hold_up_the_evidence() {
    let state = synthetic("electra", false);
    // Its time is never over, as far as this test is concerned.
    let patient = Limits {
        state_hedge: Duration::from_millis(50),
        state_timeout: Duration::from_secs(3600),
        request_timeout: Duration::from_secs(3600),
        ..quick()
    };
    let mut guardian = Guardian::new(state, [Manner::Drips, Manner::Honest, Manner::Honest], patient).await;
    let evidence = guardian.observe().await.unwrap();
    assert!(matches!(evidence.proof, Proof::State { .. }));
    assert_eq!(guardian.reported(&evidence), truth(state));
}

#[tokio::test]
async fn nodes_that_know_only_the_blocks_own_root_are_not_accused() {
    let state = synthetic("deneb", true);
    let manners = [Manner::Honest, Manner::KnowsOwnRootAlone, Manner::KnowsOwnRootAlone];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    let evidence = guardian.observe().await.unwrap();
    // The one that has the state says of the validators what it says.
    assert_eq!((evidence.proof, guardian.reported(&evidence)), (Proof::Downgraded, truth(state)));
    assert_eq!(guardian.named(), Vec::<u8>::new());
    assert!(!guardian.events.iter().any(|event| matches!(event, Event::NoQuorum { .. })));
}

#[tokio::test]
async fn two_that_keep_proofs_away_get_no_ejection_through() {
    let state = synthetic("electra", false);
    let manners = [Manner::KeepsProofsAway, Manner::KeepsProofsAway, Manner::Honest];
    let mut guardian = Guardian::new(state, manners, quick()).await;
    for _ in 0..4 {
        let Some(evidence) = guardian.observe().await else { continue };
        let ejections = |evidence: &Evidence| {
            let duties = decide(evidence, guardian.network().slots_per_epoch);
            duties.iter().any(|duty| duty.kind() == DutyKind::Ejection)
        };
        assert_eq!((evidence.proof, ejections(&evidence)), (Proof::Downgraded, false));
        // As an honest quorum's words, they would lead to one.
        let mut believed = evidence.clone();
        believed.proof = Proof::Quorum;
        assert!(ejections(&believed));
    }
    assert!(guardian.named().contains(&2), "the honest one is heard");
}
