//! `guardian config show`: what is in force, and where each value comes from.

use super::{arguments::ConfigArgument, operator::ask, output};
use crate::{
    config::{Config, Shown},
    hint::WithHint,
    operator::Request,
};
use clap::{Args, Subcommand};
use eyre::Result;

/// Subcommands of `guardian config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every setting that is in force, without secrets, and where it comes from
    Show(Show),
}

/// Arguments of `guardian config show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    config: ConfigArgument,
    /// For machines
    #[arg(long)]
    json: bool,
    /// Those that the running node has in force, instead of those that a start would have
    #[arg(long)]
    running: bool,
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Show(command) => command.run(),
        }
    }
}

/// What the running node says.
fn running(config: &ConfigArgument) -> Result<Vec<Shown>> {
    let said = ask(config, &Request::Settings)?;
    Ok(serde_json::from_str(&said)
        .hint("the node's answer is not understood", "node and command must be of the same version")?)
}

/// Column of the origins.
const COLUMN: usize = 70;

impl Show {
    fn run(self) -> Result<()> {
        let shown = if self.running {
            running(&self.config)?
        } else {
            let (config, origins) = Config::load_with_origins(&self.config.config)?;
            config.shown(&origins)?
        };
        if self.json {
            output::data(&serde_json::to_string_pretty(&shown)?);
            return Ok(());
        }
        let mut table = "";
        for setting in &shown {
            let (of, key) = setting.setting.split_once('.').unwrap_or(("", &setting.setting));
            if of != table {
                output::data(&format!("\n[{of}]"));
                table = of;
            }
            let line = format!("{key} = {}", setting.value);
            output::data(&format!("{line:COLUMN$} # {}", setting.origin));
        }
        Ok(())
    }
}
