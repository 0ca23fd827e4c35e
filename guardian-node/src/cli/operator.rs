//! `guardian hold`, `release`, `veto`, `forbid`, `reload`: what an operator says to the node while it runs.

use super::{arguments::ConfigArgument, output};
use crate::{
    config::Config,
    driver,
    hint::Hinted,
    operator::{self, Request},
};
use alloy_primitives::B256;
use clap::Args;
use eyre::Result;
use guardian_protocol::DutyKind;
use std::time::Duration;

/// Arguments of `guardian hold`.
#[derive(Debug, Args)]
pub(super) struct Hold {
    /// Which kind of duty, such as ejection
    #[arg(long, value_parser = kind)]
    kind: DutyKind,
    /// For how long, such as 2h; left out: until `guardian release`
    #[arg(long = "for", value_parser = humantime::parse_duration)]
    patience: Option<Duration>,
    /// Why, for whoever reads the status
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    config: ConfigArgument,
}

/// Arguments of `guardian release`.
#[derive(Debug, Args)]
pub(super) struct Release {
    /// A duty that is beyond a limit: its digest, as in the log and in `/status`
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    digest: Option<B256>,
    /// Which kind of duty is held, such as ejection
    #[arg(long, value_parser = kind)]
    kind: Option<DutyKind>,
    #[command(flatten)]
    config: ConfigArgument,
}

/// Arguments of `guardian veto`.
#[derive(Debug, Args)]
pub(super) struct Veto {
    /// The digest of the veto, as `offered` in `guardian status` shows it: it names the proposal, the contract and the chain
    digest: B256,
    #[command(flatten)]
    config: ConfigArgument,
}

/// Arguments of `guardian forbid`.
#[derive(Debug, Args)]
pub(super) struct Forbid {
    /// The digest, as in the log and in `/status`
    digest: B256,
    #[command(flatten)]
    config: ConfigArgument,
}

/// Arguments of `guardian reload`.
#[derive(Debug, Args)]
pub(super) struct ReloadCommand {
    #[command(flatten)]
    config: ConfigArgument,
}

impl Hold {
    pub(super) fn run(self) -> Result<()> {
        let until = self.patience.map(|patience| driver::now().after(patience));
        tell(&self.config, &Request::Hold { kind: self.kind, until, reason: self.reason })
    }
}

impl Release {
    pub(super) fn run(self) -> Result<()> {
        let of_kind = self.kind.map(|kind| Request::Release { kind });
        let request = of_kind.or_else(|| self.digest.map(|digest| Request::ReleaseDuty { digest }));
        // One of them is there: the command line demands it.
        request.map_or(Ok(()), |request| tell(&self.config, &request))
    }
}

impl Veto {
    pub(super) fn run(self) -> Result<()> {
        tell(&self.config, &Request::Veto { digest: self.digest })
    }
}

impl Forbid {
    pub(super) fn run(self) -> Result<()> {
        tell(&self.config, &Request::Forbid { digest: self.digest })
    }
}

impl ReloadCommand {
    pub(super) fn run(self) -> Result<()> {
        tell(&self.config, &Request::Reload)
    }
}

/// Asks the running node, and says what it answers.
fn tell(config: &ConfigArgument, request: &Request) -> Result<()> {
    output::data(&ask(config, request)?);
    Ok(())
}

/// What the running node answers.
pub(super) fn ask(config: &ConfigArgument, request: &Request) -> Result<String> {
    let data_dir = Config::load(&config.config)?.guardian.data_dir;
    let answer = operator::ask(&data_dir, request)?.ok_or_else(|| {
        Hinted::new(
            format!("no node runs with the store {}", data_dir.display()),
            "this is for a running node: start it with `guardian run`, or name its configuration with --config",
        )
    })?;
    Ok(answer)
}

fn kind(text: &str) -> Result<DutyKind, String> {
    let kinds = || DutyKind::ALL.map(DutyKind::as_str).join(", ");
    let kind = DutyKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    kind.ok_or_else(|| format!("there is no such kind of duty; the kinds are {}", kinds()))
}
