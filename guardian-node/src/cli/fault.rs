//! `guardian fault verify`: checks a proof of misconduct, from whomever it comes.

use super::output;
use crate::{
    ceremony::plan_file::PlanFile,
    committee::CommitteeFile,
    hint::{Hinted, WithHint},
    observers::proofs::read_public,
};
use clap::{Args, Subcommand};
use eyre::Result;
use guardian_protocol::{Fault as SigningFault, ceremony};
use std::path::{Path, PathBuf};

/// Arguments of `guardian fault`.
#[derive(Debug, Args)]
pub(super) struct Fault {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a proof and say whom it convicts, of what
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The proof
    file: PathBuf,
    /// For a proof from a ceremony: its plan
    #[arg(long, required_unless_present = "committee", conflicts_with = "committee")]
    plan: Option<PathBuf>,
    /// For a proof from the signing of duties: the committee file of that time
    #[arg(long)]
    committee: Option<PathBuf>,
    /// The ceremony was a rehearsal
    #[arg(long, requires = "plan")]
    rehearse: bool,
}

const ADVICE: &str =
    "it proves nothing with this plan or committee: is it of another one? Otherwise nobody is convicted by it";

impl Fault {
    pub(super) fn run(self) -> Result<()> {
        let Command::Verify(Verify { file, plan, committee, rehearse }) = self.command;
        let bytes = read_public(&file)?;
        let line = match (plan, committee) {
            (Some(plan), _) => of_ceremony(&bytes, &plan, rehearse)?,
            (None, Some(committee)) => of_signing(&bytes, &committee)?,
            (None, None) => return Err(Hinted::new("neither --plan nor --committee", "pass one of the two").into()),
        };
        output::data(&line);
        Ok(())
    }
}

fn of_ceremony(bytes: &[u8], plan: &Path, rehearse: bool) -> Result<String, Hinted> {
    let plan = PlanFile::load(plan)?.plan(rehearse)?;
    let fault = ceremony::Fault::decode(bytes).hint("the file is no proof from a ceremony", ADVICE)?;
    fault.verify(&plan).hint("the proof does not hold", ADVICE)?;
    let culprit = fault.culprit();
    let name = plan.participants().get(&culprit).map(|participant| participant.name.clone()).unwrap_or_default();
    Ok(format!(
        "proven: {name} (member {culprit}) broke the rules of ceremony {}: {}",
        fault.ceremony(),
        fault.reason()
    ))
}

fn of_signing(bytes: &[u8], committee: &Path) -> Result<String, Hinted> {
    let committee = CommitteeFile::load(committee)?.committee()?;
    let fault = SigningFault::decode(bytes).hint("the file is no proof from the signing of duties", ADVICE)?;
    let (culprit, duty) = fault.verify(&committee).hint("the proof does not hold", ADVICE)?;
    let name = committee.get(culprit).map(|member| member.name.clone()).unwrap_or_default();
    Ok(format!("proven: {name} (member {culprit}) cheated when {duty} was signed"))
}
