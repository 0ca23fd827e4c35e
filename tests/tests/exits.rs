//! What becomes of exits when something is in their way: what is done, what is paid, what is told. The table in `docs/exits.md` is what comes
//! out here.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that can't go on has failed")]

use guardian_tests::simulation::{
    Faults, Outcome, Profile, Sabotage, World, invariants::Violation, keys::Keys, requests::ExitTroubles,
};
use std::{collections::BTreeSet, fmt::Write, sync::LazyLock};

static KEYS: LazyLock<Vec<Keys>> = LazyLock::new(|| Profile::DUTIES.keys());
/// The same committee without shares of validators' keys.
static WITHOUT_SHARES: LazyLock<Vec<Keys>> = LazyLock::new(|| SHARELESS.keys());

/// Long enough for an alarm.
const LONG: Profile = Profile { steps: 4_000, ..Profile::DUTIES };
const SHARELESS: Profile = Profile { exits: false, ..LONG };
const QUIET: ExitTroubles = ExitTroubles {
    refused: false,
    never_included: false,
    dear: false,
    pod_denies: false,
    payer_dies: false,
    pending: false,
};

fn run(
    seed: u64,
    profile: Profile,
    faults: Faults,
    sabotage: Sabotage,
    way: ExitTroubles,
) -> Result<Outcome, Violation> {
    let keys = if profile.exits { &KEYS } else { &WITHOUT_SHARES };
    World::new(seed, profile, keys, faults, sabotage).run_with_exits_troubled(way)
}

/// What is in the way, and how many requests are made.
const TROUBLES: [(&str, ExitTroubles, usize); 7] = [
    ("nothing", QUIET, 0),
    ("no beacon node takes the exit", ExitTroubles { refused: true, ..QUIET }, 1),
    ("it is taken and never included", ExitTroubles { never_included: true, ..QUIET }, 1),
    ("the same, and the fee is too high", ExitTroubles { never_included: true, dear: true, ..QUIET }, 0),
    ("the same, and the pod has no right", ExitTroubles { never_included: true, pod_denies: true, ..QUIET }, 0),
    ("the same, and each payer is killed", ExitTroubles { never_included: true, payer_dies: true, ..QUIET }, 1),
    ("a partial withdrawal is pending", ExitTroubles { pending: true, ..QUIET }, 0),
];

/// What was told, in short.
fn told(outcome: &Outcome) -> String {
    let short = |told: &String| match told.split(' ').next() {
        Some("stuck:") if told.contains("published") && told.contains("EIP-7002") => "alarm with what was tried",
        Some("requested") if told.ends_with("already") => "by others: requested already",
        Some("requested") => "requested",
        Some("refused:") => "refused, and why",
        Some("too") => "too dear",
        Some(_) | None => "something else",
    };
    let told: BTreeSet<&str> = outcome.told.iter().map(short).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.into_iter().collect::<Vec<_>>().join("; ") }
}

#[test]
fn the_table_of_troubles_is_what_happens() {
    let mut table = String::from("| in the way | requests | fees | told |\n|---|---|---|---|\n");
    for (name, troubles, requests) in TROUBLES {
        let outcome = run(0, LONG, Faults::NONE, Sabotage::None, troubles).unwrap();
        let (by_validator, fees) = &outcome.requests;
        // One validator is low. When all is well again, it has left.
        assert_eq!(by_validator.values().sum::<usize>(), requests, "{name}: {:?}", outcome.told);
        writeln!(table, "| {name} | {requests} | {fees} wei | {} |", told(&outcome)).unwrap();
    }
    println!("{table}");
    assert!(include_str!("../../docs/exits.md").contains(&table), "docs/exits.md says something else:\n{table}");
}

#[test]
fn no_exit_is_requested_twice_whatever_is_in_the_way() {
    let faults = Faults { network: true, crashes: true, exits: true, ..Faults::NONE };
    let (mut asked, mut made) = (0, 0);
    for seed in 0..20 {
        let profile = Profile { mishap: 10, exits: seed % 2 == 0, ..LONG };
        let outcome = run(seed, profile, faults, Sabotage::None, QUIET).unwrap();
        asked += outcome.tally.requests;
        made += outcome.requests.0.len();
        assert!(outcome.requests.0.values().all(|times| *times == 1));
    }
    println!("{asked} attempts, {made} requests");
    assert!(made >= 5 && asked > made as u64, "{asked} attempts, {made} requests");
}

#[test]
fn a_registry_that_forgets_what_it_has_requested_is_noticed() {
    let ignored = ExitTroubles { never_included: true, pending: false, ..QUIET };
    let mut runs = (0..10).map(|seed| run(seed, SHARELESS, Faults::NONE, Sabotage::RequestsAreForgotten, ignored));
    assert_eq!(runs.find_map(Result::err).unwrap().name, "never_two_requests_for_one_validator");
}

#[test]
fn a_request_without_grounds_is_noticed() {
    let (pending, sabotage) = (ExitTroubles { pending: true, ..QUIET }, Sabotage::PendingWithdrawalsAreHidden);
    let mut runs = (0..10).map(|seed| run(seed, SHARELESS, Faults::NONE, sabotage, pending));
    let violation = runs.find_map(Result::err).unwrap();
    assert_eq!(violation.name, "no_request_without_everything_that_a_part_needs");
}
