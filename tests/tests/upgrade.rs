//! A rolling upgrade with real processes: four guardians of an earlier release watch a real chain, and are replaced by this one, one after
//! the other, while reports go on; one that would go back is told that it can't.
//!
//! The variable `GUARDIAN_TEST_PREVIOUS` names the earlier release's program. Without it nothing is tested here, and the test says so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that can't go on has failed")]

use eyre::{Result, ensure, eyre};
use guardian_tests::devnet::{Devnet, operator, options::Options, waiting::wait};
use std::path::{Path, PathBuf};

#[tokio::test(flavor = "current_thread")]
async fn four_guardians_are_upgraded_one_after_the_other_and_none_goes_back_unawares() {
    let Some(previous) = std::env::var_os("GUARDIAN_TEST_PREVIOUS").map(PathBuf::from) else {
        println!("skipped: GUARDIAN_TEST_PREVIOUS names no earlier release");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let options = Options { node: Some(previous.clone()), offline: 0, ..Options::for_tests(dir.path().join("devnet")) };
    let mut devnet = Devnet::start(options, |line| println!("{line}")).await.unwrap();
    if let Err(report) = upgrade(&mut devnet, &previous).await {
        for guardian in &devnet.guardians {
            let log = guardian.log().unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(25).collect();
            println!("--- {}\n{}", guardian.name, tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        panic!("{report:#}");
    }
}

async fn upgrade(devnet: &mut Devnet, previous: &Path) -> Result<()> {
    another_report(devnet, "of four of the earlier release").await?;
    for place in 0..devnet.guardians.len() {
        let name = devnet.nth(place)?.name.clone();
        replace(devnet, place, None).await?;
        println!("{name} runs the new release");
    }
    for place in 0..devnet.guardians.len() {
        let (status, others) = (devnet.nth(place)?.page().await?.status, devnet.guardians.len() - 1);
        let programs = status["programs"].as_array().ok_or_else(|| eyre!("no programs: {status}"))?;
        ensure!(programs.len() == others, "not all are known: {programs:?}");
        ensure!(programs.iter().all(|program| program["version"] == status["program"]["version"]), "{programs:?}");
        ensure!(status["other_rules"].as_array().is_some_and(Vec::is_empty), "{status}");
    }
    let config = devnet.nth(0)?.dir.join("guardian.toml").display().to_string();
    let check = operator(&["check", "--config", &config]).await?;
    ensure!(check.contains("members: 3 run the version of this node"), "{check}");
    let dry = operator(&["run", "--dry-run", "--config", &config]).await?;
    ensure!(dry.contains("a node runs on it, and was left alone"), "{dry}");

    // This release has taken the store over, as the changes say. The earlier one leaves it as it is.
    let last = devnet.nth(3)?;
    let code = last.terminate()?;
    ensure!(code == Some(0), "exit code {code:?} after SIGTERM");
    last.program = Some(previous.to_owned());
    last.start()?;
    wait("the refusal of the earlier release", async || Ok(last.log()?.contains("the store has schema"))).await?;
    last.kill()?;
    last.program = None;
    last.start()?;
    wait("it to be ready again", async || Ok(last.page().await?.ready)).await?;
    for guardian in &devnet.guardians {
        let log = guardian.log()?;
        let alarm = log.lines().find(|line| line.contains("ALARM"));
        ensure!(alarm.is_none(), "{}: {alarm:?}", guardian.name);
    }
    Ok(())
}

/// Ends one guardian in order and starts it as `program` on the same folder; the others report without it, and then with it.
async fn replace(devnet: &mut Devnet, place: usize, program: Option<PathBuf>) -> Result<()> {
    let code = devnet.nth(place)?.terminate()?;
    ensure!(code == Some(0), "exit code {code:?} after SIGTERM");
    another_report(devnet, "without it").await?;
    let guardian = devnet.nth(place)?;
    guardian.program = program;
    guardian.start()?;
    wait("it to be ready", async || Ok(guardian.page().await?.ready)).await?;
    another_report(devnet, "with it").await
}

async fn another_report(devnet: &Devnet, what: &str) -> Result<()> {
    let before = devnet.contracts.reports().await?.len();
    wait(&format!("a report {what}"), async || Ok(devnet.contracts.reports().await?.len() > before)).await
}
