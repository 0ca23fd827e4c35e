//! Log lines, for people or for machines, on stderr.

use crate::{
    config::{LogConfig, LogFormat},
    hint::{Hinted, WithHint},
};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `RUST_LOG` wins over the configuration.
pub(crate) fn start(config: &LogConfig) -> Result<(), Hinted> {
    let advice = "write it like `info` or `info,guardian_p2p=debug`";
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(filter) => EnvFilter::try_new(filter).hint("RUST_LOG is not a log filter", advice)?,
        Err(_) => EnvFilter::try_new(&config.filter).hint("[log] filter is not a log filter", advice)?,
    };
    let colours = std::io::stderr().is_terminal();
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let started = match config.format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Hinted::new(format!("can't start logging: {error}"), "this is a defect: report it"))
}
