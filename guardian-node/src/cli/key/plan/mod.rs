//! `guardian key plan`: writing a ceremony's plan from what the operators send each other ([`member`]).

mod member;

pub(super) use member::MemberCommand;

use crate::{
    ceremony::plan_file::{EXAMPLE, PlanFile, PurposeWord},
    cli::{arguments::ConfigArgument, output},
    committee::{CommitteeFile, MemberEntry},
    config::Config,
    durable::write_private,
    hint::Hinted,
};
use clap::{Args, Subcommand};
use eyre::Result;
use guardian_protocol::{KeyEpoch, MemberId, ceremony::Rotation};
use member::{Card, numbered};
use std::path::PathBuf;

/// Arguments of `guardian key plan`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(in crate::cli) struct PlanCommand {
    #[command(subcommand)]
    kind: Option<Kind>,
    /// Print an annotated example
    #[arg(long)]
    example: bool,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// A new key: the first one, or one that replaces another on chain
    Generate(Generate),
    /// The same key for other members or another threshold
    Reshare(Reshare),
    /// The same key and members, new shares
    Refresh(Refresh),
    /// One member gets its lost share back
    Repair(Repair),
}

/// What every plan needs.
#[derive(Debug, Args)]
struct Common {
    /// The file to write
    #[arg(long, default_value = "plan.toml")]
    out: PathBuf,
    /// Tells this ceremony from others with the same members: the network's name, and a date
    #[arg(long, default_value = "")]
    label: String,
    /// One more after each attempt that failed
    #[arg(long, default_value_t = 1)]
    attempt: u32,
}

#[derive(Debug, Args)]
struct Generate {
    #[command(flatten)]
    common: Common,
    /// How many must sign together: more than half of the members
    #[arg(long)]
    threshold: u16,
    /// A file with what `guardian key member` prints, one for each member in the order of their numbers
    #[arg(long = "member")]
    members: Vec<PathBuf>,
    /// The key replaces the one in the configured contract; who is a member now keeps its number
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Debug, Args)]
struct Reshare {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    config: ConfigArgument,
    /// How many must sign together afterwards; as many as now if left out
    #[arg(long)]
    threshold: Option<u16>,
    /// A newcomer: a file with what `guardian key member` prints; may be repeated
    #[arg(long = "add")]
    add: Vec<PathBuf>,
    /// Somebody who leaves, by name; may be repeated
    #[arg(long = "remove")]
    remove: Vec<String>,
    /// Who deals, by name; may be repeated. Left out: those who stay, and others only if they are too few
    #[arg(long = "dealer")]
    dealers: Vec<String>,
}

#[derive(Debug, Args)]
struct Refresh {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Debug, Args)]
struct Repair {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    config: ConfigArgument,
    /// Who lost its share, by name
    #[arg(long)]
    lost: String,
    /// If it comes back with a new identity: a file with what `guardian key member` prints
    #[arg(long)]
    member: Option<PathBuf>,
    /// Who helps, by name; may be repeated. Left out: as many as must sign together, in the order of their numbers
    #[arg(long = "helper")]
    helpers: Vec<String>,
}

impl PlanCommand {
    pub(super) fn run(self) -> Result<()> {
        let (common, mut plan) = match self.kind {
            None => {
                output::data(EXAMPLE.trim_end());
                return Ok(());
            }
            Some(Kind::Generate(arguments)) => arguments.plan()?,
            Some(Kind::Reshare(arguments)) => arguments.plan()?,
            Some(Kind::Refresh(arguments)) => arguments.plan()?,
            Some(Kind::Repair(arguments)) => arguments.plan()?,
        };
        plan.attempt = common.attempt;
        let plan = plan.checked()?;
        write_private(&common.out, plan.text()?.as_bytes())?;
        let id = plan.plan(false)?.id();
        output::data(&format!("ceremony = \"{id}\""));
        output::talk(&format!(
            "\nWrote {}. Every participant needs this file; compare the ceremony's id over the telephone. Then, on every machine:\n  \
             guardian key {} --plan {}",
            common.out.display(),
            plan.purpose.as_str(),
            common.out.display(),
        ));
        Ok(())
    }
}

