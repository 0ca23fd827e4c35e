//! The program that a member runs, and the versions of rules by which it decides, each from some reference epoch on. Members tell each
//! other both, so that duties which were decided by different rules are never mixed.

use super::Epoch;
use borsh::{BorshDeserialize, BorshSerialize, io};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::fmt;

/// A member's program.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Program {
    /// Its version.
    pub version: ProgramVersion,
    /// The rules that it follows.
    pub rules: RuleSchedule,
}

/// A version by semantic versioning, and the commit that it was built from. Numbers only: what a peer says becomes a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ProgramVersion {
    /// Major, minor and patch number.
    pub numbers: [u16; 3],
    /// The first twelve hexadecimal digits of the commit; `None`: a build that does not name it.
    pub commit: Option<[u8; 6]>,
}

impl ProgramVersion {
    /// The numbers with dots.
    #[must_use]
    pub fn release(&self) -> String {
        let [major, minor, patch] = self.numbers;
        format!("{major}.{minor}.{patch}")
    }

    /// The commit in hexadecimal digits, or `unknown`.
    #[must_use]
    pub fn commit(&self) -> String {
        self.commit.map_or_else(|| "unknown".to_owned(), alloy_primitives::hex::encode)
    }
}

impl fmt::Display for ProgramVersion {
    /// `1.2.3`, or `1.2.3+0123456789ab` with the commit as build metadata.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.release())?;
        self.commit.map_or(Ok(()), |commit| write!(f, "+{}", alloy_primitives::hex::encode(commit)))
    }
}

impl Serialize for ProgramVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ProgramVersion", 2)?;
        fields.serialize_field("release", &self.release())?;
        fields.serialize_field("commit", &self.commit())?;
        fields.end()
    }
}

/// The number of a set of rules of deciding: how duties follow from evidence, whatever the program is that computes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(transparent)]
pub struct RuleVersion(pub u16);

impl RuleVersion {
    /// The rules from the first epoch on, on every chain. A member that does not say what it follows follows these for good.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for RuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which rules decide at which reference epoch: each version from its epoch on, until the next begins. Never empty; begins with epoch 0;
/// epochs and versions increase.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct RuleSchedule(Vec<(Epoch, RuleVersion)>);

/// Switches to later rules: on the chain with this id (EIP-155), from this reference epoch on, by this version. A release that brings new
/// rules adds a line for each chain, with an epoch by which every member can have been updated, and keeps the old rules beside them.
const SWITCHES: &[(u64, Epoch, RuleVersion)] = &[];

impl RuleSchedule {
    /// More versions than this can't be told.
    pub const MOST: usize = 16;

    /// The schedule of this program on the chain with this id.
    #[must_use]
    pub fn of_chain(chain_id: u64) -> Self {
        let switches = SWITCHES.iter().filter(|(chain, ..)| *chain == chain_id);
        let later = switches.map(|(_, epoch, version)| (*epoch, *version));
        Self(std::iter::once((Epoch(0), RuleVersion::FIRST)).chain(later).collect())
    }

    /// The schedule with these versions, or `None` if it is not one.
    #[must_use]
    pub fn new(versions: Vec<(Epoch, RuleVersion)>) -> Option<Self> {
        let begins = versions.first().is_some_and(|(epoch, _)| *epoch == Epoch(0));
        let increases = versions.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
        (begins && increases && versions.len() <= Self::MOST).then_some(Self(versions))
    }

    /// The version that decides at this reference epoch.
    #[must_use]
    pub fn at(&self, epoch: Epoch) -> RuleVersion {
        let begun = self.0.iter().take_while(|(from, _)| *from <= epoch);
        begun.last().map_or(RuleVersion::FIRST, |(_, version)| *version)
    }

    /// The version that decides last.
    #[must_use]
    pub fn newest(&self) -> RuleVersion {
        self.at(Epoch::FAR_FUTURE)
    }

