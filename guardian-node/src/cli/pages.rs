//! The pages of a running guardian, as commands ask for them. A page is taken as it comes: a newer node may be asked, too.

use super::arguments::ConfigArgument;
use crate::{
    config::{Config, HttpConfig},
    hint::{Hinted, WithHint},
};
use clap::Args;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use url::Url;

/// For a page to come. A node answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which running guardian.
#[derive(Debug, Args)]
pub(super) struct NodeArguments {
    /// Where the guardian shows itself, instead of where the configuration says
    #[arg(long)]
    url: Option<Url>,
    #[command(flatten)]
    config: ConfigArgument,
}

impl NodeArguments {
    /// The pages of the guardian that is meant: where its configuration says; without a configuration, where nodes usually show them.
    ///
    /// # Errors
    /// If the configuration is not valid.
    pub(super) fn pages(&self) -> Result<Pages, Hinted> {
        match &self.url {
            Some(url) => Pages::at(url.clone()),
            None if self.config.config.exists() => Pages::of(Config::load(&self.config.config)?.http),
            None => Pages::of(HttpConfig::default()),
        }
    }
}

/// A node's pages.
#[derive(Debug)]
pub(super) struct Pages {
    base: Url,
    client: reqwest::Client,
}

impl Pages {
    /// Those of a node on this machine with this configuration.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn of(http: HttpConfig) -> Result<Self, Hinted> {
        let mut address = http.listen;
        // One that listens everywhere listens here, too.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        let base = format!("http://{address}").parse().hint(format!("{address} is no address"), DEFECT)?;
        Self::at(base)
    }

    /// Those at `base`.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn at(base: Url) -> Result<Self, Hinted> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().hint("can't ask for pages", DEFECT)?;
        Ok(Self { base, client })
    }

    /// The page at `path`, and whether the node calls it good.
    ///
    /// # Errors
    /// If no node answers.
    pub(super) async fn text(&self, path: &str) -> Result<(bool, String), Hinted> {
        let asked = async {
            let answer = self.client.get(self.base.join(path)?).send().await?;
            let is_good = answer.status().is_success();
            Ok::<_, eyre::Report>((is_good, answer.text().await?))
        };
        asked.await.map_err(|error| self.silent(error))
    }

    /// The page at `path`, which is JSON.
    ///
    /// # Errors
    /// If no node answers, or something else than a node.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Hinted> {
        let (is_good, text) = self.text(path).await?;
        let page = serde_json::from_str(&text).ok().filter(|_| is_good);
        page.ok_or_else(|| {
            let what = format!("something at {} answers {path} otherwise than a guardian", self.base);
            Hinted::new(what, "is that its [http] listen address, and is the node as new as this program?")
        })
    }

    fn silent(&self, error: eyre::Report) -> Hinted {
        let what = format!("no guardian answers at {}", self.base);
        let advice = "is it running, and is that its [http] listen address? Else name it with --url, or its configuration with --config";
        Hinted::caused(what, advice, error)
    }
}

const DEFECT: &str = "this is a defect: report it";
