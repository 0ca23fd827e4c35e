//! Alarms: told once, shown for as long as what they are about lasts.

use super::cluster::Cluster;
use guardian_protocol::{Event, KeyEpoch, Reading, Reason, Timing, testing::member};
use std::time::Duration;

/// The contracts have the key of another epoch.
fn an_earlier_key(reading: &mut Reading) {
    if let Reading::Chain(view) = reading {
        view.key_epoch = KeyEpoch(0);
    }
}

#[test]
fn another_key_on_chain_is_told_once_and_shown_until_it_passes() {
    let mut cluster = Cluster::new(4, 60);
    cluster.deceive(member(2), an_earlier_key);
    let mismatch = Event::KeyMismatch { onchain: KeyEpoch(0), ours: KeyEpoch(1) };
    let not_ready = |cluster: &Cluster| cluster.processes[&1].guardian.status().not_ready;
    for _ in 0..5 {
        cluster.finalize();
        assert_eq!(not_ready(&cluster), [Reason::KeyMismatch]);
        cluster.pass(Duration::from_secs(30));
    }
    let told = |cluster: &Cluster| cluster.processes[&1].events.iter().filter(|event| **event == mismatch).count();
    assert_eq!(told(&cluster), 1);

    // Providers are left in peace: nobody but an operator or a rotation ends it.
    let poll = Timing::default().poll;
    cluster.pass(poll * 2);
    let asked = cluster.processes[&1].asked;
    for _ in 0..3 {
        cluster.pass(poll.mul_f64(0.3));
    }
    assert_eq!(cluster.processes[&1].asked, asked);
    cluster.pass(poll.mul_f64(0.2));
    assert!(cluster.processes[&1].asked > asked);

    cluster.deceive(member(2), |_| ());
    cluster.finalize();
    assert_eq!(not_ready(&cluster), []);
    cluster.deceive(member(2), an_earlier_key);
    cluster.finalize();
    assert_eq!(told(&cluster), 2, "it has come again");
}
