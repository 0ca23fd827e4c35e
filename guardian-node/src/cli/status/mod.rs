//! `guardian status`: what a running guardian says of itself.

mod table;

use super::{arguments::ConfigArgument, output};
use crate::{
    config::{Config, HttpConfig},
    hint::{Hinted, WithHint},
};
use clap::Args;
use eyre::Result;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use url::Url;

/// Arguments of `guardian status`.
#[derive(Debug, Args)]
pub(super) struct StatusCommand {
    /// Where the guardian shows itself, instead of where the configuration says
    #[arg(long)]
    url: Option<Url>,
    #[command(flatten)]
    config: ConfigArgument,
    /// Print the page as the node serves it, for programs
    #[arg(long)]
    json: bool,
    /// Print nothing; fail if the guardian is not ready (for health checks)
    #[arg(long)]
    quiet: bool,
}

impl StatusCommand {
    pub(super) async fn run(self) -> Result<()> {
        let url = self.url()?;
        let (status, ready) = fetch(&url).await.hint(
            format!("no guardian answers at {url}"),
            "is it running, and is that its [http] listen address? Else name it with --url, or its configuration with --config",
        )?;
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

    /// Where the node of the configuration listens; without a configuration, where nodes usually do.
    fn url(&self) -> Result<Url> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let http = match self.config.config.exists() {
            true => Config::load(&self.config.config)?.http,
            false => HttpConfig::default(),
        };
        let mut address = http.listen;
        // One that listens everywhere listens here, too.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        Ok(format!("http://{address}").parse()?)
    }
}

async fn fetch(url: &Url) -> Result<(serde_json::Value, bool)> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let status = client.get(url.join("/status")?).send().await?.error_for_status()?.json().await?;
    let ready = client.get(url.join("/readyz")?).send().await?.status().is_success();
    Ok((status, ready))
}
