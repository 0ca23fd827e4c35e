//! Key ceremonies between real processes, without any chain: a key is made, interrupted, cheated at, dealt anew, and everybody is killed at
//! every step of that.

use guardian_crypto::schnorr::GroupKey;
use guardian_node::config::ContractsConfig;
use guardian_protocol::DutyKind;
use guardian_tests::devnet::{
    ceremony::{Participant, all_end, start},
    equivocator::Equivocator,
    guardians::Surroundings,
    newcomer::Newcomer,
    operators::Operators,
};
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

/// Until everything that a test waits for must have happened.
const PATIENCE: Duration = Duration::from_secs(120);
/// Far enough for every step to last a while.
const APART: Duration = Duration::from_millis(100);
/// What a participant says after each step.
const STEPS: [&str; 7] = [
    "deal: ours is out",
    "deal: everybody's is here",
    "shares: everybody's is here",
    "everybody confirmed",
    "signed together",
    "is in force here",
    "everybody is done",
];
/// Somebody else broke the rules.
const FAULT: i32 = 3;

fn lasted(what: &str, took: Duration) {
    println!("{what}: {:.1} s", took.as_secs_f64());
}

/// Waits until `participant` has said `words`.
async fn says(participant: &Participant, words: &str) {
    let started = Instant::now();
    while !participant.log().unwrap_or_default().contains(words) {
        assert!(
            started.elapsed() < PATIENCE,
            "{} never said `{words}`: {}",
            participant.name,
            participant.log().unwrap()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn seven_make_a_key_although_one_is_killed_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let operators = Operators::new(dir.path(), 7, APART).unwrap();
    let plan = operators.plan_key("seven", 7, 5).unwrap();
    let mut all = operators.participants("generate", 7, &plan);
    start(&mut all).unwrap();
    says(&all[3], "shares: ours is out").await;
    all[3].kill().unwrap();
    println!("killed after:\n{}", all[3].log().unwrap());
    tokio::time::sleep(Duration::from_millis(500)).await;
    for other in all.iter_mut().filter(|other| other.name != "guardian-4") {
        assert_eq!(other.exit_code().unwrap(), None, "{} did not wait", other.name);
    }
    all[3].start().unwrap();
    lasted("after the restart", all_end(&mut all, 0, PATIENCE).await.unwrap());
    let committee = operators.sign(1..=7).unwrap();
    assert_eq!(operators.sign(3..=7).unwrap().id(), committee.id());
    assert!(operators.sign(4..=7).is_err(), "four of seven must not be enough");
}

#[tokio::test(flavor = "current_thread")]
async fn who_says_different_things_to_different_members_is_named_by_all() {
    let dir = tempfile::tempdir().unwrap();
    let operators = Operators::new(dir.path(), 7, Duration::ZERO).unwrap();
    let plan = operators.plan_key("cheated", 7, 5).unwrap();
    let liar = Equivocator::start(operators.home(7).unwrap(), &plan).await.unwrap();
    let mut honest = operators.participants("generate", 6, &plan);
    start(&mut honest).unwrap();
    lasted("until all had named it", all_end(&mut honest, FAULT, PATIENCE).await.unwrap());
    drop(liar);
    for participant in &honest {
        let log = participant.log().unwrap();
        assert!(log.contains("guardian-7"), "{}: {log}", participant.name);
        assert!(!participant.dir.join("committee.toml").exists(), "no key may come of it");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_newcomer_joins_with_the_configuration_that_init_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let mut operators = Operators::new(dir.path(), 3, Duration::ZERO).unwrap();
    let plan = operators.plan_key("first", 3, 2).unwrap();
    let mut all = operators.participants("generate", 3, &plan);
    start(&mut all).unwrap();
    all_end(&mut all, 0, PATIENCE).await.unwrap();
    let key = operators.sign(1..=2).unwrap().group_key();

    let home = dir.path().join("guardian-4");
    let somewhere = |byte: u8| alloy::primitives::Address::repeat_byte(byte);
    let contracts = ContractsConfig {
        guardian_keys: somewhere(1),
        protocol: somewhere(2),
        duties: [(DutyKind::Reserves, somewhere(3))].into_iter().collect(),
        ..Surroundings::nowhere().contracts
    };
    let around = Surroundings { contracts, ..Surroundings::nowhere() };
    // Of nodes that are not there nobody can ask.
    let newcomer = Newcomer::init(&home, "guardian-4", &around, &["--no-probe"]).await.unwrap();
    let written = std::fs::read(home.join("guardian.toml")).unwrap();
    let plan = operators.plan_joining(&[&newcomer.card], 3).await.unwrap();
    let mut all = operators.participants("reshare", 3, &plan);
    all.push(newcomer.participant("reshare", &plan));
    start(&mut all).unwrap();
    lasted("four had the key", all_end(&mut all, 0, PATIENCE).await.unwrap());
    let mut node = newcomer.process();
    node.start().unwrap();
    let started = Instant::now();
    let page = loop {
        match node.get("/status").await {
            Ok(page) => break page,
            Err(error) => {
                assert!(started.elapsed() < PATIENCE, "its node shows nothing: {error}\n{}", node.log().unwrap())
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&page["name"], &page["threshold"]), (&"guardian-4".into(), &3.into()));
    assert_eq!(std::fs::read(home.join("guardian.toml")).unwrap(), written, "nobody repairs what init wrote");
    operators.homes.push(newcomer.files);
    assert_eq!(operators.sign(2..=4).unwrap().group_key(), key);
}

/// Kills one participant with SIGKILL at every step, by turns the coordinator of the test signature, another dealer and a newcomer, starts it
/// again, and checks after each of these ceremonies that what is on the disks makes signatures under the same key.
#[tokio::test(flavor = "current_thread")]
async fn a_key_survives_kills_at_every_step_of_resharings() {
    let dir = tempfile::tempdir().unwrap();
    let operators = Operators::new(dir.path(), 5, APART).unwrap();
    let plan = operators.plan_key("first", 4, 3).unwrap();
    let mut all = operators.participants("generate", 4, &plan);
    start(&mut all).unwrap();
    lasted("the first key", all_end(&mut all, 0, PATIENCE).await.unwrap());
    let key = operators.sign(1..=4).unwrap().group_key();

    // To five members and back to four, again and again.
    let (mut members, mut killed_in) = (4, BTreeSet::new());
    for (round, words) in STEPS.iter().cycle().take(2 * STEPS.len()).enumerate() {
        let (before, after) = if members == 4 { (4, 5) } else { (5, 4) };
        let plan = operators.plan_reshare(&format!("round-{round}"), after, 3).unwrap();
        let victim = [0, 2, 3][round % 3];
        killed_in.insert(kill_one(&operators, &plan, 5, victim, words).await);
        let committee = operators.sign(1..=after).unwrap();
        assert_eq!(committee.group_key(), key, "round {round}: from {before} to {after}");
        works(&operators, after, key);
        members = after;
    }
    println!("killed in: {killed_in:?}");
}

/// Runs a resharing in which `victim` is killed as soon as it has said `words`, and started again. Returns the last thing it said.
async fn kill_one(operators: &Operators, plan: &Path, count: usize, victim: usize, words: &str) -> String {
    let mut all = operators.participants("reshare", count, plan);
    for participant in &all {
        std::fs::remove_file(participant.dir.join("reshare.log")).ok();
    }
    start(&mut all).unwrap();
    says(&all[victim], words).await;
    all[victim].kill().unwrap();
    let log = all[victim].log().unwrap();
    let last = log.lines().last().unwrap_or_default().to_owned();
    all[victim].start().unwrap();
    all_end(&mut all, 0, PATIENCE).await.unwrap();
    last
}

/// Any three of the members sign.
fn works(operators: &Operators, members: usize, key: GroupKey) {
    for first in 1..=members - 2 {
        assert_eq!(operators.sign(first..first + 3).unwrap().group_key(), key);
    }
}
