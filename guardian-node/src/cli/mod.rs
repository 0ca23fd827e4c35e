//! The `guardian` command: data on stdout, talk on stderr, and exit codes that separate your input (1) from our fault (2); of key
//! ceremonies also somebody else's fault (3) and a stop before the end (4).

mod adopt;
mod backup;
mod ceremony;
mod check;
mod contracts;
mod devnet_keys;
mod explain;
mod fault;
mod init;
mod output;
mod pardon;
mod plan;
mod recover;
mod replay_report;
mod rotate;
mod run;
mod signals;
mod status;

pub use devnet_keys::{DevnetKeys, DevnetManifest, GuardianFiles};

use crate::{ceremony::plan_file::PurposeWord, hint};
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
    /// Deploy the contracts of a plan, or check a deployment
    #[command(subcommand)]
    Contracts(contracts::Contracts),
    /// Print what the other operators need to know of you, for a plan
    Member(plan::MemberCommand),
    /// Write the plan of a key ceremony
    Plan(plan::PlanCommand),
    /// Key ceremony: make a group key together
    Dkg(ceremony::CeremonyCommand),
    /// Key ceremony: the same key for other members or another threshold
    Reshare(ceremony::CeremonyCommand),
    /// Key ceremony: the same key and members, new shares
    Refresh(ceremony::CeremonyCommand),
    /// Key ceremony: a member gets its lost share back
    Repair(ceremony::CeremonyCommand),
    /// Get a lost share back from the identity key and a ceremony's public transcript
    Recover(recover::Recover),
    /// Put a new key in the place of the old one, on chain and here
    Rotate(rotate::Rotate),
    /// Take over another committee file for the same key
    Adopt(adopt::Adopt),
    /// Say why a duty says what it says: of every validator, why it was selected or not
    Explain(explain::Explain),
    /// Decide a duty again from its dossier, without any network, and compare the digests
    ReplayReport(replay_report::ReplayReport),
    /// Check a proof that somebody broke the rules
    Fault(fault::Fault),
    /// Let a member that was proven to cheat take part again
    Pardon(pardon::Pardon),
    /// Write everything that must not be lost into one sealed file
    Backup(backup::Backup),
    /// Unpack such a file into a new folder
    Restore(backup::Restore),
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
        let outcome = match cli.command {
            Command::Dkg(command) => return command.run(PurposeWord::Generate).await,
            Command::Reshare(command) => return command.run(PurposeWord::Reshare).await,
            Command::Refresh(command) => return command.run(PurposeWord::Refresh).await,
            Command::Repair(command) => return command.run(PurposeWord::Repair).await,
            Command::Rotate(command) => return command.run().await,
            Command::Run(command) => command.run().await,
            Command::Init(command) => command.run(),
            Command::DevnetKeys(command) => command.run(),
            Command::Status(command) => command.run().await,
            Command::Check(command) => command.run().await,
            Command::Contracts(command) => command.run().await,
            Command::Member(command) => command.run(),
            Command::Plan(command) => command.run(),
            Command::Recover(command) => command.run(),
            Command::Adopt(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::ReplayReport(command) => command.run(),
            Command::Fault(command) => command.run(),
            Command::Pardon(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
        };
        outcome.map(|()| ExitCode::SUCCESS)
    });
    // What still runs in the background now has nothing left to say.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(code) => code,
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
        None => {
            output::talk(
                "\nhint: nothing that you did should lead to this: run the command again, and report it if it comes back",
            );
            ExitCode::from(2)
        }
    }
}
