//! `guardian report`: why a duty says what it says, and whether it follows from what it was decided from. Needs no running node.

mod explain;
mod replay;

use clap::Subcommand;
use eyre::Result;

/// Subcommands of `guardian report`.
#[derive(Debug, Subcommand)]
pub(super) enum Report {
    /// Say why a duty says what it says: of every validator, why it was selected or not
    Explain(explain::Explain),
    /// Decide a duty again from its dossier, without any network, and compare the digests
    Replay(replay::Replay),
}

impl Report {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Explain(command) => command.run(),
            Self::Replay(command) => command.run(),
        }
    }
}
