//! What operators tell their running guardians: that a kind of duty waits, that it goes on, that a digest is never signed. And an account of
//! that, kept apart from the guardians, by which they are judged.

use super::{
    invariants::{Violation, violation},
    process::{Process, ProcessId},
    store::MemoryStore,
    world::World,
};
use alloy::primitives::B256;
use guardian_protocol::{DutyKind, Input, MemberId, OperatorCommand, PerKind, Record, Timestamp};
use std::{collections::BTreeSet, time::Duration};

/// What a guardian was told and has to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Until when the kinds that are held are; `None`: until somebody releases them.
    held: PerKind<Option<Timestamp>>,
    vetoed: BTreeSet<B256>,
}

impl Restraints {
    /// What a guardian finds that starts from `disk`.
    #[must_use]
    pub fn on(disk: &MemoryStore) -> Self {
        let mut restraints = Self::default();
        for record in disk.records() {
            match record {
                Record::Hold { kind, hold: Some((until, _)) } => drop(restraints.held.insert(*kind, *until)),
                Record::Hold { kind, hold: None } => drop(restraints.held.remove(*kind)),
                Record::Veto { digest } => drop(restraints.vetoed.insert(*digest)),
                _ => {}
            }
        }
        restraints
    }

    /// A guardian says that it does what it was told.
    pub fn obeyed(&mut self, command: &OperatorCommand) {
        match command {
            OperatorCommand::Hold { kind, until, .. } => drop(self.held.insert(*kind, *until)),
            OperatorCommand::Release { kind } => drop(self.held.remove(*kind)),
            OperatorCommand::Veto { digest } => drop(self.vetoed.insert(*digest)),
            OperatorCommand::Pardon { .. } => {}
        }
    }

    /// Whether duties of `kind` wait.
    #[must_use]
    pub fn hold(&self, now: Timestamp, kind: DutyKind) -> bool {
        self.held.get(kind).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Whether `digest` is never to be signed.
    #[must_use]
    pub fn refuse(&self, digest: B256) -> bool {
        self.vetoed.contains(&digest)
    }
}

impl World<'_> {
    /// An operator, or all of them at an alarm, hold a kind of duty for a while or until they think better of it, or let it go on; or one
    /// refuses a digest.
    pub(super) fn command(&mut self, member: MemberId) -> Result<(), Violation> {
        let alarm = self.below(3) == 0;
        let ours = |process: &Process| alarm || process.member() == member;
        let told: Vec<ProcessId> = self.processes.iter().filter(|(_, p)| ours(p)).map(|(id, _)| *id).collect();
        let (kind, some_time) = (self.below(DutyKind::ALL.len()), self.below(4) > 0);
        let longest = usize::try_from(self.profile.epoch.as_millis()).unwrap_or(usize::MAX).saturating_mul(2);
        let end = self.now.after(Duration::from_millis(1 + self.below(longest) as u64));
        let (pick, at) = (self.below(4), self.below(told.len()));
        let (Some(one), Some(kind)) = (told.get(at).copied(), DutyKind::ALL.get(kind).copied()) else { return Ok(()) };
        self.tally.commands += 1;
        let command = match pick {
            0 | 1 => {
                let (until, reason) = (some_time.then_some(end), "looking into it".to_owned());
                OperatorCommand::Hold { kind, until, reason }
            }
            2 => OperatorCommand::Release { kind },
            _ => {
                let open = self.processes.get(&one).map(|process| process.guardian().status().open).unwrap_or_default();
                let at = self.below(open.len());
                let Some(duty) = open.get(at) else { return Ok(()) };
                return self.tell(one, OperatorCommand::Veto { digest: duty.digest });
            }
        };
        let told = if alarm { told } else { vec![one] };
        told.into_iter().try_for_each(|id| self.tell(id, command.clone()))
    }

    /// Nothing is held any more.
    pub(super) fn release_all(&mut self) -> Result<(), Violation> {
        let running: Vec<ProcessId> = self.processes.keys().copied().collect();
        for id in running {
            DutyKind::ALL.into_iter().try_for_each(|kind| self.tell(id, OperatorCommand::Release { kind }))?;
        }
        Ok(())
    }

    /// A process is told something, and has it on its disk when it has answered.
    fn tell(&mut self, id: ProcessId, command: OperatorCommand) -> Result<(), Violation> {
        self.note(|| format!("{id} is told: {command:?}"));
        self.step(id, Input::Operator(command.clone()))?;
        let known = self.processes.get(&id).map(Process::disk).map(Restraints::on).unwrap_or_default();
        let mut anew = known.clone();
        anew.obeyed(&command);
        if anew == known {
            Ok(())
        } else {
            violation("a_command_is_durable_when_it_is_answered", format!("{id} does not remember {command:?}"))
        }
    }
}
