//! What operators tell their running guardians: that a kind of duty waits, that it goes on, that a digest is never signed. And an account of
//! that, kept apart from the guardians, by which they are judged. One operator lets no validator go without its word, one wants time.

use super::{
    invariants::{Violation, violation},
    process::{Process, ProcessId},
    scenario::Sabotage,
    store::MemoryStore,
    world::World,
};
use alloy::primitives::B256;
use guardian_protocol::{
    Bounds, Duty, DutyBody, DutyKind, Input, Limits, MemberId, OperatorCommand, PerKind, Record, Timestamp,
    ValidatorIndex,
};
use std::{collections::BTreeSet, time::Duration};

/// What a guardian was told and has to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Until when the kinds that are held are; `None`: until somebody releases them.
    held: PerKind<Option<Timestamp>>,
    forbidden: BTreeSet<B256>,
    asked_for: BTreeSet<B256>,
    /// Validators that are free to go, whatever the limits say: nothing lasts as long as a day here.
    free: BTreeSet<ValidatorIndex>,
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
                Record::Forbidden { digest } => drop(restraints.forbidden.insert(*digest)),
                Record::AskedFor { digest } => drop(restraints.asked_for.insert(*digest)),
                Record::Released { duty } => restraints.free.extend(validators(duty)),
                _ => {}
            }
        }
        restraints
    }

    /// A guardian with this disk says that it does what it was told.
    pub fn obeyed(&mut self, command: &OperatorCommand, disk: &MemoryStore) {
        match command {
            OperatorCommand::Hold { kind, until, .. } => drop(self.held.insert(*kind, *until)),
            OperatorCommand::Release { kind } => drop(self.held.remove(*kind)),
            OperatorCommand::Forbid { digest } => drop(self.forbidden.insert(*digest)),
            // What is not due is refused, and then it is not on the disk either.
            OperatorCommand::Ask { .. } => self.asked_for = Self::on(disk).asked_for,
            // What the digest stands for is what the record says.
            OperatorCommand::ReleaseDuty { .. } => self.free = Self::on(disk).free,
            OperatorCommand::Pardon { .. } | OperatorCommand::Limit { .. } | OperatorCommand::Rescan => {}
        }
    }

    /// Time has passed: holds that end by then are over.
    pub fn pass(&mut self, now: Timestamp) {
        for kind in DutyKind::ALL {
            if self.held.get(kind).is_some_and(|until| until.is_some_and(|until| until <= now)) {
                self.held.remove(kind);
            }
        }
    }

    /// Whether duties of `kind` wait.
    #[must_use]
    pub fn hold(&self, now: Timestamp, kind: DutyKind) -> bool {
        self.held.get(kind).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Whether it was said of all of `validators`, but so many, that they may go.
    #[must_use]
    pub fn free(&self, validators: &BTreeSet<ValidatorIndex>, but: usize) -> bool {
        validators.difference(&self.free).count() <= but
    }

    /// Whether a duty of `kind` with this `digest` lacks the operator's word.
    #[must_use]
    pub fn miss_the_word_for(&self, kind: DutyKind, digest: B256) -> bool {
        kind.needs_a_word() && !self.asked_for.contains(&digest)
    }

    /// Whether `digest` is never to be signed.
    #[must_use]
    pub fn refuse(&self, digest: B256) -> bool {
        self.forbidden.contains(&digest)
    }
}

/// What `duty` orders out.
pub(super) fn validators(duty: &Duty) -> BTreeSet<ValidatorIndex> {
    match &duty.body {
        DutyBody::Ejection(order) => order.ejections().iter().map(|ejection| ejection.index).collect(),
        DutyBody::Reserves(_) | DutyBody::ValidatorCount(_) | DutyBody::KeyVeto(_) => BTreeSet::new(),
    }
}

