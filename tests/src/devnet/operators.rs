//! Operators without a chain: guardians' homes and configurations, enough for key ceremonies between real processes.

use super::{
    ceremony::Participant,
    guardians::{Surroundings, write_config},
    keys::{DevnetKeys, GuardianFiles},
    operator,
    process::{free_port, free_ports},
    signers,
};
use alloy::primitives::B256;
use eyre::{Result, ensure, eyre};
use guardian_crypto::frost::KeyShare;
use guardian_node::{
    ceremony::plan_file::{PlanFile, PurposeWord},
    committee::CommitteeFile,
    durable::write_private,
    shares::Shares,
};
use guardian_protocol::Committee;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// Some operators' machines, in folders.
#[derive(Debug)]
pub struct Operators {
    /// Where everything is.
    pub dir: PathBuf,
    /// Their homes, by number from 1.
    pub homes: Vec<GuardianFiles>,
}

impl Operators {
    /// `count` operators with identities, without a group key, `round_trip` apart.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn new(dir: &Path, count: u16, round_trip: Duration) -> Result<Self> {
        let keys = DevnetKeys {
            out: dir.to_owned(),
            guardians: count,
            threshold: count,
            validators: 0,
            base_port: free_ports(0, count.saturating_mul(2))?,
            no_group_key: true,
            ..DevnetKeys::default()
        };
        let homes = keys.make()?.guardians;
        let around = Surroundings { simulated_round_trip: round_trip, ..Surroundings::nowhere() };
        for files in &homes {
            write_config(files, free_port(0)?, &around)?;
        }
        Ok(Self { dir: dir.to_owned(), homes })
    }

    /// A plan by which the first `members` make a key of which `threshold` must sign. Returns the file.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn plan_key(&self, label: &str, members: usize, threshold: u16) -> Result<PathBuf> {
        let entries = self.everybody()?.members.into_iter().take(members).collect();
        self.write(label, &PlanFile::generate(label, threshold, entries)?)
    }

    /// A plan by which the committee in force at the first operator deals its key anew to the first `members`.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn plan_reshare(&self, label: &str, members: usize, threshold: u16) -> Result<PathBuf> {
        let current = CommitteeFile::load(&self.home(1)?.dir.join("committee.toml"))?;
        let dealers = current.members.iter().map(|entry| entry.id).collect();
        let mut plan = PlanFile::of_current(PurposeWord::Reshare, label, &current, dealers)?;
        plan.members = self.everybody()?.members.into_iter().take(members).collect();
        plan.threshold = threshold;
        self.write(label, &plan.checked()?)
    }

    /// A plan by which the committee in force at the first operator deals its key anew to itself and those whom the cards name, by command.
    ///
    /// # Errors
    /// If the program refuses.
    pub async fn plan_joining(&self, cards: &[&Path], threshold: u16) -> Result<PathBuf> {
        let (config, out) = (self.home(1)?.dir.join("guardian.toml"), self.dir.join("joining.toml"));
        let text = |path: &Path| path.display().to_string();
        let mut arguments = ["key", "plan", "reshare", "--config", &text(&config), "--out", &text(&out), "--threshold"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(threshold.to_string());
        cards.iter().for_each(|card| arguments.extend(["--add".to_owned(), text(card)]));
        operator(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        Ok(out)
    }

    /// The first `count` operators, about to run `guardian key COMMAND`.
    #[must_use]
    pub fn participants(&self, command: &str, count: usize, plan: &Path) -> Vec<Participant> {
        let homes = self.homes.iter().take(count);
        homes.map(|home| Participant::new(command, &home.name, &home.dir, plan)).collect()
    }

    /// What operator `number` would start its node with: the committee in force, and the share.
    ///
    /// # Errors
    /// If there is none, or they do not belong together.
    pub fn key_of(&self, number: usize) -> Result<(Committee, KeyShare)> {
        let home = self.home(number)?;
        let committee = CommitteeFile::load(&home.dir.join("committee.toml"))?.committee()?;
        let files = signers::key_files(&home.name, &home.dir)?;
        let share = Shares::new(&home.dir.join("keys/shares"), &files).load(&committee)?;
        Ok((committee, share))
    }

    /// Signs with what is on the disks of these operators, and checks the signature under the key that they agree on.
    ///
    /// # Errors
    /// If they do not agree, or their shares do not make a signature.
    pub fn sign(&self, numbers: impl IntoIterator<Item = usize>) -> Result<Committee> {
        let keys = numbers.into_iter().map(|number| self.key_of(number)).collect::<Result<Vec<_>>>()?;
        let ids: BTreeSet<_> = keys.iter().map(|(committee, _)| committee.id()).collect();
        ensure!(ids.len() == 1, "they have {} committees", ids.len());
        let (mut committees, shares): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let committee = committees.pop().ok_or_else(|| eyre!("nobody signs"))?;
        signers::sign(&committee, &shares, B256::repeat_byte(7))?;
        Ok(committee)
    }

    /// The home of operator `number`, from 1.
    ///
    /// # Errors
    /// If there is none.
    pub fn home(&self, number: usize) -> Result<&GuardianFiles> {
        let place = number.checked_sub(1).ok_or_else(|| eyre!("operators are counted from 1"))?;
        self.homes.get(place).ok_or_else(|| eyre!("there is no operator {number}"))
    }

    /// The plan of all of them, which came with their identities.
    fn everybody(&self) -> Result<PlanFile> {
        Ok(PlanFile::load(&self.dir.join("plan.toml"))?)
    }

    fn write(&self, label: &str, plan: &PlanFile) -> Result<PathBuf> {
        let path = self.dir.join(format!("{label}.toml"));
        write_private(&path, plan.text()?.as_bytes())?;
        Ok(path)
    }
}
