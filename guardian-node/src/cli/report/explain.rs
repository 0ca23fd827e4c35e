//! `guardian report explain`: why a duty says what it says.

use crate::{
    cli::{arguments::ConfigArgument, output},
    config::Config,
    dossiers,
    hint::Hinted,
};
use clap::Args;
use eyre::Result;
use guardian_protocol::{
    audit::{Dossier, statements},
    decide::{Verdict, judge},
    types::{BlsPubkey, DutyBody, EjectionOrder, Proof, ValidatorIndex, ValidatorRecord},
};
use std::{collections::BTreeSet, path::PathBuf};

/// Arguments of `guardian report explain`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// A dossier's file, or the name of a duty of this guardian, such as `reserves-1234`
    report: PathBuf,
    #[command(flatten)]
    config: ConfigArgument,
    /// Only this validator: its index or its public key
    #[arg(long)]
    validator: Option<Which>,
}

/// One validator.
#[derive(Clone, Debug)]
enum Which {
    Index(ValidatorIndex),
    Key(BlsPubkey),
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let neither =
            || format!("`{text}` is neither a validator's index nor its public key (48 bytes in hexadecimal)");
        let index = text.parse().map(|index| Self::Index(ValidatorIndex(index)));
        index.or_else(|_| text.parse().map(Self::Key)).map_err(|_| neither())
    }
}

impl Explain {
    pub(super) fn run(self) -> Result<()> {
        let config = &self.config.config;
        let dossier = dossiers::find(&self.report, || Ok(Config::load(config)?.guardian.data_dir))?;
        let lines = validators(&dossier);
        if let Some(which) = self.validator {
            let line = lines.into_iter().find(|line| line.is(&which));
            let advice = "it is none of the protocol's validators at that epoch, by the contracts' events";
            let line = line.ok_or_else(|| Hinted::new("the dossier does not know this validator", advice))?;
            output::data(&line.text);
            return Ok(());
        }
        head(&dossier).iter().for_each(|line| output::data(line));
        lines.iter().for_each(|line| output::data(&line.text));
        if lines.is_empty() {
            output::data("  the protocol has none");
        }
        Ok(())
    }
}

/// What the duty says, and what it rests on.
fn head(dossier: &Dossier) -> Vec<String> {
    let evidence = &dossier.evidence;
    let policy = &evidence.chain.policy;
    let signed = match &dossier.signature {
        Some(signature) => format!("signed by the committee: {signature}"),
        None => "as far as this dossier knows, not signed".to_owned(),
    };
    let proof = match evidence.proof {
        Proof::Quorum => "enough beacon providers said the same".to_owned(),
        Proof::State { root } => format!("every byte of the finalized block's state was hashed (root {root})"),
        Proof::AdvancedState { root } => format!(
            "every byte of the state at the skipped slot was hashed (root {root}), which names the finalized block; enough providers have that root"
        ),
    };
    let mut lines = vec![format!("{}: {}", dossier.duty.id(), dossier.digest), signed, String::new(), "it says".into()];
    lines.extend(statements(&dossier.duty).into_iter().map(|(name, value)| format!("  {name}: {value}")));
    lines.extend([String::new(), "because, at that epoch".into()]);
    lines.push(format!("  validators are known so: {proof}"));
    let block = evidence.chain.block;
    lines.push(format!("  contracts and accounts were read at block {} {}", block.number, block.hash));
    lines.push(format!("  validators below {} wei must leave", policy.ejection_threshold));
    lines.push(format!(
        "  a report is due every {} epochs; the feed's last one was of slot {}",
        policy.report_period, evidence.chain.accepted.reserves
    ));
    lines.extend(policy.vaults.iter().map(|(account, wei)| format!("  vault {account} had {wei} wei")));
    lines.extend(policy.pods.iter().map(|(account, wei)| format!("  pod {account} had {wei} wei")));
    lines.push(format!("  {} wei of the token were owed", policy.liabilities));
    lines.extend([String::new(), "validators".into()]);
    lines
}

/// One validator's line.
struct Line {
    index: Option<ValidatorIndex>,
    pubkey: BlsPubkey,
    text: String,
}

impl Line {
    fn is(&self, which: &Which) -> bool {
        match which {
            Which::Index(index) => self.index == Some(*index),
            Which::Key(pubkey) => self.pubkey == *pubkey,
        }
    }
}

/// Every validator of the protocol, with why it was selected or not.
fn validators(dossier: &Dossier) -> Vec<Line> {
    let evidence = &dossier.evidence;
    let ordered: BTreeSet<ValidatorIndex> = match &dossier.duty.body {
        DutyBody::Ejection(order) => order.ejections().iter().map(|ejection| ejection.index).collect(),
        DutyBody::Reserves(_) => BTreeSet::new(),
    };
    let known = evidence.validators.iter().map(|validator| Line {
        index: Some(validator.index),
        pubkey: validator.pubkey,
        text: line(validator, dossier, &ordered),
    });
    let unknown = evidence.unknown.iter().map(|pubkey| Line {
        index: None,
        pubkey: *pubkey,
        text: format!("  ? {pubkey}: not counted and not judged: the beacon chain does not know it"),
    });
    known.chain(unknown).collect()
}

fn line(validator: &ValidatorRecord, dossier: &Dossier, ordered: &BTreeSet<ValidatorIndex>) -> String {
    let verdict = judge(validator, &dossier.evidence, dossier.network.slots_per_epoch);
    let ValidatorRecord { index, pubkey, balance, .. } = validator;
    let why = match (&dossier.duty.body, verdict) {
        (DutyBody::Reserves(_), verdict) => format!("counted; {verdict}"),
        (DutyBody::Ejection(_), Verdict::Eject(_)) if !ordered.contains(index) => {
            format!("not selected, because an order holds {} validators; it {verdict}", EjectionOrder::MAX)
        }
        (DutyBody::Ejection(_), Verdict::Eject(_)) => format!("selected: {verdict}"),
        (DutyBody::Ejection(_), Verdict::Stay(_)) => format!("not selected: {verdict}"),
    };
    format!("  {index} {pubkey} {balance} gwei: {why}")
}
