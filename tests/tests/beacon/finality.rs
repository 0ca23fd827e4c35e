//! Finality that moves on between two questions, or does not move at all: neither is an alarm, and neither costs more than asking.

use super::guardian::{Guardian, quick, synthetic, truth};
use guardian_protocol::{Event, Layer, Proof, Query, ReadFailure, testing::Trouble};
use guardian_tests::synthetic::{BeaconServer, Manner, Synthetic};

fn later(state: Synthetic, epochs: u64) -> Synthetic {
    let mut next = state;
    next.registry.epoch += epochs;
    next
}

/// The first of the nodes, so many, finalize `next` before they are asked for validators.
fn overtaken(next: Synthetic, nodes: usize) -> impl FnMut(&Query, &[BeaconServer]) {
    move |query, servers| {
        if matches!(query, Query::State { .. }) {
            for server in servers.iter().take(nodes) {
                server.finalize(next).unwrap();
            }
        }
    }
}

fn alarms(events: &[Event]) -> Vec<&Event> {
    let is_alarm = |event: &&Event| matches!(event, Event::ProviderDisagrees { .. } | Event::NoQuorum { .. });
    events.iter().filter(is_alarm).collect()
}

#[tokio::test]
async fn a_question_that_loses_the_race_with_finality_is_asked_anew_of_what_is_final_then_and_is_no_alarm() {
    for skipped in [false, true] {
        let state = synthetic("electra", skipped);
        let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
        assert!(guardian.observe().await.is_some());
        // Several times in a row: that they serve no states must not follow.
        for turn in 1..=4 {
            guardian.servers.iter().for_each(|server| server.finalize(later(state, 2 * turn)).unwrap());
            guardian.events.clear();
            assert_eq!(guardian.observe_while(overtaken(later(state, 2 * turn + 1), 3)).await, None);
            assert_eq!(guardian.eyes.trouble(), Some(Trouble::TooFewAnswers(Layer::Beacon)));
            let is_late =
                |event: &Event| matches!(event, Event::ProviderFailed { failure: ReadFailure::NotAvailable(_), .. });
            assert!(guardian.events.iter().all(is_late), "{:?}", guardian.events);
            assert_eq!(guardian.events.len(), 3, "{:?}", guardian.events);
        }
        let evidence = guardian.observe().await.unwrap();
        assert_eq!(evidence.checkpoint.epoch.0, state.registry.epoch + 9);
        assert_eq!(guardian.reported(&evidence), truth(later(state, 9)));
        assert_ne!(evidence.proof, Proof::Quorum);
        assert_eq!((guardian.eyes.trouble(), alarms(&guardian.events)), (None, vec![]));
    }
}

#[tokio::test]
async fn where_one_node_has_moved_on_another_proves_what_was_final_before() {
    let state = synthetic("electra", false);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    let evidence = guardian.observe_while(overtaken(later(state, 1), 1)).await.unwrap();
    assert_eq!(evidence.checkpoint.epoch.0, state.registry.epoch);
    assert!(matches!(evidence.proof, Proof::State { .. }));
    assert_eq!(guardian.reported(&evidence), truth(state));
    assert_eq!(alarms(&guardian.events), Vec::<&Event>::new());
}

#[tokio::test]
async fn while_nothing_new_is_final_nothing_is_downloaded_again_and_nothing_grows() {
    const POLLS: u64 = 300;
    let state = synthetic("electra", false);
    let mut guardian = Guardian::new(state, [Manner::Honest; 3], quick()).await;
    assert!(guardian.observe().await.is_some());
    let (before, remembered, events) =
        (guardian.readers.stats(), format!("{:?}", guardian.readers).len(), guardian.events.len());
    for _ in 0..POLLS {
        assert_eq!(guardian.observe().await, None);
        assert_eq!(guardian.eyes.trouble(), None);
    }
    for (before, after) in before.iter().zip(guardian.readers.stats()).take(3) {
        // Whether it is in sync, what is final, and the header of that.
        assert_eq!(after.requests - before.requests, 3 * POLLS);
        assert!(after.bytes - before.bytes < 2_000 * POLLS);
    }
    assert_eq!(guardian.servers.iter().map(BeaconServer::states).sum::<u64>(), 1);
    assert_eq!(guardian.events.len(), events);
    let grown = format!("{:?}", guardian.readers).len().saturating_sub(remembered);
    assert!(grown < 1_000, "what is known of the nodes grew by {grown} characters");
    // And when there is something new again, it is seen at once.
    guardian.servers.iter().for_each(|server| server.finalize(later(state, 1)).unwrap());
    assert_eq!(guardian.observe().await.unwrap().checkpoint.epoch.0, state.registry.epoch + 1);
}
