//! `guardian run`

use crate::{config::Config, node, telemetry};
use clap::Args;
use eyre::Result;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Arguments of `guardian run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    config: PathBuf,
}

impl Run {
    pub(super) async fn run(self) -> Result<()> {
        // First of all: a stop that comes while we are still starting must not be lost.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = CancellationToken::new();
        let token = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
                _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
            }
            token.cancel();
        });
        let config = Config::load(&self.config)?;
        telemetry::start(&config.log)?;
        tokio::select! {
            // Before everything runs there is nothing to stop in order.
            biased;
            outcome = node::run(config, stop.clone()) => outcome,
        }
    }
}
