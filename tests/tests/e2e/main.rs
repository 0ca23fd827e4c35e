//! End to end, with nothing simulated: a real consensus client, a real EVM, real guardian processes that are killed.
//!
//! One network serves all checks, in order: it takes a minute until anything is finalized.

mod auditor;
mod counts;
mod fees;
mod holds;
mod payer;
mod states;
mod thief;

use eyre::{Result, bail, ensure};
use guardian_tests::devnet::{
    Devnet,
    bad_day::{self, BadDay},
    ceremony::{self, Participant},
    guardian_binary,
    guardians::GuardianProcess,
    operator,
    options::Options,
    process::tool,
    waiting::{PATIENCE, wait},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "current_thread")]
async fn four_guardians_watch_a_real_chain_and_act_on_another() {
    if let Err(missing) =
        tool("contracts/out/ReserveFeed.sol/ReserveFeed.json").and(tool("tests/real-beacon/node_modules"))
    {
        panic!("{missing}; `make test` installs and builds everything first");
    }
    let dir = tempfile::tempdir().unwrap();
    let options = Options { lying_beacon: true, ..Options::for_tests(dir.path().join("devnet")) };
    let mut devnet = Devnet::start(options, |line| println!("{line}")).await.unwrap();
    let outcome = check_everything(&mut devnet).await;
    if let Err(report) = outcome {
        for guardian in &devnet.guardians {
            let log = guardian.log().unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(25).collect();
            println!("--- {}\n{}", guardian.name, tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        panic!("{report:#}");
    }
}

async fn check_everything(devnet: &mut Devnet) -> Result<()> {
    three_of_four_do_everything(devnet).await?;
    the_liar_was_named_and_not_believed(devnet).await?;
    auditor::a_report_can_be_checked_again_without_any_network(devnet).await?;
    states::they_have_the_roots_that_the_chain_says(devnet).await?;
    a_running_guardian_can_be_spoken_to_and_says_what_happened(devnet).await?;
    two_of_four_do_nothing_and_say_why(devnet).await?;
    a_restarted_guardian_completes_the_quorum(devnet).await?;
    payer::a_guardian_pays_for_a_report_with_a_key_that_it_does_not_have(devnet).await?;
    thief::what_it_signs_moves_no_exit_and_everybody_says_so(devnet).await?;
    a_wrong_chain_is_refused_by_name(devnet).await?;
    seven_take_over_the_same_key(devnet).await?;
    for day in [BadDay::Loss, BadDay::StolenKey] {
        bad_day::play(devnet, day, |line| println!("{line}")).await?;
    }
    another_key_takes_its_place(devnet).await?;
    no_duty_ever_got_a_second_digest(devnet)?;
    a_guardian_stops_in_order(devnet)
}

/// One guardian is killed before there is anything to report; the others do everything.
async fn three_of_four_do_everything(devnet: &mut Devnet) -> Result<()> {
    devnet.nth(3)?.kill()?;
    holds::one_guardian_is_told_to_wait(devnet).await?;
    wait("a reserve report", async || Ok(!devnet.contracts.reports().await?.is_empty())).await?;
    the_feed_equals_an_independent_sum(devnet).await?;
    counts::the_oracle_has_the_count_of_the_beacon_state(devnet).await?;
    fees::each_guardian_collects_its_part_whoever_takes_no_ether(devnet).await?;
    devnet.contracts.pause_exits().await?;
    holds::nothing_is_ordered_until_it_is_released(devnet).await?;
    thief::a_pause_keeps_every_part_back(devnet).await?;

    let ejected = devnet.contracts.ejected().await?;
    ensure!(ejected == vec![14, 15], "ordered out once each, offline ones only: {ejected:?}");
    wait("their exits on the beacon chain", async || {
        let validators = devnet.beacon.validators("head").await?;
        Ok(validators.iter().filter(|v| v.index >= 14).all(|v| v.status != "active_ongoing"))
    })
    .await?;
    let online = devnet.beacon.validators("head").await?;
    ensure!(online.iter().filter(|v| v.index < 14).all(|v| v.status == "active_ongoing"), "a healthy validator left");
    each_duty_was_paid_for_once(devnet).await
}

/// Sums up what the beacon API says at the report's own slot and compares it with what a DeFi protocol would read.
async fn the_feed_equals_an_independent_sum(devnet: &Devnet) -> Result<()> {
    // The client prunes old states, so a report is compared while its slot is the finalized one.
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let Some(report) = devnet.contracts.reports().await?.last().copied() else { bail!("no report") };
        let (reserves, updated_at) = devnet.contracts.latest_round().await?;
        if let Ok(validators) = devnet.beacon.validators(&report.slot.to_string()).await
            && devnet.contracts.reports().await?.last() == Some(&report)
        {
            let gwei: u128 = validators.iter().map(|validator| u128::from(validator.balance)).sum();
            let sum = devnet.contracts.vault_balance().await? + alloy::primitives::U256::from(gwei * 1_000_000_000);
            ensure!(reserves == sum, "the feed says {reserves}, the beacon API and the vault {sum}");
            let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() - updated_at;
            ensure!(age < 600, "updatedAt is {age} s ago");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("no report could be compared with the beacon API in time")
}

/// As many transactions as accepted duties: nobody paid for one that another had brought already.
async fn each_duty_was_paid_for_once(devnet: &Devnet) -> Result<()> {
    let contracts = &devnet.contracts;
    let sent = contracts.orders_sent().await?;
    let accepted = contracts.orders().await?.len();
    ensure!(sent == accepted, "{sent} transactions for {accepted} orders");
    Ok(())
}

/// The first beacon endpoint of every guardian adds five ether to each balance, and serves states with a wrong bit.
async fn the_liar_was_named_and_not_believed(devnet: &mut Devnet) -> Result<()> {
    ensure!(devnet.liar().is_some(), "there must be a liar");
    let guardian = devnet.nth(0)?;
    let sample = "guardian_provider_disagreements_total{layer=\"beacon\",provider=\"beacon-1\"}";
    ensure!(guardian.metric(sample).await? >= 1.0, "the metric does not name the liar");
    ensure!(guardian.log()?.contains("beacon-1"), "the log does not name the liar");
    let sample = "guardian_provider_states_total{outcome=\"disproved\",provider=\"beacon-1\"}";
    ensure!(guardian.metric(sample).await? >= 1.0, "none of its states was disproved");
    what_providers_offer_and_cost_is_shown(guardian).await
}

/// Over its socket, and on the page of what has happened.
async fn a_running_guardian_can_be_spoken_to_and_says_what_happened(devnet: &mut Devnet) -> Result<()> {
    let guardian = devnet.nth(0)?;
    let config = text(&guardian.dir.join("guardian.toml"));
    let answer = operator(&["reload", "--config", &config]).await?;
    ensure!(answer.contains("log filter") && answer.contains("in force now: nothing"), "a reload: {answer}");
    let newest = guardian.get("/history?limit=3").await?;
    ensure!(newest.as_array().is_some_and(|entries| entries.len() == 3), "the newest three events: {newest}");
    let all = guardian.get("/history?limit=1000").await?.to_string();
    ensure!(all.contains("\"event\":\"signed\"") && all.contains("\"duty\":\"reserves-"), "the history: {all}");
    Ok(())
}

/// The client is of 2023: it serves states, and has no POST route for validators.
async fn what_providers_offer_and_cost_is_shown(guardian: &GuardianProcess) -> Result<()> {
    for provider in ["beacon-1", "beacon-2", "beacon-3"] {
        for (what, offered) in [("states", 1.0), ("post", 0.0)] {
            let sample =
                format!("guardian_provider_capabilities{{layer=\"beacon\",provider=\"{provider}\",what=\"{what}\"}}");
            ensure!(guardian.metric(&sample).await? == offered, "{sample} is not {offered}");
        }
    }
    ensure!(guardian.log()?.contains("what this beacon provider offers"), "the log does not say what providers offer");
    let metrics = guardian.metrics().await?;
    let proved = metrics.lines().filter_map(|line| {
        let of = line.strip_prefix("guardian_provider_states_total{outcome=\"proved\",provider=\"beacon-")?;
        of.rsplit_once(' ')?.1.parse::<f64>().ok()
    });
    ensure!(proved.sum::<f64>() >= 1.0, "no state was proved: {metrics}");
    for family in ["bytes_total", "requests_total", "seconds_total"] {
        let sample = format!("guardian_provider_{family}{{layer=\"beacon\",provider=\"beacon-2\"}}");
        ensure!(guardian.metric(&sample).await? > 0.0, "{sample} is 0");
    }
    Ok(())
}

/// With two of four killed there is no quorum: nothing is signed, and the others say why.
async fn two_of_four_do_nothing_and_say_why(devnet: &mut Devnet) -> Result<()> {
    devnet.nth(2)?.kill()?;
    let survivor = devnet.nth(0)?;
    wait("the reason on /readyz", async || {
        let page = survivor.page().await?;
        Ok(!page.ready && page.status["not_ready"].to_string().contains("too_few_peers"))
    })
    .await?;
    ensure!(survivor.metric("guardian_ready").await? == 0.0, "guardian_ready is not 0");
    ensure!(survivor.metric("guardian_not_ready{reason=\"too_few_peers\"}").await? == 1.0, "no reason in the metrics");
    // What was signed before may still arrive; then nothing does, for longer than two report periods.
    let settled = devnet.options.epoch() * 2;
    tokio::time::sleep(settled).await;
    let before = devnet.contracts.reports().await?.len();
    tokio::time::sleep(devnet.options.epoch() * 5).await;
    ensure!(devnet.contracts.reports().await?.len() == before, "two of four guardians signed a report");
    Ok(())
}

/// The guardian killed last comes back with its store: three again, and the duty completes.
async fn a_restarted_guardian_completes_the_quorum(devnet: &mut Devnet) -> Result<()> {
    let before = devnet.contracts.reports().await?.len();
    devnet.nth(2)?.start()?;
    wait("a report after the restart", async || Ok(devnet.contracts.reports().await?.len() > before)).await?;
    let restarted = devnet.nth(2)?;
    ensure!(!restarted.log()?.contains("store_is_new"), "it must remember its store");
    wait("it to be ready", async || Ok(restarted.page().await?.ready)).await
}

/// The fourth guardian, down since the beginning, is told another chain id: `check` says so, and what to do.
async fn a_wrong_chain_is_refused_by_name(devnet: &mut Devnet) -> Result<()> {
    let home = devnet.nth(3)?.dir.clone();
    let config = std::fs::read_to_string(home.join("guardian.toml"))?;
    let check = async |config: &str| -> Result<(Option<i32>, String, String)> {
        let path = home.join("other.toml");
        std::fs::write(&path, config)?;
        // Two of its beacon providers are a part of this process.
        let mut command = tokio::process::Command::new(guardian_binary()?);
        let output = command.args(["check", "--config"]).arg(&path).output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.code(), text(&output.stderr), text(&output.stdout)))
    };
    let (code, _, found) = check(&config.replace("chain_id = 31337", "chain_id = 1")).await?;
    ensure!(code == Some(1) && found.contains("31337") && found.contains("hint:"), "wrong chain: {code:?} {found}");
    let (code, said, found) = check(&config).await?;
    ensure!(code == Some(0), "the right configuration: {code:?} {said}");
    println!("{found}");
    for provider in ["beacon-1, Lodestar/", "beacon-2, Lodestar/", "beacon-3, Lodestar/"] {
        ensure!(found.contains(provider) && found.contains("states yes, post no"), "what providers offer: {found}");
    }
    Ok(())
}

/// Three newcomers join and five must sign from now on, while reports go on. The contracts notice nothing.
async fn seven_take_over_the_same_key(devnet: &mut Devnet) -> Result<()> {
    devnet.nth(3)?.start()?;
    let key = devnet.contracts.group_key().await?;
    let plan = devnet.options.dir.join("reshare.toml");
    let mut arguments = plan_by(devnet, "reshare", &plan)?;
    for name in ["guardian-5", "guardian-6", "guardian-7"] {
        arguments.extend(["--add".to_owned(), text(&devnet.newcomer(name).await?)]);
    }
    operator(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await?;

    // The last one comes late: everybody waits for it, by name, and the old shares go on reporting.
    let mut all = participants(devnet, "reshare", &plan);
    let (last, others) = all.split_last_mut().ok_or_else(|| eyre::eyre!("nobody takes part"))?;
    ceremony::start(others)?;
    let before = devnet.contracts.reports().await?.len();
    wait("a report during the resharing", async || Ok(devnet.contracts.reports().await?.len() > before)).await?;
    wait("who is late to be named", async || Ok(others[0].log()?.contains("waiting for guardian-7"))).await?;
    last.start()?;
    ceremony::all_end(&mut all, 0, PATIENCE).await?;

    for newcomer in 4..7 {
        devnet.nth(newcomer)?.start()?;
    }
    for place in 0..7 {
        let guardian = devnet.nth(place)?;
        let name = format!("{} to be ready among seven", guardian.name);
        wait(&name, async || {
            Ok(guardian.metric("guardian_members_connected").await? == 6.0 && guardian.page().await?.ready)
        })
        .await?;
    }
    // Any five of the seven are enough.
    for place in [0, 5] {
        devnet.nth(place)?.kill()?;
    }
    let before = devnet.contracts.reports().await?.len();
    wait("a report of five of seven", async || Ok(devnet.contracts.reports().await?.len() > before)).await?;
    ensure!(devnet.contracts.group_key().await? == key, "the key on chain has changed");
    for place in [0, 5] {
        devnet.nth(place)?.start()?;
    }
    Ok(())
}

/// The seven make another key, the old one hands over to it on chain, and is refused from then on.
async fn another_key_takes_its_place(devnet: &mut Devnet) -> Result<()> {
    let (epoch, x, _) = devnet.contracts.group_key().await?;
    let plan = devnet.options.dir.join("rotation.toml");
    let mut arguments = plan_by(devnet, "generate", &plan)?;
    arguments.push("--replace".to_owned());
    operator(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for command in ["generate", "rotate"] {
        let mut all = participants(devnet, command, &plan);
        ceremony::start(&mut all)?;
        let took = ceremony::all_end(&mut all, 0, PATIENCE).await?;
        println!("guardian key {command} of seven: {:.1} s", took.as_secs_f64());
    }
    let (now, new_x, _) = devnet.contracts.group_key().await?;
    ensure!(now == epoch + 1 && new_x != x, "key epoch {epoch} was followed by {now}");
    let before = devnet.contracts.reports().await?.len();
    wait("a report under the new key", async || Ok(devnet.contracts.reports().await?.len() > before)).await?;

    // Two of them came back while the ceremony had the port of their pages.
    for place in 0..7 {
        let guardian = devnet.nth(place)?;
        let name = format!("{} to be ready under the new key", guardian.name);
        wait(&name, async || Ok(guardian.page().await.is_ok_and(|page| page.ready))).await?;
    }

    let contracts = &devnet.contracts;
    let (digest, old, new) = contracts.rotation().await?;
    ensure!(contracts.refuses(now, digest, &new).await?.is_none(), "the new key is refused");
    ensure!(contracts.refuses(now, digest, &old).await? == Some("InvalidSignature"), "the old key still counts");
    ensure!(contracts.refuses(epoch, digest, &old).await? == Some("WrongKeyEpoch"), "the old epoch still counts");
    Ok(())
}

/// How guardian 1 writes a plan for five of all.
fn plan_by(devnet: &Devnet, purpose: &str, out: &Path) -> Result<Vec<String>> {
    let writer = devnet.guardians.first().ok_or_else(|| eyre::eyre!("no guardians"))?;
    let config = text(&writer.dir.join("guardian.toml"));
    let words = ["key", "plan", purpose, "--config", &config, "--threshold", "5", "--out", &text(out)];
    Ok(words.map(str::to_owned).to_vec())
}

fn participants(devnet: &Devnet, command: &str, plan: &Path) -> Vec<Participant> {
    devnet.guardians.iter().map(|g| g.participant(command, plan)).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Every `decided` line of every guardian, over all its lives: one digest for each duty.
fn no_duty_ever_got_a_second_digest(devnet: &Devnet) -> Result<()> {
    let mut digests = std::collections::BTreeMap::new();
    for guardian in &devnet.guardians {
        for line in guardian.log()?.lines().filter(|line| line.contains(" decided duty=")) {
            let field =
                |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name).map(str::to_owned));
            let (Some(duty), Some(digest)) = (field("duty="), field("digest=")) else {
                bail!("unreadable line: {line}")
            };
            let first = digests.entry(duty.clone()).or_insert_with(|| digest.clone());
            ensure!(*first == digest, "{} announced {digest} for {duty}, another said {first}", guardian.name);
        }
    }
    ensure!(digests.len() > 2, "the logs show too few duties");
    Ok(())
}

/// SIGTERM: exit code 0, in time.
fn a_guardian_stops_in_order(devnet: &mut Devnet) -> Result<()> {
    let code = devnet.nth(1)?.terminate()?;
    ensure!(code == Some(0), "exit code {code:?} after SIGTERM");
    Ok(())
}