impl World<'_> {
    /// How many validators the operator of `member` lets go in an epoch without its word, if it said so.
    pub(super) fn hard_limit(&self, member: MemberId) -> Option<usize> {
        (self.faults.operators && self.strict == Some(member)).then_some(0)
    }

    /// The limits of `member`, if nothing takes them away.
    pub(super) fn limits(&self, member: MemberId) -> Limits {
        let none = Bounds { per_epoch: Some(0), ..Bounds::default() };
        let none: PerKind<Bounds> = [(DutyKind::Ejection, none)].into_iter().collect();
        let usual = Limits::default();
        let own = match (self.hard_limit(member), self.faults.operators && self.patient == Some(member)) {
            _ if self.sabotage == Sabotage::LimitsAreLost => usual,
            (Some(_), _) => Limits { hard: none, ..usual },
            (None, true) => Limits { soft_wait: self.profile.epoch, soft: none, ..usual },
            (None, false) => usual,
        };
        own.or_usual()
    }

    /// An operator, or all of them at an alarm, hold a kind of duty for a while or until they think better of it, or let it go on; or one
    /// refuses a digest.
    pub(super) fn command(&mut self, member: MemberId) -> Result<(), Violation> {
        let alarm = self.below(3) == 0;
        let ours = |process: &Process| alarm || process.member() == member;
        let told: Vec<ProcessId> = self.processes.iter().filter(|(_, p)| ours(p)).map(|(id, _)| *id).collect();
        let (kind, some_time) = (self.below(DutyKind::ALL.len()), self.below(4) > 0);
        let longest = usize::try_from(self.profile.epoch.as_millis()).unwrap_or(usize::MAX).saturating_mul(2);
        let end = self.now.after(Duration::from_millis(1 + self.below(longest) as u64));
        let (pick, at) = (self.below(6), self.below(told.len()));
        let (Some(one), Some(kind)) = (told.get(at).copied(), DutyKind::ALL.get(kind).copied()) else { return Ok(()) };
        self.tally.commands += 1;
        let command = match pick {
            0 | 1 => {
                let (until, reason) = (some_time.then_some(end), "looking into it".to_owned());
                OperatorCommand::Hold { kind, until, reason }
            }
            2 => OperatorCommand::Release { kind },
            3 | 4 => {
                let status = self.processes.get(&one).map(|process| process.guardian().status());
                let Some(duty) = status.and_then(|status| status.limited.first().cloned()) else { return Ok(()) };
                return self.tell(one, OperatorCommand::ReleaseDuty { digest: duty.digest });
            }
            _ => {
                let mut open =
                    self.processes.get(&one).map(|process| process.guardian().status().open).unwrap_or_default();
                // The digest of a veto stays the same, and would never be signed here any more.
                open.retain(|duty| !duty.id.kind.needs_a_word());
                let at = self.below(open.len());
                let Some(duty) = open.get(at) else { return Ok(()) };
                return self.tell(one, OperatorCommand::Forbid { digest: duty.digest });
            }
        };
        let told = if alarm { told } else { vec![one] };
        told.into_iter().try_for_each(|id| self.tell(id, command.clone()))
    }

    /// The governor proposes a key, or operators look at the one that waits: most of them want it vetoed.
    pub(super) fn look_at_keys(&mut self) -> Result<(), Violation> {
        self.chain.propose();
        let running: Vec<ProcessId> = self.processes.keys().copied().collect();
        for id in running {
            if self.below(4) > 0 {
                self.ask_for_all(id)?;
            }
        }
        Ok(())
    }

    /// An operator asks for everything that needs its word.
    fn ask_for_all(&mut self, id: ProcessId) -> Result<(), Violation> {
        let offered = self.processes.get(&id).map(|process| process.guardian().status().offered).unwrap_or_default();
        offered.into_iter().try_for_each(|duty| self.tell(id, OperatorCommand::Ask { digest: duty.digest }))
    }

    /// Nothing is held any more, limits are wide, and keys that wait are vetoed.
    pub(super) fn release_all(&mut self) -> Result<(), Violation> {
        let running: Vec<ProcessId> = self.processes.keys().copied().collect();
        for id in running {
            self.tell(id, OperatorCommand::Limit { limits: Box::default() })?;
            DutyKind::ALL.into_iter().try_for_each(|kind| self.tell(id, OperatorCommand::Release { kind }))?;
            self.ask_for_all(id)?;
        }
        Ok(())
    }

    /// A process is told something, and has it on its disk when it has answered.
    fn tell(&mut self, id: ProcessId, command: OperatorCommand) -> Result<(), Violation> {
        // Operators count from what their own clocks say.
        let end = |until: Timestamp| self.processes.get(&id).map_or(until, |process| process.time(until));
        let command = match command {
            OperatorCommand::Hold { kind, until, reason } => {
                OperatorCommand::Hold { kind, until: until.map(end), reason }
            }
            command => command,
        };
        self.note(|| format!("{id} is told: {command:?}"));
        self.step(id, Input::Operator(command.clone()))?;
        let Some(disk) = self.processes.get(&id).map(Process::disk) else { return Ok(()) };
        let known = Restraints::on(disk);
        let mut anew = known.clone();
        anew.obeyed(&command, disk);
        if anew == known {
            Ok(())
        } else {
            violation("a_command_is_durable_when_it_is_answered", format!("{id} does not remember {command:?}"))
        }
    }
}
