//! `make devnet`: runs a development network until it is stopped, or with `--once` until its main job is done.

use clap::Parser;
use eyre::{Result, bail, ensure, eyre};
use guardian_tests::devnet::{
    Devnet,
    bad_day::{self, BadDay},
    chains::ChainKind,
    options::Options,
    puffer::Puffer,
    screen::{Screen, View},
};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Real clients of both layers on one chain, and a committee of guardians, on this machine.
#[derive(Debug, Parser)]
#[command(name = "devnet")]
struct Arguments {
    /// End as soon as a reserve report and an ejection are confirmed and the exits are on the beacon chain
    #[arg(long)]
    once: bool,
    /// Play a bad day instead of an ordinary one, check what consumers and guardians make of it, and end; not on the pair, where no ether
    /// vanishes
    #[arg(long, value_enum)]
    bad_day: Option<BadDay>,
    /// With --once: fail after this many seconds
    #[arg(long, default_value_t = 600)]
    bound: u64,
    #[command(flatten)]
    options: Options,
}

/// How long the chains may give no answer before that is an error.
const SILENCE: Duration = Duration::from_secs(30);

// One thread: children die with the thread that started them, so that thread has to be ours.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            Screen::default().say(&format!("error: {report:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        outcome = live(arguments) => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn live(arguments: Arguments) -> Result<()> {
    let mut screen = Screen::default();
    let started = Instant::now();
    let possible = arguments.bad_day.is_none() || arguments.options.chain == ChainKind::BeforeMerge;
    ensure!(possible, "a bad day is played on the chain of before the merge alone");
    let mut devnet = Devnet::start(arguments.options.clone(), |line| screen.say(line)).await?;
    screen.say(&format!("everything runs; {} says where", arguments.options.dir.join("devnet.json").display()));
    if let Some(day) = arguments.bad_day {
        return bad_day::play(&devnet, day, |line| screen.say(line)).await;
    }
    let mut last = Instant::now();
    loop {
        devnet.check()?;
        let view = match View::read(&devnet).await {
            Ok(view) => view,
            // A busy client answers 500 now and then; only a lasting silence is a failure.
            Err(_) if last.elapsed() < SILENCE => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        last = Instant::now();
        screen.show(&devnet, &view)?;
        if arguments.once {
            if view.is_done(arguments.options.offline) {
                screen.say("a reserve report and an ejection order are confirmed; the exits are on the beacon chain");
                show_consumers(&devnet, &screen).await?;
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(arguments.bound) {
                bail!(unfinished(&view, arguments.bound));
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What others do with what the guardians said.
async fn show_consumers(devnet: &Devnet, screen: &Screen) -> Result<()> {
    let requests = devnet.trigger_exits().await?;
    screen.say(&format!("somebody triggers the order's exits: the modules have made {requests} requests (EIP-7002)"));
    ensure!(devnet.contracts.consumer_refuses(0).await?.is_none(), "the consumer refuses a fresh feed");
    screen.say("a consumer acts on the fresh feed");
    if devnet.options.chain == ChainKind::BeforeMerge {
        let later = devnet.contracts.consumer_refuses(devnet.options.heartbeat().as_secs()).await?;
        ensure!(later == Some("StaleAnswer"), "the consumer relies on a stale feed");
        screen.say("it refuses the feed when it is stale");
    }
    show_fees(&devnet.contracts.puffer, screen).await
}

/// What the guardians were paid by those who registered validators.
async fn show_fees(puffer: &Puffer, screen: &Screen) -> Result<()> {
    let fees = puffer.collect_fees().await?;
    let last = fees.owed.len().saturating_sub(1);
    ensure!(fees.owed.iter().all(|wei| !wei.is_zero()), "a guardian has no part of the fees: {fees:?}");
    ensure!(fees.collected.iter().copied().eq(0..last), "all but the last collect: {fees:?}");
    screen.say(&format!(
        "each guardian was owed {} wei of the tickets' price, and {last} have collected it",
        fees.owed[last]
    ));
    screen.say("the last one is a contract that takes no ether: it has held up neither sales nor the others");
    Ok(())
}

/// Why `--once` gave up, in one line.
fn unfinished(view: &View, bound: u64) -> eyre::Report {
    let down = view.guardians.iter().filter(|(_, page)| page.is_none()).count();
    let leaving = view.validators.iter().filter(|v| v.status != "active_ongoing").count();
    eyre!(
        "not done after {bound} s: finalized epoch {}, {down} guardians down, {} reports and {} orders accepted, {leaving} \
         validators leaving; the logs are in the devnet's folder",
        view.finalized,
        view.reports,
        view.orders
    )
}
