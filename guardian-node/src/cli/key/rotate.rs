//! `guardian key rotate`

use crate::{
    ceremony::{self, Rotate as Rotation, plan_file::PlanFile},
    cli::{
        arguments::{ConfigArgument, SealArguments},
        output, signals,
    },
    config::Config,
    telemetry,
};
use clap::Args;
use eyre::Result;
use std::{path::PathBuf, process::ExitCode};

/// Arguments of `guardian key rotate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    #[command(flatten)]
    config: ConfigArgument,
    /// The plan with which the new key was made
    #[arg(long, default_value = "plan.toml")]
    plan: PathBuf,
    #[command(flatten)]
    seal: SealArguments,
}

impl Rotate {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stop = signals::stop()?;
        let config = Config::load(&self.config.config)?;
        telemetry::start(&config.log)?;
        let file = PlanFile::load(&self.plan)?;
        let rotation = Rotation { config, file, work: self.seal.work(), say: output::talk };
        if ceremony::rotate(rotation, stop).await? {
            output::talk("Done. A running node takes over the new committee by itself.");
            return Ok(ExitCode::SUCCESS);
        }
        output::talk("Stopped before the contract had the new key finally: run `guardian key rotate` again to go on.");
        Ok(ExitCode::from(4))
    }
}
