//! `guardian verify registration`: what is wrong with a registration by itself, by the rules that guardians have for it.

use super::{
    facts::{Facts, Form},
    fixed,
    networks::Network,
};
use crate::{
    cli::key::exits::call_data,
    hint::{Hinted, WithHint},
};
use clap::Args;
use eyre::Result;
use guardian_protocol::RegistrationTerms;
use std::path::PathBuf;

/// Arguments of `guardian verify registration`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Registration {
    /// The call data of registerValidatorKey, in hex
    file: PathBuf,
    /// The module's withdrawal credentials: 32 bytes (`getPayload` of PufferProtocol says them, and the two numbers)
    #[arg(long, value_parser = fixed::<32>)]
    credentials: [u8; 32],
    /// How many guardians are on the module's list
    #[arg(long)]
    guardians: usize,
    /// How many shares must make the key
    #[arg(long)]
    threshold: usize,
    /// A public network
    #[arg(long, value_enum, required_unless_present = "genesis_fork_version")]
    network: Option<Network>,
    /// Of any chain: the version of its first fork, for which deposits are signed
    #[arg(long, value_parser = fixed::<4>, conflicts_with = "network")]
    genesis_fork_version: Option<[u8; 4]>,
    #[command(flatten)]
    form: Form,
}

impl Registration {
    pub(super) fn run(self) -> Result<()> {
        let registration = guardian_chain::registration(&call_data(&self.file)?).hint(
            format!("{} does not hold a registration", self.file.display()),
            "pass the input of the transaction that called registerValidatorKey, in hex; of a call through another contract, that call's",
        )?;
        let of_network = self.network.map(Network::genesis_fork_version);
        let genesis_fork_version = self.genesis_fork_version.or(of_network).ok_or_else(|| {
            Hinted::new("a deposit is signed for one chain alone", "pass --network, or --genesis-fork-version")
        })?;
        let flaws = registration.flaws(&RegistrationTerms {
            withdrawal_credentials: self.credentials.into(),
            genesis_fork_version,
            guardians: self.guardians,
            threshold: self.threshold,
        });
        let said: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        let mut facts = Facts::default();
        facts.add("pubkey", registration.pubkey)?;
        facts.add("module", registration.module)?;
        facts.add("shares", registration.shares.len())?;
        facts.add("flaws", &said)?;
        let outcome = if said.is_empty() {
            Ok(())
        } else {
            Err(Hinted::new(
                format!("this registration has flaws: {}", said.join("; ")),
                "no stake must move for it: its operator has to register the validator again, with what the protocol's payload says now",
            ))
        };
        facts.conclude(self.form, Some(outcome))
    }
}
