//! The seeded cluster: what must hold under any order of events, and proof that the checks bite.
//!
//! `make simulate SEEDS=10000` runs many more seeds, optimised.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

use guardian_tests::simulation::{Faults, Outcome, Sabotage, World, invariants::Violation, keys::Keys};
use std::sync::LazyLock;

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::deal(4, 3, 3));

const STEPS: usize = 1_200;

fn run(seed: u64, faults: Faults, sabotage: Sabotage) -> Result<Outcome, Violation> {
    World::new(seed, &KEYS, faults, sabotage).run(STEPS)
}

fn seeds(default: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs all `seeds` on all cores; returns the first violation of the lowest seed.
fn all(seeds: u64, faults: Faults, sabotage: Sabotage) -> Option<(u64, Violation)> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    (worker..seeds)
                        .step_by(workers as usize)
                        .find_map(|seed| run(seed, faults, sabotage).err().map(|violation| (seed, violation)))
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).min_by_key(|(seed, _)| *seed)
    })
}

#[test]
fn every_invariant_holds_under_all_faults() {
    let seeds = seeds(400);
    assert_eq!(all(seeds, Faults::ALL, Sabotage::None), None);
    println!("{seeds} seeds passed");
}

#[test]
fn on_a_quiet_day_exactly_one_guardian_pays_for_each_duty() {
    for seed in 0..8 {
        let outcome = run(seed, Faults::NONE, Sabotage::None).unwrap();
        assert!(!outcome.submitted.is_empty());
        for (duty, submissions) in outcome.submitted {
            assert_eq!(submissions, 1, "{duty} in seed {seed}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let first = run(42, Faults::ALL, Sabotage::None).unwrap();
    let second = run(42, Faults::ALL, Sabotage::None).unwrap();
    assert!(first.log.len() > 100);
    assert_eq!(first.log, second.log);
    assert_ne!(first.log, run(43, Faults::ALL, Sabotage::None).unwrap().log);
}

#[test]
fn sending_before_the_commit_is_noticed() {
    let (_, violation) = all(4, Faults::NONE, Sabotage::SendBeforeCommit).unwrap();
    assert_eq!(violation.name, "nothing_is_sent_before_its_record");
}

#[test]
fn a_guard_that_forgets_is_noticed() {
    let faults = Faults { crashes: true, lies: true, ..Faults::NONE };
    let (_, violation) = all(500, faults, Sabotage::GuardForgets).unwrap();
    assert_eq!(violation.name, "no_two_digests_for_one_duty");
}
