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
    /// How far its clock was set forward when it started; negative: back.
    clock: i64,
    life: Option<Life>,
}

/// Everything that made a process what it is. A brain is a function of this, so it is all that a copy of its memory needs.
#[derive(Clone, Debug)]
struct Life {
    since: Timestamp,
    disk: MemoryStore,
    restraints: Restraints,
    chance: [u8; 32],
    clock: i64,
    inputs: Vec<(Timestamp, Input)>,
}

/// The state of a member's machine when a process of it starts.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its disk.
    pub disk: MemoryStore,
    /// What its operator believes to be held and refused.
    pub restraints: Restraints,
    /// How many milliseconds its wall clock is ahead of the world's; negative: behind.
    pub clock: i64,
}

impl Process {
    /// Starts the guardian of `setup` on `machine`. All its chance comes from `chance`. What happens to it is remembered if it is
    /// `to_be_copied`.
    ///
    /// # Errors
    /// If the records do not make a guardian.
    pub fn start(
        now: Timestamp,
        setup: Setup,
        keys: &Keys,
        Machine { disk, restraints, clock }: Machine,
        chance: [u8; 32],
        to_be_copied: bool,
    ) -> Result<Self, RestoreError> {
        let member = setup.me;
        let life = to_be_copied.then(|| Life {
            since: now,
            disk: disk.clone(),
            restraints: restraints.clone(),
            chance,
            clock,
            inputs: Vec::new(),
        });
        let mut chance = ChaCha20Rng::from_seed(chance);
        let guardian =
            Guardian::restore(shifted(now, clock), setup, keys.secrets(member), disk.records().to_vec(), &mut chance)?;
        let beginning = disk.records().len();
        Ok(Self { member, guardian, disk, chance, wake: now, beginning, restraints, clock, life })
    }

    /// A copy of this process with all that it has in memory, made by living its life once more. `None` if it was not started with
    /// that in mind, or if its life can't be repeated.
    #[must_use]
    pub fn copy(&self, setup: Setup, keys: &Keys) -> Option<Self> {
        let life = self.life.clone()?;
        let machine = Machine { disk: life.disk, restraints: life.restraints, clock: life.clock };
        let mut copy = Self::start(life.since, setup, keys, machine, life.chance, true).ok()?;
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

    /// What its clock says when it is `now`.
    #[must_use]
    pub fn time(&self, now: Timestamp) -> Timestamp {
        shifted(now, self.clock)
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
        self.guardian.step(self.time(now), input, &mut self.chance, &mut fx);
        let released = fx.commit(&mut self.disk)?;
        if let (Some(command), [Ok(())]) = (command, released.replies.as_slice()) {
            self.restraints.obeyed(&command, &self.disk);
        }
        // What was over once is over, also when the clock is set back.
        self.restraints.pass(self.time(now));
        let wake = released.wake.map_or(now, |wake| shifted(wake, self.clock.saturating_neg()));
        self.wake = wake.max(now.after(Duration::from_millis(1)));
        Ok(released)
    }
}

fn shifted(time: Timestamp, by: i64) -> Timestamp {
    Timestamp(time.0.saturating_add_signed(by))
}
