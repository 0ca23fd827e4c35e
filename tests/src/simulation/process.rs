//! One running guardian: a start of a member from some disk. A member has one at a time, unless its operator errs.

use super::{
    keys::Keys,
    operators::Restraints,
    store::{MemoryStore, RefusedRecord},
};
use guardian_protocol::{Effects, Guardian, Input, MemberId, Released, RestoreError, Setup, Timestamp};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{fmt, time::Duration};

/// Counts the starts of all members of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One start of a member.
#[derive(Debug)]
pub struct Process {
    member: MemberId,
    guardian: Guardian,
    disk: MemoryStore,
    chance: ChaCha20Rng,
    wake: Timestamp,
    /// How many records there were when it started.
    beginning: usize,
    /// What its operator has told it, or an earlier process with this disk.
    restraints: Restraints,
    life: Option<Life>,
}

/// Everything that made a process what it is. A brain is a function of this, so it is all that a copy of its memory needs.
#[derive(Clone, Debug)]
struct Life {
    since: Timestamp,
    disk: MemoryStore,
    restraints: Restraints,
    chance: [u8; 32],
    inputs: Vec<(Timestamp, Input)>,
}

impl Process {
    /// Starts the guardian of `setup` from `disk`, where its `restraints` should stand. All its chance comes from `chance`. What happens to
    /// it is remembered if it is `to_be_copied`.
    ///
    /// # Errors
    /// If the records do not make a guardian.
    pub fn start(
        now: Timestamp,
        setup: Setup,
        keys: &Keys,
        (disk, restraints): (MemoryStore, Restraints),
        chance: [u8; 32],
        to_be_copied: bool,
    ) -> Result<Self, RestoreError> {
        let member = setup.me;
        let life = to_be_copied.then(|| Life {
            since: now,
            disk: disk.clone(),
            restraints: restraints.clone(),
            chance,
            inputs: Vec::new(),
        });
        let mut chance = ChaCha20Rng::from_seed(chance);
        let guardian = Guardian::restore(now, setup, keys.secrets(member), disk.records().to_vec(), &mut chance)?;
        let beginning = disk.records().len();
        Ok(Self { member, guardian, disk, chance, wake: now, beginning, restraints, life })
    }

    /// A copy of this process with all that it has in memory, made by living its life once more. `None` if it was not started with
    /// that in mind, or if its life can't be repeated.
    #[must_use]
    pub fn copy(&self, setup: Setup, keys: &Keys) -> Option<Self> {
        let life = self.life.clone()?;
        let mut copy = Self::start(life.since, setup, keys, (life.disk, life.restraints), life.chance, true).ok()?;
        for (now, input) in life.inputs {
            copy.step(now, input).ok()?;
        }
        Some(copy)
    }

    /// Whose process it is.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn wake(&self) -> Timestamp {
        self.wake
    }

    /// The brain, to be looked at.
    #[must_use]
    pub fn guardian(&self) -> &Guardian {
        &self.guardian
    }

    /// What it has made durable.
    #[must_use]
    pub fn disk(&self) -> &MemoryStore {
        &self.disk
    }

    /// The disk that it started from.
    #[must_use]
    pub fn disk_at_start(&self) -> MemoryStore {
        self.disk.as_it_was(self.beginning)
    }

    /// What its operator has told it.
    #[must_use]
    pub fn restraints(&self) -> &Restraints {
        &self.restraints
    }

    /// What is left of it after a crash, and what its operator relies on.
    #[must_use]
    pub fn into_disk(self) -> (MemoryStore, Restraints) {
        (self.disk, self.restraints)
    }

    /// One step of the brain, and one commit.
    ///
    /// # Errors
    /// If the store refuses a record.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Result<Released, RefusedRecord> {
        if let Some(life) = &mut self.life {
            life.inputs.push((now, input.clone()));
        }
        let command = if let Input::Operator(command) = &input { Some(command.clone()) } else { None };
        let mut fx = Effects::default();
        self.guardian.step(now, input, &mut self.chance, &mut fx);
        let released = fx.commit(&mut self.disk)?;
        if let (Some(command), [Ok(())]) = (command, released.replies.as_slice()) {
            self.restraints.obeyed(&command, &self.disk);
        }
        self.wake = released.wake.unwrap_or(now).max(now.after(Duration::from_millis(1)));
        Ok(released)
    }
}
