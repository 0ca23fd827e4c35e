//! `guardian check`: everything that can be found out before a guardian runs, one line each.

use super::output;
use crate::{
    committee::CommitteeFile,
    config::Config,
    driver,
    hint::{Hinted, WithHint},
    node,
};
use clap::Args;
use eyre::Result;
use guardian_chain::{AccountKey, Readers};
use guardian_protocol::{At, Committee, Query, Reading};
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
        let advice = "restore keys/account.sealed from your backup, or make a new one with `guardian init`";
        let address = AccountKey::from_bytes(account.expose()).hint("the account key is not valid", advice)?.address();
        output::data(&format!("ok  keys: {} validators' exit shares, account {address}", secrets.validators.len()));
        let records = node::open_store(&config)?.load().hint("can't read the store", "see the cause")?;
        output::data(&format!("ok  store: {} records", records.len()));
        let (readers, network) = Readers::connect(node::chain_config(&config)).await.hint(
            "can't connect to the chains",
            "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id",
        )?;
        output::data(&format!("ok  chain {}: genesis {}", network.chain_id, network.genesis_validators_root));
        check_group_key(&readers, &committee).await?;
        output::data("ok  contracts: the group key is ours");
        tell_offers(&readers).await;
        Ok(())
    }
}

/// What each beacon provider offers. Nothing of it is needed: what is missing is made up for, more slowly or with less proof.
async fn tell_offers(readers: &Readers) {
    for of in readers.capabilities().await {
        if of.is_silent() {
            output::data(&format!("no  beacon provider {} does not answer", of.name));
            output::data("    hint: check its url under [beacon]; the others are enough as long as none of them fails");
            continue;
        }
        let version = of.version.as_deref().unwrap_or("of unknown version");
        output::data(&format!("ok  beacon provider {}, {version}: {}", of.name, of.in_words()));
        for (what, hint) in of.hints() {
            output::data(&format!("    no {what}: hint: {hint}"));
        }
    }
}

/// Every execution provider's contracts must know this committee's key.
async fn check_group_key(readers: &Readers, committee: &Committee) -> Result<(), Hinted> {
    // A block that has a successor everywhere, so that every provider knows it.
    let a_while_ago = driver::now().0.checked_div(1_000).unwrap_or_default().saturating_sub(60);
    for (provider, answer) in readers.read(&Query::Chain(At::Time(a_while_ago))).await {
        let reading = answer.hint(
            format!("execution provider {provider} can't read the contracts"),
            "compare [contracts] with the published addresses; is the provider in sync?",
        )?;
        if let Reading::Chain(view) = reading
            && (view.key_epoch != committee.key_epoch() || view.group_key != committee.group_key())
        {
            return Err(Hinted::new(
                format!("the contracts verify against another key (key epoch {})", view.key_epoch),
                "after a rotation every guardian needs the new committee file and share; or is it another deployment?",
            ));
        }
    }
    Ok(())
}
