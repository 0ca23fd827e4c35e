//! The `guardian` command: data on stdout, talk on stderr, and exit codes that separate your input (1) from our fault (2).

mod check;
mod devnet_keys;
mod init;
mod output;
mod run;
mod status;

pub use devnet_keys::{DevnetKeys, DevnetManifest, GuardianFiles};

use crate::hint;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Watches Puffer's validators, agrees with the other guardians, signs with them, and posts to the contracts.
#[derive(Debug, Parser)]
#[command(name = "guardian", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the node
    Run(run::Run),
    /// Write an annotated configuration and make identity and account keys
    Init(init::Init),
    /// Make keys of a whole committee for a development chain: one machine knows them all
    DevnetKeys(DevnetKeys),
    /// Show what a running guardian sees, does and waits for
    Status(status::StatusCommand),
    /// Check configuration, keys, store, providers and contracts without signing anything
    Check(check::Check),
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&eyre::Report::new(error).wrap_err("can't start the runtime")),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Run(command) => command.run().await,
            Command::Init(command) => command.run(),
            Command::DevnetKeys(command) => command.run(),
            Command::Status(command) => command.run().await,
            Command::Check(command) => command.run().await,
        }
    });
    // What still runs in the background now has nothing left to say.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => fail(&report),
    }
}

fn fail(report: &eyre::Report) -> ExitCode {
    output::talk(&format!("error: {report}"));
    for cause in report.chain().skip(1) {
        output::talk(&format!("  caused by: {cause}"));
    }
    match hint::advice(report) {
        Some(advice) => {
            output::talk(&format!("\nhint: {advice}"));
            ExitCode::from(1)
        }
        None => ExitCode::from(2),
    }
}
