//! `guardian key`: everything that makes, moves or replaces keys and shares, mostly together with other operators.

mod adopt;
mod ceremony;
mod enclave;
pub(in crate::cli) mod exits;
mod plan;
mod recover;
mod rotate;

use super::arguments::ConfigArgument;
use crate::ceremony::plan_file::PurposeWord;
use clap::Subcommand;
use eyre::Result;
use std::process::ExitCode;

/// Subcommands of `guardian key`.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Print what the other operators need to know of you, for a plan
    Member(plan::MemberCommand),
    /// Write the plan of a key ceremony
    Plan(plan::PlanCommand),
    /// Key ceremony: make a group key together
    Generate(ceremony::CeremonyCommand),
    /// Key ceremony: the same key for other members or another threshold
    Reshare(ceremony::CeremonyCommand),
    /// Key ceremony: the same key and members, new shares
    Refresh(ceremony::CeremonyCommand),
    /// Key ceremony: a member gets its lost share back
    Repair(ceremony::CeremonyCommand),
    /// Show where the ceremonies of this guardian stand, and who is waited for
    Status(ConfigArgument),
    /// Get a lost share back from the identity key and a ceremony's public transcript
    Recover(recover::Recover),
    /// Put a new key in the place of the old one, on chain and here
    Rotate(rotate::Rotate),
    /// Take over another committee file for the same key
    Adopt(adopt::Adopt),
    /// The key to which node operators encrypt shares of their validators' keys
    #[command(subcommand)]
    Enclave(enclave::Enclave),
    /// The shares of validators' keys that are here
    #[command(subcommand)]
    Exits(exits::Exits),
}

impl Key {
    pub(super) async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Generate(command) => return command.run(PurposeWord::Generate).await,
            Self::Reshare(command) => return command.run(PurposeWord::Reshare).await,
            Self::Refresh(command) => return command.run(PurposeWord::Refresh).await,
            Self::Repair(command) => return command.run(PurposeWord::Repair).await,
            Self::Rotate(command) => return command.run().await,
            Self::Member(command) => command.run(),
            Self::Plan(command) => command.run(),
            Self::Status(command) => ceremony::status(&command.config),
            Self::Recover(command) => command.run(),
            Self::Adopt(command) => command.run(),
            Self::Enclave(command) => command.run(),
            Self::Exits(command) => command.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
