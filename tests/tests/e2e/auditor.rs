//! Somebody who trusts nobody checks a report again.

use eyre::{Result, ensure};
use guardian_tests::devnet::{Devnet, guardian_binary, waiting::wait};
use std::path::Path;

/// An auditor has a dossier, the state that somebody served, and the command: no network, no configuration, no guardian.
pub(crate) async fn a_report_can_be_checked_again_without_any_network(devnet: &mut Devnet) -> Result<()> {
    let desk = devnet.options.dir.join("auditor");
    std::fs::create_dir_all(&desk)?;
    let (dossier, state) = (desk.join("report.json"), desk.join("state.ssz"));
    let dossiers = devnet.nth(0)?.dir.join("data/dossiers");
    // The client keeps a state for as long as it is the finalized one.
    wait("a signed report whose state can still be had", async || {
        let Some(report) = devnet.contracts.reports().await?.last().copied() else { return Ok(false) };
        let Some(served) = devnet.beacon.state(&report.slot.to_string()).await? else { return Ok(false) };
        std::fs::copy(dossiers.join(format!("reserves-{}.json", report.slot / 8)), &dossier)?;
        std::fs::write(&state, served.bytes)?;
        Ok(std::fs::read_to_string(&dossier)?.contains("\"signature\":\"0x"))
    })
    .await?;
    let text = std::fs::read_to_string(&dossier)?;
    let (_, x, _) = devnet.contracts.group_key().await?;
    ensure!(text.contains(&format!("{x:064x}")), "the dossier is of another key than the contract's");

    let (code, said) = offline(&desk, &["report", "replay", "report.json", "--state", "state.ssz"])?;
    ensure!(code == Some(0) && said.contains("follows from this evidence"), "replaying: {code:?} {said}");
    let (code, said) = offline(&desk, &["report", "explain", "report.json"])?;
    ensure!(code == Some(0) && said.matches("gwei: counted").count() == 16, "explaining: {code:?} {said}");

    let balance = said.split_whitespace().zip(said.split_whitespace().skip(1)).find(|(_, unit)| *unit == "gwei:");
    let (balance, _) = balance.ok_or_else(|| eyre::eyre!("no balance in {said}"))?;
    let richer = text.replacen(&format!("\"balance\":{balance}"), &format!("\"balance\":{balance}0"), 1);
    std::fs::write(desk.join("richer.json"), richer)?;
    let (code, said) = offline(&desk, &["report", "replay", "richer.json"])?;
    ensure!(
        code == Some(1) && said.contains("DIFFERENT  balance of validators"),
        "a richer validator: {code:?} {said}"
    );
    Ok(())
}

/// Runs `guardian` in `folder` with no network at all, where the system allows to take it away.
fn offline(folder: &Path, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let alone = std::process::Command::new("unshare").args(["-rn", "true"]).output().is_ok_and(|o| o.status.success());
    let mut command = if alone {
        let mut command = std::process::Command::new("unshare");
        command.arg("-rn").arg(guardian_binary()?);
        command
    } else {
        println!("the system does not let a test take its network away: replaying with it");
        std::process::Command::new(guardian_binary()?)
    };
    let output = command.args(arguments).current_dir(folder).env_clear().output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
}
