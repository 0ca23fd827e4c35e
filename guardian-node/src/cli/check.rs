//! `guardian check`: everything that can be found out before a guardian runs, one line each.

use super::output;
use crate::{committee::CommitteeFile, config::Config, hint::WithHint, node};
use clap::Args;
use eyre::Result;
use guardian_chain::Readers;
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
        output::data("ok  configuration");
        let file = CommitteeFile::load(&config.guardian.committee)?;
        let committee = file.committee()?;
        let (size, threshold) = (committee.size(), committee.threshold());
        output::data(&format!("ok  committee: {threshold} of {size}, key epoch {}", committee.key_epoch()));
        let (secrets, account) = node::secrets(&config, &file)?;
        let address = guardian_chain::address_of(account.expose())
            .hint("the account key is not valid", "restore it from your backup")?;
        output::data(&format!("ok  keys: {} validators' exit shares, account {address}", secrets.validators.len()));
        let records = node::open_store(&config)?.load().hint("can't read the store", "see the cause")?;
        output::data(&format!("ok  store: {} records", records.len()));
        let (readers, network) = Readers::connect(node::chain_config(&config)).await.hint(
            "can't connect to the chains",
            "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id",
        )?;
        output::data(&format!("ok  chain {}: genesis {}", network.chain_id, network.genesis_validators_root));
        readers.check_group_key(committee.key_epoch(), committee.group_key()).await.hint(
            "the contracts do not know this committee's key",
            "compare [contracts] with the published addresses; after a rotation every guardian needs the new committee file and share",
        )?;
        output::data("ok  contracts: the group key is ours");
        Ok(())
    }
}
