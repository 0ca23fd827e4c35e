//! `guardian key generate`, `reshare`, `refresh`, `repair`: taking part in a key ceremony. `guardian key status`: looking at one.

use crate::{
    ceremony::{
        self, Ending, Run, Summary, Use, Used, all_folders,
        plan_file::{PlanFile, PurposeWord},
    },
    cli::{
        arguments::{ConfigArgument, SealArguments},
        output, signals,
    },
    config::Config,
    hint::WithHint,
    telemetry,
};
use clap::Args;
use eyre::Result;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Somebody else broke the rules.
const FAULT: u8 = 3;
/// Stopped before the ceremony was over.
const UNFINISHED: u8 = 4;

/// Arguments of the ceremonies' commands.
#[derive(Debug, Args)]
pub(in crate::cli) struct CeremonyCommand {
    #[command(flatten)]
    config: ConfigArgument,
    /// The plan, the same for every participant
    #[arg(long, default_value = "plan.toml")]
    plan: PathBuf,
    /// Go through everything and keep no key; every participant must say so
    #[arg(long)]
    rehearse: bool,
    /// Where to show metrics meanwhile; left out: where the node shows its own, unless that is taken
    #[arg(long)]
    http: Option<SocketAddr>,
    #[command(flatten)]
    seal: SealArguments,
}

impl CeremonyCommand {
    pub(super) async fn run(self, purpose: PurposeWord) -> Result<ExitCode> {
        let stop = signals::stop()?;
        let Self { config, plan, rehearse, http, seal } = self;
        let config = Config::load(&config.config)?;
        telemetry::start(&config.log)?;
        let run =
            Run { file: PlanFile::load(&plan)?, config, purpose, rehearse, http, work: seal.work(), say: output::talk };
        Ok(verdict(&ceremony::run(run, stop).await?, purpose, &plan))
    }
}

/// The last word, and the exit code.
fn verdict(ending: &Ending, purpose: PurposeWord, plan: &Path) -> ExitCode {
    let command = purpose.as_str();
    match ending {
        Ending::Done(used) => {
            output::talk(match used {
                Used::Rehearsed => "The rehearsal is over: all of it worked. Now without --rehearse.",
                Used::Used(Use::InForce) => "Done. A running node takes over the new committee by itself.",
                Used::Used(Use::Waiting) => "Done. Next, on every machine: `guardian key rotate` with the same plan.",
                Used::Used(Use::Left) => "Done. This guardian is no member any more: stop its node.",
            });
            ExitCode::SUCCESS
        }
        Ending::Interrupted(Some(_)) => {
            output::talk(&format!(
                "Stopped. The outcome is in use here; others may still need us: run `guardian key {command}` again until it ends by itself."
            ));
            ExitCode::SUCCESS
        }
        Ending::Interrupted(None) => {
            output::talk(&format!("Stopped before it was over: run `guardian key {command}` again to go on."));
            ExitCode::from(UNFINISHED)
        }
        Ending::Failed(file) => {
            output::talk(&format!(
                "The ceremony has failed for good. The proof is in {file}; anybody can check it:\n  \
                 guardian fault verify {file} --plan {plan}\n\n\
                 hint: talk to that operator. Then try again with the same plan and `attempt` one higher, with or without that member.",
                file = file.display(),
                plan = plan.display(),
            ));
            ExitCode::from(FAULT)
        }
    }
}

/// Every ceremony of this guardian in a line.
pub(super) fn status(config: &Path) -> Result<()> {
    let config = Config::load(config)?;
    let folders = all_folders(&config.guardian.data_dir)?;
    if folders.is_empty() {
        output::talk("no ceremony was run here");
    }
    for (name, folder) in folders {
        let path = folder.status();
        let line = match std::fs::read(&path) {
            Ok(bytes) => {
                let summary: Summary = serde_json::from_slice(&bytes).hint(
                    format!("{} is not a status", path.display()),
                    "it was written by another version of the node",
                )?;
                let age = crate::driver::now().0.checked_div(1_000).unwrap_or_default().saturating_sub(summary.updated);
                format!("{}  (as of {age} s ago)", summary.summary)
            }
            Err(_) => "begun".to_owned(),
        };
        output::data(&format!("{name}  {line}"));
    }
    Ok(())
}
