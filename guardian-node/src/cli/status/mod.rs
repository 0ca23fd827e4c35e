//! `guardian status`: what a running guardian says of itself.

mod table;

pub(super) use table::version;

use super::{output, pages::NodeArguments};
use crate::hint::Hinted;
use clap::Args;
use eyre::Result;

/// Arguments of `guardian status`.
#[derive(Debug, Args)]
pub(super) struct StatusCommand {
    #[command(flatten)]
    node: NodeArguments,
    /// Print the page as the node serves it, for programs
    #[arg(long)]
    json: bool,
    /// Print nothing; fail if the guardian is not ready (for health checks)
    #[arg(long)]
    quiet: bool,
}

impl StatusCommand {
    pub(super) async fn run(self) -> Result<()> {
        let pages = self.node.pages()?;
        let status = pages.json("/status").await?;
        let (ready, _) = pages.text("/readyz").await?;
        match (self.quiet, self.json) {
            (true, _) => {}
            (false, true) => output::data(&serde_json::to_string_pretty(&status)?),
            (false, false) => table::lines(&status).iter().for_each(|line| output::data(line)),
        }
        if !ready {
            let reasons = status.get("not_ready").map(ToString::to_string).unwrap_or_default();
            let advice = "docs/operating.md says what to do for each reason";
            return Err(Hinted::new(format!("the guardian is not ready: {reasons}"), advice).into());
        }
        Ok(())
    }
}