impl Generate {
    fn plan(self) -> Result<(Common, PlanFile), Hinted> {
        let cards = self.members.iter().map(|path| Card::load(path)).collect::<Result<Vec<_>, _>>()?;
        let label = &self.common.label;
        if !self.replace {
            let members = MemberId::first(u16::MAX).zip(cards).map(|(id, card)| card.entry(id)).collect();
            let plan = PlanFile::generate(label, self.threshold, members)?;
            return Ok((self.common, plan));
        }
        let config = Config::load(&self.config.config)?;
        let current = CommitteeFile::load(&config.guardian.committee)?;
        let members = if cards.is_empty() { current.members.clone() } else { numbered(&current, cards)? };
        let mut plan = PlanFile::generate(label, self.threshold, members)?;
        plan.key_epoch = KeyEpoch(current.key_epoch.0.saturating_add(1));
        let (chain_id, guardian_keys) = (config.contracts.chain_id, config.contracts.guardian_keys);
        plan.rotation = Some(Rotation { chain_id, guardian_keys });
        Ok((self.common, plan))
    }
}

impl Reshare {
    fn plan(self) -> Result<(Common, PlanFile), Hinted> {
        let current = current(&self.config)?;
        for name in &self.remove {
            current.named(name)?;
        }
        let stays = |entry: &&MemberEntry| !self.remove.contains(&entry.name);
        let dealers = if self.dealers.is_empty() {
            let needed = current.committee()?.threshold();
            let staying = current.members.iter().filter(stays);
            let leaving = current.members.iter().filter(|entry| !stays(entry));
            let staying: Vec<MemberId> = staying.map(|entry| entry.id).collect();
            let missing = needed.saturating_sub(staying.len());
            let mut dealers: Vec<MemberId> =
                staying.into_iter().chain(leaving.map(|entry| entry.id).take(missing)).collect();
            dealers.sort_unstable();
            dealers
        } else {
            numbers(&current, &self.dealers)?
        };
        let mut plan = PlanFile::of_current(PurposeWord::Reshare, &self.common.label, &current, dealers)?;
        plan.members.retain(|entry| stays(&entry));
        let cards = self.add.iter().map(|path| Card::load(path)).collect::<Result<Vec<_>, _>>()?;
        plan.members.extend(numbered(&current, cards)?);
        plan.members.sort_by_key(|entry| entry.id);
        plan.threshold = self.threshold.unwrap_or(plan.threshold);
        Ok((self.common, plan))
    }
}

impl Refresh {
    fn plan(self) -> Result<(Common, PlanFile), Hinted> {
        let current = current(&self.config)?;
        let everybody = current.members.iter().map(|entry| entry.id).collect();
        let plan = PlanFile::of_current(PurposeWord::Refresh, &self.common.label, &current, everybody)?;
        Ok((self.common, plan))
    }
}

impl Repair {
    fn plan(self) -> Result<(Common, PlanFile), Hinted> {
        let current = current(&self.config)?;
        let lost = current.named(&self.lost)?.id;
        let helpers = if self.helpers.is_empty() {
            let needed = current.committee()?.threshold();
            current.members.iter().map(|entry| entry.id).filter(|id| *id != lost).take(needed).collect()
        } else {
            numbers(&current, &self.helpers)?
        };
        let mut plan = PlanFile::of_current(PurposeWord::Repair, &self.common.label, &current, helpers)?;
        plan.lost = Some(lost);
        if let Some(path) = &self.member {
            let entry = Card::load(path)?.entry(lost);
            plan.members =
                plan.members.into_iter().map(|old| if old.id == lost { entry.clone() } else { old }).collect();
        }
        Ok((self.common, plan))
    }
}

fn current(argument: &ConfigArgument) -> Result<CommitteeFile, Hinted> {
    CommitteeFile::load(&Config::load(&argument.config)?.guardian.committee)
}

fn numbers(current: &CommitteeFile, names: &[String]) -> Result<Vec<MemberId>, Hinted> {
    let mut numbers = names.iter().map(|name| Ok(current.named(name)?.id)).collect::<Result<Vec<_>, Hinted>>()?;
    numbers.sort_unstable();
    Ok(numbers)
}
