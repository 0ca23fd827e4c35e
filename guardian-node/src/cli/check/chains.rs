//! Everything that only the chains can tell.

use super::{account::tell_account, code::Code, contracts, findings::Findings, history, providers, stake};
use crate::{config::Config, hint::Hinted, node, store};
use guardian_chain::{Account, Readers};
use guardian_protocol::{BlsPubkey, Committee, Record};
use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

/// What is known of the guardian before the chains are asked, as far as it could be read.
pub(super) struct Known<'a> {
    pub(super) committee: Option<&'a Committee>,
    pub(super) account: Option<Account>,
    /// The protocol's validators.
    pub(super) provisioned: BTreeSet<BlsPubkey>,
    /// Of the store.
    pub(super) records: Vec<Record>,
}

/// Tells everything about the chains.
pub(super) async fn tell(config: &Config, known: Known<'_>, findings: &mut Findings) {
    let Known { committee, account, provisioned, records } = known;
    let Some(chain_config) = findings.take(Code::Configuration, node::chain_config(config)) else { return };
    let connected = Readers::connect(chain_config).await.map_err(|error| {
        let advice = error.hint();
        Hinted::caused("can't connect to the chains", advice, error)
    });
    let Some((readers, network)) = findings.take(Code::Chain, connected) else { return };
    let text = format!("chain {}: genesis {}", network.chain_id, network.genesis_validators_root);
    findings.pass(Code::Chain, &text);
    for (fork, epoch) in readers.unknown_forks() {
        findings.poor(
            Code::ForkUnknown,
            &format!("this version does not know the fork '{fork}', which begins at epoch {epoch}"),
            node::FORK_HINT,
        );
    }
    if !records.is_empty()
        && let Some(belonging) =
            findings.take(Code::StoreChain, store::compare(&records, &network, &config.contracts()))
    {
        let others = match belonging.of_other_contracts {
            0 => String::new(),
            count => format!("; {count} records are of other contracts, and history"),
        };
        findings.pass(Code::StoreChain, &format!("the store is of this chain{others}"));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seen = contracts::tell_contracts(config, &readers, (now, committee), findings).await;
    if let Some(committee) = committee {
        contracts::tell_guardian_list(&readers, committee, findings).await;
    }
    if config.contracts.start_block > 0 {
        history::tell_start(config, &readers, findings).await;
    }
    let first = history::first_unread(config, &records);
    history::tell_logs(config, &readers, (first, &seen.usable), findings).await;
    providers::tell_final_states(config, &readers, &seen.usable, findings).await;
    if let Some(account) = account {
        tell_account(config, &network, account, findings).await;
    }
    let finalized = providers::tell_beacon(config, &readers, findings).await;
    providers::tell_execution_twins(&readers, findings).await;
    if let Some(checkpoint) = &finalized {
        providers::tell_finality(now, checkpoint, &network, findings);
    }
    if let (Some(checkpoint), Some(rules), false) = (finalized, seen.reserves, provisioned.is_empty()) {
        stake::tell_foreign((&readers, &network), (checkpoint, &rules), provisioned, findings).await;
    }
}
