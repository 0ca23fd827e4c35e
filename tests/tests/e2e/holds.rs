//! An operator holds ejections on one of the three guardians that are left of four: with that, n - t + 1 take no part.

use super::text;
use eyre::{Result, ensure};
use guardian_tests::devnet::{Devnet, guardians::GuardianProcess, operator, waiting::wait};
use serde_json::Value;

/// As soon as the node listens, and before anything is final, so that no order can have been announced.
pub(super) async fn one_guardian_is_told_to_wait(devnet: &mut Devnet) -> Result<()> {
    let config = text(&devnet.nth(0)?.dir.join("guardian.toml"));
    let hold = ["hold", "--kind", "ejection", "--reason", "looking into it", "--config", &config];
    wait("a hold", async || Ok(operator(&hold).await?.contains("ejection are held"))).await
}

/// Reports went on meanwhile. The order did not: everybody computed it, and one keeps it to itself, also after a kill.
pub(super) async fn nothing_is_ordered_until_it_is_released(devnet: &mut Devnet) -> Result<()> {
    let config = text(&devnet.nth(0)?.dir.join("guardian.toml"));
    wait("what the held guardian would announce", async || Ok(holds_an_order(devnet.nth(0)?).await?)).await?;
    let guardian = devnet.nth(0)?;
    let page = guardian.page().await?;
    ensure!(page.ready, "a hold is no reason not to be ready");
    ensure!(page.status["holds"][0]["reason"] == "looking into it", "the status: {}", page.status);
    ensure!(guardian.metric("guardian_held{kind=\"ejection\"}").await? == 1.0, "the metric does not show it");

    guardian.kill()?;
    guardian.start()?;
    wait("the same after a kill", async || Ok(holds_an_order(devnet.nth(0)?).await.unwrap_or(false))).await?;
    tokio::time::sleep(devnet.options.epoch() * 2).await;
    ensure!(devnet.contracts.ejected().await?.is_empty(), "two of four ordered somebody out");

    let answer = operator(&["release", "--kind", "ejection", "--config", &config]).await?;
    ensure!(answer.contains("go on"), "a release: {answer}");
    Ok(())
}

/// Whether `/readyz` names an order that would be announced.
async fn holds_an_order(guardian: &GuardianProcess) -> Result<bool> {
    let ready = guardian.get("/readyz").await?;
    let held: &[Value] = ready["held"].as_array().map_or(&[], Vec::as_slice);
    Ok(held.iter().any(|duty| duty["id"]["kind"] == "ejection"))
}