    /// The first epoch, not before `epoch`, of which the two decide by different versions.
    #[must_use]
    pub fn parts_from(&self, other: &Self, epoch: Epoch) -> Option<Epoch> {
        let switches = self.0.iter().chain(&other.0).map(|(from, _)| (*from).max(epoch));
        switches.filter(|at| self.at(*at) != other.at(*at)).min()
    }
}

impl Default for RuleSchedule {
    /// The first rules for good.
    fn default() -> Self {
        Self(vec![(Epoch(0), RuleVersion::FIRST)])
    }
}

impl BorshDeserialize for RuleSchedule {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let versions = Vec::deserialize_reader(reader)?;
        Self::new(versions).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a schedule of rules"))
    }
}

impl Serialize for RuleSchedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Begins {
            from: Epoch,
            version: RuleVersion,
        }
        serializer.collect_seq(self.0.iter().map(|(from, version)| Begins { from: *from, version: *version }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(switches: &[(u64, u16)]) -> RuleSchedule {
        let first = (Epoch(0), RuleVersion::FIRST);
        let later = switches.iter().map(|(epoch, version)| (Epoch(*epoch), RuleVersion(*version)));
        RuleSchedule::new(std::iter::once(first).chain(later).collect()).unwrap()
    }

    #[test]
    fn the_reference_epoch_alone_chooses_the_rules() {
        let schedule = schedule(&[(10, 2), (20, 5)]);
        for (epoch, version) in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 5), (u64::MAX, 5)] {
            assert_eq!(schedule.at(Epoch(epoch)), RuleVersion(version), "{epoch}");
        }
        assert_eq!(schedule.newest(), RuleVersion(5));
    }

    #[test]
    fn two_schedules_part_where_their_versions_first_differ() {
        let (old, new) = (schedule(&[]), schedule(&[(10, 2)]));
        let (later, other) = (schedule(&[(12, 2)]), schedule(&[(10, 3)]));
        let part = |a: &RuleSchedule, b: &RuleSchedule, from| {
            assert_eq!(a.parts_from(b, Epoch(from)), b.parts_from(a, Epoch(from)));
            a.parts_from(b, Epoch(from)).map(|epoch| epoch.0)
        };
        assert_eq!((part(&old, &old, 0), part(&new, &new, 11)), (None, None));
        assert_eq!((part(&old, &new, 0), part(&old, &new, 15)), (Some(10), Some(15)));
        assert_eq!((part(&new, &later, 0), part(&new, &later, 11), part(&new, &later, 12)), (Some(10), Some(11), None));
        assert_eq!(part(&new, &other, 0), Some(10));
    }

    #[test]
    fn the_schedule_of_each_chain_is_one() {
        let chains = SWITCHES.iter().map(|(chain, ..)| *chain).chain([1]);
        for chain in chains {
            let schedule = RuleSchedule::of_chain(chain);
            assert_eq!(RuleSchedule::new(schedule.0.clone()), Some(schedule), "chain {chain}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_not_decoded() {
        let entry = |epoch, version| (Epoch(epoch), RuleVersion(version));
        let many = |count: u16| (0..count).map(|n| entry(u64::from(n), n + 1)).collect::<Vec<_>>();
        assert!(RuleSchedule::new(many(16)).is_some());
        for wrong in [
            vec![],
            vec![entry(1, 1)],
            vec![entry(0, 1), entry(0, 2)],
            vec![entry(0, 1), entry(5, 1)],
            vec![entry(0, 2), entry(5, 1)],
            many(17),
        ] {
            let bytes = borsh::to_vec(&wrong).unwrap();
            assert!(borsh::from_slice::<RuleSchedule>(&bytes).is_err(), "{wrong:?}");
        }
        let bytes = borsh::to_vec(&schedule(&[(10, 2)])).unwrap();
        assert_eq!(borsh::from_slice::<RuleSchedule>(&bytes).unwrap(), schedule(&[(10, 2)]));
    }

    #[test]
    fn a_version_is_shown_as_semantic_versioning_has_it() {
        let commit = Some([0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        let version = ProgramVersion { numbers: [1, 2, 3], commit };
        assert_eq!(version.to_string(), "1.2.3+0123456789ab");
        assert_eq!(ProgramVersion { commit: None, ..version }.to_string(), "1.2.3");
    }
}
