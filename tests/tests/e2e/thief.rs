//! A stolen group key on real processes: what it signs over healthy validators moves nobody's part of an exit, and everybody says so. And the
//! governor's pause, which keeps back the parts of an honest order.

use eyre::{Result, ensure};
use guardian_tests::devnet::{Devnet, thief::Thief, waiting::wait};
use std::time::{SystemTime, UNIX_EPOCH};

/// The order over the offline validators is in the registry, and nobody gives a part while the registry's exits are paused.
pub(super) async fn a_pause_keeps_every_part_back(devnet: &mut Devnet) -> Result<()> {
    wait("the offline validators' order", async || Ok(devnet.contracts.ejected().await?.len() >= 2)).await?;
    every_guardian_has_read_this_moment(devnet).await?;
    ensure!(given(devnet).await? == [0.0; 3], "a part was given during the pause: {:?}", given(devnet).await?);
    devnet.contracts.unpause_exits().await
}

/// Guardian 4 does not run; the thief speaks for it.
pub(super) async fn what_it_signs_moves_no_exit_and_everybody_says_so(devnet: &mut Devnet) -> Result<()> {
    let before = given(devnet).await?;
    // The third was killed since, and counts anew.
    ensure!(before == [2.0, 2.0, 0.0], "the offline validators' parts: {before:?}");
    let thief = Thief::order(devnet, 3, &[0, 1]).await?;
    for place in 0..3 {
        let guardian = devnet.nth(place)?;
        wait(&format!("{}'s alarm", guardian.name), async || {
            let unfounded = guardian.metric("guardian_exits_total{step=\"unfounded\"}").await.unwrap_or_default();
            Ok(unfounded == 2.0 && guardian.metric("guardian_signed_otherwise_total").await? >= 1.0)
        })
        .await?;
    }
    every_guardian_has_read_this_moment(devnet).await?;
    ensure!(devnet.contracts.ejected().await?.ends_with(&[0, 1]), "the registry has the thief's order");
    ensure!(
        given(devnet).await? == before,
        "the thief's order moved parts: {before:?}, then {:?}",
        given(devnet).await?
    );
    let head = devnet.beacon.validators("head").await?;
    ensure!(head.iter().filter(|v| v.index < 14).all(|v| v.status == "active_ongoing"), "a healthy validator left");
    let said = devnet.nth(0)?.log()?;
    ensure!(
        said.contains("ALARM: the committee ordered out a validator that need not leave"),
        "the log does not say it"
    );
    drop(thief);
    Ok(())
}

/// Parts of exits that each of the three has given.
async fn given(devnet: &mut Devnet) -> Result<[f64; 3]> {
    let mut given = [0.0; 3];
    for (place, count) in given.iter_mut().enumerate() {
        let guardian = devnet.nth(place)?;
        *count = guardian.metric("guardian_exits_total{step=\"partial_released\"}").await.unwrap_or_default();
    }
    Ok(given)
}

/// Waits until what is final shows every guardian everything that was on chain just now.
async fn every_guardian_has_read_this_moment(devnet: &mut Devnet) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 2;
    let (genesis, epoch) = (devnet.genesis.time, devnet.options.epoch().as_secs());
    let wanted = now.saturating_sub(genesis) / epoch + 1;
    for place in 0..3 {
        let guardian = devnet.nth(place)?;
        wait(&format!("epoch {wanted} at {}", guardian.name), async || {
            Ok(guardian.page().await?.status["observed"].as_u64().is_some_and(|observed| observed >= wanted))
        })
        .await?;
    }
    Ok(())
}
