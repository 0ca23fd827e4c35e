//! The first hour of four operators: the commands of the README, taken from there word by word, each in its operator's own folder, before a
//! real consensus client and a real EVM. Around them the world does what is not theirs: it sends public files, plans the contracts, gives
//! ether. Nothing else is made up for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that can't go on has failed"
)]

mod document;
mod operators;
mod places;

use document::{Step, Who, readme, steps, variables};
use eyre::{Result, ensure};
use guardian_tests::devnet::{options::Options, process::tool, world::World};
use operators::Operators;
use std::time::{Duration, Instant};

/// Until the first report must have been accepted.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn the_readme_leads_from_nothing_to_a_first_report() {
    if let Err(missing) =
        tool("contracts/out/ReserveFeed.sol/ReserveFeed.json").and(tool("tests/real-beacon/node_modules"))
    {
        panic!("{missing}; `make first-hour` installs and builds everything first");
    }
    let dir = tempfile::tempdir().unwrap();
    let options = Options { offline: 0, ..Options::for_tests(dir.path().join("world")) };
    let mut world = World::start(&options).await.unwrap();
    let mut operators = Operators::new(dir.path(), &world).unwrap();
    if let Err(report) = walk(&mut world, &mut operators).await {
        println!("{}", operators.logs());
        panic!("{report:#}");
    }
}

async fn walk(world: &mut World, operators: &mut Operators) -> Result<()> {
    let started = Instant::now();
    let (steps, mut is_planned) = (steps(&readme()), false);
    let (said, set) = (variables(&steps), operators.variables());
    ensure!(said.keys().eq(set.keys()), "the README lets the operators say {said:?}, the test says {set:?}");
    for Step { who, line } in &steps {
        println!("{:>4} s  {line}", started.elapsed().as_secs());
        match who {
            // What the image and the compose file are to be is another test's: `places`.
            Who::WithDocker | Who::Yours => {}
            Who::OneOfYou => operators.one_runs(line)?,
            Who::Everybody if line.starts_with("guardian run") => operators.all_keep_running(line)?,
            Who::Everybody if line.starts_with("guardian status") => operators.all_succeed_with(line)?,
            Who::Everybody => operators.all_run(line)?,
        }
        if line.starts_with("guardian init") {
            for account in operators.accounts()? {
                world.fund(account).await?;
            }
        }
        let committee = operators.file("committee.toml");
        if committee.exists() && !is_planned {
            world.plan_contracts(&committee, &operators.file("contracts.json"), &operators.file("payer.key"))?;
            is_planned = true;
        }
        world.check()?;
    }
    operators.manager_hears_of_them()?;
    let waiting = Instant::now();
    while world.reports(&operators.file("deployment.json")).await? == 0 {
        ensure!(waiting.elapsed() < PATIENCE, "no report was accepted");
        operators.nodes_are_up()?;
        world.check()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{:>4} s  the first report is accepted", started.elapsed().as_secs());
    Ok(())
}

#[test]
fn the_operator_path_was_found() {
    let steps = steps(&readme());
    let count = |who: Who| steps.iter().filter(|step| step.who == who).count();
    let counts = [Who::WithDocker, Who::Yours, Who::Everybody, Who::OneOfYou].map(count);
    assert!(counts.iter().all(|count| *count >= 2), "{counts:?}");
    for command in
        ["init", "key member", "key plan generate", "key generate", "contracts deploy", "check", "run", "status"]
    {
        assert!(steps.iter().any(|step| step.line.starts_with(&format!("guardian {command}"))), "{command}");
    }
}
