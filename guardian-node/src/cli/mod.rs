//! The `guardian` command: data on stdout, talk on stderr, and exit codes that separate your input (1) from our fault (2); of key
//! ceremonies also somebody else's fault (3) and a stop before the end (4).

mod arguments;
mod backup;
mod check;
mod config;
mod contracts;
mod dry_run;
mod fault;
mod generated;
mod init;
mod key;
mod operator;
mod output;
mod pages;
mod pardon;
mod price;
mod report;
mod rescan;
mod run;
mod signals;
mod state_file;
mod status;
mod support_bundle;
mod verify;
mod views;

use crate::{hint, memory, program};
use clap::{Parser, Subcommand};
use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

/// Watches Puffer's validators, agrees with the other guardians, signs with them, and posts to the contracts.
#[derive(Debug, Parser)]
#[command(name = "guardian", version = program::VERSION)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write an annotated configuration and make identity and account keys
    Init(init::Init),
    /// Show the configuration that is in force
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check configuration, keys, store, providers and contracts without signing anything
    Check(check::Check),
    /// Run the node
    Run(run::Run),
    /// Show what a running guardian sees, does and waits for
    Status(status::StatusCommand),
    /// Show the protocol's validators and what the rules say of each
    Validators(views::Validators),
    /// Show the latest duties, how far they are, and what they wait for
    Duties(views::Duties),
    /// Show which validators are on their way out, and how far
    Exits(views::Exits),
    /// Show the other members, how they are connected, and what there is against them
    Peers(views::Peers),
    /// Say nothing of one kind of duty for now: the running node keeps it to itself until released
    Hold(operator::Hold),
    /// End a hold, or let a duty pass the limits
    Release(operator::Release),
    /// Veto a key that shall replace the group's: this guardian signs it, and it counts when threshold operators say so
    Veto(operator::Veto),
    /// Never sign this digest, whatever comes
    Forbid(operator::Forbid),
    /// Let a member that was proven to cheat take part again
    Pardon(pardon::Pardon),
    /// Read the contracts' past again, and compare it with what was recorded
    Rescan(rescan::Rescan),
    /// Let the running node read its configuration again
    Reload(operator::ReloadCommand),
    /// Make, move and replace keys and shares, together with the other operators
    #[command(subcommand)]
    Key(key::Key),
    /// Say why a duty says what it says, or decide it again from its dossier
    #[command(subcommand)]
    Report(report::Report),
    /// Check a proof that somebody broke the rules
    Fault(fault::Fault),
    /// Check a signature, an exit, a beacon state or a proof from anybody, without keys, network or configuration
    #[command(subcommand)]
    Verify(verify::Verify),
    /// Compute the price of a validator ticket, and how well it would have been forecast
    #[command(subcommand)]
    Price(price::Price),
    /// Keep everything that must not be lost in one sealed file, or unpack it
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Write an archive for whoever helps: settings, check, pages, store and machine, without secrets
    SupportBundle(support_bundle::SupportBundle),
    /// Deploy the contracts of a plan, or check a deployment
    #[command(subcommand)]
    Contracts(contracts::Contracts),
    /// Print a script that completes commands in a shell
    Completions(generated::Completions),
    /// Write manual pages, one for each command
    Man(generated::Man),
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    if let Err(error) = memory::protect() {
        output::talk(&format!("this process may leave its keys in a core file: {error}"));
    }
    match Cli::try_parse() {
        Ok(cli) => ended(execute(cli.command)),
        Err(mistake) if mistake.use_stderr() => mistake.exit(),
        Err(asked) => {
            let text = asked.render();
            let text = if io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
            output::own_data(text.trim_end());
            ended(Ok(ExitCode::SUCCESS))
        }
    }
}

/// The exit code of a command, and of what it could not say.
fn ended(outcome: eyre::Result<ExitCode>) -> ExitCode {
    match (outcome, output::finish()) {
        (Ok(code), Ok(())) => code,
        (Ok(_), Err(lost)) => fail(&lost.into()),
        (Err(report), _) => fail(&report),
    }
}

fn execute(command: Command) -> eyre::Result<ExitCode> {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Err(eyre::Report::new(error).wrap_err("can't start the runtime")),
    };
    let outcome = runtime.block_on(async {
        let outcome = match command {
            Command::Key(command) => return command.run().await,
            Command::Init(command) => command.run().await,
            Command::Config(command) => command.run(),
            Command::Check(command) => command.run().await,
            Command::Run(command) => command.run().await,
            Command::Status(command) => command.run().await,
            Command::Validators(command) => command.run().await,
            Command::Duties(command) => command.run().await,
            Command::Exits(command) => command.run().await,
            Command::Peers(command) => command.run().await,
            Command::Hold(command) => command.run(),
            Command::Veto(command) => command.run(),
            Command::Forbid(command) => command.run(),
            Command::Release(command) => command.run(),
            Command::Rescan(command) => command.run(),
            Command::Reload(command) => command.run(),
            Command::Report(command) => command.run(),
            Command::Fault(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Pardon(command) => command.run(),
            Command::Price(command) => command.run().await,
            Command::Backup(command) => command.run(),
            Command::SupportBundle(command) => command.run().await,
            Command::Contracts(command) => command.run().await,
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        };
        outcome.map(|()| ExitCode::SUCCESS)
    });
    // What still runs in the background now has nothing left to say.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

fn fail(report: &eyre::Report) -> ExitCode {
    let indented = |text: &dyn std::fmt::Display| output::indented(&text.to_string());
    output::talk(&format!("error: {}", indented(report)));
    for cause in report.chain().skip(1) {
        output::talk(&format!("  caused by: {}", indented(&cause)));
    }
    match hint::advice(report) {
        Some(advice) => {
            output::talk(&format!("\nhint: {}", indented(&advice)));
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
