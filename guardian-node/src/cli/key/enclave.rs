//! `guardian key enclave`: the key to which node operators encrypt this guardian's shares of their validators' keys.

use crate::{
    cli::{
        arguments::{ConfigArgument, SealArguments},
        output,
    },
    config::Config,
    enclave_keys::{self, EnclaveKeys},
    hint::Hinted,
    keys::KeyFiles,
};
use clap::{Args, Subcommand};
use eyre::Result;

/// Subcommands of `guardian key enclave`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Enclave {
    /// Make the key
    Make(Change),
    /// Show its public side, and those of the keys before it
    Show(ConfigArgument),
    /// Make another key in its place; the old ones are kept, and still open what was encrypted to them
    Rotate(Change),
}

/// Arguments of those that write.
#[derive(Debug, Args)]
pub(in crate::cli) struct Change {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    seal: SealArguments,
}

const NEXT: &str = "The governor of the guardian module puts it into the list (setGuardians); from then on operators encrypt to it. Make a \
                    backup now: without this key, what is encrypted to it is lost to this guardian.";

impl Enclave {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Make(change) => {
                let (config, files) = opened(&change.config)?;
                let path = enclave_keys::place(&config.keys);
                if path.exists() {
                    return Err(Hinted::new(
                        format!("there is an enclave key already: {}", path.display()),
                        "`guardian key enclave show` shows it; `rotate` makes another one, and keeps it",
                    )
                    .into());
                }
                let keys = EnclaveKeys::generate();
                files.write_enclave(&path, &keys, change.seal.work())?;
                show(&keys);
            }
            Self::Show(config) => {
                let (config, files) = opened(&config)?;
                show(&files.enclave(&enclave_keys::place(&config.keys))?);
                return Ok(());
            }
            Self::Rotate(change) => {
                let (config, files) = opened(&change.config)?;
                let path = enclave_keys::place(&config.keys);
                let keys = files.enclave(&path)?.rotated()?;
                files.replace_enclave(&path, &keys, change.seal.work())?;
                show(&keys);
            }
        }
        output::talk(NEXT);
        Ok(())
    }
}

fn opened(config: &ConfigArgument) -> Result<(Config, KeyFiles), Hinted> {
    let config = Config::load(&config.config)?;
    let files = KeyFiles::of(&config)?;
    Ok((config, files))
}

fn show(keys: &EnclaveKeys) {
    for (at, key) in keys.public().enumerate() {
        let name = if at == 0 { "enclave_key" } else { "before" };
        output::data(&format!("{name} = \"{key}\" # account {}", enclave_keys::account_of(&key)));
    }
}
