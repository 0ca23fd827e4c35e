//! `guardian check`: everything that can be found out before a guardian runs, or while it runs, one line each. It goes on after a fault:
//! whoever mends one should not have to come back for the next.

mod chains;
mod findings;

use crate::{committee::CommitteeFile, config::Config, hint::WithHint, node, operator};
use clap::Args;
use eyre::Result;
use findings::Findings;
use guardian_chain::AccountKey;
use std::path::PathBuf;

/// Arguments of `guardian check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    config: PathBuf,
}

impl Check {
    pub(super) async fn run(self) -> Result<()> {
        let config = Config::load(&self.config)?;
        let mut findings = Findings::default();
        findings.ok("configuration");
        chains::tell_urls(&config, &findings);
        let file = findings.take(CommitteeFile::load(&config.guardian.committee));
        let committee = file.as_ref().and_then(|file| findings.take(file.committee()));
        if let Some(committee) = &committee {
            let (size, threshold) = (committee.size(), committee.threshold());
            findings.ok(&format!("committee: {threshold} of {size}, key epoch {}", committee.key_epoch()));
        }
        // Without a committee nobody knows whose keys they should be.
        let secrets = file.as_ref().and_then(|file| findings.take(node::secrets(&config, file)));
        let account = secrets.map(|(secrets, account)| {
            let advice = "restore keys/account.sealed from your backup, or make a new one with `guardian init`";
            let key = AccountKey::from_bytes(account.expose()).hint("the account key is not valid", advice);
            if let Some(key) = findings.take(key) {
                let (count, address) = (secrets.validators.len(), key.address());
                findings.ok(&format!("keys: {count} validators' exit shares, account {address}"));
            }
            account
        });
        tell_store(&config, &mut findings);
        chains::tell(&config, committee.as_ref(), account.as_ref(), &mut findings).await;
        Ok(findings.finish()?)
    }
}

/// The store of a node that runs is that node's.
fn tell_store(config: &Config, findings: &mut Findings) {
    if operator::is_running(&config.guardian.data_dir) {
        return findings.ok("store: in use by the running node");
    }
    let records = node::open_store(config)
        .and_then(|store| store.load().map_err(|error| node::store_refused("can't read the store", error)));
    if let Some(records) = findings.take(records) {
        findings.ok(&format!("store: {} records", records.len()));
    }
}
