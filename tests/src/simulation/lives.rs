//! When each process lived, by which name it was known, and who has noticed that two of one member do.

use super::process::ProcessId;
use guardian_protocol::{BootId, MemberId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Every process of a run. Time is counted in births and deaths.
#[derive(Debug, Default)]
pub struct Lives {
    all: BTreeMap<ProcessId, Life>,
    names: HashMap<BootId, ProcessId>,
    noticed: BTreeSet<(ProcessId, MemberId)>,
    clock: u32,
}

#[derive(Debug)]
struct Life {
    member: MemberId,
    born: u32,
    died: Option<u32>,
}

impl Lives {
    /// `process` of `member` starts.
    pub fn birth(&mut self, process: ProcessId, member: MemberId) {
        self.clock += 1;
        self.all.insert(process, Life { member, born: self.clock, died: None });
    }

    /// `process` ends.
    pub fn death(&mut self, process: ProcessId) {
        self.clock += 1;
        if let Some(life) = self.all.get_mut(&process) {
            life.died = Some(self.clock);
        }
        self.noticed.retain(|(who, _)| *who != process);
    }

    /// `process` says something under this name.
    pub fn speaks(&mut self, process: ProcessId, boot: BootId) {
        self.names.entry(boot).or_insert(process);
    }

    /// `process` has quarantined `member`, or does so no more.
    pub fn notices(&mut self, process: ProcessId, member: MemberId, doppelgangers: bool) {
        if doppelgangers {
            self.noticed.insert((process, member));
        } else {
            self.noticed.remove(&(process, member));
        }
    }

    /// Whether `process` has quarantined `member`.
    #[must_use]
    pub fn has_noticed(&self, process: ProcessId, member: MemberId) -> bool {
        self.noticed.contains(&(process, member))
    }

    /// Whether two processes of `member` with these names lived at one moment.
    #[must_use]
    pub fn overlapped(&self, member: MemberId, boots: [BootId; 2]) -> bool {
        let [one, two] = boots.map(|boot| self.names.get(&boot).and_then(|process| self.all.get(process)));
        let (Some(one), Some(two)) = (one, two) else { return false };
        let before = |life: &Life, other: &Life| other.died.is_none_or(|died| life.born < died);
        one.born != two.born
            && [one, two].iter().all(|life| life.member == member)
            && before(one, two)
            && before(two, one)
    }
}
