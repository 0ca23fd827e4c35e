//! A guardian without a share: it reads, decides, verifies and raises alarms, and says and signs nothing.

use super::cluster::Cluster;
use guardian_protocol::{
    DutyKind, Effects, Envelope, Event, ExitEvent, Guardian, Mode, Reading, Reason, RestoreError, Secrets, Setup,
    testing::{member, setup},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{sync::mpsc::sync_channel, time::Duration};

fn observe(setup: &mut Setup) {
    setup.mode = Mode::Observe;
}

/// A cluster in which the fourth member observes, and the index of its process.
fn cluster(seed: u64, balances: &[u64]) -> (Cluster, usize) {
    let mut cluster = Cluster::with_validators(4, seed, balances);
    let records = cluster.stop(3);
    let observer = cluster.start_as(member(4), records, observe);
    cluster.connect(observer);
    cluster.deliver();
    (cluster, observer)
}

#[test]
fn an_observer_follows_everything_and_takes_part_in_nothing() {
    let (mut cluster, observer) = cluster(130, &[1]);
    let (sender, said) = sync_channel(100_000);
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        if from == member(4) {
            sender.send(Envelope::open(&bytes, from, &committee).unwrap().message().as_str()).unwrap();
        }
        Some(bytes)
    });
    let period = cluster.finalize();
    (0..30).for_each(|_| cluster.pass(Duration::from_secs(1)));
    cluster.pass(Duration::from_secs(6_000));
    let process = &cluster.processes[&observer];
    let told = |kind: DutyKind, wanted: fn(&Event) -> bool| {
        let of_kind = |event: &&Event| match event {
            Event::Decided { id, .. } | Event::Signed { id, .. } => (id.kind, id.period) == (kind, period),
            _ => false,
        };
        process.events.iter().filter(of_kind).any(wanted)
    };
    for kind in [DutyKind::Ejection, DutyKind::Reserves] {
        assert!(told(kind, |event| matches!(event, Event::Decided { .. })), "{kind}");
        assert!(told(kind, |event| matches!(event, Event::Signed { .. })), "{kind}");
    }
    let said: Vec<&str> = said.try_iter().collect();
    let acts = ["announcement", "package", "share", "partial_exits"];
    assert!(!said.iter().any(|word| acts.contains(word)), "{said:?}");
    assert!(process.calls.is_empty(), "it pays for nothing: {:?}", process.calls);
    let gave = |event: &Event| matches!(event, Event::Exit(ExitEvent::PartReleased { .. } | ExitEvent::NoShare { .. }));
    assert!(!process.events.iter().any(gave));
    let status = process.guardian.status();
    assert_eq!(status.mode, Mode::Observe);
    assert!(status.not_ready.contains(&Reason::Observing));
}

fn richer(reading: &mut Reading) {
    if let Reading::Chain(chain) = reading {
        guardian_protocol::testing::reserve_rules(chain).vaults[0].1 += 1_000_000_000;
    }
}

#[test]
fn an_observer_raises_the_alarm_about_what_it_computes_otherwise() {
    let (mut cluster, observer) = cluster(131, &[]);
    cluster.deceive(member(4), richer);
    cluster.finalize();
    (0..10).for_each(|_| cluster.pass(Duration::from_secs(1)));
    let events = &cluster.processes[&observer].events;
    assert!(events.iter().any(|event| matches!(event, Event::SignedOtherwise { ours: Some(_), .. })));
    assert!(events.iter().any(|event| matches!(event, Event::DigestsDiffer { .. })));
}

#[test]
fn only_an_observer_starts_without_a_share_and_none_keeps_one() {
    let (cluster, _) = cluster(132, &[]);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut start = |mode, with_share: bool| {
        let setup = Setup { mode, ..setup(cluster.dealt.committee.clone(), member(1)) };
        let secrets = cluster.dealt.secrets(member(1));
        let share = secrets.share.filter(|_| with_share);
        Guardian::restore(cluster.now, setup, Secrets { share, ..secrets }, [], &mut rng).map(|_| Effects::default())
    };
    assert!(matches!(start(Mode::Act, false), Err(RestoreError::NoShare(_))));
    assert!(
        start(Mode::Observe, true).is_ok() && start(Mode::Observe, false).is_ok() && start(Mode::Act, true).is_ok()
    );
}
