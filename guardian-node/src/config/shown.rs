//! A configuration as `guardian config show` tells it: each value that is in force, and where it comes from, without secrets.

use super::{
    Config, LimitsConfig,
    layers::{Origin, Origins},
};
use crate::hint::{Hinted, WithHint};
use guardian_chain::redacted;
use guardian_protocol::Limits;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use url::Url;

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Tables and key, such as `http.listen`.
    pub(crate) setting: String,
    /// What is in force. Of an address that may hold credentials, the host is left.
    pub(crate) value: Value,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

impl Config {
    /// Every value that is in force, table by table.
    ///
    /// # Errors
    /// If it can't be written, which is a defect.
    pub(crate) fn shown(&self, origins: &Origins) -> Result<Vec<Shown>, Hinted> {
        let mut config = self.clone();
        let quorum = config.quorum();
        (config.beacon.quorum, config.execution.quorum) = (Some(quorum.beacon), Some(quorum.execution));
        config.keys.exits = Some(config.keys.exit_shares());
        let Limits { soft_wait, soft, hard } = config.limits.limits();
        config.limits = LimitsConfig { soft_wait, soft, hard };
        for provider in config.beacon.providers.iter_mut().chain(&mut config.execution.providers) {
            provider.url = provider.url.take().and_then(|url| without_secrets(&url));
        }
        config.account.web3signer = config.account.web3signer.take().and_then(|url| without_secrets(&url));
        config.account.aws_kms_endpoint = config.account.aws_kms_endpoint.take().and_then(|url| without_secrets(&url));
        // Arguments may be secrets.
        if let Some([_, arguments @ ..]) = config.keys.passphrase_command.as_deref_mut() {
            arguments.iter_mut().for_each(|argument| *argument = "***".to_owned());
        }
        let table = Table::try_from(&config).hint("can't show the configuration", "this is a defect: report it")?;
        let mut shown = Vec::new();
        flatten(table, "", origins, &mut shown);
        Ok(shown)
    }
}

fn without_secrets(url: &Url) -> Option<Url> {
    redacted(url).parse().ok()
}

/// Plain values come before tables, as in a file.
fn flatten(table: Table, prefix: &str, origins: &Origins, shown: &mut Vec<Shown>) {
    let (tables, plain): (Vec<_>, Vec<_>) = table.into_iter().partition(|(_, value)| value.is_table());
    for (key, value) in plain {
        let setting = format!("{prefix}{key}");
        let origin = origins.get(&setting).copied().unwrap_or(Origin::Default);
        shown.push(Shown { setting, value, origin });
    }
    for (key, value) in tables {
        if let Value::Table(inner) = value {
            flatten(inner, &format!("{prefix}{key}."), origins, shown);
        }
    }
}
