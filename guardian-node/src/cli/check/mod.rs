//! `guardian check`: everything that can be found out before a guardian runs, or while it runs, one line each. It goes on after a fault:
//! whoever mends one should not have to come back for the next.

mod chains;
mod findings;

use crate::{committee::CommitteeFile, config::Config, hint::WithHint, node, operator, store::Store};
use clap::Args;
use eyre::Result;
use findings::Findings;
use guardian_chain::AccountKey;
use guardian_protocol::{BlsPubkey, Bounds, Contracts, Limits, Measure, Mode, ProtocolEvent, Record};
use std::{collections::BTreeSet, path::PathBuf};

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
                if count == 0 && config.guardian.mode == Mode::Act {
                    findings.no(node::NO_EXITS, node::NO_EXITS_HINT);
                }
            }
            account
        });
        tell_mode(config.guardian.mode, &findings);
        tell_limits(&config.limits.limits(), &findings);
        let records = tell_store(&config, &mut findings);
        let provisioned = validators(&records, &config.contracts());
        let known = chains::Known { committee: committee.as_ref(), account: account.as_ref(), provisioned, records };
        chains::tell(&config, known, &mut findings).await;
        Ok(findings.finish()?)
    }
}

fn tell_mode(mode: Mode, findings: &Findings) {
    findings.ok(match mode {
        Mode::Act => "mode: takes part",
        Mode::Observe => "mode: observes: no share is opened, and nothing is announced, signed or paid",
    });
}

/// What this guardian does not help with before its operator has looked.
fn tell_limits(limits: &Limits, findings: &Findings) {
    let all = |bounds: &Bounds| {
        let bound = |measure: Measure| Some(format!("{measure} {}", bounds.get(measure)?));
        Measure::ALL.into_iter().filter_map(bound).collect::<Vec<_>>().join(", ")
    };
    for (kind, hard) in limits.hard.iter() {
        let soft = limits.soft.get(kind).map(all).unwrap_or_default();
        findings.ok(&format!("limits of {kind}: soft {soft}; hard {}", all(hard)));
    }
}

/// What the store holds; one that a running node has open is read beside it.
fn tell_store(config: &Config, findings: &mut Findings) -> Vec<Record> {
    let path = &config.guardian.data_dir;
    let is_running = operator::is_running(path);
    let records = if is_running {
        Store::load_beside(path).map(Option::unwrap_or_default)
    } else {
        let Some(store) = findings.take(node::open_store(config)) else { return Vec::new() };
        store.load()
    };
    let records = findings.take(records.map_err(|error| node::store_refused("can't read the store", error)));
    let records = records.unwrap_or_default();
    let whose = if is_running { ", in use by the running node" } else { "" };
    findings.ok(&format!("store: {} records{whose}", records.len()));
    records
}

/// The validators that the configured contracts have, by the events in `records`.
fn validators(records: &[Record], contracts: &Contracts) -> BTreeSet<BlsPubkey> {
    let mut validators = BTreeSet::new();
    for record in records.iter().filter(|record| record.counts_with(contracts)) {
        let Record::Events { page, .. } = record else { continue };
        for event in &page.events {
            match event {
                ProtocolEvent::Provisioned(pubkey) => drop(validators.insert(*pubkey)),
                ProtocolEvent::Exited(pubkey) => drop(validators.remove(pubkey)),
                ProtocolEvent::Ordered { .. } => {}
            }
        }
    }
    validators
}
