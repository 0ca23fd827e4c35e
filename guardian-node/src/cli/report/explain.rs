//! `guardian report explain`: why a duty says what it says.

use crate::{
    cli::{arguments::ConfigArgument, output},
    config::Config,
    dossiers,
    hint::Hinted,
};
use clap::Args;
use eyre::Result;
use guardian_protocol::{BlsPubkey, Dossier, Proof, ValidatorIndex, ValidatorLine};
use std::path::PathBuf;

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
        let lines = dossier.validators();
        if let Some(which) = self.validator {
            let line = lines.into_iter().find(|line| which.is(line));
            let advice = "it is none of the protocol's validators at that epoch, by the contracts' events, or the duty is not about \
                          validators";
            let line = line.ok_or_else(|| Hinted::new("the dossier does not know this validator", advice))?;
            output::data(&format!("  {}", line.text));
            return Ok(());
        }
        head(&dossier).iter().for_each(|line| output::data(line));
        lines.iter().for_each(|line| output::data(&format!("  {}", line.text)));
        if lines.is_empty() {
            let none = dossier.evidence.validators.is_empty() && dossier.evidence.unknown.is_empty();
            output::data(if none { "  the protocol has none" } else { "  it is not about single validators" });
        }
        Ok(())
    }
}

impl Which {
    fn is(&self, line: &ValidatorLine) -> bool {
        match self {
            Self::Index(index) => line.index == Some(*index),
            Self::Key(pubkey) => line.pubkey == *pubkey,
        }
    }
}

/// What the duty says, and what it rests on.
fn head(dossier: &Dossier) -> Vec<String> {
    let evidence = &dossier.evidence;
    let signed = match &dossier.signature {
        Some(signature) => format!("signed by the committee: {signature}"),
        None => "as far as this dossier knows, not signed".to_owned(),
    };
    let proof = match evidence.proof {
        Proof::Quorum => "enough beacon providers said the same".to_owned(),
        Proof::Downgraded => {
            "enough beacon providers said the same, but no state was proved, where that can be done: no orders"
                .to_owned()
        }
        Proof::State { root } => format!("every byte of the finalized block's state was hashed (root {root})"),
        Proof::AdvancedState { root } => format!(
            "every byte of the state at the skipped slot was hashed (root {root}), which names the finalized block; enough providers have that root"
        ),
    };
    let mut lines = vec![format!("{}: {}", dossier.duty.id(), dossier.digest), signed, String::new(), "it says".into()];
    lines.extend(dossier.duty.statements().into_iter().map(|(name, value)| format!("  {name}: {value}")));
    lines.push(format!("  for limits, it {}", dossier.movement()));
    lines.extend([String::new(), "because, at that epoch".into()]);
    lines.push(format!("  the beacon state is known so: {proof}"));
    let block = evidence.chain.block;
    lines.push(format!("  contracts and accounts were read at block {} {}", block.number, block.hash));
    lines.push(format!("  its contract had accepted up to {}", evidence.chain.accepted(dossier.duty.kind())));
    lines.extend(dossier.rules().into_iter().map(|(name, value)| format!("  {name}: {value}")));
    lines.extend([String::new(), "validators".into()]);
    lines
}
