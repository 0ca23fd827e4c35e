//! `make bench`: prints the tables of figures and writes `.bench/results.json` and `.bench/signing.json`.

use clap::{Parser, ValueEnum};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_tests::{
    bench::{
        self, Figure,
        beacon::soak::Soak,
        signing::{self, Case, Fault, Transport},
    },
    devnet::root,
};
use serde::Serialize;
use std::{process::ExitCode, time::Duration};

/// Measures the node, each figure beside a reference.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Leave out what needs a devnet (some minutes)
    #[arg(long)]
    quick: bool,
    /// Measure only these parts
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Signatures to measure in small committees; a part of it in large ones and with faults
    #[arg(long, default_value_t = 100)]
    signatures: usize,
    /// Exits to measure; the figures are for 10,000
    #[arg(long, default_value_t = 10_000)]
    exits: u64,
    /// Reports to wait for on the devnet
    #[arg(long, default_value_t = 8)]
    reports: usize,
    /// Measure only such signatures and write nothing: members, threshold, fault, round trip in ms, transport; such as
    /// `7,5,none,100,quic`
    #[arg(long, value_parser = case)]
    case: Vec<Case>,
    /// Sizes of the beacon chain's registry to measure
    #[arg(long, value_delimiter = ',', default_values_t = bench::beacon::SIZES)]
    validators: Vec<u64>,
    /// How long to observe a large network, for `--only soak`
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How many gigabytes of states one provider may be asked for in an hour, for `--only soak`
    #[arg(long, default_value_t = 20)]
    budget_gb: u64,
    /// Blocks of the first history; the figures are for 6,800,000
    #[arg(long, default_value_t = bench::history::BLOCKS)]
    history_blocks: u64,
    /// For the processes that this one starts: a beacon and an execution node whose history to read
    #[arg(long, hide = true)]
    history_urls: Option<String>,
    /// For the processes that this one starts: which servers to observe
    #[arg(long, hide = true)]
    soak_urls: Option<String>,
    /// For the processes that this one starts: what one of them measures
    #[arg(long, hide = true, requires = "beacon_url")]
    beacon_case: Option<String>,
    /// And against which servers
    #[arg(long, hide = true)]
    beacon_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Of the contracts
    Gas,
    /// Over libp2p, in committees of all sizes, with faults
    Signing,
    /// Ten thousand voluntary exits
    Exits,
    /// A million paths for each of 30 cells of operators' returns
    Price,
    /// Key generation between processes
    Keys,
    /// Beacon states at mainnet's size
    Beacon,
    /// Finality to announcement, with one provider in trouble
    Announce,
    /// The contracts' first history
    History,
    /// A member that comes back while strangers flood its port
    Reconnect,
    /// On a devnet
    Devnet,
    /// Half an hour beside a beacon chain of 2.2 million validators; only if asked for
    Soak,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            say(&format!("error: {report:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if !arguments.case.is_empty() {
        return cases(arguments);
    }
    if let Some(urls) = &arguments.history_urls {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let measured = runtime.block_on(bench::history::read(arguments.history_blocks, urls))?;
        say(&serde_json::to_string(&measured)?);
        return Ok(());
    }
    if let (Some(case), Some(urls)) = (&arguments.beacon_case, &arguments.beacon_url) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let measured = runtime.block_on(bench::beacon::case::measure(case, urls))?;
        say(&serde_json::to_string(&measured)?);
        return Ok(());
    }
    if arguments.only.contains(&Part::Soak) || arguments.soak_urls.is_some() {
        return soak(arguments);
    }
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut figures: Vec<Figure> = Vec::new();
    if wanted(Part::Gas) {
        figures.extend(bench::gas::measure()?);
    }
    if wanted(Part::Exits) {
        figures.extend(bench::exits::measure(arguments.exits)?);
    }
    if wanted(Part::Price) {
        figures.extend(bench::price::measure(say)?);
    }
    if wanted(Part::Signing) {
        say(&signing::table(&[]));
        let (of_signing, outcomes) = signing::figures(arguments.signatures, |outcome| say(&outcome.to_string()))?;
        figures.extend(of_signing);
        write("signing.json", &outcomes)?;
    }
    if wanted(Part::Beacon) {
        let runtime = tokio::runtime::Runtime::new()?;
        figures.extend(runtime.block_on(bench::beacon::measure(&arguments.validators, say))?);
    }
    if wanted(Part::Announce) {
        let runtime = tokio::runtime::Runtime::new()?;
        figures.extend(runtime.block_on(bench::announce::measure(say))?);
    }
    if wanted(Part::History) {
        let runtime = tokio::runtime::Runtime::new()?;
        figures.extend(runtime.block_on(bench::history::measure(arguments.history_blocks, say))?);
    }
    if wanted(Part::Reconnect) {
        let runtime = tokio::runtime::Runtime::new()?;
        figures.extend(runtime.block_on(bench::reconnect::measure(say))?);
    }
    // Children die with the thread that started them, so this runs on the main thread alone.
    let processes = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if wanted(Part::Keys) {
        figures.extend(processes.block_on(bench::dkg::measure())?);
    }
    if wanted(Part::Devnet) && !arguments.quick {
        figures.extend(processes.block_on(bench::devnet::measure(arguments.reports))?);
    }
    say(&bench::table(&figures));
    write("results.json", &figures)
}

fn soak(arguments: &Arguments) -> Result<()> {
    let soak = Soak {
        // One size: that of mainnet's registry, unless another one is named.
        validators: match arguments.validators.as_slice() {
            [one] => *one,
            _ => 2_200_000,
        },
        duration: Duration::from_secs(60 * arguments.minutes),
        epoch: Duration::from_secs(12),
        budget: arguments.budget_gb * 1_000_000_000,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match &arguments.soak_urls {
            Some(urls) => bench::beacon::soak::observe(urls, soak, say).await,
            None => bench::beacon::soak::serve(soak, say).await,
        }
    })
}

fn cases(arguments: &Arguments) -> Result<()> {
    say(&signing::table(&[]));
    for case in &arguments.case {
        let case = Case { signatures: arguments.signatures, ..*case };
        say(&signing::measure(case)?.to_string());
    }
    Ok(())
}

fn case(text: &str) -> Result<Case> {
    let parts: Vec<&str> = text.split(',').collect();
    let &[members, threshold, fault, round_trip, transport] = parts.as_slice() else {
        return Err(eyre!("not five parts"));
    };
    let (members, threshold) = (members.parse().wrap_err("members")?, threshold.parse().wrap_err("threshold")?);
    ensure!(threshold > 0 && threshold <= members, "the threshold is not one of such a committee");
    let fault = Fault::ALL.into_iter().find(|known| known.as_str() == fault).ok_or_else(|| eyre!("no such fault"))?;
    let transport = [Transport::Tcp, Transport::Quic].into_iter().find(|known| known.to_string() == transport);
    let transport = transport.ok_or_else(|| eyre!("neither tcp nor quic"))?;
    let round_trip = Duration::from_millis(round_trip.parse().wrap_err("round trip")?);
    Ok(Case { members, threshold, fault, round_trip, transport, signatures: 0 })
}

fn write(name: &str, value: &impl Serialize) -> Result<()> {
    let folder = root().join(".bench");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join(name), serde_json::to_string_pretty(value)?)?)
}

fn say(text: &str) {
    println!("{text}");
}
