//! `guardian run`

use super::{dry_run, signals};
use crate::{committee_watch::CommitteeWatch, config::Config, node, operator::Reload, telemetry};
use clap::Args;
use eyre::Result;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `guardian run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    config: PathBuf,
    /// Load everything and look at the chains once, say what would happen, and take part in nothing
    #[arg(long)]
    dry_run: bool,
}

impl Run {
    pub(super) async fn run(self) -> Result<()> {
        let stop = signals::stop()?;
        let hangups = signals::hangups()?;
        let (config, origins) = Config::load_with_origins(&self.config)?;
        config.require_contracts()?;
        if self.dry_run {
            return Ok(dry_run::tell(&config).await?);
        }
        let log = telemetry::start(&config.log)?;
        let mut committee = CommitteeWatch::load(&config)?;
        let reload = Reload::new(self.config, (config, origins), log, hangups);
        loop {
            // What was taken over since the start stays.
            let config = reload.config().await;
            let round = stop.child_token();
            let running = async {
                let outcome = node::run(config.clone(), committee.file.clone(), reload.clone(), round.clone()).await;
                round.cancel();
                outcome
            };
            let (outcome, next) = tokio::join!(running, replaced(&committee, &config, &round));
            outcome?;
            match next {
                Some(next) if !stop.is_cancelled() => committee = next,
                _ => return Ok(()),
            }
        }
    }
}

/// Ends `round` when the committee file was replaced, and returns the new one; or `None` if the round ends by itself.
async fn replaced(committee: &CommitteeWatch, config: &Config, round: &CancellationToken) -> Option<CommitteeWatch> {
    tokio::select! {
        () = round.cancelled() => None,
        next = committee.replacement(config) => {
            tracing::info!(key_epoch = next.file.key_epoch.0, "another committee: stopping, to start anew with it");
            round.cancel();
            Some(next)
        }
    }
}
