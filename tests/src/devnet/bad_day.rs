//! The days that the contracts are made for, on a running network with real guardians: a loss, and a stolen key. Each is played to its end,
//! and fails where the contracts, their consumer or the guardians do not do what they promise.

use super::{Devnet, governor, thief, waiting::until};
use alloy::primitives::U256;
use clap::ValueEnum;
use eyre::{Result, ensure, eyre};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BadDay {
    /// Three tenths of the reserves are lost, and reported
    Loss,
    /// Somebody has the group's key and reports with it
    StolenKey,
}

/// Plays `day` on `devnet`, which goes on as before afterwards. `say` is told what happens.
///
/// # Errors
/// If something that is promised does not happen.
pub async fn play(devnet: &Devnet, day: BadDay, say: impl Fn(&str)) -> Result<()> {
    until("a report on which the consumer acts", async || consumer_acts(devnet).await).await?;
    say("the guardians have reported; the feed is fresh, and a consumer acts on it");
    match day {
        BadDay::Loss => loss(devnet, say).await,
        BadDay::StolenKey => stolen_key(devnet, say).await,
    }
}

/// The first report that can see the loss is contested: the feed is stale at once, and its consumer refuses. What the timelock expects then
/// lets the next report through.
async fn loss(devnet: &Devnet, say: impl Fn(&str)) -> Result<()> {
    let contracts = &devnet.contracts;
    let (assets, _) = contracts.latest_round().await?;
    let lost = assets * U256::from(3) / U256::from(10);
    let since = devnet.slot_of(contracts.lose(lost).await?);
    say(&format!("{} are gone from the vault: three tenths of the reserves", ether(lost)));

    until("a report of it", async || Ok(contracts.reports().await?.iter().any(|report| report.slot > since + 1)))
        .await?;
    let reports = contracts.reports().await?;
    // The block at that moment may show the loss already, or not yet.
    let first = reports.iter().find(|report| report.slot > since + 1).ok_or_else(|| eyre!("no report"))?;
    let contested = contracts.contested().await?.last().copied().ok_or_else(|| eyre!("no report was contested"))?;
    ensure!(
        (since..=first.slot).contains(&contested.slot),
        "slot {} and not {} was contested",
        contested.slot,
        first.slot
    );
    let report = contracts.latest_report().await?;
    ensure!(report.contested && contracts.is_stale().await?, "the feed is relied on after a loss: {report:?}");
    ensure!(contracts.consumer_refuses(0).await? == Some("Contested"), "the consumer relies on a contested feed");
    say(&format!(
        "the report of slot {} says so: the feed is contested and stale, and the consumer refuses",
        contested.slot
    ));

    let expected = contracts.expect(&report).await?;
    say(&format!("after {} s the governor's timelock says that it expects this", governor::DELAY));
    until("the end of the contest", async || consumer_acts(devnet).await).await?;
    let ended = contracts.contests_ended().await?.last().copied().ok_or_else(|| eyre!("no contest has ended"))?;
    let reports = contracts.reports().await?;
    let next = reports.iter().find(|report| report.block > expected);
    ensure!(next == Some(&ended), "{ended:?} ended the contest, and {next:?} was the next report");
    say(&format!("the report of slot {} ended the contest: the consumer acts on what is left", ended.slot));
    Ok(())
}

/// What the thief reports counts, until in one block the vetoer pauses the keys and takes the report back. The guardians notice, and go on when
/// the governor lets them.
async fn stolen_key(devnet: &Devnet, say: impl Fn(&str)) -> Result<()> {
    let contracts = &devnet.contracts;
    let slot = thief::report(devnet).await?;
    ensure!(
        contracts.consumer_refuses(0).await?.is_none(),
        "the thief's report has nothing wrong with it but the signer"
    );
    say(&format!("a thief reports for slot {slot} with the group's own key, and the consumer acts on it"));

    let succeeded = contracts.pause_and_retract(slot).await?;
    ensure!(
        succeeded == [true, true, false, true, false],
        "consumer, pause, consumer, retraction, consumer: {succeeded:?}"
    );
    ensure!(contracts.is_stale().await?, "the feed is relied on during a pause");
    ensure!(contracts.consumer_refuses(0).await? == Some("Contested"), "the consumer relies on what was taken back");
    say("the vetoer pauses the keys and takes the report back: in the same block the consumer refuses");

    for guardian in devnet.guardians.iter().filter(|guardian| guardian.pid().is_some()) {
        let what = format!("{} to say that the keys are paused", guardian.name);
        until(&what, async || Ok(guardian.metric("guardian_keys_paused").await? == 1.0)).await?;
    }
    ensure!(contracts.reports().await?.last().is_some_and(|report| report.slot == slot), "a report during the pause");
    say("every guardian says that the keys are paused, and reports nothing");

    contracts.unpause().await?;
    until("an honest report", async || consumer_acts(devnet).await).await?;
    let ended = contracts.contests_ended().await?.last().copied().ok_or_else(|| eyre!("no contest has ended"))?;
    ensure!(ended.slot > slot, "slot {} ended the contest of slot {slot}", ended.slot);
    say(&format!("the governor ends the pause; the guardians' report of slot {} takes the thief's place", ended.slot));
    Ok(())
}

/// Whether the feed is fresh and its consumer acts on it.
async fn consumer_acts(devnet: &Devnet) -> Result<bool> {
    Ok(!devnet.contracts.is_stale().await? && devnet.contracts.consumer_refuses(0).await?.is_none())
}

fn ether(wei: U256) -> String {
    format!("{} ETH", wei / U256::from(10u64.pow(18)))
}
