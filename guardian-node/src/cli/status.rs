//! `guardian status`: what a running guardian says of itself.

use super::output;
use crate::hint::{Hinted, WithHint};
use clap::Args;
use eyre::Result;
use std::time::Duration;
use url::Url;

/// Arguments of `guardian status`.
#[derive(Debug, Args)]
pub(super) struct StatusCommand {
    /// Where the guardian shows itself
    #[arg(long, default_value = "http://127.0.0.1:9100")]
    url: Url,
    /// Print nothing; fail if the guardian is not ready (for health checks)
    #[arg(long)]
    quiet: bool,
}

impl StatusCommand {
    pub(super) async fn run(self) -> Result<()> {
        let (status, ready) = self.fetch().await.hint(
            format!("no guardian answers at {}", self.url),
            "is it running, and is --url its [http] listen address?",
        )?;
        if !self.quiet {
            output::data(&serde_json::to_string_pretty(&status)?);
        }
        if !ready {
            let reasons = status.get("not_ready").map(ToString::to_string).unwrap_or_default();
            let advice = "docs/operating.md says what to do for each reason";
            return Err(Hinted::new(format!("the guardian is not ready: {reasons}"), advice).into());
        }
        Ok(())
    }

    async fn fetch(&self) -> Result<(serde_json::Value, bool)> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        let status = client.get(self.url.join("/status")?).send().await?.error_for_status()?.json().await?;
        let ready = client.get(self.url.join("/readyz")?).send().await?.status().is_success();
        Ok((status, ready))
    }
}
