//! `make bench`: prints the table of figures and writes `.bench/results.json`.

use clap::Parser;
use eyre::Result;
use guardian_tests::{
    bench::{self, Figure},
    devnet::root,
};
use std::process::ExitCode;

/// Measures the node, each figure beside a reference.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Leave out what needs a devnet (some minutes)
    #[arg(long)]
    quick: bool,
    /// Signatures to measure
    #[arg(long, default_value_t = 200)]
    signatures: usize,
    /// Reports to wait for on the devnet
    #[arg(long, default_value_t = 8)]
    reports: usize,
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
    let mut figures: Vec<Figure> = bench::gas::measure()?;
    let signing = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    figures.extend(signing.block_on(bench::signing::measure(7, 5, arguments.signatures))?);
    drop(signing);
    if !arguments.quick {
        // Children die with the thread that started them, so this runs on the main thread alone.
        let devnet = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        figures.extend(devnet.block_on(bench::devnet::measure(arguments.reports))?);
    }
    say(&bench::table(&figures));
    let folder = root().join(".bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("results.json"), serde_json::to_string_pretty(&figures)?)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the product")]
fn say(text: &str) {
    println!("{text}");
}
