//! `guardian rescan`: the contracts' past is read again, by the running node, or from an empty history at the next start.

use super::{arguments::ConfigArgument, output};
use crate::{
    config::Config,
    hint::{Hinted, WithHint},
    node,
    operator::{self, Request},
};
use clap::Args;
use eyre::Result;

/// Arguments of `guardian rescan`.
#[derive(Debug, Args)]
pub(super) struct Rescan {
    /// Of a stopped node: forget all events, so that the next start reads them from start_block on
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

impl Rescan {
    pub(super) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        if !self.forget {
            let answer = operator::ask(&config.guardian.data_dir, &Request::Rescan)?.ok_or_else(|| {
                Hinted::new(
                    format!("no node runs with the store {}", config.guardian.data_dir.display()),
                    "start it with `guardian run`; or let a stopped node begin with an empty history: --forget",
                )
            })?;
            output::data(&answer);
            return Ok(());
        }
        let pages = node::open_store(&config)?.forget_events().hint("can't write the store", "see the cause")?;
        output::data(&format!("{pages} pages of events are forgotten: the next start reads them again"));
        Ok(())
    }
}
