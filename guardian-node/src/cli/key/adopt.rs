//! `guardian key adopt`: another committee file for the same key and the same shares, such as after a repair with a new identity, or with new
//! addresses.

use crate::{
    activation::{Activation, Place},
    cli::{
        arguments::{ConfigArgument, SealArguments},
        output,
    },
    committee::CommitteeFile,
    config::Config,
    hint::Hinted,
    keys::KeyFiles,
    shares::Shares,
};
use clap::Args;
use eyre::Result;
use std::path::PathBuf;

/// Arguments of `guardian key adopt`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Adopt {
    #[command(flatten)]
    config: ConfigArgument,
    /// The new committee file
    #[arg(long)]
    committee: PathBuf,
    #[command(flatten)]
    seal: SealArguments,
}

impl Adopt {
    pub(super) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        let keys = KeyFiles::of(&config)?;
        let path = &config.guardian.committee;
        let (before, next) = (CommitteeFile::load(path)?, CommitteeFile::load(&self.committee)?);
        let (now, then) = (before.committee()?, next.committee()?);
        if (now.public_shares(), now.key_epoch()) != (then.public_shares(), then.key_epoch()) {
            return Err(Hinted::new(
                "the new committee file is of another key, or of other shares of it",
                "such a change needs a ceremony: `guardian key reshare` or `refresh`, or `generate` and then `rotate`",
            )
            .into());
        }
        if before.named(&config.guardian.name)?.identity != next.named(&config.guardian.name)?.identity {
            return Err(Hinted::new(
                "the new committee file has another identity for this guardian",
                "if this guardian lost its share and comes back with a new identity, use `guardian key repair`",
            )
            .into());
        }
        let share = Shares::new(&config.keys.shares, &keys).load(&now)?;
        let place = Place { committee: path, shares: &config.keys.shares, files: &keys, work: self.seal.work() };
        Activation::new(place, &next, Some(&share))?.run()?;
        output::talk("The new committee file is in force here. A running node takes it over by itself.");
        Ok(())
    }
}
