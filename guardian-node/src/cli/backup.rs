//! `guardian backup create` and `guardian backup restore`

use super::{
    arguments::{ConfigArgument, SealArguments},
    output,
};
use crate::{backup, passphrase};
use clap::{Args, Subcommand};
use eyre::Result;
use std::path::PathBuf;

/// Subcommands of `guardian backup`.
#[derive(Debug, Subcommand)]
pub(super) enum Backup {
    /// Write everything that must not be lost into one sealed file
    Create(Create),
    /// Unpack such a file into a new folder
    Restore(Restore),
}

impl Backup {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Create(command) => command.run(),
            Self::Restore(command) => command.run(),
        }
    }
}

/// Arguments of `guardian backup create`.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    config: ConfigArgument,
    /// The file to write
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    seal: SealArguments,
}

impl Create {
    fn run(self) -> Result<()> {
        let archive = backup::back_up(&self.config.config, &self.out, self.seal.work())?;
        output::talk(&format!(
            "Wrote {} files to {}, sealed with the passphrase of the keys. Keep that passphrase elsewhere: without it the file is worth \
             nothing. Nothing of the store is in it. Write a new one after every ceremony.",
            archive.files.len().saturating_add(1),
            self.out.display(),
        ));
        Ok(())
    }
}

/// Arguments of `guardian backup restore`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The file that `guardian backup create` wrote
    #[arg(long)]
    from: PathBuf,
    /// The new folder
    #[arg(long)]
    dir: PathBuf,
    /// A file with the passphrase of the guardian's keys
    #[arg(long)]
    passphrase_file: PathBuf,
}

impl Restore {
    fn run(self) -> Result<()> {
        let passphrase = passphrase::of_file(&self.passphrase_file)?;
        let restored = backup::restore(&self.from, &self.dir, passphrase)?;
        for (before, now) in &restored.moved {
            output::talk(&format!("{} is now {} in the new folder", before.display(), now.display()));
        }
        let config = restored.config.display();
        output::talk(&format!(
            "Restored `{}`. Its store is empty: the node waits until signing is safe again, one epoch as a rule.\n\
             Before you start it: the old machine must never run again with these keys. Then:\n  \
             guardian check --config {config}\n  guardian run --config {config}",
            restored.name,
        ));
        Ok(())
    }
}
