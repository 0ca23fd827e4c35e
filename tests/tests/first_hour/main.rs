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

mod containers;
mod document;
mod machine;
mod operators;
mod places;
mod site;

use containers::{
    Containers,
    mishaps::{self, Mishap},
};
use document::{Step, Who, readme, steps, variables};
use eyre::{Result, ensure};
use guardian_tests::devnet::{options::Options, process::tool, world::World};
use machine::Machine;
use operators::Operators;
use std::time::{Duration, Instant};

/// Until the next report must have been accepted.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn the_readme_leads_from_nothing_to_a_first_report() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = world(dir.path()).await;
    let site = Machine::new(dir.path(), &world).unwrap();
    let mut operators = Operators::new(dir.path(), Box::new(site)).unwrap();
    if let Err(report) = walk(&mut world, &mut operators).await {
        println!("{}", operators.logs());
        panic!("{report:#}");
    }
}

#[tokio::test]
async fn and_with_docker_to_reports_that_go_on_when_a_container_does_not() {
    if let Err(reason) = containers::is_there() {
        println!("skipped: {reason:#}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut world = world(dir.path()).await;
    let site = Containers::new(dir.path(), &world).unwrap();
    let mut operators = Operators::new(dir.path(), Box::new(site)).unwrap();
    let walked = async {
        walk(&mut world, &mut operators).await?;
        is_watched(&mut operators).await?;
        goes_on(&mut world, &mut operators).await
    };
    if let Err(report) = walked.await {
        println!("{}", operators.logs());
        panic!("{report:#}");
    }
}

async fn world(dir: &std::path::Path) -> World {
    if let Err(missing) =
        tool("contracts/out/ReserveFeed.sol/ReserveFeed.json").and(tool("tests/real-beacon/node_modules"))
    {
        panic!("{missing}; `make first-hour` installs and builds everything first");
    }
    World::start(&Options { offline: 0, ..Options::for_tests(dir.join("world")) }).await.unwrap()
}

async fn walk(world: &mut World, operators: &mut Operators) -> Result<()> {
    let started = Instant::now();
    let (steps, mut is_planned) = (steps(&readme()), false);
    let said = variables(&steps);
    let set = operators.variables(&said);
    ensure!(said.keys().eq(set.keys()), "the README lets the operators say {said:?}, the test says {set:?}");
    for Step { who, line } in &steps {
        println!("{:>4} s  {line}", started.elapsed().as_secs());
        match who {
            // What the image and the compose file are to be is another test's, too: `places`.
            Who::WithDocker if operators.are_with_docker() => operators.all_run(line)?,
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
            operators.own(&["contracts.json", "payer.key"])?;
            is_planned = true;
        }
        world.check()?;
    }
    operators.are_heard_of()?;
    report(world, operators).await?;
    println!("{:>4} s  the first report is accepted", started.elapsed().as_secs());
    Ok(())
}

/// Waits for one report more.
async fn report(world: &mut World, operators: &mut Operators) -> Result<()> {
    let (waiting, deployment) = (Instant::now(), operators.file("deployment.json"));
    let before = world.reports(&deployment).await?;
    while world.reports(&deployment).await? == before {
        ensure!(waiting.elapsed() < PATIENCE, "no report was accepted");
        operators.nodes_are_up()?;
        world.check()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// The first operator starts Prometheus as the compose file has it.
async fn is_watched(operators: &mut Operators) -> Result<()> {
    operators.one_runs("docker compose --profile monitoring up -d prometheus")?;
    mishaps::targets_are_up("http://127.0.0.1:9090", 1).await?;
    println!("        Prometheus has its target up");
    Ok(())
}

/// One container after the other has a mishap: the others report, and it comes back.
async fn goes_on(world: &mut World, operators: &mut Operators) -> Result<()> {
    let steps = steps(&readme());
    let line = |command: &str| steps.iter().rfind(|step| step.line.starts_with(command)).map(|step| step.line.clone());
    let [run, status] =
        ["guardian run", "guardian status"].map(|command| line(command).expect("the README asks for it"));
    for (mishap, place) in Mishap::ALL {
        println!("        {}", mishaps::sentence(mishap, place));
        let before = world.reports(&operators.file("deployment.json")).await?;
        mishap.begins(place)?;
        others_report(world, operators, before).await?;
        mishap.ends(place, operators, &run)?;
        operators.all_succeed_with(&status)?;
        println!("        the others have reported; it is ready again");
    }
    Ok(())
}

/// Waits until two more reports than `before` are accepted: one may have been on its way.
async fn others_report(world: &mut World, operators: &Operators, before: usize) -> Result<()> {
    let waiting = Instant::now();
    while world.reports(&operators.file("deployment.json")).await? < before + 2 {
        ensure!(waiting.elapsed() < PATIENCE, "the others do not report");
        world.check()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
