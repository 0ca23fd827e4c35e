//! `guardian key recover`: a lost share from nothing but the identity key and a ceremony's public transcript.

use crate::{
    ceremony::{Outcome, Participation, Use, plan_file::PlanFile, put_to_use},
    cli::{
        arguments::{ConfigArgument, SealArguments},
        output,
    },
    config::Config,
    hint::WithHint,
    keys::KeyFiles,
    observers::proofs::read_public,
};
use clap::Args;
use eyre::Result;
use guardian_protocol::ceremony::{Transcript, recover};
use std::path::PathBuf;

/// Arguments of `guardian key recover`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Recover {
    #[command(flatten)]
    config: ConfigArgument,
    /// The plan of the ceremony that made the share
    #[arg(long)]
    plan: PathBuf,
    /// Its transcript: every participant has the same, in data_dir/ceremonies
    #[arg(long)]
    transcript: PathBuf,
    #[command(flatten)]
    seal: SealArguments,
}

impl Recover {
    pub(super) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        let file = PlanFile::load(&self.plan)?;
        let keys = KeyFiles::of(&config)?;
        let Participation { plan, me, identity, .. } = Participation::of(&config, &file, &keys, false)?;
        let bytes = read_public(&self.transcript)?;
        let advice = "get plan.toml and transcript from another member's data_dir/ceremonies: of the same ceremony, the last one that \
                      changed the shares";
        let transcript = Transcript::decode(&bytes).hint("this is not a transcript", advice)?;
        let public = transcript.verify(&plan).hint("the transcript does not hold", advice)?;
        let share = recover(&plan, &identity, &transcript).hint("the share can't be recovered", advice)?;
        let outcome =
            Outcome { file: &file, plan: &plan, me, public: &public, share: Some(&share), transcript: &transcript };
        output::talk(match put_to_use(&config, &keys, &outcome, self.seal.work())? {
            Use::Waiting => {
                "The share is back. Its key replaces another one on chain: `guardian key rotate` puts it in force."
            }
            Use::InForce | Use::Left => "The share is back, and the committee is in force here.",
        });
        Ok(())
    }
}
