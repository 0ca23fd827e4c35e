//! Arguments that several commands share.

use clap::Args;
use guardian_crypto::seal::Work;
use std::path::PathBuf;

/// Which guardian.
#[derive(Debug, Args)]
pub(super) struct ConfigArgument {
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    pub(super) config: PathBuf,
}

/// How hard it is to try passphrases.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct SealArguments {
    /// Seal with little work: for development chains and tests only
    #[arg(long, hide = true)]
    devnet_seal: bool,
}

impl SealArguments {
    pub(super) const fn work(self) -> Work {
        if self.devnet_seal { Work::Devnet } else { Work::Operator }
    }
}
