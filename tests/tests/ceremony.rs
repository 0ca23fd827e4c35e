//! Simulated key ceremonies: what must hold under any order of events, and proof that the checks bite.

use guardian_tests::ceremony::{Faults, Outcome, Sabotage, World, invariants::Violation};

const STEPS: usize = 600;

fn run(seed: u64, faults: Faults, sabotage: Sabotage) -> Result<Outcome, Violation> {
    World::new(seed, faults, sabotage).run(STEPS)
}

fn seeds(default: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs all `seeds` on all cores; returns how they ended, or the first violation of the lowest seed.
fn all(seeds: u64, faults: Faults, sabotage: Sabotage) -> Result<Vec<Outcome>, (u64, Violation)> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut ended: Vec<(u64, Result<Outcome, Violation>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let mut ended = Vec::new();
                    for seed in (worker..seeds).step_by(workers as usize) {
                        let end = run(seed, faults, sabotage);
                        let broken = end.is_err();
                        ended.push((seed, end));
                        if broken {
                            break;
                        }
                    }
                    ended
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    ended.sort_by_key(|(seed, _)| *seed);
    ended.into_iter().map(|(seed, end)| end.map_err(|violation| (seed, violation))).collect()
}

fn blamed(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.culprit.is_some()).count()
}

#[test]
fn honest_members_always_succeed_once_the_faults_stop() {
    let outcomes = all(seeds(16), Faults::HONEST, Sabotage::None).unwrap();
    for outcome in &outcomes {
        assert_eq!(outcome.succeeded, outcome.participants);
        assert_eq!(outcome.culprit, None);
    }
    println!("{} seeds passed", outcomes.len());
}

#[test]
fn with_a_liar_all_know_whose_fault_it_is_or_whom_to_wait_for() {
    let outcomes = all(seeds(16), Faults::ALL, Sabotage::None).unwrap();
    let succeeded = outcomes.iter().filter(|outcome| outcome.succeeded > 0).count();
    println!("{} seeds passed: {} with blame, {succeeded} in spite of the liar", outcomes.len(), blamed(&outcomes));
    // Lies that can be proven, and lies that come to nothing, both happen.
    assert!(blamed(&outcomes) > 0 && succeeded > 0);
}

#[test]
fn a_quiet_day_takes_a_moment() {
    for seed in 0..12 {
        let outcome = World::new(seed, Faults::NONE, Sabotage::None).run(0).unwrap();
        assert_eq!(outcome.succeeded, outcome.participants);
        assert!(!outcome.log.iter().any(|line| line.contains("MessageRefused")), "{:#?}", outcome.log);
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let first = run(42, Faults::ALL, Sabotage::None).unwrap();
    let second = run(42, Faults::ALL, Sabotage::None).unwrap();
    assert!(first.log.len() > 50);
    assert_eq!(first.log, second.log);
    assert_ne!(first.log, run(43, Faults::ALL, Sabotage::None).unwrap().log);
}

#[test]
fn speaking_before_the_commit_is_noticed() {
    let (_, violation) = all(4, Faults::NONE, Sabotage::SendBeforeCommit).unwrap_err();
    assert_eq!(violation.name, "nothing_is_said_before_its_record");
}

#[test]
fn nonces_that_come_back_are_noticed() {
    let faults = Faults { crashes: true, network: true, ..Faults::NONE };
    let (_, violation) = all(400, faults, Sabotage::RepeatedChance).unwrap_err();
    assert_eq!(violation.name, "no_nonce_is_used_twice");
}

#[test]
fn an_old_share_deleted_too_early_is_noticed() {
    let (_, violation) = all(4, Faults::NONE, Sabotage::EarlyActivation).unwrap_err();
    assert_eq!(violation.name, "old_shares_last_until_new_ones_work");
}
