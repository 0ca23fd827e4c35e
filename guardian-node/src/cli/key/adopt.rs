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
    /// A member of which you have made sure, by another way than the file came, that its new identity is its own; once for each
    #[arg(long = "accept-member", value_name = "NAME")]
    accepted: Vec<String>,
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
        accept_members(&before, &next, &self.accepted)?;
        let share = Shares::new(&config.keys.shares, &keys).load(&now)?;
        let place = Place { committee: path, shares: &config.keys.shares, files: &keys, work: self.seal.work() };
        Activation::new(place, &next, Some(&share))?.run()?;
        output::talk("The new committee file is in force here. A running node takes it over by itself.");
        Ok(())
    }
}

/// Shows how the members differ, and refuses another identity for one that the operator has not named: shares that are dealt from now on are
/// encrypted to it.
fn accept_members(before: &CommitteeFile, next: &CommitteeFile, accepted: &[String]) -> Result<(), Hinted> {
    let mut unknown = Vec::new();
    for (was, is) in
        before.members.iter().filter_map(|was| Some((was, next.members.iter().find(|is| is.id == was.id)?)))
    {
        let (number, name) = (was.id, &is.name);
        if was.name != is.name {
            output::talk(&format!("member {number} is called {name}, and was called {}", was.name));
        }
        if was.addresses != is.addresses || was.ceremony_addresses != is.ceremony_addresses {
            output::talk(&format!("{name} (member {number}) has other addresses"));
        }
        if was.identity != is.identity {
            let [old, new] = [was, is].map(|entry| hex::encode(entry.identity.to_bytes()));
            output::talk(&format!("{name} (member {number}) has another identity:\n  now  {old}\n  then {new}"));
            if !accepted.contains(name) {
                unknown.push(name.clone());
            }
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = unknown.iter().map(|name| format!("--accept-member {name}")).collect();
    Err(Hinted::new(
        format!("the new committee file has another identity for {}", unknown.join(", ")),
        format!(
            "whoever holds it gets that member's shares: ask each of them, by another way than the file came, for the identity that is \
             shown as `then`; if it is theirs, add {}",
            flags.join(" ")
        ),
    ))
}
