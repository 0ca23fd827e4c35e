//! `guardian check`: everything that can be found out before a guardian runs, or while it runs, each with a grade, a reason code and what
//! to do. It goes on after a failure: whoever mends one should not have to come back for the next.

mod account;
mod chains;
mod code;
mod contracts;
mod disk;
mod files;
mod findings;
mod history;
mod members;
mod ports;
mod providers;
mod stake;
mod versions;

use crate::{
    committee::CommitteeFile,
    config::{Config, Origins},
    node, operator,
    store::Store,
};
use clap::Args;
use code::Code;
use eyre::Result;
use findings::Findings;
use guardian_chain::Account;
use guardian_protocol::{
    BlsPubkey, Bounds, Committee, Contracts, Limits, Measure, Mode, ProtocolEvent, Record, Secrets,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Arguments of `guardian check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    config: PathBuf,
    /// Print one JSON document instead of a line for each finding
    #[arg(long)]
    json: bool,
    /// Fail also if something is poor or unknown, not only if something keeps the guardian from its work
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) async fn run(self) -> Result<()> {
        let mut findings = Findings::new(self.json);
        if let Some(loaded) = findings.take(Code::Configuration, Config::load_with_origins(&self.config)) {
            examine(&self.config, &loaded, &mut findings).await;
        }
        Ok(findings.finish(self.strict)?)
    }
}

/// What a check of a configuration at `path` finds, as `guardian check --json` prints it.
pub(super) async fn document(path: &Path, loaded: &(Config, Origins)) -> String {
    let mut findings = Findings::new(true);
    examine(path, loaded, &mut findings).await;
    findings.document()
}

async fn examine(path: &Path, (config, origins): &(Config, Origins), findings: &mut Findings) {
    findings.pass(Code::Configuration, "configuration");
    providers::tell_few(config, findings);
    providers::tell_urls(config, findings);
    let file = findings.take(Code::Committee, CommitteeFile::load(&config.guardian.committee));
    let committee = file.as_ref().and_then(|file| findings.take(Code::Committee, file.committee()));
    if let Some(committee) = &committee {
        let (size, threshold) = (committee.size(), committee.threshold());
        let text = format!("committee: {threshold} of {size}, key epoch {}", committee.key_epoch());
        findings.pass(Code::Committee, &text);
    }
    files::tell_files(config, (path, origins), findings);
    // Without a committee nobody knows whose keys they should be.
    let secrets = file.as_ref().and_then(|file| findings.take(Code::Keys, node::secrets(config, file)));
    let account = secrets.map(|(secrets, account)| {
        tell_keys(&secrets, &account, (committee.as_ref(), config.guardian.mode), findings);
        account
    });
    if let Some(account) = &account {
        account::tell_signer(config, account, findings).await;
    }
    tell_mode(config.guardian.mode, findings);
    tell_limits(&config.limits.limits(), findings);
    let is_running = operator::is_running(&config.guardian.data_dir);
    let records = tell_store(config, is_running, findings);
    disk::tell_disk(&config.guardian.data_dir, findings);
    let page = if is_running { ports::tell_page(config, findings).await } else { None };
    if !is_running {
        ports::tell_ports(config, findings);
    }
    if let Some(file) = &file {
        let connected = page.as_ref().map(members::connected);
        members::tell_members(file, &config.guardian.name, connected.as_ref(), findings).await;
        if let Some(page) = &page {
            versions::tell_versions(page, file, findings);
        }
    }
    let provisioned = validators(&records, &config.contracts());
    let known = chains::Known { committee: committee.as_ref(), account, provisioned, records };
    chains::tell(config, known, findings).await;
}

/// The keys that were opened; shares of validators' keys are good if no fewer than the committee's threshold can use them.
fn tell_keys(
    secrets: &Secrets,
    account: &Account,
    (committee, mode): (Option<&Committee>, Mode),
    findings: &mut Findings,
) {
    let (count, address) = (secrets.validators.len(), account.address());
    findings.pass(Code::Keys, &format!("keys: {count} validators' exit shares, account {address}"));
    if count == 0 && mode == Mode::Act {
        findings.poor(Code::ExitShares, node::NO_EXITS, node::NO_EXITS_HINT);
    }
    let Some(threshold) = committee.map(Committee::threshold) else { return };
    let others =
        secrets.validators.values().filter(|key| usize::from(key.commitments.threshold()) != threshold).count();
    if others > 0 {
        findings.poor(
            Code::ExitSharesThreshold,
            &format!("{others} validators' exit keys were dealt for another threshold than the committee's {threshold}"),
            "fewer holders than t may use them, or t may not be enough: their node operators deal them again, or exits go by EIP-7002",
        );
    }
}

fn tell_mode(mode: Mode, findings: &mut Findings) {
    let text = match mode {
        Mode::Act => "mode: takes part",
        Mode::Observe => "mode: observes: no share is opened, and nothing is announced, signed or paid",
    };
    findings.pass(Code::Mode, text);
}

/// What this guardian does not help with before its operator has looked.
fn tell_limits(limits: &Limits, findings: &mut Findings) {
    let all = |bounds: &Bounds| {
        let bound = |measure: Measure| Some(format!("{measure} {}", bounds.get(measure)?));
        Measure::ALL.into_iter().filter_map(bound).collect::<Vec<_>>().join(", ")
    };
    for (kind, hard) in limits.hard.iter() {
        let soft = limits.soft.get(kind).map(all).unwrap_or_default();
        findings.pass(Code::Limits, &format!("limits of {kind}: soft {soft}; hard {}", all(hard)));
    }
}

/// What the store holds; one that a running node has open is read beside it.
fn tell_store(config: &Config, is_running: bool, findings: &mut Findings) -> Vec<Record> {
    let path = &config.guardian.data_dir;
    let records = if is_running {
        Store::load_beside(path).map(Option::unwrap_or_default)
    } else {
        let Some(store) = findings.take(Code::Store, node::open_store(config)) else { return Vec::new() };
        store.load()
    };
    let records =
        findings.take(Code::Store, records.map_err(|error| node::store_refused("can't read the store", error)));
    let records = records.unwrap_or_default();
    let whose = if is_running { ", in use by the running node" } else { "" };
    findings.pass(Code::Store, &format!("store: {} records{whose}", records.len()));
    records
}

/// The validators that the configured contracts have, by the events in `records`.
pub(in crate::cli) fn validators(records: &[Record], contracts: &Contracts) -> BTreeSet<BlsPubkey> {
    let mut validators = BTreeSet::new();
    for record in records.iter().filter(|record| record.counts_with(contracts)) {
        let Record::Events { page, .. } = record else { continue };
        for event in &page.events {
            match event {
                ProtocolEvent::Provisioned(pubkey) => drop(validators.insert(*pubkey)),
                ProtocolEvent::Exited(pubkey) => drop(validators.remove(pubkey)),
                ProtocolEvent::Ordered { .. } | ProtocolEvent::ExitsRequested { .. } => {}
            }
        }
    }
    validators
}
